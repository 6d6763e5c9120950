//! Robots: size, speed, agility, what they do to commands, camera.

use std::f64::consts::TAU;

use crate::camera::{Camera, Projection};
use crate::geometry::Pose;
use crate::kind::RobotKind;
use crate::physics::Motion;
use crate::rng::Rng;
use crate::trig::sin_cos;
use crate::world::Family;

/// What is lost between a command and the ground.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slip {
    /// Share of the commanded speed that reaches the ground.
    pub v_grip: f64,
    /// Share of the commanded turn rate that reaches the ground.
    pub w_grip: f64,
    /// Standard deviation of a slow random part of both shares.
    pub sigma: f64,
    /// Sideways slip out of a curve: metres per second sideways for each (metre per second) times
    /// (radian per second), so seconds.
    pub lateral_s: f64,
}

impl Slip {
    /// Perfect grip.
    pub const NONE: Self = Self { v_grip: 1.0, w_grip: 1.0, sigma: 0.0, lateral_s: 0.0 };
}

/// How walking moves the camera: amplitudes at full speed; all zero on wheels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Gait {
    /// Strides a second. A stride has two steps: bob and pitch go twice as fast as the rest.
    pub stride_hz: f64,
    /// Up and down, metres.
    pub bob_m: f64,
    /// Left and right, metres.
    pub sway_m: f64,
    /// Nodding, radians.
    pub pitch_rad: f64,
    /// Rolling, radians.
    pub roll_rad: f64,
    /// Turning to and fro, radians.
    pub yaw_rad: f64,
}

/// A robot with one camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Robot {
    /// What kind of robot it is.
    pub kind: RobotKind,
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
    /// Seconds until a command takes effect.
    pub latency_s: f64,
    /// What is lost between a command and the ground.
    pub slip: Slip,
    /// How walking moves the camera.
    pub gait: Gait,
    /// Its camera.
    pub camera: Camera,
}

impl Robot {
    /// Names of the presets, for [`Robot::preset`]: those of the kinds.
    pub const PRESETS: [&'static str; 8] =
        ["compact", "tall", "wide-view", "car", "legged", "rover", "hauler", "strider"];

    /// The robot with fixed figures of the kind called `name`; `None` for an unknown name.
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        let kind = RobotKind::from_name(name)?;
        let camera = |height_m, pitch_rad, forward_offset_m, hfov_rad, projection| Camera {
            height_m,
            pitch_rad,
            forward_offset_m,
            hfov_rad,
            projection,
            exposure: 1.0,
            distortion: 0.0,
            roll_rad: 0.0,
        };
        let robot = |v_max_mps, w_max_rps, radius_m, min_turn_radius_m, camera| Self {
            kind,
            v_max_mps,
            w_max_rps,
            radius_m,
            v_accel_mps2: 2.5 * v_max_mps,
            w_accel_rps2: 6.0,
            min_turn_radius_m,
            latency_s: 0.0,
            slip: Slip::NONE,
            gait: Gait::default(),
            camera,
        };
        use Projection::{Cylindrical, Pinhole};
        Some(match kind {
            RobotKind::Compact => robot(0.4, 1.4, 0.15, 0.0, camera(0.25, 0.0, 0.08, 1.4, Pinhole)),
            RobotKind::Tall => robot(0.7, 1.2, 0.28, 0.0, camera(1.1, -0.1, 0.15, 1.2, Pinhole)),
            RobotKind::WideView => robot(0.5, 1.5, 0.2, 0.0, camera(0.35, 0.05, 0.1, 2.4, Cylindrical)),
            RobotKind::Car => robot(1.2, 1.6, 0.22, 0.7, camera(0.22, 0.0, 0.12, 1.7, Pinhole)),
            RobotKind::Legged => Self {
                latency_s: 0.08,
                slip: Slip { v_grip: 0.95, w_grip: 0.95, sigma: 0.05, lateral_s: 0.0 },
                gait: walk(1.8, 0.7),
                ..robot(0.6, 1.3, 0.24, 0.0, camera(0.4, 0.0, 0.15, 1.5, Pinhole))
            },
            RobotKind::Rover => Self {
                latency_s: 0.08,
                slip: Slip { v_grip: 0.94, w_grip: 0.85, sigma: 0.05, lateral_s: 0.05 },
                ..robot(1.2, 1.4, 0.32, 0.0, camera(0.6, -0.05, 0.15, 1.4, Pinhole))
            },
            RobotKind::Hauler => Self {
                v_accel_mps2: 0.8,
                latency_s: 0.18,
                slip: Slip { v_grip: 0.98, w_grip: 0.96, sigma: 0.02, lateral_s: 0.0 },
                ..robot(0.7, 0.7, 0.3, 0.8, camera(1.5, -0.1, 0.15, 0.94, Pinhole))
            },
            RobotKind::Strider => Self {
                latency_s: 0.1,
                slip: Slip { v_grip: 0.92, w_grip: 0.92, sigma: 0.05, lateral_s: 0.0 },
                gait: walk(1.4, 1.25),
                ..robot(0.6, 1.2, 0.26, 0.0, camera(1.42, -0.25, 0.1, 1.5, Pinhole))
            },
        })
    }

    /// A random robot of a training kind that suits `family`; the same for the same generator state.
    pub fn sample(rng: &mut Rng, family: Family) -> Self {
        RobotKind::pick(rng, family, &RobotKind::TRAINING).unwrap_or(RobotKind::Compact).sample(rng, family)
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

    /// Where its camera's carrier is at `t_s` seconds, and how the camera sits on it: the pose and
    /// the camera themselves on wheels, moved by the gait on legs. A robot that stands, stands still.
    #[must_use]
    pub fn view(&self, motion: &Motion, t_s: f64) -> (Pose, Camera) {
        let gait = &self.gait;
        let effort =
            motion.v_mps.abs() / self.v_max_mps.max(0.01) + 0.5 * motion.w_rps.abs() / self.w_max_rps.max(0.01);
        let effort = effort.min(1.0);
        if gait.stride_hz <= 0.0 || effort <= 0.0 {
            return (motion.pose, self.camera);
        }
        let phase = TAU * gait.stride_hz * t_s;
        let ((slow, slow_late), (fast, fast_late)) = (sin_cos(phase), sin_cos(2.0 * phase));
        let mut camera = self.camera;
        camera.height_m += effort * gait.bob_m * fast;
        camera.pitch_rad += effort * gait.pitch_rad * fast_late;
        camera.roll_rad += effort * gait.roll_rad * slow;
        (motion.pose.moved(0.0, effort * gait.sway_m * slow, effort * gait.yaw_rad * slow_late), camera)
    }
}

/// A gait of medium figures; `strength` as in [`RobotKind::sample`].
fn walk(stride_hz: f64, strength: f64) -> Gait {
    Gait {
        stride_hz,
        bob_m: 0.015 * strength,
        sway_m: 0.015 * strength,
        pitch_rad: 0.03 * strength,
        roll_rad: 0.035 * strength,
        yaw_rad: 0.026 * strength,
    }
}
