//! Recorded drives along one route, with labels from the noise-free driver at every moment.

use std::ops::Range;

use crate::expert::Expert;
use crate::geometry::Pose;
use crate::physics::{Motion, advance};
use crate::render::{RenderError, render_into};
use crate::rng::Rng;
use crate::robot::Robot;
use crate::route::{Route, plan_route};
use crate::world::{World, WorldId};

/// Width of a training picture, pixels.
pub const WIDTH: usize = 85;
/// Height of a training picture, pixels.
pub const HEIGHT: usize = 64;
/// Bytes of a training picture (RGB8, row-major).
pub const FRAME_BYTES: usize = WIDTH * HEIGHT * 3;
/// Waypoints a label has.
pub const HORIZON: usize = 5;
/// Distances are told up to this many steps.
pub const MAX_STEPS: usize = 20;
/// Seconds of a model step.
pub const STEP_S: f64 = 0.25;

/// One recorded moment. Its frame has the same number in [`Episode::frame`].
#[derive(Debug, Clone)]
pub struct State {
    /// Where the robot was.
    pub pose: Pose,
    /// Progress along the route, metres.
    pub progress_m: f32,
    /// When the clean drive was at the same progress, steps from its start.
    pub clean_steps: f32,
    /// True where the robot was touching something.
    pub contact: bool,
    /// What the noise-free driver would do from here: x, y (in steps of cruise speed), cos, sin.
    pub waypoints: [[f32; 4]; HORIZON],
    /// Its progress now and after each of the next [`MAX_STEPS`] steps, metres, never falling.
    pub arcs_m: [f32; MAX_STEPS + 1],
}

/// All drives along one route in one world with one robot. The first is the clean one.
#[derive(Debug, Clone)]
pub struct Episode {
    /// Where it was.
    pub world: WorldId,
    /// The robot.
    pub robot: Robot,
    /// The route.
    pub route: Route,
    /// The drives, as ranges of states.
    pub drives: Vec<Range<usize>>,
    /// All moments of all drives, 0.25 s apart.
    pub states: Vec<State>,
    frames: Vec<u8>,
}

impl Episode {
    /// Plans a route for a random robot and drives it once clean and three times noisily;
    /// `None` where no route was found.
    ///
    /// # Errors
    /// [`RenderError`] never for these sizes; passed on rather than hidden.
    pub fn generate(world: &World, seed: u64) -> Result<Option<Self>, RenderError> {
        let mut rng = Rng::new(seed);
        let mut found = None;
        for _ in 0..4 {
            let robot = Robot::sample(&mut rng, world.family());
            if let Some(route) = plan_route(world, &robot, &mut rng) {
                found = Some((robot, route));
                break;
            }
        }
        let Some((robot, route)) = found else {
            return Ok(None);
        };
        let mut episode = Self {
            world: world.id(),
            robot,
            route,
            drives: Vec::with_capacity(4),
            states: Vec::new(),
            frames: Vec::new(),
        };
        for kind in 0..4 {
            let mut part = rng.fork(kind as u64);
            episode.drive(world, kind, &mut part);
        }
        episode.align();
        episode.picture(world, &mut rng)?;
        Ok(Some(episode))
    }

    /// The picture at state `index`, [`FRAME_BYTES`] bytes; empty where there is none.
    #[must_use]
    pub fn frame(&self, index: usize) -> &[u8] {
        self.frames.get(index * FRAME_BYTES..(index + 1) * FRAME_BYTES).unwrap_or(&[])
    }

    /// Steps the noise-free driver needs from state `anchor` to the progress of state `goal`:
    /// 0 where it was passed within half a step, [`MAX_STEPS`] where it was passed or is too far.
    #[must_use]
    pub fn distance_steps(&self, anchor: usize, goal: usize) -> f32 {
        let (Some(from), Some(to)) = (self.states.get(anchor), self.states.get(goal)) else {
            return MAX_STEPS as f32;
        };
        time_to(&from.arcs_m, to.progress_m, self.robot.step_length_m() as f32)
    }

    fn drive(&mut self, world: &World, kind: usize, rng: &mut Rng) {
        let (robot, route) = (self.robot, self.route.clone());
        let expert = Expert::new(world, &robot, &route);
        let (start, mut progress) =
            if kind == 0 { (route.start(), 0.0) } else { jittered_start(world, &robot, &route, kind == 3, rng) };
        let clean_length = self.drives.first().map_or(0, Range::len);
        let first = self.states.len();
        let mut motion = Motion { pose: start, ..Motion::default() };
        let mut noise = Noise::new(kind, rng);
        let mut touching = 0;
        let mut contact = false;
        loop {
            progress = expert.progress_m(&motion.pose, progress);
            let (arcs_m, waypoints) = foresee(&expert, world, &robot, motion, progress);
            self.states.push(State {
                pose: motion.pose,
                progress_m: progress as f32,
                clean_steps: 0.0,
                contact,
                waypoints,
                arcs_m,
            });
            let count = self.states.len() - first;
            let too_long = kind > 0 && count > clean_length * 2 + 10 || count > 600;
            if progress >= route.length_m() || too_long || touching > 6 {
                break;
            }
            let room = world.clearance_field_m(motion.pose.x_m, motion.pose.y_m) - robot.radius_m;
            let (v, w) = noise.apply(expert.command(&motion.pose, progress), &robot, room, rng);
            contact = advance(world, &robot, &mut motion, v, w, STEP_S).contact;
            touching += usize::from(contact);
        }
        self.drives.push(first..self.states.len());
    }

