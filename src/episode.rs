//! A simulated episode: somebody drives a robot through a building once, the map is built from that log, and the
//! robot finds its way alone from a perturbed start. The demo, the evaluation and the tests share it.
//!
//! Everything follows from an [`EpisodeSpec`]: world, robot, way, what the light and the camera did on each of the two
//! drives, where the robot was set down, what its drives got wrong. All methods that are compared start from the same
//! bits.

mod drive;
mod judge;
mod log;
mod spec;
mod track;
mod way;

use std::path::Path;
use std::sync::Arc;

use pilotage_graph::{KeyframeRule, MapDir};
use pilotage_sim::{Pose, Rng, Robot, Route, Teleop, TeleopStep, World, WorldId};

use crate::camera::sim::{Scene, SimCamera, SimRobot};
use crate::config::Profile;
use crate::frame::RawFrame;
use crate::mapping::{self, BuildOptions, BuildReport};
use crate::policy::Policy;

pub use drive::{Drive, DriveOptions};
pub use judge::{Cause, Outcome};
pub use log::{MemoryLog, SimLog};
pub use spec::{Effects, EpisodeSpec};
pub use track::{Contact, Probe, Sample, TickNote, Track};
pub use way::{OnWay, Way};

/// Rate of the teleoperator's log and of the camera, hertz.
pub const LOG_RATE_HZ: f64 = 8.0;
/// Standard deviation of the start's perturbation, metres on each axis.
pub const START_SIGMA_M: f64 = 0.12;
/// Standard deviation of the start's perturbation, radians.
pub const START_SIGMA_RAD: f64 = 0.2;

/// One world with one robot, driven once.
pub struct Episode {
    /// What it follows from.
    pub spec: EpisodeSpec,
    /// The world's name.
    pub id: WorldId,
    /// The world.
    pub world: Arc<World>,
    /// The robot.
    pub robot: Robot,
    /// The way that was driven.
    pub route: Route,
    /// The drive, at [`LOG_RATE_HZ`].
    pub teleop: Vec<TeleopStep>,
    /// Where the robot is set down for its own drive.
    pub start: Pose,
    /// The conditions of the taught drive. Nobody is about on it: the map holds the building alone.
    pub taught: Scene,
    /// The conditions of the robot's own drive.
    pub own: Scene,
    /// The robot's profile.
    pub profile: Profile,
}

impl Episode {
    /// The episode of a world with a robot that follows from its name too; see [`Episode::new`].
    #[must_use]
    pub fn of(id: WorldId) -> Option<Self> {
        Self::new(EpisodeSpec::plain(id))
    }

    /// The episode of a specification: robot, way and perturbation all follow from it. `None` where the world
    /// offers no way for the robot, or the teleoperator itself touches something (such worlds are no test).
    #[must_use]
    pub fn new(spec: EpisodeSpec) -> Option<Self> {
        let id = spec.world;
        let world = Arc::new(World::generate(id));
        let mut rng = Rng::new(id.seed() ^ 0xe915_0de5);
        let (robot, route) = (0..8).find_map(|_| {
            let robot = spec.robot(&mut rng, world.family());
            let route = pilotage_sim::plan_route(&world, &robot, &mut rng)?;
            Some((robot, route))
        })?;
        let teleop = Teleop::drive(&world, &robot, &route, LOG_RATE_HZ);
        if teleop.iter().any(|step| step.contact) {
            return None;
        }
        let first = teleop.first()?.pose;
        let start = perturbed(&world, &robot, first, &mut rng);
        let profile = profile_of(&robot, &id);
        let taught = spec.effects.draw(&mut rng);
        let mut own = spec.effects.draw(&mut rng);
        if spec.movers {
            own.crowd = spec::crowd(&world, &robot, &route, rng.next_u64());
        }
        Some(Self { spec, id, world, robot, route, teleop, start, taught, own, profile })
    }

    /// Where the drive ended.
    #[must_use]
    pub fn goal(&self) -> Pose {
        self.teleop.last().map_or(self.start, |step| step.pose)
    }

    /// Seconds the teleoperator needed.
    #[must_use]
    pub fn teleop_s(&self) -> f64 {
        self.teleop.last().map_or(0.0, |step| step.t_s)
    }

