//! PNG: the header's size is checked before the decoder starts.

use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::{ImageError, Limits};

use super::{DecodeError, to_picture};
use crate::frame::{MAX_SIDE_PX, Picture};

pub(super) const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];

const FORMAT: &str = "PNG";

/// Deflate makes at most 1032 bytes of one.
const MAX_INFLATION: u64 = 1032;

pub(super) fn decode(bytes: &[u8]) -> Result<Picture, DecodeError> {
    let (width, height, bits_per_pixel) = header(bytes)?;
    Picture::check_size(width, height)?;
    let area = u64::from(width) * u64::from(height);
    let raw_bytes = (area * bits_per_pixel) / 8;
    if raw_bytes > MAX_INFLATION * bytes.len() as u64 {
        return Err(DecodeError::Bomb { format: FORMAT, width, height, len: bytes.len() });
    }
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE_PX);
    limits.max_image_height = Some(MAX_SIDE_PX);
    // Colour profiles and text inflate too: they get what the pixels may have, no more.
    limits.max_alloc = Some(area * 8 + (1 << 20));
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits).map_err(reason)?;
    to_picture(image::DynamicImage::from_decoder(decoder).map_err(reason)?)
}

fn reason(error: ImageError) -> DecodeError {
    let detail = error.to_string();
    match error {
        ImageError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::Truncated { format: FORMAT, detail }
        }
        ImageError::Unsupported(_) => DecodeError::Unsupported { format: FORMAT, detail },
        _ => DecodeError::Corrupt { format: FORMAT, detail },
    }
}

/// Width, height and bits a pixel out of the header chunk, which the format puts first.
fn header(bytes: &[u8]) -> Result<(u32, u32, u64), DecodeError> {
    let short = || DecodeError::Truncated { format: FORMAT, detail: format!("only {} bytes, no header", bytes.len()) };
    let header = bytes.get(12..26).ok_or_else(short)?;
    let (name, rest) = header.split_first_chunk::<4>().ok_or_else(short)?;
    if name != b"IHDR" {
        return Err(DecodeError::Corrupt { format: FORMAT, detail: "the first chunk is not the header".to_owned() });
    }
    let (width, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let (height, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let &[depth, colour] = rest else { return Err(short()) };
    let channels = match colour {
        2 => 3,
        4 => 2,
        6 => 4,
        _ => 1,
    };
    Ok((u32::from_be_bytes(*width), u32::from_be_bytes(*height), channels * u64::from(depth)))
}
