//! A simulated episode: somebody drives a robot through a building once, the map is built from that log, and the
//! robot finds its way alone from a perturbed start. The demo, the evaluation and the tests share it.

use std::path::Path;
use std::sync::Arc;

use pilotage_graph::{KeyframeRule, MapDir, NodeId, Start};
use pilotage_sim::{Pose, Rng, Robot, Route, Teleop, TeleopStep, World, WorldId};
use serde::Serialize;

use crate::camera::sim::{SimCamera, SimRobot};
use crate::config::Profile;
use crate::drive::DriveLoop;
use crate::frame::{Picture, RawFrame, SourceStamp};
use crate::ingest::{IngestError, LogInfo, LogKind, LogReader, Skipped, Stamps};
use crate::mapping::{self, BuildOptions, BuildReport};
use crate::navigator::{NavigatorConfig, Phase};
use crate::pilot::Pilot;
use crate::policy::Policy;
use crate::record::run::RunRecorder;
use crate::runtime::lockstep::{self, Event, Flow};
use crate::runtime::{ControlLoop, Intake, TickLoop};

/// Rate of the teleoperator's log and of the camera, hertz.
pub const LOG_RATE_HZ: f64 = 8.0;
/// Standard deviation of the start's perturbation, metres on each axis.
pub const START_SIGMA_M: f64 = 0.12;
/// Standard deviation of the start's perturbation, radians.
pub const START_SIGMA_RAD: f64 = 0.2;

/// One world with one robot, driven once.
pub struct Episode {
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
    /// The robot's profile.
    pub profile: Profile,
}

