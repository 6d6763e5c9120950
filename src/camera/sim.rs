//! The simulator as a frame source, a command sink, and (in lockstep) a plant.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pilotage_gate::Command;
use pilotage_sim::{Crowd, Light, Pose, Robot, SensorEffects, Simulation, Surroundings, World};

use super::{FrameSource, Next, SourceError};
use crate::frame::{Monotonic, Picture, RawFrame, SourceStamp};
use crate::runtime::lockstep::Plant;
use crate::sink::{CommandSink, SendTime, SinkError};

/// How a simulated camera takes pictures.
#[derive(Clone, Copy, Debug)]
pub struct SimCamera {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames per second.
    pub rate_hz: f64,
}

impl Default for SimCamera {
    fn default() -> Self {
        Self { width: 160, height: 120, rate_hz: 20.0 }
    }
}

/// The conditions of a drive: light, what the sensor does to pictures, and who is about.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The light.
    pub light: Light,
    /// The sensor's ways.
    pub effects: SensorEffects,
    /// People and boxes that no map knows.
    pub crowd: Crowd,
}

impl Default for Scene {
    fn default() -> Self {
        Self { light: Light::default(), effects: SensorEffects::none(), crowd: Crowd::default() }
    }
}

/// A simulated robot with its camera.
pub struct SimRobot {
    simulation: Simulation<Arc<World>>,
    crowd: Crowd,
    camera: SimCamera,
    seq: u64,
    contact: bool,
    touches: u64,
}

impl SimRobot {
    /// Sets a robot down in a world.
    #[must_use]
    pub fn new(world: Arc<World>, robot: Robot, start: Pose, seed: u64, camera: SimCamera) -> Self {
        let simulation = Simulation::new(world, robot, start, seed);
        Self { simulation, crowd: Crowd::default(), camera, seq: 0, contact: false, touches: 0 }
    }

    /// The same robot under other conditions.
    #[must_use]
    pub fn in_scene(mut self, scene: Scene) -> Self {
        self.simulation = self.simulation.with_effects(scene.effects);
        self.simulation.set_light(scene.light);
        self.crowd = scene.crowd;
        self.simulation.set_movers(self.crowd.at(0.0));
        self
    }

    /// The world, and who is in it now.
    #[must_use]
    pub fn surroundings(&self) -> Surroundings<'_> {
        self.simulation.surroundings()
    }

    /// The same robot with imprecise drives; see [`Simulation::with_actuator_noise`].
    #[must_use]
    pub fn with_actuator_noise(mut self, v_share: f64, w_share: f64) -> Self {
        self.simulation = self.simulation.with_actuator_noise(v_share, w_share);
        self
    }

    /// Where it truly is.
    #[must_use]
    pub fn pose(&self) -> Pose {
        self.simulation.pose()
    }

    /// How often it has begun to touch something.
    #[must_use]
    pub fn touches(&self) -> u64 {
        self.touches
    }

    /// Lets it drive.
    pub fn step(&mut self, linear_mps: f64, angular_rps: f64, dt_s: f64) {
        if !self.crowd.is_empty() {
            self.simulation.set_movers(self.crowd.at(self.simulation.time_s()));
        }
        let report = self.simulation.step(linear_mps, angular_rps, dt_s);
        if report.contact && !self.contact {
            self.touches += 1;
        }
        self.contact = report.contact;
    }

    /// Takes a picture, stamped with the simulator's time.
    ///
    /// # Errors
    /// When the camera's size is one that cannot be rendered.
    pub fn take_picture(&mut self) -> Result<RawFrame, SourceError> {
        let (width, height) = (self.camera.width, self.camera.height);
        let rgb = self
            .simulation
            .picture(width as usize, height as usize)
            .map_err(|error| SourceError::Stream(error.to_string()))?;
        let picture = Picture::from_rgb8(width, height, rgb).map_err(|error| SourceError::Stream(error.to_string()))?;
        let captured = SourceStamp((self.simulation.time_s() * 1e9).round() as i64);
        self.seq += 1;
        Ok(RawFrame { seq: self.seq - 1, captured, picture, encoded: None, teleop: None })
    }
}

impl Plant for SimRobot {
    fn next_frame_ns(&mut self) -> Option<u64> {
        Some((self.seq as f64 * 1e9 / self.camera.rate_hz).round() as u64)
    }

    fn frame(&mut self) -> Result<RawFrame, SourceError> {
        self.take_picture()
    }

    fn drive(&mut self, command: &Command, from_ns: u64, to_ns: u64) {
        let dt_s = to_ns.saturating_sub(from_ns) as f64 * 1e-9;
        self.step(f64::from(command.linear_mps()), f64::from(command.angular_rps()), dt_s);
    }

    fn obeys(&self) -> bool {
        true
    }
}

/// A simulated robot shared by a [`SimSource`] and a [`SimSink`] in real time.
pub type SharedSimRobot = Arc<Mutex<SimRobot>>;

/// The camera half of a simulated robot.
pub struct SimSource(pub SharedSimRobot);

impl FrameSource for SimSource {
    fn next(&mut self, _wait: Duration) -> Result<Next, SourceError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take_picture().map(Next::Frame)
    }

    fn describe(&self) -> String {
        let robot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let SimCamera { width, height, rate_hz } = robot.camera;
        format!("simulated camera, {width}x{height} at {rate_hz} Hz")
    }

    fn interval(&self) -> Option<Duration> {
        let robot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Duration::from_secs_f64(1.0 / robot.camera.rate_hz.max(0.1)))
    }
}

/// The wheels half of a simulated robot: a command holds until the next one.
pub struct SimSink {
    robot: SharedSimRobot,
    since: Option<Monotonic>,
    /// Speed and turn rate in force.
    held: (f32, f32),
}

impl SimSink {
    /// For a shared robot.
    #[must_use]
    pub fn new(robot: SharedSimRobot) -> Self {
        Self { robot, since: None, held: (0.0, 0.0) }
    }
}

impl CommandSink for SimSink {
    fn send(&mut self, at: SendTime, command: &Command) -> Result<(), SinkError> {
        let now = at.now;
        if let Some(since) = self.since {
            let dt_s = now.0.saturating_sub(since.0) as f64 * 1e-9;
            let (linear, angular) = self.held;
            let mut robot = self.robot.lock().unwrap_or_else(PoisonError::into_inner);
            robot.step(f64::from(linear), f64::from(angular), dt_s.min(0.5));
        }
        self.since = Some(now);
        self.held = (command.linear_mps(), command.angular_rps());
        Ok(())
    }

    fn describe(&self) -> String {
        "the simulated robot".into()
    }
}
