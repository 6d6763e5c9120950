//! A 2D range finder: beams cast against the footprints of what stands in a world.

use std::f64::consts::PI;

use crate::geometry::Pose;
use crate::mover::Surroundings;
use crate::rng::Rng;
use crate::trig::sin_cos;

/// A range finder on the centre of a robot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScanSpec {
    /// Beams, counter-clockwise from the right edge of the field of view; at most [`Self::MOST_BEAMS`].
    pub beams: usize,
    /// Field of view, radians; from 2 pi on the beams go all the way round without a double one.
    pub fov_rad: f64,
    /// Nearer things are not measured, metres.
    pub range_min_m: f64,
    /// Farther things are not measured, metres.
    pub range_max_m: f64,
    /// Height of the scan plane: movers below it are not seen. What stands in a world counts as
    /// taller.
    pub height_m: f64,
    /// Standard deviation of a measurement, metres.
    pub noise_sigma_m: f64,
    /// Share of beams that measure nothing.
    pub dropout: f64,
}

impl Default for ScanSpec {
    /// A usual small range finder: 360 beams all round, 0.1 to 12 m, 1 cm of noise, 1 % drop-outs.
    fn default() -> Self {
        Self {
            beams: 360,
            fov_rad: 2.0 * PI,
            range_min_m: 0.1,
            range_max_m: 12.0,
            height_m: 0.2,
            noise_sigma_m: 0.01,
            dropout: 0.01,
        }
    }
}

impl ScanSpec {
    /// Most beams of one scan; more are not cast.
    pub const MOST_BEAMS: usize = 8192;

    /// The direction of beam `beam` against the robot's heading, radians, left positive.
    #[must_use]
    pub fn angle_rad(&self, beam: usize) -> f64 {
        let fov = self.fov_rad.clamp(0.0, 2.0 * PI);
        let gaps = if fov >= 2.0 * PI - 1e-9 { self.beams } else { self.beams.saturating_sub(1) };
        -0.5 * fov + fov * beam as f64 / gaps.max(1) as f64
    }

    /// One scan from `pose`: metres by beam, infinite where nothing was measured.
    #[must_use]
    pub fn scan(&self, around: Surroundings<'_>, pose: &Pose, rng: &mut Rng) -> Vec<f32> {
        (0..self.beams.min(Self::MOST_BEAMS))
            .map(|beam| {
                let (sin, cos) = sin_cos(pose.yaw_rad + self.angle_rad(beam));
                let dropped = self.dropout > 0.0 && rng.chance(self.dropout);
                let noise = if self.noise_sigma_m > 0.0 { self.noise_sigma_m * rng.normal() } else { 0.0 };
                let range = self.cast(around, [pose.x_m, pose.y_m], [cos, sin]) + noise;
                let measured = !dropped && range >= self.range_min_m && range <= self.range_max_m;
                if measured { range as f32 } else { f32::INFINITY }
            })
            .collect()
    }

    /// Metres to the first thing along a beam, exact to 1 mm for what stands in the world.
    fn cast(&self, around: Surroundings<'_>, from: [f64; 2], along: [f64; 2]) -> f64 {
        let still = self.march(around, from, along);
        around.movers.iter().filter(|m| m.height_m >= self.height_m).fold(still, |best, mover| {
            disc_entry(from, along, mover.centre, mover.radius_m).map_or(best, |t| best.min(t))
        })
    }

    /// Walks along the beam by the distance to the nearest thing, then asks the shapes near the
    /// place where that distance runs out.
    fn march(&self, around: Surroundings<'_>, from: [f64; 2], along: [f64; 2]) -> f64 {
        let most = self.range_max_m.min(200.0) + 1.0;
        let mut t = 0.0;
        // A beam along a wall makes small steps; 4000 of them are more than any world needs.
        for _ in 0..4000 {
            let (x, y) = (from[0] + along[0] * t, from[1] + along[1] * t);
            // The field is interpolated: below this it may say more than there is.
            let field = around.world.clearance_field_m(x, y);
            let free = if field > 0.75 { field - 0.15 } else { around.world.clearance_m(x, y) };
            if free < 1e-3 {
                return t;
            }
            t += free.max(1e-3);
            if t > most {
                break;
            }
        }
        f64::INFINITY
    }
}

/// Metres to where a beam enters a disc; 0 from inside.
fn disc_entry(from: [f64; 2], along: [f64; 2], centre: [f64; 2], radius_m: f64) -> Option<f64> {
    let (rx, ry) = (centre[0] - from[0], centre[1] - from[1]);
    let middle = rx * along[0] + ry * along[1];
    let square = rx * rx + ry * ry;
    if square <= radius_m * radius_m {
        return Some(0.0);
    }
    let room = radius_m * radius_m - (square - middle * middle);
    (middle > 0.0 && room > 0.0).then(|| middle - room.sqrt())
}
