//! A camera on this computer, through V4L2.
//!
//! What nokhwa cannot do, and this plain form does not make up for: waiting for a frame has no
//! timeout (a driver that stalls blocks [`NokhwaSource::next`] for ever; the gate stops the robot
//! meanwhile), a buffer the driver marked as faulty is not told from a good one, and formats in grey or
//! with several planes are not offered. A camera that fails stays failed until it is opened again.

use std::path::{Path, PathBuf};
use std::time::Duration;

// The V4L2 back end itself: nokhwa's `Camera` may not move between threads, this may.
use nokhwa::backends::capture::V4LCaptureDevice;
use nokhwa::camera_traits::CaptureBackendTrait;
use nokhwa::utils::{
    ApiBackend, CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
};
use nokhwa::{Buffer, NokhwaError};

use super::decode::{self, RawEncoding, RawImage};
use super::{FrameSource, Next, SourceError};
use crate::frame::{Picture, RawFrame, SourceStamp};

type Camera = V4LCaptureDevice<'static>;

/// Formats we decode, the cheapest to decode first.
const FORMATS: [FrameFormat; 5] =
    [FrameFormat::YUYV, FrameFormat::NV12, FrameFormat::RAWRGB, FrameFormat::RAWBGR, FrameFormat::MJPEG];

/// Formats tried before giving up; a driver that refuses this many refuses all.
const MAX_TRIES: usize = 12;

/// Which camera to open and how.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraOptions {
    /// A number (`0` is `/dev/video0`) or a path such as `/dev/v4l/by-id/...`.
    pub device: String,
    /// Wanted width in pixels; the nearest supported size is taken.
    pub width: u32,
    /// Wanted height in pixels.
    pub height: u32,
    /// Wanted frames a second; the lowest supported rate that is not below it is taken.
    pub rate_hz: f32,
}

impl CameraOptions {
    /// The driver interface knows whole rates only.
    fn fps(&self) -> u32 {
        self.rate_hz.round().clamp(1.0, 1000.0) as u32
    }
}

/// Gives the time on any clock that does not stop, for cameras whose driver gives none.
pub type ReceiptClock = Box<dyn FnMut() -> SourceStamp + Send>;

/// Frames of a camera.
pub struct NokhwaSource {
    camera: Camera,
    format: CameraFormat,
    device: String,
    number: u32,
    receipt_clock: ReceiptClock,
    seq: u64,
}

impl NokhwaSource {
    /// Opens a camera and starts it.
    ///
    /// Frames are stamped with the wall clock's time of capture where the driver gives one, else by
    /// `receipt_clock` when they arrive; a camera that changes between the two looks like a source
    /// whose clock steps.
    ///
    /// # Errors
    /// [`SourceError::Open`] when there is no such device, it is busy, or offers no format we read.
    pub fn open(options: &CameraOptions, receipt_clock: ReceiptClock) -> Result<Self, SourceError> {
        Picture::check_size(options.width, options.height)
            .map_err(|e| SourceError::Open(format!("camera {}: {e}", options.device)))?;
        // A camera that was unplugged may come back under another number, so a path is resolved anew
        // every time.
        let number = resolve(&options.device)?;
        let mut camera = negotiate(number, options)?;
        camera.open_stream().map_err(|e| refused(&options.device, number, &e))?;
        let format = camera.camera_format();
        Ok(Self { camera, format, device: options.device.clone(), number, receipt_clock, seq: 0 })
    }
}

impl FrameSource for NokhwaSource {
    /// Blocks until the driver has a frame, whatever `wait` says: nokhwa has no timeout.
    fn next(&mut self, _wait: Duration) -> Result<Next, SourceError> {
        let buffer = self.camera.frame().map_err(|e| {
            let hint = if e.to_string().contains("os error 19") { "; was it unplugged?" } else { "" };
            SourceError::Stream(format!("camera {} (/dev/video{}): {e}{hint}", self.device, self.number))
        })?;
        let seq = self.seq;
        self.seq += 1;
        let captured = buffer
            .capture_timestamp()
            .and_then(|since_epoch| i64::try_from(since_epoch.as_nanos()).ok())
            .map_or_else(|| (self.receipt_clock)(), SourceStamp);
        match picture_of(&buffer) {
            Ok((picture, encoded)) => Ok(Next::Frame(RawFrame { seq, captured, picture, encoded, teleop: None })),
            Err(reason) => Err(SourceError::BadFrame { seq, reason }),
        }
    }

    fn describe(&self) -> String {
        let (size, rate) = (self.format.resolution(), self.format.frame_rate());
        format!("camera {} (/dev/video{}), {size} {} at {rate} Hz", self.device, self.number, self.format.format())
    }
}