    /// Tells every state when the clean drive was where it is.
    fn align(&mut self) {
        let clean: Vec<f32> = self
            .drives
            .first()
            .and_then(|d| self.states.get(d.clone()))
            .unwrap_or(&[])
            .iter()
            .map(|s| s.progress_m)
            .collect();
        for state in &mut self.states {
            let after = clean.partition_point(|p| *p < state.progress_m);
            state.clean_steps = match (after.checked_sub(1).and_then(|i| clean.get(i)), clean.get(after)) {
                (Some(&a), Some(&b)) => (after - 1) as f32 + (state.progress_m - a) / (b - a).max(1e-6),
                (None, _) => 0.0,
                (Some(&a), None) => {
                    (clean.len() - 1) as f32 + (state.progress_m - a) / self.robot.step_length_m() as f32
                }
            };
        }
    }

    fn picture(&mut self, world: &World, rng: &mut Rng) -> Result<(), RenderError> {
        self.frames = vec![0; self.states.len() * FRAME_BYTES];
        let mut out = self.frames.chunks_exact_mut(FRAME_BYTES);
        for drive in &self.drives {
            let mut camera = self.robot.camera;
            camera.exposure = rng.range(0.85, 1.15);
            let supersample = if rng.chance(1.0 / 3.0) { 2 } else { 1 };
            for state in self.states.get(drive.clone()).unwrap_or(&[]) {
                if let Some(frame) = out.next() {
                    render_into(world, &state.pose, &camera, WIDTH, HEIGHT, supersample, frame)?;
                }
            }
        }
        Ok(())
    }
}

fn jittered_start(world: &World, robot: &Robot, route: &Route, far: bool, rng: &mut Rng) -> (Pose, f64) {
    let (lateral, turn) = if far { (0.3, 0.7) } else { (0.2, 0.35) };
    // A car cannot turn round on the spot.
    let turn = if robot.min_turn_radius_m > 0.0 { turn * 0.6 } else { turn };
    for _ in 0..20 {
        let arc = if far { rng.range(0.0, 0.8) * route.length_m() } else { 0.0 };
        let pose = route.at(arc).moved(lateral * 0.5 * rng.normal(), lateral * rng.normal(), turn * rng.normal());
        if world.clearance_m(pose.x_m, pose.y_m) > robot.radius_m + 0.03 && in_sight(world, &route.at(arc), &pose) {
            return (pose, route.project(&pose, arc).0);
        }
    }
    (route.start(), 0.0)
}

pub(crate) fn in_sight(world: &World, a: &Pose, b: &Pose) -> bool {
    (1..12).all(|i| {
        let part = f64::from(i) / 12.0;
        world.clearance_m(a.x_m + (b.x_m - a.x_m) * part, a.y_m + (b.y_m - a.y_m) * part) > 0.03
    })
}

/// How a hand at the joystick errs: drifting steering, now and then a burst the wrong way.
struct Noise {
    kind: usize,
    pace: f64,
    strength: f64,
    drift: f64,
    burst: (usize, f64),
}

impl Noise {
    fn new(kind: usize, rng: &mut Rng) -> Self {
        let strength = if kind == 0 { 0.0 } else { rng.range(0.15, 0.45) };
        let pace = if kind == 0 { 1.0 } else { rng.range(0.7, 1.0) };
        Self { kind, pace, strength, drift: 0.0, burst: (0, 0.0) }
    }

    fn apply(&mut self, (v, w): (f64, f64), robot: &Robot, room_m: f64, rng: &mut Rng) -> (f64, f64) {
        if self.kind == 0 {
            return (v, w);
        }
        self.drift = 0.7 * self.drift + self.strength * rng.normal();
        if self.burst.0 == 0 && rng.chance(0.05) {
            let side = if rng.chance(0.5) { 1.0 } else { -1.0 };
            self.burst = (rng.between(2, 6), side * rng.range(0.3, 1.0) * robot.w_max_rps);
        }
        let least = if self.kind == 2 { 0.04 } else { 0.09 };
        if room_m < least {
            self.burst.0 = 0;
            return (v, w);
        }
        if self.burst.0 > 0 {
            self.burst.0 -= 1;
            let pace = if room_m < 0.2 { 0.4 } else { 0.8 };
            return (pace * robot.v_max_mps, self.burst.1);
        }
        (v * self.pace, w + self.drift * robot.w_max_rps)
    }
}

/// Progress of the noise-free driver from `motion` on, and its first waypoints.
fn foresee(
    expert: &Expert<'_>,
    world: &World,
    robot: &Robot,
    mut motion: Motion,
    mut progress: f64,
) -> ([f32; MAX_STEPS + 1], [[f32; 4]; HORIZON]) {
    let origin = motion.pose;
    let unit = robot.step_length_m();
    let mut arcs = [progress as f32; MAX_STEPS + 1];
    let mut waypoints = [[0.0; 4]; HORIZON];
    let mut unfilled = waypoints.iter_mut();
    let mut best = progress;
    for arc in arcs.iter_mut().skip(1) {
        let (v, w) = expert.command(&motion.pose, progress);
        advance(world, robot, &mut motion, v, w, STEP_S);
        progress = expert.progress_m(&motion.pose, progress);
        best = best.max(progress);
        *arc = best as f32;
        if let Some(waypoint) = unfilled.next() {
            let (x, y, turn) = origin.relative(&motion.pose);
            let (sin, cos) = crate::trig::sin_cos(turn);
            *waypoint = [(x / unit) as f32, (y / unit) as f32, cos as f32, sin as f32];
        }
    }
    (arcs, waypoints)
}

fn time_to(arcs_m: &[f32; MAX_STEPS + 1], progress_m: f32, step_m: f32) -> f32 {
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