    /// Seconds after which a drive of its own is given up: twice what the teleoperator needed, and what it takes to
    /// fill a context and to look around.
    #[must_use]
    pub fn limit_s(&self, rate_hz: f64, context_frames: usize) -> f64 {
        2.0 * self.teleop_s() + (10.0 + context_frames as f64) / rate_hz
    }

    /// How near the goal counts as arrived: 0.6 m, or 0.75 s of cruise for fast robots.
    #[must_use]
    pub fn tolerance_m(&self) -> f64 {
        (0.75 * self.robot.v_max_mps).max(0.6)
    }

    /// The drive as a log.
    #[must_use]
    pub fn log(&self) -> SimLog<'_> {
        SimLog::new(self)
    }

    /// The drive's pictures, rendered once for several uses.
    ///
    /// # Errors
    /// When a picture cannot be rendered.
    pub fn pictures(&self) -> Result<Vec<RawFrame>, crate::ingest::IngestError> {
        let mut log = self.log();
        let mut frames = Vec::with_capacity(self.teleop.len());
        while let Some(frame) = crate::ingest::LogReader::next(&mut log)? {
            frames.push(frame);
        }
        Ok(frames)
    }

    /// The map of the drive.
    ///
    /// # Errors
    /// As [`mapping::build`].
    pub fn build_map(
        &self,
        policy: &mut dyn Policy,
        output: &Path,
    ) -> Result<(MapDir, BuildReport), mapping::BuildError> {
        let options = BuildOptions { rule: default_rule(), replace: false };
        mapping::build(&mut self.log(), policy, &options, output, &mut |_, _, _| {})
    }

    /// The map of the drive from pictures that are there already.
    ///
    /// # Errors
    /// As [`mapping::build`].
    pub fn build_map_of(
        &self,
        pictures: &[RawFrame],
        policy: &mut dyn Policy,
        output: &Path,
    ) -> Result<(MapDir, BuildReport), mapping::BuildError> {
        let options = BuildOptions { rule: default_rule(), replace: false };
        let mut log = MemoryLog::new(self.log(), pictures);
        mapping::build(&mut log, policy, &options, output, &mut |_, _, _| {})
    }

    /// The robot, set down for its own drive, with a camera of `rate_hz`.
    #[must_use]
    pub fn set_down(&self, rate_hz: f64) -> SimRobot {
        let camera = SimCamera { rate_hz, ..SimCamera::default() };
        let robot = SimRobot::new(Arc::clone(&self.world), self.robot, self.start, self.id.seed(), camera);
        robot.in_scene(self.own.clone())
    }

    /// The same, watched.
    #[must_use]
    pub fn probe(&self, rate_hz: f64) -> Probe {
        Probe::new(self.set_down(rate_hz), self.robot.radius_m)
    }
}

/// The spacing of simulated maps: the command line's own default.
#[must_use]
pub fn default_rule() -> KeyframeRule {
    KeyframeRule { spacing_steps: 2.0, ..KeyframeRule::default() }
}

/// A robot's profile out of its simulated figures.
#[must_use]
pub fn profile_of(robot: &Robot, id: &WorldId) -> Profile {
    let mut profile =
        Profile { name: format!("simulated robot of {}:{}", id.split.name(), id.index), ..Profile::default() };
    let drive = &mut profile.drive;
    drive.max_linear_mps = robot.v_max_mps as f32;
    drive.cruise_mps = robot.v_max_mps as f32;
    drive.max_angular_rps = robot.w_max_rps as f32;
    drive.linear_accel_mps2 = robot.v_accel_mps2 as f32;
    drive.linear_decel_mps2 = robot.v_accel_mps2 as f32;
    drive.angular_accel_rps2 = robot.w_accel_rps2 as f32;
    drive.min_turning_radius_m = robot.min_turn_radius_m as f32;
    drive.step_length_m = Some(robot.step_length_m() as f32);
    drive.latency_s = robot.latency_s as f32;
    profile.camera.latency_s = 0.0;
    profile
}

fn perturbed(world: &World, robot: &Robot, first: Pose, rng: &mut Rng) -> Pose {
    for _ in 0..20 {
        let pose = Pose {
            x_m: first.x_m + START_SIGMA_M * rng.normal(),
            y_m: first.y_m + START_SIGMA_M * rng.normal(),
            yaw_rad: first.yaw_rad + START_SIGMA_RAD * rng.normal(),
        };
        if world.clearance_m(pose.x_m, pose.y_m) > robot.radius_m + 0.02 {
            return pose;
        }
    }
    first
}
