//! JPEG: the file's structure is walked before the decoder sees it.
//!
//! `image`'s decoder runs in its lenient mode and fills what is missing with grey, so whether the
//! picture is whole has to be found out here: the end marker must be reached, and where the file
//! has restart markers there must be as many as its size asks for.

use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;

use super::{DecodeError, to_picture};
use crate::frame::Picture;

pub(super) const START: [u8; 3] = [0xff, 0xd8, 0xff];

const FORMAT: &str = "JPEG";

/// Every scan costs a pass over all blocks; real files have about ten.
const MAX_SCANS: u32 = 64;

/// A flat picture needs some 6 bits for 256 pixels at the very least; this is twice as lenient.
const MAX_PIXELS_PER_BYTE: u64 = 1024;

/// What the walk found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Structure {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Length up to and with the end marker; cameras leave trailing bytes after it.
    pub(super) len: usize,
}

pub(super) fn decode(bytes: &[u8]) -> Result<Picture, DecodeError> {
    let found = walk(bytes)?;
    Picture::check_size(found.width, found.height)?;
    let area = u64::from(found.width) * u64::from(found.height);
    if area > MAX_PIXELS_PER_BYTE * found.len as u64 {
        return Err(DecodeError::Bomb { format: FORMAT, width: found.width, height: found.height, len: found.len });
    }
    let whole = bytes.get(..found.len).unwrap_or(bytes);
    let corrupt = |e: image::ImageError| DecodeError::Corrupt { format: FORMAT, detail: e.to_string() };
    let decoder = JpegDecoder::new(Cursor::new(whole)).map_err(corrupt)?;
    to_picture(image::DynamicImage::from_decoder(decoder).map_err(corrupt)?)
}

/// Frame header fields that decide how many restart markers there must be.
#[derive(Clone, Copy)]
struct FrameHeader {
    width: u32,
    height: u32,
    components: u8,
    progressive: bool,
    /// Width and height of a minimum coded unit, pixels.
    unit: (u32, u32),
}

fn truncated(detail: String) -> DecodeError {
    DecodeError::Truncated { format: FORMAT, detail }
}

fn corrupt(detail: String) -> DecodeError {
    DecodeError::Corrupt { format: FORMAT, detail }
}

pub(super) fn walk(bytes: &[u8]) -> Result<Structure, DecodeError> {
    let mut at = 2;
    let mut frame: Option<FrameHeader> = None;
    let mut restart_interval = 0_u32;
    let mut scans = 0_u32;
    loop {
        let (marker, after) = next_marker(bytes, at)
            .ok_or_else(|| truncated(format!("no end marker in {} bytes", bytes.len())))?;
        at = after;
        match marker {
            0xd9 => {
                let Some(frame) = frame.filter(|_| scans > 0) else {
                    return Err(corrupt(format!("end marker at byte {at} before any picture")));
                };
                return Ok(Structure { width: frame.width, height: frame.height, len: at });
            }
            0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let body = segment(bytes, at, marker)?;
        at += 2 + body.len();
        match marker {
            0xc0..=0xc2 => {
                if frame.is_some() {
                    return Err(corrupt("two frame headers".to_owned()));
                }
                frame = Some(frame_header(marker, body)?);
            }
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Err(DecodeError::Unsupported {
                    format: FORMAT,
                    detail: format!("coding process 0x{marker:02x} (lossless, arithmetic or hierarchical); save it as baseline or progressive"),
                });
            }
            0xdd => restart_interval = body.first_chunk::<2>().map_or(0, |b| u32::from(u16::from_be_bytes(*b))),
            0xda => {
                let Some(frame) = frame else {
                    return Err(corrupt("a scan before the frame header".to_owned()));
                };
                scans += 1;
                if scans > MAX_SCANS {
                    return Err(corrupt(format!("more than {MAX_SCANS} scans")));
                }
                let (end, restarts) = entropy_coded(bytes, at);
                at = end;
                let all_in_one_scan = body.first() == Some(&frame.components) && !frame.progressive;
                if all_in_one_scan && restart_interval > 0 {
                    let expected = expected_restarts(frame, restart_interval);
                    if restarts < expected {
                        return Err(truncated(format!("{restarts} restart markers of {expected}: part of the picture is missing")));
                    }
                }
            }
            _ => {}
        }
    }
}

