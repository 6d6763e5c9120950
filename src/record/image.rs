//! ROS images in CDR, written and read by hand: it is seven fields, and the recorder must work in
//! builds without the ROS face.
//!
//! CDR aligns every number to its own size, counted from behind the four bytes of encapsulation.

use crate::camera::decode::{DecodeError, RawImage, decode_raw};
use crate::frame::{Picture, PictureError};

const LITTLE_ENDIAN: [u8; 4] = [0, 1, 0, 0];

/// Longest accepted text field, bytes.
const MAX_TEXT_BYTES: u32 = 4096;

/// Why bytes are no image message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CdrError {
    /// The message ends within a field.
    #[error("the message ends within `{field}`: {needed} bytes needed, {left} left")]
    Short {
        /// Name of the field.
        field: &'static str,
        /// Bytes the field needs.
        needed: usize,
        /// Bytes that are left.
        left: usize,
    },
    /// Not plain CDR.
    #[error("encapsulation {0:02x?} is not plain CDR (00 00 or 00 01)")]
    Encapsulation([u8; 2]),
    /// A text field is too long, not terminated or not UTF-8.
    #[error("`{field}` is not a text: {detail}")]
    Text {
        /// Name of the field.
        field: &'static str,
        /// What is wrong.
        detail: String,
    },
}

/// A `sensor_msgs/msg/Image`, borrowed from its bytes. Nothing but the framing is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosImage<'a> {
    /// Capture stamp, nanoseconds.
    pub stamp_ns: i64,
    /// Frame of reference.
    pub frame_id: &'a str,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Encoding's ROS name.
    pub encoding: &'a str,
    /// Byte order of samples of more than 8 bits.
    pub big_endian: bool,
    /// Bytes a row.
    pub step: u32,
    /// The pixels.
    pub data: &'a [u8],
}

impl RosImage<'_> {
    /// The picture, as RGB8.
    ///
    /// # Errors
    /// When the encoding is not known or size, step and length do not fit.
    pub fn picture(&self) -> Result<Picture, DecodeError> {
        decode_raw(&RawImage {
            width: self.width,
            height: self.height,
            encoding: self.encoding.parse()?,
            step: self.step,
            big_endian: self.big_endian,
            data: self.data,
        })
    }
}

/// A `sensor_msgs/msg/CompressedImage`, borrowed from its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosCompressedImage<'a> {
    /// Capture stamp, nanoseconds.
    pub stamp_ns: i64,
    /// Frame of reference.
    pub frame_id: &'a str,
    /// Format as the sender named it.
    pub format: &'a str,
    /// The encoded picture.
    pub data: &'a [u8],
}

/// An RGB8 picture as a `sensor_msgs/msg/Image`.
///
/// # Errors
/// When the size is outside the limits or `rgb` does not hold `width * height * 3` bytes.
pub fn encode_rgb8_image(stamp_ns: i64, frame_id: &str, width: u32, height: u32, rgb: &[u8]) -> Result<Vec<u8>, PictureError> {
    Picture::check_size(width, height)?;
    let expected = width as usize * height as usize * 3;
    if rgb.len() != expected {
        return Err(PictureError::Length { width, height, expected, got: rgb.len() });
    }
    let mut out = Writer::with_capacity(rgb.len() + frame_id.len() + 64);
    out.header(stamp_ns, frame_id);
    out.u32(height);
    out.u32(width);
    out.text("rgb8");
    out.bytes.push(0);
    out.u32(width * 3);
    out.blob(rgb);
    Ok(out.bytes)
}

/// Encoded bytes (`format` is `jpeg` or `png`) as a `sensor_msgs/msg/CompressedImage`.
#[must_use]
pub fn encode_compressed_image(stamp_ns: i64, frame_id: &str, format: &str, data: &[u8]) -> Vec<u8> {
    let mut out = Writer::with_capacity(data.len() + frame_id.len() + format.len() + 64);
    out.header(stamp_ns, frame_id);
    out.text(format);
    out.blob(data);
    out.bytes
}

/// Reads a `sensor_msgs/msg/Image`.
///
/// # Errors
/// [`CdrError`] when the bytes are not framed as one.
pub fn decode_image(message: &[u8]) -> Result<RosImage<'_>, CdrError> {
    let mut from = Reader::new(message)?;
    let (stamp_ns, frame_id) = from.header()?;
    let height = from.u32("height")?;
    let width = from.u32("width")?;
    let encoding = from.text("encoding")?;
    let big_endian = from.take("is_bigendian", 1)?.first() == Some(&1);
    let step = from.u32("step")?;
    let data = from.blob("data")?;
    Ok(RosImage { stamp_ns, frame_id, width, height, encoding, big_endian, step, data })
}

