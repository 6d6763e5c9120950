//! A test of place recognition: a map from one drive, questions from another one.
//!
//! The map is every second step of a clean drive. The questions are from a repeat of that drive that starts
//! off the line and wavers, on another day (light, sensor, half of the days with people about): by the same
//! robot, and by the camera of a robot of another kind, kinds that training never sees among them.

use super::{Day, PEOPLE, in_sight};
use crate::episode::{FRAME_BYTES, STEP_S};
use crate::expert::Expert;
use crate::geometry::Pose;
use crate::kind::RobotKind;
use crate::light::Light;
use crate::people::Crowd;
use crate::physics::{Motion, advance};
use crate::render::RenderError;
use crate::rng::Rng;
use crate::robot::Robot;
use crate::route::{Route, plan_route};
use crate::sensor::SensorEffects;
use crate::teleop::Teleop;
use crate::world::{World, WorldId};

/// Steps between nodes, and between questions.
const EVERY_STEPS: usize = 2;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueryKind {
    /// The robot that made the map, on another day.
    SameRobot,
    /// Another robot's camera at the same poses, on another day.
    OtherCamera,
}

impl QueryKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::SameRobot, Self::OtherCamera];

    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SameRobot => "same robot",
            Self::OtherCamera => "other camera",
        }
    }
}

/// One picture and where on the route it was taken.
#[derive(Debug, Clone)]
pub struct PlaceView {
    /// Where the robot stood.
    pub pose: Pose,
    /// Progress along the route, metres.
    pub arc_m: f64,
    /// RGB8, 85 x 64.
    pub rgb: Vec<u8>,
}

/// One world's map and questions.
#[derive(Debug, Clone)]
pub struct PlaceTrial {
    /// Where it was.
    pub world: WorldId,
    /// The robot that made the map, and the one whose camera the other questions are from.
    pub kinds: [RobotKind; 2],
    /// How far along the route a node may be from the question and still be the right answer, metres.
    pub tolerance_m: f64,
    /// The map, in the order of the drive.
    pub nodes: Vec<PlaceView>,
    /// Questions for each of [`QueryKind::ALL`], at the same poses.
    pub queries: [Vec<PlaceView>; 2],
}

impl PlaceTrial {
    /// Makes the trial of a world, all from its name; `None` where no robot found a way, or the repeat drive
    /// touched something at once.
    ///
    /// # Errors
    /// [`RenderError`] never for these sizes; passed on rather than hidden.
    pub fn generate(world: &World) -> Result<Option<Self>, RenderError> {
        let mut rng = Rng::new(world.id().seed() ^ 0x91ac_e000);
        let found: Option<(Robot, Route)> = (0..8).find_map(|_| {
            let robot = Robot::sample(&mut rng, world.family());
            plan_route(world, &robot, &mut rng).map(|route| (robot, route))
        });
        let Some((robot, route)) = found else { return Ok(None) };
        let kinds: Vec<RobotKind> = RobotKind::ALL.into_iter().filter(|kind| *kind != robot.kind).collect();
        let other = RobotKind::pick(&mut rng, world.family(), &kinds).unwrap_or(robot.kind);
        let other = other.sample(&mut rng, world.family());
        let mut progress_m = 0.0;
        let taught: Vec<(Motion, f64)> = Teleop::drive(world, &robot, &route, 1.0 / STEP_S)
            .into_iter()
            .step_by(EVERY_STEPS)
            .map(|step| {
                progress_m = route.project(&step.pose, progress_m).0;
                (Motion { pose: step.pose, v_mps: step.v_mps, w_rps: step.w_rps }, progress_m)
            })
            .collect();
        let repeated = repeat(world, &robot, &route, &mut rng);
        if taught.len() < 4 || repeated.len() < 4 {
            return Ok(None);
        }
        let mapped = Day {
            sensor: SensorEffects::sample(&mut rng, 0.3),
            light: Light::default(),
            people: false,
            ..Day::sample(robot, 1.0, &mut rng)
        };
        let days = [Day::sample(robot, 1.0, &mut rng), Day::sample(other, 1.0, &mut rng)];
        let crowd = Crowd::sample(world, rng.next_u64(), PEOPLE);
        let nodes = see(world, &crowd, mapped, &taught)?;
        let [same, foreign] = days;
        let queries = [see(world, &crowd, same, &repeated)?, see(world, &crowd, foreign, &repeated)?];
        let tolerance_m = (3.0 * robot.step_length_m()).max(1.0);
        let kinds = [robot.kind, other.kind];
        Ok(Some(Self { world: world.id(), kinds, tolerance_m, nodes, queries }))
    }