impl Episode {
    /// The episode of a world: robot, way and perturbation all follow from its name. `None` where the world
    /// offers no way for the robot, or the teleoperator itself touches something (such worlds are no test).
    #[must_use]
    pub fn of(id: WorldId) -> Option<Self> {
        let world = Arc::new(World::generate(id));
        let mut rng = Rng::new(id.seed() ^ 0xe915_0de5);
        let (robot, route) = (0..8).find_map(|_| {
            let robot = Robot::sample(&mut rng, world.family());
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
        Some(Self { id, world, robot, route, teleop, start, profile })
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

    /// How near the goal counts as arrived: 0.6 m, or 0.75 s of cruise for fast robots.
    #[must_use]
    pub fn tolerance_m(&self) -> f64 {
        (0.75 * self.robot.v_max_mps).max(0.6)
    }

    /// The drive as a log.
    #[must_use]
    pub fn log(&self) -> SimLog<'_> {
        SimLog { episode: self, next: 0, camera: SimCamera { rate_hz: LOG_RATE_HZ, ..SimCamera::default() } }
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

    /// Open loop: the teleoperator's commands from the perturbed start, without looking.
    #[must_use]
    pub fn replay_blindly(&self) -> Outcome {
        let camera = SimCamera { rate_hz: LOG_RATE_HZ, ..SimCamera::default() };
        let mut robot = SimRobot::new(Arc::clone(&self.world), self.robot, self.start, self.id.seed(), camera);
        for step in &self.teleop {
            robot.step(step.v_mps, step.w_rps, 1.0 / LOG_RATE_HZ);
        }
        self.judge(true, &robot, self.teleop_s(), None)
    }

    /// Closed loop through the whole runtime, in lockstep.
    ///
    /// # Errors
    /// When the policy or the map fails.
    pub fn drive(
        &self,
        policy: Box<dyn Policy>,
        map: MapDir,
        recorder: Option<&RunRecorder>,
        onlooker: &mut dyn FnMut(&Event<'_>),
    ) -> anyhow::Result<(Outcome, Vec<Pose>)> {
        let goal = map.map().goal_spec("LAST")?;
        let pilot = Pilot::new(policy, map, NavigatorConfig::default(), goal, Start::At(NodeId(0)))?;
        let spec = pilot.policy().spec().clone();
        let camera = SimCamera { rate_hz: LOG_RATE_HZ, ..SimCamera::default() };
        let mut robot = SimRobot::new(Arc::clone(&self.world), self.robot, self.start, self.id.seed(), camera);
        let mut intake = Intake::new(&spec, &self.profile, recorder.cloned());
        let mut ticks = TickLoop::new(pilot, &self.profile, recorder.cloned());
        let mut control = ControlLoop::new(DriveLoop::new(&self.profile, spec.rate_hz)?, recorder.cloned());
        let limit_s = 2.0 * self.teleop_s() + 10.0 / spec.rate_hz + spec.context_frames as f64 / spec.rate_hz;
        let mut last_phase = Phase::Waiting;
        let mut arrived_at_s = None;
        let mut track = Tracked { robot: &mut robot, poses: vec![self.start], stuck_ticks: 0 };
        lockstep::run(&mut track, &mut intake, &mut ticks, &mut control, &self.profile, limit_s, &mut |event| {
            onlooker(&event);
            match event {
                Event::Tick { output, .. } => last_phase = output.decision.phase,
                Event::Control { at_ns, output } if last_phase == Phase::Arrived && output.command.is_zero() => {
                    arrived_at_s = Some(at_ns as f64 * 1e-9);
                    return Flow::Stop;
                }
                _ => {}
            }
            Flow::On
        })?;
        let poses = std::mem::take(&mut track.poses);
        let outcome =
            self.judge(last_phase == Phase::Arrived, &robot, arrived_at_s.unwrap_or(limit_s), Some(last_phase));
        Ok((outcome, poses))
    }

    fn judge(&self, declared: bool, robot: &SimRobot, time_s: f64, phase: Option<Phase>) -> Outcome {
        let error_m = robot.pose().distance_m(&self.goal());
        let near = error_m <= self.tolerance_m();
        let nearest = self
            .teleop
            .iter()
            .enumerate()
            .min_by(|(_, a), (_, b)| a.pose.distance_m(&robot.pose()).total_cmp(&b.pose.distance_m(&robot.pose())));
        let progress = nearest.map_or(0.0, |(index, _)| index as f64 / (self.teleop.len() - 1).max(1) as f64);
        Outcome {
            success: declared && near && robot.touches() == 0,
            arrived: declared && near,
            declared,
            touches: robot.touches(),
            error_m,
            progress,
            time_ratio: time_s / self.teleop_s().max(0.1),
            end_phase: phase.map(|phase| phase.to_string()),
        }
    }
}

/// The spacing of simulated maps: the command line's own default.
#[must_use]
pub fn default_rule() -> KeyframeRule {
    KeyframeRule { spacing_steps: 2.0, ..KeyframeRule::default() }
}

/// How an episode ended.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Arrival declared, near the goal, nothing touched.
    pub success: bool,
    /// Arrival declared, near the goal.
    pub arrived: bool,
    /// Arrival declared.
    pub declared: bool,
    /// How often something was touched.
    pub touches: u64,
    /// Distance from the goal at the end, metres.
    pub error_m: f64,
    /// Share of the way, by the nearest point of the teleoperator's drive.
    pub progress: f64,
    /// Time needed over the teleoperator's.
    pub time_ratio: f64,
    /// The navigator's phase at the end.
    pub end_phase: Option<String>,
}

/// Keeps the track of a robot for pictures.
struct Tracked<'a> {
    robot: &'a mut SimRobot,
    poses: Vec<Pose>,
    stuck_ticks: u32,
}

impl lockstep::Plant for Tracked<'_> {
    fn next_frame_ns(&mut self) -> Option<u64> {
        // A robot that has pushed against something for long will not get anywhere: end the episode.
        if self.stuck_ticks > 160 { None } else { self.robot.next_frame_ns() }
    }

    fn frame(&mut self) -> Result<RawFrame, crate::camera::SourceError> {
        self.robot.frame()
    }

    fn drive(&mut self, command: &pilotage_gate::Command, from_ns: u64, to_ns: u64) {
        let before = self.robot.pose();
        self.robot.drive(command, from_ns, to_ns);
        let after = self.robot.pose();
        let moved = before.distance_m(&after) > 1e-4 || (before.yaw_rad - after.yaw_rad).abs() > 1e-4;
        self.stuck_ticks = if moved || command.is_zero() { 0 } else { self.stuck_ticks + 1 };
        self.poses.push(after);
    }

    fn obeys(&self) -> bool {
        true
    }
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

/// The teleoperator's drive as a log: pictures are rendered as they are read.
pub struct SimLog<'a> {
    episode: &'a Episode,
    next: usize,
    camera: SimCamera,
}

impl LogReader for SimLog<'_> {
    fn next(&mut self) -> Result<Option<RawFrame>, IngestError> {
        let Some(step) = self.episode.teleop.get(self.next) else { return Ok(None) };
        let SimCamera { width, height, .. } = self.camera;
        let (world, robot) = (&*self.episode.world, &self.episode.robot);
        let render = pilotage_sim::render(world, &step.pose, &robot.camera, width as usize, height as usize, 2);
        let index = self.next as u64;
        let unusable = |reason: String| IngestError::NothingUsable {
            path: self.episode.id.split.name().into(),
            skipped: 0,
            index,
            reason,
        };
        let rgb = render.map_err(|error| unusable(error.to_string()))?;
        let picture = Picture::from_rgb8(width, height, rgb).map_err(|error| unusable(error.to_string()))?;
        self.next += 1;
        Ok(Some(RawFrame {
            seq: self.next as u64 - 1,
            captured: SourceStamp((step.t_s * 1e9).round() as i64),
            picture,
            encoded: None,
            teleop: None,
        }))
    }

    fn info(&self) -> LogInfo {
        LogInfo {
            kind: LogKind::Simulated,
            path: format!("{}:{}", self.episode.id.split.name(), self.episode.id.index).into(),
            frames: self.episode.teleop.len() as u64,
            hz: Some(LOG_RATE_HZ),
            hz_given: false,
            stamps: Stamps::Trusted,
        }
    }

    fn skipped(&self) -> &[Skipped] {
        &[]
    }
}
