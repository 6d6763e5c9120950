//! Raw pixel encodings, named as ROS names them, with the row length (`step`) honoured.

use std::str::FromStr;

use super::DecodeError;
use crate::frame::Picture;

/// How the bytes of a raw image are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawEncoding {
    /// Red, green, blue; 8 bits each.
    Rgb8,
    /// Blue, green, red; 8 bits each.
    Bgr8,
    /// Red, green, blue, alpha; alpha is dropped.
    Rgba8,
    /// Blue, green, red, alpha; alpha is dropped.
    Bgra8,
    /// Grey, 8 bits.
    Mono8,
    /// Grey, 16 bits in the image's byte order; the upper 8 bits are kept.
    Mono16,
    /// 4:2:2, bytes U Y V Y (ROS `yuv422`, `uyvy`).
    Uyvy,
    /// 4:2:2, bytes Y U Y V (ROS `yuv422_yuy2`, `yuyv`).
    Yuyv,
    /// 4:2:0, a plane of Y and then a plane of U V pairs.
    Nv12,
}

impl RawEncoding {
    /// The name as ROS writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rgb8 => "rgb8",
            Self::Bgr8 => "bgr8",
            Self::Rgba8 => "rgba8",
            Self::Bgra8 => "bgra8",
            Self::Mono8 => "mono8",
            Self::Mono16 => "mono16",
            Self::Uyvy => "yuv422",
            Self::Yuyv => "yuv422_yuy2",
            Self::Nv12 => "nv12",
        }
    }

    /// Bytes of one row of the (first) plane.
    const fn row_bytes(self, width: u32) -> u64 {
        let width = width as u64;
        match self {
            Self::Rgb8 | Self::Bgr8 => width * 3,
            Self::Rgba8 | Self::Bgra8 => width * 4,
            Self::Mono8 | Self::Nv12 => width,
            Self::Mono16 | Self::Uyvy | Self::Yuyv => width * 2,
        }
    }
}

impl FromStr for RawEncoding {
    type Err = DecodeError;

    fn from_str(name: &str) -> Result<Self, DecodeError> {
        Ok(match name {
            "rgb8" => Self::Rgb8,
            "bgr8" => Self::Bgr8,
            "rgba8" => Self::Rgba8,
            "bgra8" => Self::Bgra8,
            "mono8" | "8UC1" => Self::Mono8,
            "mono16" => Self::Mono16,
            "yuv422" | "uyvy" => Self::Uyvy,
            "yuv422_yuy2" | "yuyv" => Self::Yuyv,
            "nv12" => Self::Nv12,
            other => {
                let name: String = other.chars().take(40).collect();
                let next = if name.starts_with("bayer") { "debayer it first (image_proc)" } else { "publish rgb8" };
                return Err(DecodeError::Unsupported {
                    format: "raw image",
                    detail: format!("encoding `{name}`; {next}"),
                });
            }
        })
    }
}

/// A raw image as a topic or a driver hands it over. Nothing in it is trusted.
#[derive(Clone, Copy, Debug)]
pub struct RawImage<'a> {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Arrangement of the bytes.
    pub encoding: RawEncoding,
    /// Bytes from one row's start to the next one's.
    pub step: u32,
    /// Byte order of samples of more than 8 bits.
    pub big_endian: bool,
    /// The bytes; more than needed are allowed, drivers pad their buffers.
    pub data: &'a [u8],
}

/// Converts a raw image to RGB8. YUV is read as BT.601, limited range, which is what cameras send.
///
/// # Errors
/// When the size is outside the limits, odd where it must be even, or step or length do not fit.
pub fn decode_raw(image: &RawImage<'_>) -> Result<Picture, DecodeError> {
    let RawImage { width, height, encoding, step, .. } = *image;
    Picture::check_size(width, height)?;
    let odd_width = width % 2 == 1 && matches!(encoding, RawEncoding::Uyvy | RawEncoding::Yuyv | RawEncoding::Nv12);
    if odd_width || (height % 2 == 1 && encoding == RawEncoding::Nv12) {
        return Err(DecodeError::OddSize { encoding: encoding.name(), width, height });
    }
    let row = encoding.row_bytes(width);
    if u64::from(step) < row {
        return Err(DecodeError::Step { encoding: encoding.name(), width, step, needed: row });
    }
    let rows = u64::from(height) + if encoding == RawEncoding::Nv12 { u64::from(height) / 2 } else { 0 };
    // The padding behind the last row need not be there.
    let needed = u64::from(step) * (rows - 1) + row;
    if (image.data.len() as u64) < needed {
        return Err(DecodeError::Length { encoding: encoding.name(), width, height, step, needed, got: image.data.len() });
    }
    let mut rgb = vec![0_u8; width as usize * height as usize * 3];
    convert(image, row as usize, &mut rgb);
    Ok(Picture::from_rgb8(width, height, rgb)?)
}

