//! Labels: what the noise-free driver would do from a visited moment.

use super::{HORIZON, MAX_STEPS, MoversAt, STEP_S, State, Visit};
use crate::expert::Expert;
use crate::mover::{Mover, Surroundings, foreseen};
use crate::physics::{Motion, advance};
use crate::robot::Robot;
use crate::route::Route;
use crate::trig::{length, sin_cos};
use crate::world::World;

/// Movers farther off than this do not change what the driver does within its horizon, metres
/// beyond the way that the robot can make in it.
const HEED_M: f64 = 2.0;

/// The driver that labels.
pub(super) struct Labeller<'a> {
    world: &'a World,
    robot: &'a Robot,
    route: &'a Route,
    movers_at: Option<MoversAt<'a>>,
}

type Arcs = [f32; MAX_STEPS + 1];
type Waypoints = [[f32; 4]; HORIZON];

impl<'a> Labeller<'a> {
    pub(super) fn new(world: &'a World, robot: &'a Robot, route: &'a Route, movers_at: Option<MoversAt<'a>>) -> Self {
        Self { world, robot, route, movers_at }
    }

    /// The labelled state of a visit, and its progress, given that of the visit before.
    pub(super) fn label(&self, visit: &Visit, before_m: f64) -> (State, f64) {
        let motion = visit.motion;
        let progress = self.route.project(&motion.pose, before_m).0;
        let (arcs_m, mut waypoints) = self.foresee(motion, progress, MAX_STEPS, &|_| (Vec::new(), Vec::new()));
        if let Some(movers_at) = self.movers_at {
            let reach = HEED_M + self.robot.v_max_mps * STEP_S * HORIZON as f64;
            let near =
                |m: &Mover| length(m.centre[0] - motion.pose.x_m, m.centre[1] - motion.pose.y_m) < reach + m.radius_m;
            if movers_at(visit.t_s).iter().any(near) {
                let at = |step: usize| {
                    let t_s = visit.t_s + step as f64 * STEP_S;
                    (movers_at(t_s), foreseen(movers_at, t_s))
                };
                waypoints = self.foresee(motion, progress, HORIZON, &at).1;
            }
        }
        let state = State {
            pose: motion.pose,
            progress_m: progress as f32,
            clean_steps: 0.0,
            contact: visit.contact,
            waypoints,
            arcs_m,
        };
        (state, progress)
    }

    /// Progress of the noise-free driver from `motion` on over `steps` steps, and its first waypoints.
    /// `movers` tells who is there at a step, and whom the driver minds then.
    fn foresee(
        &self,
        mut motion: Motion,
        mut progress: f64,
        steps: usize,
        movers: &dyn Fn(usize) -> (Vec<Mover>, Vec<Mover>),
    ) -> (Arcs, Waypoints) {
        let origin = motion.pose;
        let unit = self.robot.step_length_m();
        let mut arcs = [progress as f32; MAX_STEPS + 1];
        let mut waypoints = [[0.0; 4]; HORIZON];
        let mut unfilled = waypoints.iter_mut();
        let mut best = progress;
        for (step, arc) in arcs.iter_mut().skip(1).take(steps).enumerate() {
            let (movers, minded) = movers(step);
            let around = Surroundings::new(self.world, &movers);
            let (v, w) = Expert::new(Surroundings::new(self.world, &minded), self.robot, self.route)
                .command(&motion.pose, progress);
            advance(around, self.robot, &mut motion, v, w, STEP_S);
            progress = self.route.project(&motion.pose, progress).0;
            best = best.max(progress);
            *arc = best as f32;
            if let Some(waypoint) = unfilled.next() {
                let (x, y, turn) = origin.relative(&motion.pose);
                let (sin, cos) = sin_cos(turn);
                *waypoint = [(x / unit) as f32, (y / unit) as f32, cos as f32, sin as f32];
            }
        }
        (arcs, waypoints)
    }
}

/// Steps from a moment with these arcs to a place on the route; see [`super::Episode::distance_steps`].
pub(super) fn time_to(arcs_m: &Arcs, progress_m: f32, step_m: f32) -> f32 {
    let behind = arcs_m[0] - progress_m;
    if behind >= 0.0 {
        return if behind <= 0.5 * step_m { 0.0 } else { MAX_STEPS as f32 };
    }
    let after = arcs_m.partition_point(|a| *a < progress_m);
    match (arcs_m.get(after.wrapping_sub(1)), arcs_m.get(after)) {
        (Some(a), Some(b)) => (after - 1) as f32 + (progress_m - a) / (b - a).max(1e-6),
        _ => MAX_STEPS as f32,
    }
}
