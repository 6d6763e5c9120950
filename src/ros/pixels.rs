//! Pictures from messages. Whatever a message says of itself is checked before it is believed.

use std::io::Cursor;

use image::{ImageFormat, ImageReader};

use super::messages::{CompressedImage, Image};
use crate::frame::Picture;

/// A picture from a raw message.
///
/// # Errors
/// What is wrong with the message, and with which number.
pub(super) fn picture_from_image(message: &Image) -> Result<Picture, String> {
    let Image { width, height, step, .. } = *message;
    Picture::check_size(width, height).map_err(|error| error.to_string())?;
    let layout = Layout::of(&message.encoding, message.is_bigendian != 0)?;
    let row_bytes = width as usize * layout.bytes_per_pixel();
    let step = step as usize;
    if step < row_bytes {
        return Err(format!(
            "step is {step} bytes, but a row of {width} {} pixels needs {row_bytes}",
            message.encoding
        ));
    }
    let needed = step
        .checked_mul(height as usize - 1)
        .and_then(|rows| rows.checked_add(row_bytes))
        .ok_or_else(|| format!("step {step} times height {height} is too much"))?;
    if message.data.len() < needed {
        return Err(format!(
            "{} bytes of data, but {height} rows with a step of {step} need {needed}",
            message.data.len()
        ));
    }
    let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
    for row in message.data.chunks(step).take(height as usize).filter_map(|row| row.get(..row_bytes)) {
        layout.append_rgb(row, &mut rgb);
    }
    Picture::from_rgb8(width, height, rgb).map_err(|error| error.to_string())
}

/// A picture from a JPEG or PNG file in a message.
///
/// # Errors
/// What is wrong with the message.
pub(super) fn picture_from_compressed(message: &CompressedImage) -> Result<Picture, String> {
    // Drivers write anything into `format`; the file itself says what it is.
    let format = image::guess_format(&message.data)
        .ok()
        .filter(|format| matches!(format, ImageFormat::Jpeg | ImageFormat::Png))
        .ok_or_else(|| format!("neither JPEG nor PNG (the sender calls it {:?})", message.format))?;
    let file = || ImageReader::with_format(Cursor::new(message.data.as_slice()), format);
    let (width, height) = file().into_dimensions().map_err(|error| error.to_string())?;
    Picture::check_size(width, height).map_err(|error| error.to_string())?;
    let rgb = file().decode().map_err(|error| error.to_string())?.into_rgb8();
    let (width, height) = rgb.dimensions();
    Picture::from_rgb8(width, height, rgb.into_raw()).map_err(|error| error.to_string())
}

/// Where the colours lie within a pixel.
#[derive(Clone, Copy)]
enum Layout {
    Rgb,
    Bgr,
    Rgba,
    Bgra,
    Mono,
    MonoBig,
    MonoLittle,
}

impl Layout {
    fn of(encoding: &str, big_endian: bool) -> Result<Self, String> {
        Ok(match encoding {
            "rgb8" => Self::Rgb,
            "bgr8" | "8UC3" => Self::Bgr,
            "rgba8" => Self::Rgba,
            "bgra8" | "8UC4" => Self::Bgra,
            "mono8" | "8UC1" => Self::Mono,
            "mono16" if big_endian => Self::MonoBig,
            "mono16" => Self::MonoLittle,
            _ => {
                return Err(format!(
                    "encoding {encoding:?} is not supported: let the camera send rgb8, bgr8, rgba8, bgra8, mono8, mono16 or a compressed picture"
                ));
            }
        })
    }

    fn bytes_per_pixel(self) -> usize {
        match self {
            Self::Rgb | Self::Bgr => 3,
            Self::Rgba | Self::Bgra => 4,
            Self::Mono => 1,
            Self::MonoBig | Self::MonoLittle => 2,
        }
    }

    fn append_rgb(self, row: &[u8], rgb: &mut Vec<u8>) {
        match self {
            Self::Rgb => rgb.extend_from_slice(row),
            Self::Bgr => rgb.extend(row.as_chunks().0.iter().flat_map(|&[b, g, r]| [r, g, b])),
            Self::Rgba => rgb.extend(row.as_chunks().0.iter().flat_map(|&[r, g, b, _]| [r, g, b])),
            Self::Bgra => rgb.extend(row.as_chunks().0.iter().flat_map(|&[b, g, r, _]| [r, g, b])),
            Self::Mono => rgb.extend(row.iter().flat_map(|&grey| [grey; 3])),
            Self::MonoBig => rgb.extend(row.as_chunks().0.iter().flat_map(|&[high, _]| [high; 3])),
            Self::MonoLittle => rgb.extend(row.as_chunks().0.iter().flat_map(|&[_, high]| [high; 3])),
        }
    }
}

#[cfg(test)]
#[allow(clippy::type_complexity)] // Tables of cases.
mod tests {
    use super::*;