/// Fills `rgb`; the lengths were checked by the caller.
fn convert(image: &RawImage<'_>, row: usize, rgb: &mut [u8]) {
    let step = image.step as usize;
    let (luma, chroma) = image.data.split_at_checked(step * image.height as usize).unwrap_or((image.data, &[]));
    let out_rows = rgb.chunks_exact_mut(image.width as usize * 3);
    let big_endian = image.big_endian;
    if image.encoding == RawEncoding::Nv12 {
        // Every chroma row serves two luma rows.
        let chroma_rows = chroma.chunks(step).flat_map(|uv| [uv, uv]);
        for ((source, uv), out) in luma.chunks(step).zip(chroma_rows).zip(out_rows) {
            for ((ys, uv), out) in source.chunks_exact(2).zip(uv.chunks_exact(2)).zip(out.chunks_exact_mut(6)) {
                if let (&[y0, y1], &[u, v]) = (ys, uv) {
                    two_pixels(y0, y1, u, v, out);
                }
            }
        }
        return;
    }
    for (source, out) in image.data.chunks(step).zip(out_rows) {
        let source = source.get(..row).unwrap_or(source);
        match image.encoding {
            RawEncoding::Rgb8 => {
                if let Some(source) = source.get(..out.len()) {
                    out.copy_from_slice(source);
                }
            }
            RawEncoding::Bgr8 => pixels::<3>(source, out, |[b, g, r]| [r, g, b]),
            RawEncoding::Rgba8 => pixels::<4>(source, out, |[r, g, b, _]| [r, g, b]),
            RawEncoding::Bgra8 => pixels::<4>(source, out, |[b, g, r, _]| [r, g, b]),
            RawEncoding::Mono8 => pixels::<1>(source, out, |[y]| [y; 3]),
            RawEncoding::Mono16 => pixels::<2>(source, out, |[a, b]| [if big_endian { a } else { b }; 3]),
            RawEncoding::Uyvy | RawEncoding::Yuyv | RawEncoding::Nv12 => {
                let uyvy = image.encoding == RawEncoding::Uyvy;
                for (four, out) in source.chunks_exact(4).zip(out.chunks_exact_mut(6)) {
                    if let &[a, b, c, d] = four {
                        let (y0, y1, u, v) = if uyvy { (b, d, a, c) } else { (a, c, b, d) };
                        two_pixels(y0, y1, u, v, out);
                    }
                }
            }
        }
    }
}

fn pixels<const N: usize>(source: &[u8], out: &mut [u8], convert: impl Fn([u8; N]) -> [u8; 3]) {
    let (source, _) = source.as_chunks::<N>();
    let (out, _) = out.as_chunks_mut::<3>();
    for (from, to) in source.iter().zip(out) {
        *to = convert(*from);
    }
}

/// Two neighbours that share their colour, BT.601 limited range in 8.8 fixed point.
fn two_pixels(y0: u8, y1: u8, u: u8, v: u8, out: &mut [u8]) {
    let (d, e) = (i32::from(u) - 128, i32::from(v) - 128);
    let (out, _) = out.as_chunks_mut::<3>();
    for (y, to) in [y0, y1].into_iter().zip(out) {
        let c = 298 * (i32::from(y) - 16) + 128;
        let clamp = |value: i32| (value >> 8).clamp(0, 255) as u8;
        *to = [clamp(c + 409 * e), clamp(c - 100 * d - 208 * e), clamp(c + 516 * d)];
    }
}