/// A picture and the bytes it was decoded from, where those were JPEG.
type Decoded = (Picture, Option<std::sync::Arc<[u8]>>);

fn picture_of(buffer: &Buffer) -> Result<Decoded, String> {
    let size = buffer.resolution();
    let encoding = match buffer.source_frame_format() {
        FrameFormat::MJPEG => {
            let bytes = buffer.buffer();
            return Ok((decode::decode(bytes).map_err(|e| e.to_string())?, Some(bytes.into())));
        }
        FrameFormat::YUYV => RawEncoding::Yuyv,
        FrameFormat::NV12 => RawEncoding::Nv12,
        FrameFormat::RAWRGB => RawEncoding::Rgb8,
        FrameFormat::RAWBGR => RawEncoding::Bgr8,
        FrameFormat::GRAY => RawEncoding::Mono8,
    };
    let (width, height, data) = (size.width(), size.height(), buffer.buffer());
    let image =
        RawImage { width, height, encoding, step: step(encoding, width, height, data.len()), big_endian: false, data };
    Ok((decode::decode_raw(&image).map_err(|e| e.to_string())?, None))
}

/// Bytes a row. nokhwa hides the driver's own figure; rows padded to a power of two show in the
/// buffer's length, and otherwise they are taken as not padded.
fn step(encoding: RawEncoding, width: u32, height: u32, len: usize) -> u32 {
    let (plain, rows) = match encoding {
        RawEncoding::Nv12 => (width, height + height / 2),
        RawEncoding::Mono8 => (width, height),
        RawEncoding::Rgb8 | RawEncoding::Bgr8 => (width * 3, height),
        _ => (width * 2, height),
    };
    // Buffers are rounded up to whole memory pages as well: only an exact fit tells a padded row.
    [16, 32, 64, 128, 256]
        .into_iter()
        .map(|to: u32| plain.next_multiple_of(to))
        .find(|padded| *padded > plain && u64::from(*padded) * u64::from(rows) == len as u64)
        .unwrap_or(plain)
}

/// The number of the video node behind a number, a path or a link.
fn resolve(device: &str) -> Result<u32, SourceError> {
    if let Ok(number) = device.parse() {
        let node = PathBuf::from(format!("/dev/video{number}"));
        return if node.exists() { Ok(number) } else { Err(missing(device, "there is no such node")) };
    }
    let real = std::fs::canonicalize(Path::new(device)).map_err(|e| missing(device, &e.to_string()))?;
    real.to_str()
        .and_then(|path| path.strip_prefix("/dev/video"))
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| missing(device, &format!("it leads to {}, which is no /dev/video node", real.display())))
}

fn missing(device: &str, why: &str) -> SourceError {
    let found = nokhwa::query(ApiBackend::Video4Linux).unwrap_or_default();
    let found: Vec<String> = found.iter().map(|c| format!("/dev/video{} ({})", c.index(), c.human_name())).collect();
    let there =
        if found.is_empty() { "no camera is connected".to_owned() } else { format!("found: {}", found.join(", ")) };
    SourceError::Open(format!("camera {device}: {why}; {there}"))
}

fn refused(device: &str, number: u32, error: &NokhwaError) -> SourceError {
    let said = error.to_string();
    let hint = if said.contains("os error 16") {
        "; another program uses it: find it with `fuser /dev/video*` and stop it"
    } else if said.contains("os error 13") {
        "; this user may not: add it to the group `video` and log in again"
    } else if said.contains("not whole number") {
        "; its present rate is not a whole number: set one with `v4l2-ctl --set-parm 30`"
    } else if said.contains("Fufill") {
        "; it offers none of YUYV, NV12, RGB, BGR and MJPG"
    } else {
        ""
    };
    SourceError::Open(format!("camera {device} (/dev/video{number}): {said}{hint}"))
}

