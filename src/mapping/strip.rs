//! Pictures as a map keeps them: the goal image in the log's own bytes, the context as one small strip.

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{ExtendedColorType, ImageEncoder, RgbImage};

use crate::frame::{Picture, RawFrame};

/// Width of one frame of a strip, pixels. A multiple of 16, so that no JPEG block spans two frames.
const FRAME_WIDTH: u32 = 160;
const QUALITY: u8 = 90;

/// The goal image's bytes and extension: the log's own JPEG or PNG where there is one, else a PNG (lossless).
pub(super) fn goal_bytes(raw: &RawFrame) -> Result<(Vec<u8>, &'static str), String> {
    if let Some(encoded) = &raw.encoded {
        match image::guess_format(encoded) {
            Ok(image::ImageFormat::Jpeg) => return Ok((encoded.to_vec(), "jpg")),
            Ok(image::ImageFormat::Png) => return Ok((encoded.to_vec(), "png")),
            _ => {}
        }
    }
    let picture = &raw.picture;
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(&mut bytes)
        .write_image(picture.rgb(), picture.width(), picture.height(), ExtendedColorType::Rgb8)
        .map_err(|error| error.to_string())?;
    Ok((bytes, "png"))
}

/// Frames side by side, oldest left, as one JPEG.
pub(super) fn encode<'a>(pictures: impl Iterator<Item = &'a Picture>) -> Result<Vec<u8>, String> {
    let mut frames = Vec::new();
    for picture in pictures {
        let height = (u64::from(picture.height()) * u64::from(FRAME_WIDTH) / u64::from(picture.width())).clamp(1, 640);
        let image = RgbImage::from_raw(picture.width(), picture.height(), picture.rgb().to_vec())
            .ok_or("a picture's size and bytes do not fit")?;
        frames.push(image::imageops::resize(&image, FRAME_WIDTH, height as u32, FilterType::Triangle));
    }
    let height = frames.first().map_or(1, RgbImage::height);
    let mut strip = RgbImage::new(FRAME_WIDTH * frames.len().max(1) as u32, height);
    for (index, frame) in frames.iter().enumerate() {
        image::imageops::replace(&mut strip, frame, i64::from(FRAME_WIDTH) * index as i64, 0);
    }
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .write_image(strip.as_raw(), strip.width(), strip.height(), ExtendedColorType::Rgb8)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_holds_its_frames_side_by_side() {
        let picture = |value: u8| Picture::from_rgb8(320, 240, vec![value; 320 * 240 * 3]).unwrap();
        let pictures = [picture(10), picture(120), picture(240)];
        let strip = image::load_from_memory(&encode(pictures.iter()).unwrap()).unwrap().into_rgb8();
        assert_eq!((strip.width(), strip.height()), (480, 120));
        for (index, value) in [10_u8, 120, 240].into_iter().enumerate() {
            let x = 160 * index as u32;
            for x in [x, x + 80, x + 159] {
                assert!(strip.get_pixel(x, 60).0[0].abs_diff(value) <= 4, "column {x}");
            }
        }
    }
}
