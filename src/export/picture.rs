//! Pictures as GNM data sets have them: JPEG, 160x120 at most, cropped to 4:3 about the centre.

use std::sync::Arc;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ExtendedColorType, RgbImage};

use super::ExportError;
use crate::frame::Picture;

const WIDTH: u32 = 160;
const HEIGHT: u32 = 120;
const QUALITY: u8 = 92;

/// What is done to a picture that is not 160x120.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fit {
    /// Cut to 4:3 about the centre, then made smaller: as the published data sets were made.
    #[default]
    Crop,
    /// The whole picture, squeezed: what `pilotage run` shows the policy.
    Squeeze,
    /// As it is.
    Keep,
}

impl std::str::FromStr for Fit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "crop" => Ok(Self::Crop),
            "squeeze" => Ok(Self::Squeeze),
            "keep" => Ok(Self::Keep),
            _ => Err(format!("{text:?} is none of crop, squeeze, keep")),
        }
    }
}

/// JPEG bytes; the log's own where nothing has to be done to them. Small pictures are never made larger.
pub(super) fn jpeg(picture: &Picture, encoded: Option<&Arc<[u8]>>, fit: Fit) -> Result<Vec<u8>, ExportError> {
    let (width, height) = (picture.width(), picture.height());
    let (x, y, crop_width, crop_height) = if fit == Fit::Crop { crop(width, height) } else { (0, 0, width, height) };
    let smaller = fit != Fit::Keep && crop_width > WIDTH && crop_height > HEIGHT;
    let untouched = (crop_width, crop_height) == (width, height) && !smaller;
    if untouched && let Some(bytes) = encoded.filter(|bytes| bytes.starts_with(&[0xff, 0xd8])) {
        return Ok(bytes.to_vec());
    }
    if untouched {
        return encode(picture.rgb(), width, height);
    }
    let failed = |detail: &str| ExportError::Picture { width, height, detail: detail.to_owned() };
    let whole = RgbImage::from_raw(width, height, picture.rgb().to_vec()).ok_or_else(|| failed("its size is wrong"))?;
    let part = imageops::crop_imm(&whole, x, y, crop_width, crop_height).to_image();
    // Antialiased: the kernel is widened when a picture is made smaller.
    let out = if smaller { imageops::resize(&part, WIDTH, HEIGHT, FilterType::CatmullRom) } else { part };
    encode(out.as_raw(), out.width(), out.height())
}

/// Left, top, width and height of the largest 4:3 part about the centre.
fn crop(width: u32, height: u32) -> (u32, u32, u32, u32) {
    let (wide, high) = (u64::from(width), u64::from(height));
    // Rounded, so that a picture that is 4:3 but for rounding (85x64) stays whole.
    let wanted_width = ((high * 8 + 3) / 6).clamp(1, wide) as u32;
    let wanted_height = ((wide * 6 + 4) / 8).clamp(1, high) as u32;
    if wide * 3 > high * 4 {
        ((width - wanted_width) / 2, 0, wanted_width, height)
    } else {
        (0, (height - wanted_height) / 2, width, wanted_height)
    }
}

fn encode(rgb: &[u8], width: u32, height: u32) -> Result<Vec<u8>, ExportError> {
    let mut out = Vec::new();
    JpegEncoder::new_with_quality(&mut out, QUALITY)
        .encode(rgb, width, height, ExtendedColorType::Rgb8)
        .map_err(|error| ExportError::Picture { width, height, detail: error.to_string() })?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crop_is_four_to_three_about_the_centre_and_leaves_such_pictures_whole() {
        assert_eq!(crop(160, 120), (0, 0, 160, 120));
        assert_eq!(crop(85, 64), (0, 0, 85, 64));
        assert_eq!(crop(1280, 720), (160, 0, 960, 720));
        assert_eq!(crop(480, 640), (0, 140, 480, 360));
        assert_eq!(crop(1, 1), (0, 0, 1, 1));
    }

    #[test]
    fn pictures_shrink_to_160x120_and_never_grow() {
        for (width, height, fit, expected) in [
            (640, 360, Fit::Crop, (160, 120)),
            (640, 360, Fit::Squeeze, (160, 120)),
            (640, 360, Fit::Keep, (640, 360)),
            (85, 64, Fit::Crop, (85, 64)),
        ] {
            let picture = Picture::from_rgb8(width, height, vec![90; (width * height * 3) as usize]).unwrap();
            let bytes = jpeg(&picture, None, fit).unwrap();
            let back = crate::camera::decode::decode(&bytes).unwrap();
            assert_eq!((back.width(), back.height()), expected, "{width}x{height} {fit:?}");
        }
    }

    #[test]
    fn a_jpeg_that_fits_is_taken_over_byte_by_byte() {
        let picture = Picture::from_rgb8(160, 120, vec![7; 160 * 120 * 3]).unwrap();
        let own: Arc<[u8]> = encode(picture.rgb(), 160, 120).unwrap().into();
        assert_eq!(jpeg(&picture, Some(&own), Fit::Crop).unwrap(), own.to_vec());
    }
}