    /// 2x2 pixels, each row padded to `step`.
    fn image(encoding: &str, big_endian: u8, rows: [&[u8]; 2], step: usize) -> Image {
        let mut data = Vec::new();
        for row in rows {
            data.extend_from_slice(row);
            data.resize(data.len() + step - row.len(), 0xEE);
        }
        let (encoding, step) = (encoding.to_owned(), u32::try_from(step).unwrap());
        Image { width: 2, height: 2, encoding, is_bigendian: big_endian, step, data, ..Image::default() }
    }

    #[test]
    fn every_encoding_gives_the_same_colours_whatever_its_order_and_padding() {
        let colour = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        let grey = [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4];
        let cases: [(&str, u8, [&[u8]; 2], [u8; 12]); 8] = [
            ("rgb8", 0, [&[1, 2, 3, 4, 5, 6], &[7, 8, 9, 10, 11, 12]], colour),
            ("bgr8", 0, [&[3, 2, 1, 6, 5, 4], &[9, 8, 7, 12, 11, 10]], colour),
            ("8UC3", 0, [&[3, 2, 1, 6, 5, 4], &[9, 8, 7, 12, 11, 10]], colour),
            ("rgba8", 0, [&[1, 2, 3, 0, 4, 5, 6, 0], &[7, 8, 9, 0, 10, 11, 12, 0]], colour),
            ("bgra8", 0, [&[3, 2, 1, 0, 6, 5, 4, 0], &[9, 8, 7, 0, 12, 11, 10, 0]], colour),
            ("mono8", 0, [&[1, 2], &[3, 4]], grey),
            ("mono16", 1, [&[1, 99, 2, 99], &[3, 99, 4, 99]], grey),
            ("mono16", 0, [&[99, 1, 99, 2], &[99, 3, 99, 4]], grey),
        ];
        for (encoding, big_endian, rows, expected) in cases {
            for padding in [0, 5] {
                let step = rows[0].len() + padding;
                let picture = picture_from_image(&image(encoding, big_endian, rows, step)).unwrap();
                assert_eq!(picture.rgb(), expected, "{encoding} big_endian {big_endian} padding {padding}");
            }
        }
    }

    #[test]
    fn a_message_that_lies_about_itself_is_refused_with_the_number() {
        let good = image("rgb8", 0, [&[1, 2, 3, 4, 5, 6], &[7, 8, 9, 10, 11, 12]], 6);
        let cases: [(Image, &str); 6] = [
            (Image { step: 5, ..good.clone() }, "5 bytes"),
            (Image { height: 3, ..good.clone() }, "12 bytes"),
            (Image { width: 0, ..good.clone() }, "0x2"),
            (Image { width: u32::MAX, height: u32::MAX, step: u32::MAX, ..good.clone() }, "4294967295"),
            (Image { step: u32::MAX, height: 8192, ..good.clone() }, "4294967295"),
            (Image { encoding: "bayer_rggb8".into(), ..good }, "bayer_rggb8"),
        ];
        for (message, number) in cases {
            let error = picture_from_image(&message).unwrap_err();
            assert!(error.contains(number), "{error}");
        }
    }

    #[test]
    fn the_last_row_may_lack_its_padding() {
        let mut message = image("mono8", 0, [&[1, 2], &[3, 4]], 4);
        message.data.truncate(6);
        assert_eq!(picture_from_image(&message).unwrap().rgb(), [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
    }

    fn compressed(format: ImageFormat, width: u32, height: u32, rgb: Vec<u8>) -> CompressedImage {
        let mut data = Cursor::new(Vec::new());
        image::RgbImage::from_raw(width, height, rgb).unwrap().write_to(&mut data, format).unwrap();
        CompressedImage { format: "whatever".into(), data: data.into_inner(), ..CompressedImage::default() }
    }

    #[test]
    fn png_gives_the_exact_pixels_and_jpeg_nearly() {
        let rgb = [200, 100, 50].repeat(16 * 8);
        let png = picture_from_compressed(&compressed(ImageFormat::Png, 16, 8, rgb.clone())).unwrap();
        assert_eq!((png.width(), png.height(), png.rgb()), (16, 8, rgb.as_slice()));
        let jpeg = picture_from_compressed(&compressed(ImageFormat::Jpeg, 16, 8, rgb.clone())).unwrap();
        assert_eq!((jpeg.width(), jpeg.height()), (16, 8));
        assert!(jpeg.rgb().iter().zip(&rgb).all(|(a, b)| a.abs_diff(*b) <= 4), "{:?}", jpeg.rgb());
    }

    #[test]
    fn a_broken_or_oversized_file_is_refused() {
        let mut cut = compressed(ImageFormat::Png, 16, 8, vec![9; 16 * 8 * 3]);
        cut.data.truncate(cut.data.len() / 2);
        assert!(picture_from_compressed(&cut).is_err());
        let wide = compressed(ImageFormat::Png, 8193, 1, vec![9; 8193 * 3]);
        assert!(picture_from_compressed(&wide).unwrap_err().contains("8193x1"));
        let other =
            CompressedImage { format: "16UC1; compressedDepth".into(), data: vec![1; 40], ..Default::default() };
        assert!(picture_from_compressed(&other).unwrap_err().contains("compressedDepth"));
    }
}
