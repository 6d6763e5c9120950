//! Bytes to [`Picture`]: JPEG, PNG and the raw encodings cameras and ROS topics send.
//!
//! Every function is pure and takes untrusted bytes: sizes are read and checked before anything
//! is allocated for the pixels, and a picture that is not wholly there is an error, because a
//! decoder left to itself paints the missing part grey and the robot would drive by it.

mod jpeg;
mod png;
mod raw;

pub use raw::{RawEncoding, RawImage, decode_raw};

use crate::frame::{Picture, PictureError};

/// Longest accepted JPEG or PNG, in bytes.
pub const MAX_ENCODED_BYTES: usize = 64 * 1024 * 1024;

/// Why bytes gave no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Neither JPEG nor PNG by its first bytes.
    #[error("neither JPEG nor PNG: {len} bytes that begin with {head:02x?}; send jpeg or png, or a raw encoding")]
    UnknownFormat {
        /// Bytes given.
        len: usize,
        /// The first bytes, at most four.
        head: Vec<u8>,
    },
    /// Longer than [`MAX_ENCODED_BYTES`].
    #[error("an encoded picture of {len} bytes is not accepted (at most {MAX_ENCODED_BYTES})")]
    TooLong {
        /// Bytes given.
        len: usize,
    },
    /// The size is outside the limits, or the decoder's output does not fit it.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The header claims more pixels than so few bytes can hold: a bomb or a cut file.
    #[error("{format} claims {width}x{height} pixels, more than its {len} bytes can hold; the file is cut off or hostile")]
    Bomb {
        /// `JPEG` or `PNG`.
        format: &'static str,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Bytes given.
        len: usize,
    },
    /// The picture ends before its end.
    #[error("{format} is cut off: {detail}")]
    Truncated {
        /// `JPEG` or `PNG`.
        format: &'static str,
        /// What is missing.
        detail: String,
    },
    /// A valid file of a kind we do not read.
    #[error("{format} of this kind is not read: {detail}")]
    Unsupported {
        /// `JPEG`, `PNG` or `raw image`.
        format: &'static str,
        /// Which kind, and what to use in its place.
        detail: String,
    },
    /// The bytes contradict the format.
    #[error("{format} is damaged: {detail}")]
    Corrupt {
        /// `JPEG` or `PNG`.
        format: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// A raw image whose row length is too small for its width.
    #[error("raw {encoding} image {width} pixels wide has step {step}, its rows need {needed} bytes")]
    Step {
        /// The encoding's ROS name.
        encoding: &'static str,
        /// Width in pixels.
        width: u32,
        /// Bytes a row, as given.
        step: u32,
        /// Bytes a row needs.
        needed: u64,
    },
    /// A raw image with fewer bytes than its size and step need.
    #[error("raw {encoding} image {width}x{height} with step {step} needs {needed} bytes, got {got}")]
    Length {
        /// The encoding's ROS name.
        encoding: &'static str,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Bytes a row.
        step: u32,
        /// Bytes needed.
        needed: u64,
        /// Bytes given.
        got: usize,
    },
    /// A chroma-subsampled image of odd size.
    #[error("raw {encoding} image of {width}x{height} pixels: the encoding shares colour between neighbours, its size must be even")]
    OddSize {
        /// The encoding's ROS name.
        encoding: &'static str,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
}

/// Decodes JPEG or PNG bytes, told apart by their first bytes.
///
/// # Errors
/// See [`DecodeError`]; a picture that is cut off, damaged or too large is never half returned.
pub fn decode(bytes: &[u8]) -> Result<Picture, DecodeError> {
    if bytes.len() > MAX_ENCODED_BYTES {
        return Err(DecodeError::TooLong { len: bytes.len() });
    }
    if bytes.starts_with(&jpeg::START) {
        jpeg::decode(bytes)
    } else if bytes.starts_with(&png::SIGNATURE) {
        png::decode(bytes)
    } else {
        Err(DecodeError::UnknownFormat { len: bytes.len(), head: bytes.iter().take(4).copied().collect() })
    }
}

/// RGB8 out of what `image` decoded, whatever its channels and depth were.
fn to_picture(image: image::DynamicImage) -> Result<Picture, DecodeError> {
    let rgb = image.into_rgb8();
    let (width, height) = rgb.dimensions();
    Ok(Picture::from_rgb8(width, height, rgb.into_raw())?)
}

#[cfg(test)]
mod tests;
