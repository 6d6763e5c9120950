//! How a robot moves: limits, inertia, contact.

use crate::geometry::Pose;
use crate::mover::Surroundings;
use crate::robot::Robot;
use crate::trig::{sin_cos, wrap};

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
///
/// Free of noise, latency and slip: what the driver that knows the map reckons with.
pub fn advance<'a>(
    around: impl Into<Surroundings<'a>>,
    robot: &Robot,
    motion: &mut Motion,
    v_mps: f64,
    w_rps: f64,
    dt_s: f64,
) -> StepReport {
    slide(around.into(), robot, motion, [v_mps, w_rps], 0.0, dt_s)
}

/// Like [`advance`], drifting out of curves by `lateral_s` times speed times turn rate.
pub(crate) fn slide(
    around: Surroundings<'_>,
    robot: &Robot,
    motion: &mut Motion,
    [v_mps, w_rps]: [f64; 2],
    lateral_s: f64,
    dt_s: f64,
) -> StepReport {
    let (v_goal, w_goal) = robot.limited(v_mps, w_rps);
    let mut report = StepReport::default();
    let mut left_s = seconds(dt_s);
    while left_s > 1e-9 {
        let fastest = motion.v_mps.abs().max(v_goal.abs()).max(1e-6);
        let h = left_s.min(SUBSTEP_S).min(SUBSTEP_M / fastest);
        left_s -= h;
        let (dv, dw) = (robot.v_accel_mps2 * h, robot.w_accel_rps2 * h);
        let v = motion.v_mps + (v_goal - motion.v_mps).clamp(-dv, dv);
        let (v, w) = robot.limited(v, motion.w_rps + (w_goal - motion.w_rps).clamp(-dw, dw));
        motion.w_rps = w;
        let (sin, cos) = sin_cos(motion.pose.yaw_rad + 0.5 * w * h);
        let aside = -lateral_s * v * w;
        let x = motion.pose.x_m + (cos * v - sin * aside) * h;
        let y = motion.pose.y_m + (sin * v + cos * aside) * h;
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

/// `dt_s` where it is a time to reckon with (0 to 10 s), else the nearest that is.
pub(crate) fn seconds(dt_s: f64) -> f64 {
    if dt_s.is_finite() { dt_s.clamp(0.0, 10.0) } else { 0.0 }
}
