//! Recorded drives along one route, with labels from the noise-free driver at every moment.

mod codec;
mod labels;
mod recording;

use std::ops::Range;

use crate::geometry::Pose;
use crate::kind::RobotKind;
use crate::mover::Mover;
use crate::people::{Crowd, CrowdSpec};
use crate::physics::Motion;
use crate::render::RenderError;
use crate::rng::Rng;
use crate::robot::Robot;
use crate::route::{Route, plan_route};
use crate::world::{World, WorldId};

pub use codec::EpisodeError;

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

/// Nobody is nearer than this to the start of a route, metres.
const CLEAR_START_M: f64 = 1.5;

/// What a robot needs beyond its own width to pass somebody, metres.
const PASSAGE_M: f64 = 0.6;

/// One recorded moment. Its frame has the same number in [`Episode::frame`].
#[derive(Debug, Clone, PartialEq)]
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

/// Who is in the world at a time, in seconds.
pub type MoversAt<'a> = &'a dyn Fn(f64) -> Vec<Mover>;

/// What to make training data of.
#[derive(Clone, Copy)]
pub struct Recipe<'a> {
    /// The kinds of robots to draw from.
    pub robots: &'a [RobotKind],
    /// Who walks about and stands in the way during all drives but the clean one; `None` for nobody.
    pub crowd: Option<CrowdSpec>,
    /// Strength of the sensor effects, see [`crate::SensorEffects::sample`]; at 0 the light is always
    /// that of the world.
    pub effects: f64,
}

impl Default for Recipe<'_> {
    /// All training kinds, nobody about, effects up to those of cheap sensors.
    fn default() -> Self {
        Self { robots: &RobotKind::TRAINING, crowd: None, effects: 1.0 }
    }
}

/// One visited moment of a drive before it is labelled.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    /// When it was, seconds on the clock of the movers; visits are [`STEP_S`] apart.
    pub t_s: f64,
    /// Where the robot was and how it moved.
    pub motion: Motion,
    /// True where it had touched something since the visit before.
    pub contact: bool,
    /// What it saw: [`FRAME_BYTES`] bytes.
    pub frame: Vec<u8>,
}

/// A drive before it is labelled.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Drive {
    /// Where on the route it began, metres.
    pub from_m: f64,
    /// Its moments, [`STEP_S`] apart.
    pub visits: Vec<Visit>,
}

/// All drives along one route in one world with one robot. The first is the clean one.
#[derive(Debug, Clone, PartialEq)]
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
    /// Plans a route for a random robot of any training kind and drives it once clean and three
    /// times noisily; `None` where no route was found.
    ///
    /// # Errors
    /// [`RenderError`] never for these sizes; passed on rather than hidden.
    pub fn generate(world: &World, seed: u64) -> Result<Option<Self>, RenderError> {
        Self::generate_with(world, seed, &Recipe::default())
    }

    /// Like [`Episode::generate`] by a recipe; `None` also where none of its robots suits the world.
    ///
    /// The noisy drives have the robot's latency and slip, every drive has a sensor of its own, and
    /// only the clean one is sure to meet nobody.
    ///
    /// # Errors
    /// [`RenderError`] never for these sizes; passed on rather than hidden.
    pub fn generate_with(world: &World, seed: u64, recipe: &Recipe<'_>) -> Result<Option<Self>, RenderError> {
        let mut rng = Rng::new(seed);
        let Some((robot, route)) = robot_and_route(world, &mut rng, recipe) else {
            return Ok(None);
        };
        let crowd = recipe.crowd.map(|spec| {
            let spec = CrowdSpec { passage_m: spec.passage_m.max(2.0 * robot.radius_m + PASSAGE_M), ..spec };
            Crowd::near_route(world, route.points(), CLEAR_START_M, seed, &spec)
        });
        let movers_at = |t_s: f64| crowd.as_ref().map_or_else(Vec::new, |crowd| crowd.at(t_s));
        let movers_at: Option<MoversAt<'_>> = if crowd.is_some() { Some(&movers_at) } else { None };
        let mut drives = recording::record(world, &robot, &route, movers_at, &mut rng);
        let mut rng = Rng::new(seed ^ 0x5E50_12AD);
        for (number, drive) in drives.iter_mut().enumerate() {
            let movers_at = if number == 0 { None } else { movers_at };
            recording::take_pictures(world, &robot, movers_at, recipe.effects, drive, &mut rng)?;
        }
        Ok(Self::from_drives(world, robot, route, movers_at, drives).ok())
    }

    /// Labels drives that were recorded anywhere with the noise-free driver. The first is the clean
    /// one: the drive that taught the route, with nobody about. What [`Episode::generate`] makes are
    /// such drives too, so the same moments get the same labels.
    ///
    /// Waypoints avoid those who are there at `movers_at` of the moment; distances are those of the
    /// free way.
    ///
    /// # Errors
    /// [`EpisodeError`] where there is no drive, or a frame has the wrong size, or a number is not
    /// finite.
    pub fn from_drives(
        world: &World,
        robot: Robot,
        route: Route,
        movers_at: Option<MoversAt<'_>>,
        drives: Vec<Drive>,
    ) -> Result<Self, EpisodeError> {
        let count = drives.iter().map(|d| d.visits.len()).sum::<usize>();
        if drives.first().is_none_or(|d| d.visits.is_empty()) {
            return Err(EpisodeError::Content("no clean drive"));
        }
        let mut episode = Self {
            world: world.id(),
            robot,
            route,
            drives: Vec::with_capacity(drives.len()),
            states: Vec::with_capacity(count),
            frames: Vec::with_capacity(count * FRAME_BYTES),
        };
        for (number, drive) in drives.into_iter().enumerate() {
            let first = episode.states.len();
            let movers_at = if number == 0 { None } else { movers_at };
            let labeller = labels::Labeller::new(world, &episode.robot, &episode.route, movers_at);
            let mut progress = drive.from_m;
            for visit in drive.visits {
                let numbers = [visit.t_s, visit.motion.pose.x_m, visit.motion.pose.y_m, visit.motion.pose.yaw_rad];
                let finite = numbers.iter().chain(&[visit.motion.v_mps, visit.motion.w_rps]).all(|x| x.is_finite());
                if visit.frame.len() != FRAME_BYTES || !finite {
                    return Err(EpisodeError::Content("a visit without its frame or with a number that is none"));
                }
                let state;
                (state, progress) = labeller.label(&visit, progress);
                episode.states.push(state);
                episode.frames.extend_from_slice(&visit.frame);
            }
            episode.drives.push(first..episode.states.len());
        }
        episode.align();
        Ok(episode)
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
        labels::time_to(&from.arcs_m, to.progress_m, self.robot.step_length_m() as f32)
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
}

/// A robot of one of the recipe's kinds and a route for it.
fn robot_and_route(world: &World, rng: &mut Rng, recipe: &Recipe<'_>) -> Option<(Robot, Route)> {
    (0..4).find_map(|_| {
        let robot = RobotKind::pick(rng, world.family(), recipe.robots)?.sample(rng, world.family());
        plan_route(world, &robot, rng).map(|route| (robot, route))
    })
}
