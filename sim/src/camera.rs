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
    /// Radial distortion of a pinhole camera, -0.3 to 0.6: 0 for none, positive for a barrel (the
    /// middle is magnified, the edges are squeezed; the field of view stays). Exact along the
    /// horizon and for the columns; far above and below it the rows are those of the column's
    /// middle, where a real lens would bend them a little more.
    pub distortion: f64,
    /// Roll about the view, radians, positive where the right side goes down. Drawn as a shear of
    /// the columns, which is right to 1 % below 8 degrees.
    pub roll_rad: f64,
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
    fn barrel(&self) -> f64 {
        if self.distortion.is_finite() { self.distortion.clamp(-0.3, 0.6) } else { 0.0 }
    }

    /// Focal length in the middle, in pixels, for a picture `width` pixels wide.
    #[must_use]
    pub fn focal_px(&self, width: usize) -> f64 {
        match self.projection {
            Projection::Pinhole => {
                width as f64 * 0.5 / (tan(self.hfov_rad.clamp(0.1, 2.6) * 0.5) * (1.0 - self.barrel()))
            }
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
                // At share `x` of the half width a barrel sees further out, and smaller, by 1 / `keep`.
                let x = (column as f64 + 0.5) * 2.0 / width as f64 - 1.0;
                let keep = 1.0 - self.barrel() * x * x;
                let offset = offset / keep;
                let shrink = 1.0 / (1.0 + offset * offset).sqrt();
                Ray { direction: [shrink as f32, (-offset * shrink) as f32], depth_per_m: (shrink / keep) as f32 }
            }
            Projection::Cylindrical => {
                let (sin, cos) = sin_cos(-offset);
                Ray { direction: [cos as f32, sin as f32], depth_per_m: 1.0 }
            }
        }
    }

    /// Shears a finished picture (RGB8, row-major) by the camera's roll; nothing where it has none.
    pub(crate) fn roll(&self, rgb: &mut [u8], width: usize, height: usize) {
        let slope = tan(self.roll_rad.clamp(-0.5, 0.5));
        if slope.abs() * (width as f64) < 0.25 || width == 0 || height == 0 || rgb.len() != width * height * 3 {
            return;
        }
        let mut line = vec![[0u8; 3]; height];
        for x in 0..width {
            for (to, row) in line.iter_mut().zip(rgb.chunks_exact(width * 3)) {
                to.copy_from_slice(&row[x * 3..x * 3 + 3]);
            }
            // In 1/256 of a pixel; beyond the picture its last row goes on.
            let shift = (slope * (x as f64 + 0.5 - width as f64 * 0.5) * 256.0) as i64;
            let (whole, part) = (shift.div_euclid(256), shift.rem_euclid(256) as u32);
            let source = |y: i64| line.get(y.clamp(0, height as i64 - 1) as usize).copied().unwrap_or_default();
            for (y, row) in rgb.chunks_exact_mut(width * 3).enumerate() {
                let (a, b) = (source(y as i64 + whole), source(y as i64 + whole + 1));
                for (c, out) in row[x * 3..x * 3 + 3].iter_mut().enumerate() {
                    *out = ((u32::from(a[c]) * (256 - part) + u32::from(b[c]) * part + 128) >> 8) as u8;
                }
            }
        }
    }
}
