//! Robots: size, speed, agility, camera.

use crate::camera::{Camera, Projection};
use crate::rng::Rng;
use crate::world::Family;

/// A wheeled robot with one camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Robot {
    /// Cruise and greatest speed, metres per second.
    pub v_max_mps: f64,
    /// Greatest turn rate, radians per second.
    pub w_max_rps: f64,
    /// Footprint radius, metres.
    pub radius_m: f64,
    /// Greatest change of speed, metres per second squared.
    pub v_accel_mps2: f64,
    /// Greatest change of turn rate, radians per second squared.
    pub w_accel_rps2: f64,
    /// Tightest curve, metres; 0 where it turns on the spot.
    pub min_turn_radius_m: f64,
    /// Its camera.
    pub camera: Camera,
}

impl Robot {
    /// Names of the presets, for [`Robot::preset`].
    pub const PRESETS: [&'static str; 4] = ["compact", "tall", "wide-view", "car"];

    /// A robot with fixed figures; `None` for an unknown name. `compact`, `tall` and `wide-view`
    /// turn on the spot; `car` does not.
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        let camera = |height_m, pitch_rad, forward_offset_m, hfov_rad, projection| Camera {
            height_m,
            pitch_rad,
            forward_offset_m,
            hfov_rad,
            projection,
            exposure: 1.0,
        };
        let robot = |v_max_mps, w_max_rps, radius_m, min_turn_radius_m, camera| Self {
            v_max_mps,
            w_max_rps,
            radius_m,
            v_accel_mps2: 2.5 * v_max_mps,
            w_accel_rps2: 6.0,
            min_turn_radius_m,
            camera,
        };
        Some(match name {
            "compact" => robot(0.4, 1.4, 0.15, 0.0, camera(0.25, 0.0, 0.08, 1.4, Projection::Pinhole)),
            "tall" => robot(0.7, 1.2, 0.28, 0.0, camera(1.1, -0.1, 0.15, 1.2, Projection::Pinhole)),
            "wide-view" => robot(0.5, 1.5, 0.2, 0.0, camera(0.35, 0.05, 0.1, 2.4, Projection::Cylindrical)),
            "car" => robot(1.2, 1.6, 0.22, 0.7, camera(0.22, 0.0, 0.12, 1.7, Projection::Pinhole)),
            _ => return None,
        })
    }

    /// A random robot fit for `family`; the same for the same generator state.
    pub fn sample(rng: &mut Rng, family: Family) -> Self {
        let indoor = family.indoor();
        let v_max_mps = if indoor { rng.range(0.25, 0.9) } else { rng.range(0.5, 2.0) };
        let radius_m = if indoor { rng.range(0.12, 0.3) } else { rng.range(0.12, 0.4) };
        let curved = !indoor && rng.chance(0.4);
        let wide = rng.chance(0.4);
        let degree = std::f64::consts::PI / 180.0;
        let camera = Camera {
            height_m: rng.range(0.15, 1.3),
            pitch_rad: rng.range(-9.0, 7.0) * degree,
            forward_offset_m: rng.range(0.0, 0.2f64.min(radius_m * 0.8)),
            hfov_rad: if wide { rng.range(100.0, 170.0) } else { rng.range(60.0, 110.0) } * degree,
            projection: if wide { Projection::Cylindrical } else { Projection::Pinhole },
            exposure: 1.0,
        };
        Self {
            v_max_mps,
            w_max_rps: rng.range(0.8, 1.8),
            radius_m,
            v_accel_mps2: v_max_mps * rng.range(1.5, 5.0),
            w_accel_rps2: rng.range(3.0, 9.0),
            min_turn_radius_m: if curved { rng.range(0.4, 1.0) } else { 0.0 },
            camera,
        }
    }

    /// Metres travelled in one model step (0.25 s) at cruise speed.
    #[must_use]
    pub fn step_length_m(&self) -> f64 {
        self.v_max_mps * 0.25
    }

    /// A command within the limits of this robot.
    #[must_use]
    pub fn limited(&self, v_mps: f64, w_rps: f64) -> (f64, f64) {
        let finite = |x: f64| if x.is_finite() { x } else { 0.0 };
        let v = finite(v_mps).clamp(-self.v_max_mps, self.v_max_mps);
        let mut w = finite(w_rps).clamp(-self.w_max_rps, self.w_max_rps);
        if self.min_turn_radius_m > 0.0 {
            let sharpest = v.abs() / self.min_turn_radius_m;
            w = w.clamp(-sharpest, sharpest);
        }
        (v, w)
    }
}
