//! Drives for training: one clean, three with an unsteady hand, and the pictures they take.

use super::{Drive, FRAME_BYTES, HEIGHT, MoversAt, STEP_S, Visit, WIDTH};
use crate::expert::Expert;
use crate::geometry::Pose;
use crate::light::Light;
use crate::mover::{Surroundings, foreseen};
use crate::physics::{Motion, advance};
use crate::render::RenderError;
use crate::rng::Rng;
use crate::robot::Robot;
use crate::route::Route;
use crate::sensor::SensorEffects;
use crate::simulation::Drivetrain;
use crate::world::World;

/// Drives of an episode.
const DRIVES: usize = 4;

/// A drive ends where it waits for somebody for longer than so many steps: it would only go on to
/// show the same picture.
const MOST_WAITING: usize = 16;

/// A clean drive and three that stray, still without pictures.
pub(super) fn record(
    world: &World,
    robot: &Robot,
    route: &Route,
    movers_at: Option<MoversAt<'_>>,
    rng: &mut Rng,
) -> Vec<Drive> {
    let mut drives: Vec<Drive> = Vec::with_capacity(DRIVES);
    for kind in 0..DRIVES {
        let mut part = rng.fork(kind as u64);
        let longest = drives.first().map_or(600, |clean| (clean.visits.len() * 2 + 10).min(600));
        let movers_at = if kind == 0 { None } else { movers_at };
        drives.push(record_drive(world, robot, route, movers_at, (kind, longest), &mut part));
    }
    drives
}

fn record_drive(
    world: &World,
    robot: &Robot,
    route: &Route,
    movers_at: Option<MoversAt<'_>>,
    (kind, longest): (usize, usize),
    rng: &mut Rng,
) -> Drive {
    let begin_s = rng.range(0.0, 60.0);
    let movers_at = |t_s: f64| movers_at.map_or_else(Vec::new, |at| at(t_s));
    let movers = movers_at(begin_s);
    let around = Surroundings::new(world, &movers);
    let (start, from_m) =
        if kind == 0 { (route.start(), 0.0) } else { jittered_start(around, robot, route, kind == 3, rng) };
    let mut drive = Drive { from_m, visits: Vec::new() };
    let mut motion = Motion { pose: start, ..Motion::default() };
    let mut noise = Noise::new(kind, rng);
    let mut drivetrain = Drivetrain::default();
    let (mut progress, mut contact, mut touching, mut waiting) = (from_m, false, 0, 0);
    loop {
        let t_s = begin_s + drive.visits.len() as f64 * STEP_S;
        progress = route.project(&motion.pose, progress).0;
        drive.visits.push(Visit { t_s, motion, contact, frame: Vec::new() });
        if progress >= route.length_m() || drive.visits.len() > longest || touching > 6 || waiting > MOST_WAITING {
            return drive;
        }
        let movers = movers_at(t_s);
        let around = Surroundings::new(world, &movers);
        let minded = foreseen(&movers_at, t_s);
        let expert = Expert::new(Surroundings::new(world, &minded), robot, route);
        let room = around.clearance_field_m(motion.pose.x_m, motion.pose.y_m) - robot.radius_m;
        let (v, w) = noise.apply(expert.command(&motion.pose, progress), robot, room, rng);
        contact = if kind == 0 {
            advance(around, robot, &mut motion, v, w, STEP_S).contact
        } else {
            let (v, w) = robot.limited(v, w);
            drivetrain.step(around, robot, &mut motion, [v, w], (t_s, STEP_S), rng).contact
        };
        touching += usize::from(contact);
        waiting = if motion.v_mps.abs() < 0.05 * robot.v_max_mps { waiting + 1 } else { 0 };
    }
}

/// Takes the pictures of a drive with a sensor of its own, in a light of its own.
pub(super) fn take_pictures(
    world: &World,
    robot: &Robot,
    movers_at: Option<MoversAt<'_>>,
    strength: f64,
    drive: &mut Drive,
    rng: &mut Rng,
) -> Result<(), RenderError> {
    // Some sensors are good, and some drives are in the world's own light.
    let share = rng.range(0.1, 1.0);
    let effects = SensorEffects::sample(rng, strength * share);
    let light = Light::sample(rng);
    let light = if strength > 0.0 && rng.chance(0.7) { light } else { Light::default() };
    let supersample = if rng.chance(1.0 / 3.0) { 2 } else { 1 };
    for visit in &mut drive.visits {
        let movers = movers_at.map_or_else(Vec::new, |at| at(visit.t_s));
        let around = Surroundings::new(world, &movers).with_light(light);
        visit.frame = vec![0; FRAME_BYTES];
        let size = [WIDTH, HEIGHT, supersample];
        effects.picture_into(around, robot, &visit.motion, visit.t_s, size, &mut visit.frame)?;
    }
    Ok(())
}

fn jittered_start(around: Surroundings<'_>, robot: &Robot, route: &Route, far: bool, rng: &mut Rng) -> (Pose, f64) {
    let (lateral, turn) = if far { (0.3, 0.7) } else { (0.2, 0.35) };
    // A car cannot turn round on the spot.
    let turn = if robot.min_turn_radius_m > 0.0 { turn * 0.6 } else { turn };
    for _ in 0..20 {
        let arc = if far { rng.range(0.0, 0.8) * route.length_m() } else { 0.0 };
        let pose = route.at(arc).moved(lateral * 0.5 * rng.normal(), lateral * rng.normal(), turn * rng.normal());
        let free = around.clearance_m(pose.x_m, pose.y_m) > robot.radius_m + 0.03;
        if free && in_sight(around.world, &route.at(arc), &pose) {
            return (pose, route.project(&pose, arc).0);
        }
    }
    (route.start(), 0.0)
}

fn in_sight(world: &World, a: &Pose, b: &Pose) -> bool {
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
