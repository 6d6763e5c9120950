//! The joystick drive that teaches a route.

use crate::expert::Expert;
use crate::geometry::Pose;
use crate::physics::{Motion, advance};
use crate::robot::Robot;
use crate::route::Route;
use crate::world::World;

/// One moment of a drive, before its command takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TeleopStep {
    /// Seconds since the start.
    pub t_s: f64,
    /// Where the robot is.
    pub pose: Pose,
    /// Commanded speed, metres per second.
    pub v_mps: f64,
    /// Commanded turn rate, radians per second.
    pub w_rps: f64,
    /// The robot touched something on the way to this moment.
    pub contact: bool,
}

/// The driver with the joystick.
#[derive(Debug, Clone, Copy)]
pub struct Teleop;

impl Teleop {
    /// Drives `route` from its start to its goal and decides `rate_hz` times a second (1 to 100).
    ///
    /// The last step stands at the goal with a zero command; a drive that takes more than three
    /// times as long as it should ends where it is.
    #[must_use]
    pub fn drive(world: &World, robot: &Robot, route: &Route, rate_hz: f64) -> Vec<TeleopStep> {
        let dt_s = 1.0 / if rate_hz.is_finite() { rate_hz.clamp(1.0, 100.0) } else { 4.0 };
        let expert = Expert::new(world, robot, route);
        let limit_s = 3.0 * route.length_m() / robot.v_max_mps.max(0.01) + 10.0;
        let mut motion = Motion { pose: route.start(), ..Motion::default() };
        let mut progress_m = 0.0;
        let mut steps = Vec::new();
        let mut contact = false;
        loop {
            let t_s = steps.len() as f64 * dt_s;
            progress_m = expert.progress_m(&motion.pose, progress_m);
            let (v_mps, w_rps) = expert.command(&motion.pose, progress_m);
            if progress_m >= route.length_m() || t_s > limit_s {
                steps.push(TeleopStep { t_s, pose: motion.pose, v_mps: 0.0, w_rps: 0.0, contact });
                return steps;
            }
            steps.push(TeleopStep { t_s, pose: motion.pose, v_mps, w_rps, contact });
            contact = advance(world, robot, &mut motion, v_mps, w_rps, dt_s).contact;
        }
    }
}
