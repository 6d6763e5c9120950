//! Plane shapes that a robot can touch, and poses.

use crate::trig::{length, sin_cos};

/// Where something is and which way it looks: metres and radians, x forward (east at yaw 0),
/// y left, yaw counter-clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pose {
    /// East, metres.
    pub x_m: f64,
    /// North, metres.
    pub y_m: f64,
    /// Heading, radians counter-clockwise from east.
    pub yaw_rad: f64,
}

impl Pose {
    /// The pose reached from here by moving `forward_m` and `left_m` in its own frame and turning.
    #[must_use]
    pub fn moved(&self, forward_m: f64, left_m: f64, turn_rad: f64) -> Self {
        let (s, c) = sin_cos(self.yaw_rad);
        Self {
            x_m: self.x_m + c * forward_m - s * left_m,
            y_m: self.y_m + s * forward_m + c * left_m,
            yaw_rad: crate::trig::wrap(self.yaw_rad + turn_rad),
        }
    }

    /// `other` seen from here: (forward metres, left metres, turn radians).
    #[must_use]
    pub fn relative(&self, other: &Self) -> (f64, f64, f64) {
        let (s, c) = sin_cos(self.yaw_rad);
        let (dx, dy) = (other.x_m - self.x_m, other.y_m - self.y_m);
        (c * dx + s * dy, c * dy - s * dx, crate::trig::wrap(other.yaw_rad - self.yaw_rad))
    }

    /// Metres between the two positions.
    #[must_use]
    pub fn distance_m(&self, other: &Self) -> f64 {
        length(other.x_m - self.x_m, other.y_m - self.y_m)
    }
}

/// The footprint of an obstacle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// A rectangle with half sizes along its own axes, turned by an angle given as cosine and sine.
    Rect {
        /// Centre (x, y), metres.
        centre: [f64; 2],
        /// Half sizes along the own x and y axes, metres.
        half: [f64; 2],
        /// Cosine of the turn.
        cos: f64,
        /// Sine of the turn.
        sin: f64,
    },
    /// A disc.
    Disc {
        /// Centre (x, y), metres.
        centre: [f64; 2],
        /// Radius, metres.
        radius_m: f64,
    },
}

impl Shape {
    /// Metres from (`x`, `y`) to the edge; negative inside.
    #[must_use]
    pub fn distance_m(&self, x: f64, y: f64) -> f64 {
        match *self {
            Self::Rect { centre, half, cos, sin } => {
                let (dx, dy) = (x - centre[0], y - centre[1]);
                let qx = (cos * dx + sin * dy).abs() - half[0];
                let qy = (cos * dy - sin * dx).abs() - half[1];
                length(qx.max(0.0), qy.max(0.0)) + qx.max(qy).min(0.0)
            }
            Self::Disc { centre, radius_m } => length(x - centre[0], y - centre[1]) - radius_m,
        }
    }

    /// The enclosing upright rectangle: (min x, min y, max x, max y), metres.
    #[must_use]
    pub fn bounds(&self) -> [f64; 4] {
        match *self {
            Self::Rect { centre, half, cos, sin } => {
                let ex = (cos * half[0]).abs() + (sin * half[1]).abs();
                let ey = (sin * half[0]).abs() + (cos * half[1]).abs();
                [centre[0] - ex, centre[1] - ey, centre[0] + ex, centre[1] + ey]
            }
            Self::Disc { centre, radius_m: r } => [centre[0] - r, centre[1] - r, centre[0] + r, centre[1] + r],
        }
    }
}