/// Opens the camera in the wanted format, or the nearest it has.
///
/// nokhwa's own choices are of no use: `None` takes the first format listed (one frame a second on
/// some cameras) and `Closest` fails when the exact size does not exist.
fn negotiate(number: u32, options: &CameraOptions) -> Result<Camera, SourceError> {
    let index = CameraIndex::Index(number);
    let fails_whatever_the_format = |e: &NokhwaError| matches!(e, NokhwaError::OpenDeviceError(..));
    let wanted = Resolution::new(options.width, options.height);
    let mut last = None;
    for format in FORMATS {
        let exact = CameraFormat::new(wanted, format, options.fps());
        match Camera::new(&index, RequestedFormat::with_formats(RequestedFormatType::Exact(exact), &FORMATS)) {
            Ok(camera) => return Ok(camera),
            Err(e) if fails_whatever_the_format(&e) => return Err(refused(&options.device, number, &e)),
            Err(e) => last = Some(e),
        }
    }
    // To be asked what it can do, a camera has to be open in some format.
    for any in [RequestedFormatType::AbsoluteHighestFrameRate, RequestedFormatType::AbsoluteHighestResolution] {
        let mut camera = match Camera::new(&index, RequestedFormat::with_formats(any, &FORMATS)) {
            Ok(camera) => camera,
            Err(e) => {
                last = Some(e);
                continue;
            }
        };
        let offered = camera.compatible_camera_formats().map_err(|e| refused(&options.device, number, &e))?;
        for format in ranked(offered, options).into_iter().take(MAX_TRIES) {
            match camera.set_camera_format(format) {
                Ok(()) => return Ok(camera),
                Err(e) => last = Some(e),
            }
        }
    }
    Err(match last {
        Some(e) => refused(&options.device, number, &e),
        None => SourceError::Open(format!("camera {}: it offers no format", options.device)),
    })
}

/// Readable formats, best first: nearest size, then rate not below the wanted one, then cheapest.
fn ranked(mut offered: Vec<CameraFormat>, options: &CameraOptions) -> Vec<CameraFormat> {
    let rank = |f: &CameraFormat| FORMATS.iter().position(|known| *known == f.format());
    offered.retain(|f| rank(f).is_some() && Picture::check_size(f.width(), f.height()).is_ok() && f.frame_rate() > 0);
    offered.sort_by_key(|f| {
        let size = f.width().abs_diff(options.width) + f.height().abs_diff(options.height);
        let too_slow = options.fps().saturating_sub(f.frame_rate());
        (size, too_slow, f.frame_rate(), rank(f))
    });
    offered.dedup();
    offered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(width: u32, height: u32, format: FrameFormat, fps: u32) -> CameraFormat {
        CameraFormat::new(Resolution::new(width, height), format, fps)
    }

    #[test]
    fn the_nearest_size_is_taken_then_the_rate_then_the_cheapest_format() {
        let options = CameraOptions { device: "0".to_owned(), width: 640, height: 480, rate_hz: 30.0 };
        let best = |offered: &[CameraFormat]| ranked(offered.to_vec(), &options)[0];
        let slow = format(640, 480, FrameFormat::YUYV, 10);
        let fast = format(640, 480, FrameFormat::MJPEG, 30);
        let faster = format(640, 480, FrameFormat::YUYV, 60);
        let far = format(1920, 1080, FrameFormat::YUYV, 30);
        assert_eq!(best(&[far, slow]), slow);
        assert_eq!(best(&[slow, faster, fast]), fast);
        assert_eq!(best(&[fast, format(640, 480, FrameFormat::YUYV, 30)]).format(), FrameFormat::YUYV);
        assert!(ranked(vec![format(640, 480, FrameFormat::GRAY, 30)], &options).is_empty());
    }

    #[test]
    fn a_padded_row_is_told_by_an_exact_fit_only() {
        assert_eq!(step(RawEncoding::Yuyv, 340, 10, 340 * 2 * 10), 680);
        assert_eq!(step(RawEncoding::Yuyv, 340, 10, 704 * 10), 704);
        assert_eq!(step(RawEncoding::Yuyv, 340, 10, 8192), 680);
        assert_eq!(step(RawEncoding::Nv12, 340, 10, 384 * 15), 384);
    }

    #[test]
    fn buffers_of_every_format_become_pictures() {
        let size = Resolution::new(2, 2);
        let of = |bytes: &[u8], format| picture_of(&Buffer::new(size, bytes, format));
        for (format, len) in
            [(FrameFormat::YUYV, 8), (FrameFormat::NV12, 6), (FrameFormat::RAWRGB, 12), (FrameFormat::RAWBGR, 12)]
        {
            let (picture, encoded) = of(&vec![128; len], format).unwrap();
            assert_eq!((picture.width(), picture.height(), encoded), (2, 2, None));
            assert!(of(&vec![128; len - 1], format).is_err(), "{format}");
        }
        assert!(of(b"\xff\xd8\xff not a picture", FrameFormat::MJPEG).is_err());
    }

    #[test]
    fn what_is_no_camera_is_refused_with_what_there_is() {
        let open = |device: &str| {
            let options = CameraOptions { device: device.to_owned(), width: 640, height: 480, rate_hz: 30.0 };
            match NokhwaSource::open(&options, Box::new(|| SourceStamp(0))) {
                Ok(_) => panic!("{device} was opened"),
                Err(e) => e.to_string(),
            }
        };
        assert!(open("/dev/null").contains("leads to /dev/null"));
        assert!(open("/dev/no-such-camera").contains("No such file"));
        assert!(open("4000").contains("no such node"));
    }
}
