//! The camera of a robot: where it sits and how it projects.

use crate::trig::{sin_cos, tan};

/// How directions become columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Projection {
    /// Straight lines stay straight; up to about 120 degrees.
    Pinhole,
    /// Equal angles to equal columns, as a strip of a panorama: stands for wide lenses.
    Cylindrical,
}

/// A camera on a robot that looks ahead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Camera {
    /// Height of the lens above the floor, metres.
    pub height_m: f64,
    /// Tilt, radians, positive looking up.
    pub pitch_rad: f64,
    /// Lens ahead of the robot's centre, metres.
    pub forward_offset_m: f64,
    /// Horizontal field of view, radians.
    pub hfov_rad: f64,
    /// How directions become columns.
    pub projection: Projection,
    /// Brightness factor, 1 for plain.
    pub exposure: f64,
}

/// One image column's ray in the camera's frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ray {
    /// Unit direction: ahead, left.
    pub(crate) direction: [f32; 2],
    /// Depth (what vertical projection divides by) per metre along the ray.
    pub(crate) depth_per_m: f32,
}

impl Camera {
    /// Focal length in pixels for a picture `width` pixels wide.
    #[must_use]
    pub fn focal_px(&self, width: usize) -> f64 {
        match self.projection {
            Projection::Pinhole => width as f64 * 0.5 / tan(self.hfov_rad.clamp(0.1, 2.6) * 0.5),
            Projection::Cylindrical => width as f64 / self.hfov_rad.clamp(0.1, 6.2),
        }
    }

    /// The row of the horizon in a picture of `width` x `height` pixels.
    #[must_use]
    pub fn horizon_px(&self, width: usize, height: usize) -> f64 {
        height as f64 * 0.5 + self.focal_px(width) * tan(self.pitch_rad.clamp(-1.2, 1.2))
    }

    pub(crate) fn ray(&self, column: usize, width: usize) -> Ray {
        let offset = (column as f64 + 0.5 - width as f64 * 0.5) / self.focal_px(width);
        match self.projection {
            Projection::Pinhole => {
                let shrink = 1.0 / (1.0 + offset * offset).sqrt();
                Ray { direction: [shrink as f32, (-offset * shrink) as f32], depth_per_m: shrink as f32 }
            }
            Projection::Cylindrical => {
                let (sin, cos) = sin_cos(-offset);
                Ray { direction: [cos as f32, sin as f32], depth_per_m: 1.0 }
            }
        }
    }
}
