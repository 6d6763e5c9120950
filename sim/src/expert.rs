//! The driver that knows the map: pure pursuit that minds its distance to walls and goes round people.

use crate::detour::{Passage, passage};
use crate::geometry::Pose;
use crate::mover::Surroundings;
use crate::robot::Robot;
use crate::route::{Route, SPACING_M};
use crate::trig::{atan2, length, sin_cos, wrap};

/// Room that the driver leaves to walls where the way has it, metres.
const WANTED_ROOM_M: f64 = 0.3;

/// A noise-free driver along a route; has no memory but the progress its caller keeps.
#[derive(Debug, Clone, Copy)]
pub struct Expert<'a> {
    around: Surroundings<'a>,
    robot: &'a Robot,
    route: &'a Route,
}

impl<'a> Expert<'a> {
    /// A driver of `robot` along `route`.
    #[must_use]
    pub fn new(around: impl Into<Surroundings<'a>>, robot: &'a Robot, route: &'a Route) -> Self {
        Self { around: around.into(), robot, route }
    }

    /// Progress along the route at `pose`, metres, given what it was a moment ago.
    #[must_use]
    pub fn progress_m(&self, pose: &Pose, before_m: f64) -> f64 {
        self.route.project(pose, before_m).0
    }

    /// The command at `pose`: (metres per second, radians per second).
    #[must_use]
    pub fn command(&self, pose: &Pose, progress_m: f64) -> (f64, f64) {
        let (robot, route) = (self.robot, self.route);
        let (arc, lateral) = route.project(pose, progress_m);
        let here = self.around.clearance_field_m(pose.x_m, pose.y_m);
        let radius = robot.radius_m;

        let ahead_m = (0.7 * robot.v_max_mps).clamp(0.3, 1.0) + 0.3 * lateral.min(1.0);
        let nearest = (arc / SPACING_M) as usize;
        let mut target = ((arc + ahead_m) / SPACING_M) as usize;
        let still = self.around.world.clearance_field_m(pose.x_m, pose.y_m);
        if still < radius + 0.8 {
            let way = (nearest..=target).step_by(3).map(|i| route.point(i));
            let room = way.map(|p| self.around.world.clearance_field_m(p[0], p[1])).fold(f64::MAX, f64::min);
            let least = (radius + WANTED_ROOM_M).min(room - 0.02).min(still - 0.005);
            while target > nearest + 3 && !self.clear(pose, route.point(target), least) {
                target -= 3;
            }
        }
        let [mut ux, mut uy] = towards(pose, route.point(target));
        let mut fastest = robot.v_max_mps;
        match passage(&self.around, robot, route, pose, arc) {
            Passage::Free => {}
            Passage::By(point) => {
                [ux, uy] = towards(pose, point);
                fastest *= 0.75;
            }
            Passage::Shut => fastest = 0.0,
        }
        if here < radius + WANTED_ROOM_M {
            (ux, uy) = self.pushed_off(pose, here, ux, uy);
        }
        let error = wrap(atan2(uy, ux) - pose.yaw_rad);
        let car = robot.min_turn_radius_m > 0.0;
        let pace = (1.0 - error.abs() / 0.9).clamp(if car { 0.4 } else { 0.0 }, 1.0);
        let mut v = fastest * pace;
        let w = (2.2 * error).clamp(-robot.w_max_rps, robot.w_max_rps);
        v = v.min(1.5 * (route.total_m() - arc) + 0.02);

        let (sin, cos) = sin_cos(pose.yaw_rad);
        let feeler = 0.25 * robot.v_max_mps + 0.05;
        let there = self.around.clearance_field_m(pose.x_m + cos * feeler, pose.y_m + sin * feeler);
        // Towards a near wall it slows down: what comes late or slips must not touch it.
        if there < here {
            let room = (there - radius).max(0.0);
            v = v.min(robot.v_max_mps * (0.3 + 0.7 * room / 0.25));
        }
        if there < radius + 0.02 && there < here {
            v = v.min(0.1 * robot.v_max_mps);
            if here < radius + 0.03 || (car && there < radius) {
                v = if error.abs() < 0.5 || car { -0.25 * robot.v_max_mps } else { 0.0 };
            }
        }
        (v, w)
    }

    /// True where the straight way to `to` keeps `least_m` from all that stands in the world.
    fn clear(&self, from: &Pose, to: [f64; 2], least_m: f64) -> bool {
        let (dx, dy) = (to[0] - from.x_m, to[1] - from.y_m);
        let samples = (length(dx, dy) / 0.1).ceil().max(1.0) as usize;
        (1..=samples).all(|i| {
            let part = i as f64 / samples as f64;
            self.around.world.clearance_field_m(from.x_m + dx * part, from.y_m + dy * part) >= least_m
        })
    }

    /// The direction (`ux`, `uy`) with what leads into a near wall taken out and a push away added.
    fn pushed_off(&self, pose: &Pose, here_m: f64, mut ux: f64, mut uy: f64) -> (f64, f64) {
        let at = |dx: f64, dy: f64| self.around.clearance_field_m(pose.x_m + dx, pose.y_m + dy);
        let (gx, gy) = (at(0.1, 0.0) - at(-0.1, 0.0), at(0.0, 0.1) - at(0.0, -0.1));
        let size = length(gx, gy);
        if size < 1e-6 {
            return (ux, uy);
        }
        let (gx, gy) = (gx / size, gy / size);
        let lack = ((self.robot.radius_m + WANTED_ROOM_M - here_m) / WANTED_ROOM_M).clamp(0.0, 1.5);
        let push = lack * lack;
        let along = ux * gx + uy * gy;
        if along < 0.3 {
            let into = along.min(0.0);
            ux += gx * push * (0.5 - into);
            uy += gy * push * (0.5 - into);
        }
        (ux, uy)
    }
}

/// The direction from a pose to a point, of length 1.
fn towards(pose: &Pose, to: [f64; 2]) -> [f64; 2] {
    let (dx, dy) = (to[0] - pose.x_m, to[1] - pose.y_m);
    let size = length(dx, dy).max(1e-9);
    [dx / size, dy / size]
}
