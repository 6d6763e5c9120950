//! How a robot moves: limits, inertia, contact; and a simulation around it.

use std::ops::Deref;

use crate::geometry::Pose;
use crate::mover::Surroundings;
use crate::render::{RenderError, render};
use crate::rng::Rng;
use crate::robot::Robot;
use crate::trig::{sin_cos, wrap};
use crate::world::World;

/// A robot's state of motion.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Motion {
    /// Where it is.
    pub pose: Pose,
    /// Present speed, metres per second.
    pub v_mps: f64,
    /// Present turn rate, radians per second.
    pub w_rps: f64,
}

/// What a step brought.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StepReport {
    /// The robot was stopped by something it touched.
    pub contact: bool,
    /// Metres travelled, signed.
    pub travelled_m: f64,
    /// Radians turned, signed.
    pub turned_rad: f64,
}

/// Longest piece of time and of way that is moved in one go.
const SUBSTEP_S: f64 = 0.05;
const SUBSTEP_M: f64 = 0.04;

/// Moves `motion` for `dt_s` seconds under a command; the robot stops at what it touches.
pub fn advance<'a>(
    around: impl Into<Surroundings<'a>>,
    robot: &Robot,
    motion: &mut Motion,
    v_mps: f64,
    w_rps: f64,
    dt_s: f64,
) -> StepReport {
    let around = around.into();
    let (v_goal, w_goal) = robot.limited(v_mps, w_rps);
    let mut report = StepReport::default();
    let mut left_s = if dt_s.is_finite() { dt_s.clamp(0.0, 10.0) } else { 0.0 };
    while left_s > 1e-9 {
        let fastest = motion.v_mps.abs().max(v_goal.abs()).max(1e-6);
        let h = left_s.min(SUBSTEP_S).min(SUBSTEP_M / fastest);
        left_s -= h;
        let (dv, dw) = (robot.v_accel_mps2 * h, robot.w_accel_rps2 * h);
        let v = motion.v_mps + (v_goal - motion.v_mps).clamp(-dv, dv);
        let (v, w) = robot.limited(v, motion.w_rps + (w_goal - motion.w_rps).clamp(-dw, dw));
        motion.w_rps = w;
        let (sin, cos) = sin_cos(motion.pose.yaw_rad + 0.5 * w * h);
        let (x, y) = (motion.pose.x_m + cos * v * h, motion.pose.y_m + sin * v * h);
        let (now, then) = (around.clearance_m(motion.pose.x_m, motion.pose.y_m), around.clearance_m(x, y));
        // A robot set down against something may move away from it, never deeper in.
        if then >= robot.radius_m || then > now || v == 0.0 {
            motion.pose.x_m = x;
            motion.pose.y_m = y;
            motion.v_mps = v;
            report.travelled_m += v * h;
        } else {
            motion.v_mps = 0.0;
            report.contact = true;
            if robot.min_turn_radius_m > 0.0 {
                motion.w_rps = 0.0;
                continue;
            }
        }
        motion.pose.yaw_rad = wrap(motion.pose.yaw_rad + w * h);
        report.turned_rad += w * h;
    }
    report
}

/// What the wheels say: the way from the start, in the start's frame, with a small scale error.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Odometry {
    /// Reckoned pose; the start is (0, 0, 0).
    pub pose: Pose,
    /// Measured speed over the last step, metres per second.
    pub v_mps: f64,
    /// Measured turn rate over the last step, radians per second.
    pub w_rps: f64,
}

/// A robot in a world, moved by commands in its own time.
///
/// `W` is `&World`, `Arc<World>` or anything else that points to a world.
#[derive(Debug, Clone)]
pub struct Simulation<W: Deref<Target = World>> {
    world: W,
    robot: Robot,
    motion: Motion,
    odometry: Odometry,
    odometry_scale: [f64; 2],
    noise: [f64; 2],
    rng: Rng,
    time_s: f64,
}

impl<W: Deref<Target = World>> Simulation<W> {
    /// Sets `robot` down at `start`, standing. `seed` decides the odometry's error and the noise.
    #[must_use]
    pub fn new(world: W, robot: Robot, start: Pose, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let odometry_scale = [1.0 + 0.01 * rng.normal(), 1.0 + 0.01 * rng.normal()];
        Self {
            world,
            robot,
            motion: Motion { pose: start, ..Motion::default() },
            odometry: Odometry::default(),
            odometry_scale,
            noise: [0.0; 2],
            rng,
            time_s: 0.0,
        }
    }

    /// Makes the drive imprecise: every step's speed is scaled by 1 + `v_share` N(0,1) and
    /// `w_share` N(0,1) times the greatest turn rate is added to its turn rate.
    #[must_use]
    pub fn with_actuator_noise(mut self, v_share: f64, w_share: f64) -> Self {
        self.noise = [v_share, w_share];
        self
    }

    /// Drives for `dt_s` seconds (at most 10) with the command held.
    pub fn step(&mut self, v_mps: f64, w_rps: f64, dt_s: f64) -> StepReport {
        let (mut v, mut w) = (v_mps, w_rps);
        if self.noise.iter().any(|share| share.abs() > 0.0) {
            v *= 1.0 + self.noise[0] * self.rng.normal();
            w += self.noise[1] * self.robot.w_max_rps * self.rng.normal();
        }
        let report = advance(&*self.world, &self.robot, &mut self.motion, v, w, dt_s);
        let dt = if dt_s.is_finite() { dt_s.clamp(0.0, 10.0) } else { 0.0 };
        self.time_s += dt;
        let forward = report.travelled_m * self.odometry_scale[0];
        let turn = report.turned_rad * self.odometry_scale[1];
        let half = Pose { yaw_rad: self.odometry.pose.yaw_rad + 0.5 * turn, ..self.odometry.pose };
        self.odometry.pose = half.moved(forward, 0.0, 0.5 * turn);
        if dt > 0.0 {
            self.odometry.v_mps = forward / dt;
            self.odometry.w_rps = turn / dt;
        }
        report
    }

    /// The true pose.
    #[must_use]
    pub fn pose(&self) -> Pose {
        self.motion.pose
    }

    /// The true motion.
    #[must_use]
    pub fn motion(&self) -> Motion {
        self.motion
    }

    /// What the wheels say.
    #[must_use]
    pub fn odometry(&self) -> Odometry {
        self.odometry
    }

    /// Seconds driven since the start.
    #[must_use]
    pub fn time_s(&self) -> f64 {
        self.time_s
    }

    /// The robot.
    #[must_use]
    pub fn robot(&self) -> &Robot {
        &self.robot
    }

    /// The world.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Puts the robot somewhere else, standing; odometry goes on as if nothing had happened.
    pub fn teleport(&mut self, pose: Pose) {
        self.motion = Motion { pose, ..Motion::default() };
    }

    /// What the camera sees now: RGB8, row-major, `width * height * 3` bytes.
    ///
    /// # Errors
    /// [`RenderError::Size`] where the size is zero or too large.
    pub fn picture(&self, width: usize, height: usize) -> Result<Vec<u8>, RenderError> {
        render(&*self.world, &self.motion.pose, &self.robot.camera, width, height, 2)
    }
}
