//! A robot in a world, moved by commands in its own time: latency, slip, odometry, pictures, scans.

use std::collections::VecDeque;
use std::ops::Deref;

use crate::geometry::Pose;
use crate::light::Light;
use crate::mover::{Mover, Surroundings};
use crate::physics::{Motion, StepReport, seconds, slide};
use crate::render::RenderError;
use crate::rng::Rng;
use crate::robot::Robot;
use crate::scan::ScanSpec;
use crate::sensor::SensorEffects;
use crate::trig::exp;
use crate::world::World;

/// What the wheels say: the way from the start, in the start's frame, with a scale error and a
/// random walk. Slip is not in it: the wheels are taken to be calibrated on the ground they run on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Odometry {
    /// Reckoned pose; the start is (0, 0, 0).
    pub pose: Pose,
    /// Measured speed over the last step, metres per second.
    pub v_mps: f64,
    /// Measured turn rate over the last step, radians per second.
    pub w_rps: f64,
}

/// Standard deviation of the odometry's scale error.
const SCALE_SIGMA: f64 = 0.01;
/// Random walk of the odometry: metres per root metre driven, radians per root radian turned, and
/// radians per root metre driven.
const WALK: [f64; 3] = [0.005, 0.01, 0.004];
/// How long a slip lasts, seconds.
const SLIP_TIME_S: f64 = 0.7;

/// The slow random part of a robot's slip; also used to record drives.
#[derive(Debug, Clone, Default)]
pub(crate) struct SlipState {
    drift: [f64; 2],
}

impl SlipState {
    /// What of a command reaches the ground during the next `dt_s` seconds.
    pub(crate) fn apply(&mut self, robot: &Robot, [v, w]: [f64; 2], dt_s: f64, rng: &mut Rng) -> [f64; 2] {
        let slip = &robot.slip;
        if slip.sigma > 0.0 {
            let keep = exp(-dt_s / SLIP_TIME_S);
            let fresh = (1.0 - keep * keep).sqrt() * slip.sigma;
            for drift in &mut self.drift {
                *drift = *drift * keep + fresh * rng.normal();
            }
        }
        // A car that is told to go straight goes straight; what turns or walks may veer off a little.
        let veer =
            if robot.min_turn_radius_m > 0.0 { w } else { w + 0.3 * self.drift[1] * v / robot.radius_m.max(0.1) };
        [v * (slip.v_grip + self.drift[0]), veer * slip.w_grip + w * self.drift[1]]
    }
}

/// Commands on their way to the wheels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pending {
    waiting: VecDeque<(f64, [f64; 2])>,
    in_force: [f64; 2],
}

impl Pending {
    /// A command given at `now_s` that takes effect `latency_s` later.
    pub(crate) fn send(&mut self, now_s: f64, latency_s: f64, command: [f64; 2]) {
        let at = now_s + if latency_s.is_finite() { latency_s.clamp(0.0, 10.0) } else { 0.0 };
        self.waiting.push_back((at, command));
    }

    /// The command in force at `now_s` and how long it stays so, at most `most_s` seconds.
    pub(crate) fn at(&mut self, now_s: f64, most_s: f64) -> ([f64; 2], f64) {
        while let Some(&(from, command)) = self.waiting.front() {
            if from - now_s > 1e-9 {
                return (self.in_force, most_s.min(from - now_s));
            }
            self.in_force = command;
            self.waiting.pop_front();
        }
        (self.in_force, most_s)
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        self.in_force = [0.0; 2];
    }
}

/// How a robot that is no perfect machine moves: latency and slip around [`crate::advance`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Drivetrain {
    pending: Pending,
    slip: SlipState,
}

impl Drivetrain {
    /// Drives for `dt_s` seconds from `now_s` on with a command given at `now_s`.
    pub(crate) fn step(
        &mut self,
        around: Surroundings<'_>,
        robot: &Robot,
        motion: &mut Motion,
        command: [f64; 2],
        (now_s, dt_s): (f64, f64),
        rng: &mut Rng,
    ) -> StepReport {
        self.pending.send(now_s, robot.latency_s, command);
        let mut report = StepReport::default();
        let (mut t, end) = (now_s, now_s + dt_s);
        while end - t > 1e-9 {
            let (command, piece_s) = self.pending.at(t, end - t);
            let command = self.slip.apply(robot, command, piece_s, rng);
            let part = slide(around, robot, motion, command, robot.slip.lateral_s, piece_s);
            report.contact |= part.contact;
            report.travelled_m += part.travelled_m;
            report.turned_rad += part.turned_rad;
            t += piece_s;
        }
        report
    }

    pub(crate) fn halt(&mut self) {
        self.pending.clear();
    }
}

/// A robot in a world, moved by commands in its own time.
///
/// `W` is `&World`, `Arc<World>` or anything else that points to a world.
#[derive(Debug, Clone)]
pub struct Simulation<W: Deref<Target = World>> {
    world: W,
    robot: Robot,
    motion: Motion,
    drivetrain: Drivetrain,
    movers: Vec<Mover>,
    light: Light,
    odometry: Odometry,
    odometry_scale: [f64; 2],
    noise: [f64; 2],
    effects: SensorEffects,
    rng: Rng,
    scans: u64,
    scan_seed: u64,
    time_s: f64,
}