/// The next marker's code at or after `at`, and the position behind it.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += bytes.get(at..)?.iter().position(|&b| b == 0xff)? + 1;
        match *bytes.get(at)? {
            0x00 => {}
            // A fill byte: the marker's own 0xff is the one looked at next.
            0xff => continue,
            code => return Some((code, at + 1)),
        }
    }
}

fn segment(bytes: &[u8], at: usize, marker: u8) -> Result<&[u8], DecodeError> {
    let rest = bytes.get(at..).unwrap_or_default();
    let Some((head, body)) = rest.split_first_chunk::<2>() else {
        return Err(truncated(format!("segment 0x{marker:02x} at byte {at} has no length")));
    };
    let length = usize::from(u16::from_be_bytes(*head));
    let Some(body_len) = length.checked_sub(2) else {
        return Err(corrupt(format!("segment 0x{marker:02x} at byte {at} has length {length}")));
    };
    body.get(..body_len).ok_or_else(|| {
        truncated(format!("segment 0x{marker:02x} at byte {at} needs {body_len} bytes, {} are left", body.len()))
    })
}

fn frame_header(marker: u8, body: &[u8]) -> Result<FrameHeader, DecodeError> {
    let Some((&[precision, h1, h0, w1, w0, components], table)) = body.split_first_chunk::<6>() else {
        return Err(corrupt(format!("frame header of {} bytes", body.len())));
    };
    let unsupported = |detail: String| DecodeError::Unsupported { format: FORMAT, detail };
    if precision != 8 {
        return Err(unsupported(format!("{precision} bits a sample; save it with 8")));
    }
    match components {
        1 | 3 => {}
        // Whether such a file is inverted is a guess, and a wrong guess is a negative.
        4 => return Err(unsupported("four colour components (CMYK); save it as RGB".to_owned())),
        n => return Err(unsupported(format!("{n} colour components; save it as RGB or grey"))),
    }
    let sampling = |high: bool| {
        table.chunks_exact(3).filter_map(|c| c.get(1)).map(|s| u32::from(if high { s >> 4 } else { s & 15 })).max()
    };
    // A single component is coded block by block whatever its sampling factors say.
    let (h, v) = if components == 1 { (1, 1) } else { (sampling(true).unwrap_or(1), sampling(false).unwrap_or(1)) };
    Ok(FrameHeader {
        width: u32::from(u16::from_be_bytes([w1, w0])),
        height: u32::from(u16::from_be_bytes([h1, h0])),
        components,
        progressive: marker == 0xc2,
        unit: (8 * h.max(1), 8 * v.max(1)),
    })
}

fn expected_restarts(frame: FrameHeader, interval: u32) -> u64 {
    let units = u64::from(frame.width.div_ceil(frame.unit.0)) * u64::from(frame.height.div_ceil(frame.unit.1));
    units.div_ceil(u64::from(interval)).saturating_sub(1)
}

/// End of the entropy-coded data that starts at `at`, and the restart markers in it.
fn entropy_coded(bytes: &[u8], mut at: usize) -> (usize, u64) {
    let mut restarts = 0;
    loop {
        let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|&b| b == 0xff)) else {
            return (bytes.len(), restarts);
        };
        at += found;
        match bytes.get(at + 1) {
            Some(0x00) => at += 2,
            Some(0xff) => at += 1,
            Some(0xd0..=0xd7) => {
                restarts += 1;
                at += 2;
            }
            _ => return (at, restarts),
        }
    }
}
