//! Pictures and their two times.
//!
//! A frame has two times: `captured`, read off the *source's* clock (another computer's, perhaps
//! wrong), and `received`, read off *our* monotonic clock when the frame reached us. Only the
//! monotonic clock is ever compared with "now"; see the age reckoner.

use std::sync::Arc;

pub use pilotage_gate::Monotonic;

/// An immutable RGB8 picture, row-major, three bytes a pixel.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgb: Arc<[u8]>,
}

/// Largest accepted side of a picture, in pixels. Untrusted sizes are checked against it before
/// anything is allocated.
pub const MAX_SIDE_PX: u32 = 8192;

/// Largest accepted picture area, in pixels (32 MPx, 96 MB as RGB8).
pub const MAX_AREA_PX: u64 = 32 * 1024 * 1024;

/// A picture whose size and bytes do not fit, or whose size is outside the limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// A side is zero or above [`MAX_SIDE_PX`], or the area is above [`MAX_AREA_PX`].
    #[error(
        "a picture of {width}x{height} pixels is not accepted (1 to {MAX_SIDE_PX} a side, at most {MAX_AREA_PX} in all)"
    )]
    Size {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The buffer does not hold `width * height * 3` bytes.
    #[error("a {width}x{height} RGB8 picture needs {expected} bytes, got {got}")]
    Length {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Bytes needed.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
}

impl Picture {
    /// Checks a size before a buffer for it is allocated.
    ///
    /// # Errors
    /// [`PictureError::Size`] when a side or the area is outside the limits.
    pub fn check_size(width: u32, height: u32) -> Result<(), PictureError> {
        let area = u64::from(width) * u64::from(height);
        if width == 0 || height == 0 || width > MAX_SIDE_PX || height > MAX_SIDE_PX || area > MAX_AREA_PX {
            return Err(PictureError::Size { width, height });
        }
        Ok(())
    }

    /// Wraps RGB8 bytes, row-major.
    ///
    /// # Errors
    /// When the size is outside the limits or the buffer's length is not `width * height * 3`.
    pub fn from_rgb8(width: u32, height: u32, rgb: impl Into<Arc<[u8]>>) -> Result<Self, PictureError> {
        Self::check_size(width, height)?;
        let rgb = rgb.into();
        let expected = width as usize * height as usize * 3;
        if rgb.len() != expected {
            return Err(PictureError::Length { width, height, expected, got: rgb.len() });
        }
        Ok(Self { width, height, rgb })
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// RGB8 bytes, row-major.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The shared buffer itself, for keeping a picture without copying it.
    #[must_use]
    pub fn shared(&self) -> Arc<[u8]> {
        Arc::clone(&self.rgb)
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

/// Nanoseconds on the clock of whatever made the frame. Only differences within one source mean
/// anything, and even those only until the source's clock steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct SourceStamp(pub i64);

/// A frame as a source hands it over, before the runtime has stamped its receipt.
#[derive(Clone, Debug)]
pub struct RawFrame {
    /// Counts up by one for every frame the source saw, so that a hole is visible.
    pub seq: u64,
    /// When the picture was taken, on the source's clock.
    pub captured: SourceStamp,
    /// The picture.
    pub picture: Picture,
    /// The bytes as the source sent them, where it sent JPEG or PNG (kept for maps and recordings).
    pub encoded: Option<Arc<[u8]>>,
    /// What the log knows of the robot's motion at this frame, where it is a log.
    pub teleop: Option<Teleop>,
}

/// What a teleop log says of the driver's command at a frame.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Teleop {
    /// Steering or turn command as logged; positive turns left (REP-103), whatever the log's sign was.
    pub turn: f32,
    /// Throttle or forward speed as logged; zero means standing.
    pub speed: f32,
}

/// A frame with its receipt on our monotonic clock.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What the source handed over.
    pub raw: RawFrame,
    /// When it reached us.
    pub received: Monotonic,
    /// When the picture was taken, reckoned on *our* clock (see the age reckoner).
    pub evidence_at: Monotonic,
}