impl<W: Deref<Target = World>> Simulation<W> {
    /// Sets `robot` down at `start`, standing. `seed` decides the odometry's error, slip and noise.
    #[must_use]
    pub fn new(world: W, robot: Robot, start: Pose, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let odometry_scale = [1.0 + SCALE_SIGMA * rng.normal(), 1.0 + SCALE_SIGMA * rng.normal()];
        let scan_seed = rng.next_u64();
        Self {
            world,
            robot,
            motion: Motion { pose: start, ..Motion::default() },
            drivetrain: Drivetrain::default(),
            movers: Vec::new(),
            light: Light::default(),
            odometry: Odometry::default(),
            odometry_scale,
            noise: [0.0; 2],
            effects: SensorEffects::none(),
            rng,
            scans: 0,
            scan_seed,
            time_s: 0.0,
        }
    }

    /// Makes the drive imprecise beyond the robot's own slip: every step's speed is scaled by
    /// 1 + `v_share` N(0,1) and `w_share` N(0,1) times the greatest turn rate is added to its turn rate.
    #[must_use]
    pub fn with_actuator_noise(mut self, v_share: f64, w_share: f64) -> Self {
        self.noise = [v_share, w_share];
        self
    }

    /// What the sensor does to every picture from now on.
    #[must_use]
    pub fn with_effects(mut self, effects: SensorEffects) -> Self {
        self.effects = effects;
        self
    }

    /// Who is in the world besides from now on, for touch, pictures and scans.
    pub fn set_movers(&mut self, movers: Vec<Mover>) {
        self.movers = movers;
    }

    /// The light of all pictures from now on.
    pub fn set_light(&mut self, light: Light) {
        self.light = light;
    }

    /// The world, who is in it now, and the light.
    #[must_use]
    pub fn surroundings(&self) -> Surroundings<'_> {
        Surroundings::new(&self.world, &self.movers).with_light(self.light)
    }

    /// Drives for `dt_s` seconds (at most 10). The command takes effect after the robot's latency
    /// and then holds until the next one does.
    pub fn step(&mut self, v_mps: f64, w_rps: f64, dt_s: f64) -> StepReport {
        let (mut v, mut w) = self.robot.limited(v_mps, w_rps);
        if self.noise.iter().any(|share| share.abs() > 0.0) {
            v *= 1.0 + self.noise[0] * self.rng.normal();
            w += self.noise[1] * self.robot.w_max_rps * self.rng.normal();
        }
        let dt = seconds(dt_s);
        let around = Surroundings::new(&self.world, &self.movers);
        let when = (self.time_s, dt);
        let report = self.drivetrain.step(around, &self.robot, &mut self.motion, [v, w], when, &mut self.rng);
        self.time_s += dt;
        self.reckon(&report, dt);
        report
    }

    fn reckon(&mut self, report: &StepReport, dt: f64) {
        let (way, angle) = (report.travelled_m.abs().sqrt(), report.turned_rad.abs().sqrt());
        let forward = report.travelled_m * self.odometry_scale[0] + WALK[0] * way * self.rng.normal();
        let turn = report.turned_rad * self.odometry_scale[1]
            + WALK[1] * angle * self.rng.normal()
            + WALK[2] * way * self.rng.normal();
        let half = Pose { yaw_rad: self.odometry.pose.yaw_rad + 0.5 * turn, ..self.odometry.pose };
        self.odometry.pose = half.moved(forward, 0.0, 0.5 * turn);
        if dt > 0.0 {
            self.odometry.v_mps = forward / dt;
            self.odometry.w_rps = turn / dt;
        }
    }

    /// The true pose.
    #[must_use]
    pub fn pose(&self) -> Pose {
        self.motion.pose
    }

    /// The true motion.
    #[must_use]
    pub fn motion(&self) -> Motion {
        self.motion
    }

    /// What the wheels say.
    #[must_use]
    pub fn odometry(&self) -> Odometry {
        self.odometry
    }

    /// Seconds driven since the start.
    #[must_use]
    pub fn time_s(&self) -> f64 {
        self.time_s
    }

    /// The robot.
    #[must_use]
    pub fn robot(&self) -> &Robot {
        &self.robot
    }

    /// The world.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Puts the robot somewhere else, standing, commands on their way forgotten; odometry goes on as
    /// if nothing had happened.
    pub fn teleport(&mut self, pose: Pose) {
        self.motion = Motion { pose, ..Motion::default() };
        self.drivetrain.halt();
    }

    /// What the camera sees now, moved by the gait and through the sensor's effects: RGB8,
    /// row-major, `width * height * 3` bytes.
    ///
    /// # Errors
    /// [`RenderError::Size`] where the size is zero or too large.
    pub fn picture(&self, width: usize, height: usize) -> Result<Vec<u8>, RenderError> {
        self.effects.picture(self.surroundings(), &self.robot, &self.motion, self.time_s, width, height)
    }

    /// What a range finder on the robot's centre measures now: metres by beam, infinite where
    /// nothing was measured; every call has noise of its own. See [`ScanSpec`].
    pub fn scan(&mut self, spec: &ScanSpec) -> Vec<f32> {
        self.scans += 1;
        let mut rng = Rng::new(self.scan_seed ^ crate::rng::mix64(self.scans));
        spec.scan(self.surroundings(), &self.motion.pose, &mut rng)
    }
}