    /// Whether node `node` is a right answer to a question asked at `arc_m` of the same route.
    #[must_use]
    pub fn is_right(&self, node: usize, arc_m: f64) -> bool {
        self.nodes.get(node).is_some_and(|n| (n.arc_m - arc_m).abs() <= self.tolerance_m)
    }
}

fn see(world: &World, crowd: &Crowd, day: Day, stops: &[(Motion, f64)]) -> Result<Vec<PlaceView>, RenderError> {
    let day = Day { supersample: 2, ..day };
    stops
        .iter()
        .enumerate()
        .map(|(number, &(motion, arc_m))| {
            let mut rgb = vec![0; FRAME_BYTES];
            day.picture(world, crowd, &motion, (number * EVERY_STEPS) as f64 * STEP_S, &mut rgb)?;
            Ok(PlaceView { pose: motion.pose, arc_m, rgb })
        })
        .collect()
}

/// A repeat of the drive that starts up to half a metre and 30 degrees off and wavers; ends at the first touch.
fn repeat(world: &World, robot: &Robot, route: &Route, rng: &mut Rng) -> Vec<(Motion, f64)> {
    let begin = route.start();
    let start = (0..20)
        .map(|_| {
            let aside_m = (0.25 * rng.normal()).clamp(-0.5, 0.5);
            begin.moved(0.1 * rng.normal(), aside_m, (0.25 * rng.normal()).clamp(-0.52, 0.52))
        })
        .find(|p| world.clearance_m(p.x_m, p.y_m) > robot.radius_m + 0.03 && in_sight(world, &begin, p))
        .unwrap_or(begin);
    let expert = Expert::new(world, robot, route);
    let mut motion = Motion { pose: start, ..Motion::default() };
    let (mut progress_m, mut drift) = (0.0, 0.0);
    let mut stops = Vec::new();
    for step in 0..600 {
        progress_m = expert.progress_m(&motion.pose, progress_m);
        if progress_m >= route.length_m() {
            break;
        }
        if step % EVERY_STEPS == 0 {
            stops.push((motion, progress_m));
        }
        drift = 0.7 * drift + 0.3 * rng.normal();
        let (v, w) = expert.command(&motion.pose, progress_m);
        if advance(world, robot, &mut motion, v, w + drift * robot.w_max_rps, STEP_S).contact {
            break;
        }
    }
    stops
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Split;

    fn trial(index: u64) -> Option<PlaceTrial> {
        PlaceTrial::generate(&World::generate(WorldId { split: Split::Validation, index })).ok().flatten()
    }

    #[test]
    fn every_question_has_a_right_answer_on_the_map() {
        let trials: Vec<PlaceTrial> = (0..8).filter_map(trial).collect();
        assert!(trials.len() >= 6, "{} of 8 worlds", trials.len());
        for trial in &trials {
            for query in trial.queries.iter().flatten() {
                assert!((0..trial.nodes.len()).any(|n| trial.is_right(n, query.arc_m)), "{:?}", trial.world);
            }
        }
    }

    #[test]
    fn the_map_goes_forward_and_the_other_robot_stands_where_the_first_stood() {
        let Some(trial) = trial(1) else { unreachable!("world 1 has routes") };
        assert!(trial.nodes.windows(2).all(|w| w[1].arc_m >= w[0].arc_m));
        let [same, other] = &trial.queries;
        assert_eq!(same.len(), other.len());
        assert!(same.iter().zip(other).all(|(a, b)| a.pose == b.pose && a.rgb != b.rgb));
    }

    #[test]
    fn a_trial_has_the_same_bits_whenever_it_is_made() {
        let (Some(a), Some(b)) = (trial(3), trial(3)) else { unreachable!("world 3 has routes") };
        assert!(a.nodes.iter().zip(&b.nodes).all(|(x, y)| x.rgb == y.rgb));
        assert!(a.queries[1].iter().zip(&b.queries[1]).all(|(x, y)| x.rgb == y.rgb));
    }
}
