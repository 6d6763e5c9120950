//! Pictures of a world at any size.

use crate::camera::Camera;
use crate::caster::Frame;
use crate::geometry::Pose;
use crate::mover::Surroundings;

/// Why no picture could be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenderError {
    /// The size is zero or more than [`MAX_SIDE_PX`] a side (after supersampling).
    Size {
        /// Wanted width, pixels.
        width: usize,
        /// Wanted height, pixels.
        height: usize,
        /// Wanted samples a pixel along each side.
        supersample: usize,
    },
    /// The caller's buffer is not `width * height * 3` bytes long.
    Buffer {
        /// What the picture needs, bytes.
        needed: usize,
        /// What was given, bytes.
        given: usize,
    },
}

impl std::fmt::Display for RenderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Size { width, height, supersample } => write!(
                f,
                "cannot render {width} x {height} pixels with supersampling {supersample}: \
                 use 1 to {MAX_SIDE_PX} samples a side"
            ),
            Self::Buffer { needed, given } => {
                write!(f, "picture buffer holds {given} bytes but {needed} are needed: resize it to width * height * 3")
            }
        }
    }
}

impl std::error::Error for RenderError {}

/// Most samples along one side of a picture.
pub const MAX_SIDE_PX: usize = 4096;

/// Renders what `camera` on a robot at `pose` sees of a world, of who is in it and in what light
/// ([`Surroundings`]; a plain `&World` will do): RGB8, row-major, `width * height * 3` bytes.
///
/// `supersample` is the number of samples a pixel along each side (1 or 2).
///
/// # Errors
/// [`RenderError::Size`] where the size is zero or too large.
pub fn render<'a>(
    around: impl Into<Surroundings<'a>>,
    pose: &Pose,
    camera: &Camera,
    width: usize,
    height: usize,
    supersample: usize,
) -> Result<Vec<u8>, RenderError> {
    check_size(width, height, supersample)?;
    let mut out = vec![0; width * height * 3];
    render_into(around, pose, camera, width, height, supersample, &mut out)?;
    Ok(out)
}

pub(crate) fn check_size(width: usize, height: usize, supersample: usize) -> Result<(), RenderError> {
    let fits = |side: usize| side > 0 && side.checked_mul(supersample).is_some_and(|s| s > 0 && s <= MAX_SIDE_PX);
    if fits(width) && fits(height) { Ok(()) } else { Err(RenderError::Size { width, height, supersample }) }
}

/// Like [`render`], into the caller's buffer of `width * height * 3` bytes.
///
/// # Errors
/// [`RenderError`] where the size or the buffer does not fit.
pub fn render_into<'a>(
    around: impl Into<Surroundings<'a>>,
    pose: &Pose,
    camera: &Camera,
    width: usize,
    height: usize,
    supersample: usize,
    out: &mut [u8],
) -> Result<(), RenderError> {
    check_size(width, height, supersample)?;
    let needed = width * height * 3;
    if out.len() != needed {
        return Err(RenderError::Buffer { needed, given: out.len() });
    }
    let around = around.into();
    if supersample == 1 {
        Frame::new(&around, pose, camera, width, height).draw(out);
        camera.roll(out, width, height);
        return Ok(());
    }
    let (wide, high) = (width * supersample, height * supersample);
    let mut fine = vec![0; wide * high * 3];
    Frame::new(&around, pose, camera, wide, high).draw(&mut fine);
    let samples = (supersample * supersample) as u32;
    for (y, row) in out.chunks_exact_mut(width * 3).enumerate() {
        for x in 0..width {
            for c in 0..3 {
                let mut sum = samples / 2;
                for sy in 0..supersample {
                    let at = ((y * supersample + sy) * wide + x * supersample) * 3 + c;
                    for sx in 0..supersample {
                        sum += u32::from(fine[at + sx * 3]);
                    }
                }
                row[x * 3 + c] = (sum / samples) as u8;
            }
        }
    }
    camera.roll(out, width, height);
    Ok(())
}