/// Reads a `sensor_msgs/msg/CompressedImage`.
///
/// # Errors
/// [`CdrError`] when the bytes are not framed as one.
pub fn decode_compressed_image(message: &[u8]) -> Result<RosCompressedImage<'_>, CdrError> {
    let mut from = Reader::new(message)?;
    let (stamp_ns, frame_id) = from.header()?;
    Ok(RosCompressedImage { stamp_ns, frame_id, format: from.text("format")?, data: from.blob("data")? })
}

struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn with_capacity(capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend(LITTLE_ENDIAN);
        Self { bytes }
    }

    fn u32(&mut self, value: u32) {
        // The encapsulation has four bytes, so alignment to four is the same with and without it.
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.bytes.extend(value.to_le_bytes());
    }

    fn header(&mut self, stamp_ns: i64, frame_id: &str) {
        let sec = stamp_ns.div_euclid(1_000_000_000).clamp(i64::from(i32::MIN), i64::from(i32::MAX));
        self.u32((sec as i32).cast_unsigned());
        self.u32(stamp_ns.rem_euclid(1_000_000_000) as u32);
        self.text(frame_id);
    }

    /// Text longer than a reader accepts is cut.
    fn text(&mut self, text: &str) {
        let cut = (0..=text.len().min(MAX_TEXT_BYTES as usize - 1)).rev().find(|&i| text.is_char_boundary(i));
        let text = cut.and_then(|cut| text.get(..cut)).unwrap_or_default();
        self.u32(text.len() as u32 + 1);
        self.bytes.extend(text.as_bytes());
        self.bytes.push(0);
    }

    fn blob(&mut self, data: &[u8]) {
        let data = data.get(..u32::MAX as usize).unwrap_or(data);
        self.u32(data.len() as u32);
        self.bytes.extend(data);
    }
}

struct Reader<'a> {
    /// Behind the encapsulation.
    body: &'a [u8],
    at: usize,
    big_endian: bool,
}

impl<'a> Reader<'a> {
    fn new(message: &'a [u8]) -> Result<Self, CdrError> {
        let Some((&[a, b, _, _], body)) = message.split_first_chunk::<4>() else {
            return Err(CdrError::Short { field: "encapsulation", needed: 4, left: message.len() });
        };
        if a != 0 || b > 1 {
            return Err(CdrError::Encapsulation([a, b]));
        }
        Ok(Self { body, at: 0, big_endian: b == 0 })
    }

    fn take(&mut self, field: &'static str, needed: usize) -> Result<&'a [u8], CdrError> {
        let rest = self.body.get(self.at..).unwrap_or_default();
        let taken = rest.get(..needed).ok_or(CdrError::Short { field, needed, left: rest.len() })?;
        self.at += needed;
        Ok(taken)
    }

    fn u32(&mut self, field: &'static str) -> Result<u32, CdrError> {
        self.at = self.at.next_multiple_of(4);
        let bytes = self.take(field, 4)?;
        let four = bytes.first_chunk::<4>().copied().unwrap_or_default();
        Ok(if self.big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
    }

    fn header(&mut self) -> Result<(i64, &'a str), CdrError> {
        let sec = i64::from(self.u32("header.stamp.sec")?.cast_signed());
        let nanosec = i64::from(self.u32("header.stamp.nanosec")?);
        Ok((sec * 1_000_000_000 + nanosec, self.text("header.frame_id")?))
    }

    fn text(&mut self, field: &'static str) -> Result<&'a str, CdrError> {
        let len = self.u32(field)?;
        if len > MAX_TEXT_BYTES {
            return Err(CdrError::Text { field, detail: format!("{len} bytes, at most {MAX_TEXT_BYTES} are read") });
        }
        let bytes = self.take(field, len as usize)?;
        // Some writers leave the terminator out of an empty text.
        let text = bytes.strip_suffix(&[0]).unwrap_or(bytes);
        std::str::from_utf8(text).map_err(|e| CdrError::Text { field, detail: e.to_string() })
    }

    fn blob(&mut self, field: &'static str) -> Result<&'a [u8], CdrError> {
        let len = self.u32(field)?;
        self.take(field, len as usize)
    }
}
