//! The simulator as a whole robot: wheels, camera, range finder, a driver of its own, and people around it.

use std::sync::Arc;

use pilotage_gate::Wanted;
use pilotage_sim::{Crowd, Expert, Odometry, Pose, Robot, Route, ScanSpec, SensorEffects, Simulation, World};

use super::SourceError;
use super::sim::SimCamera;
use crate::frame::Picture;
use crate::runtime::robot::Body;

/// A simulated robot with all its sensors.
pub struct SimBody {
    simulation: Simulation<Arc<World>>,
    crowd: Crowd,
    camera: SimCamera,
    scan: ScanSpec,
    route: Route,
    progress_m: f64,
    travelled_m: f64,
    v_mps: f64,
    w_rps: f64,
}

/// Share of a new reading in the speeds that the wheels tell: a single step of a few milliseconds is mostly noise.
const FRESH: f64 = 0.2;

impl SimBody {
    /// Sets a robot down in a world, at a place of `route`, which its own driver knows. `seed` decides the noise of its
    /// sensors and its slip.
    #[must_use]
    pub fn new(world: Arc<World>, robot: Robot, route: Route, start: Pose, seed: u64, camera: SimCamera) -> Self {
        let simulation = Simulation::new(world, robot, start, seed);
        let scan = ScanSpec::default();
        let crowd = Crowd::default();
        Self { simulation, crowd, camera, scan, route, progress_m: 0.0, travelled_m: 0.0, v_mps: 0.0, w_rps: 0.0 }
    }

    /// The same with a camera that is not perfect.
    #[must_use]
    pub fn with_effects(mut self, effects: SensorEffects) -> Self {
        self.simulation = self.simulation.with_effects(effects);
        self
    }

    /// The same with people about, who walk where they will.
    #[must_use]
    pub fn among(mut self, crowd: Crowd) -> Self {
        self.simulation.set_movers(crowd.at(0.0));
        self.crowd = crowd;
        self
    }

    /// How many people are about.
    #[must_use]
    pub fn people(&self) -> usize {
        self.crowd.len()
    }

    /// Its range finder.
    #[must_use]
    pub fn scan_spec(&self) -> &ScanSpec {
        &self.scan
    }

    /// Where it truly is.
    #[must_use]
    pub fn pose(&self) -> Pose {
        self.simulation.pose()
    }

    /// How far it has truly driven, backwards counted too, metres.
    #[must_use]
    pub fn travelled_m(&self) -> f64 {
        self.travelled_m
    }
}

impl Body for SimBody {
    fn drive(&mut self, wanted: Wanted, dt_s: f64) -> bool {
        if !self.crowd.is_empty() {
            self.simulation.set_movers(self.crowd.at(self.simulation.time_s()));
        }
        let report = self.simulation.step(f64::from(wanted.linear_mps), f64::from(wanted.angular_rps), dt_s);
        self.travelled_m += report.travelled_m.abs();
        let told = self.simulation.odometry();
        self.v_mps += FRESH * (told.v_mps - self.v_mps);
        self.w_rps += FRESH * (told.w_rps - self.w_rps);
        report.contact
    }

    fn odometry(&self) -> Odometry {
        Odometry { v_mps: self.v_mps, w_rps: self.w_rps, ..self.simulation.odometry() }
    }

    fn scan(&mut self) -> Vec<f32> {
        self.simulation.scan(&self.scan)
    }

    fn picture(&mut self) -> Result<Picture, SourceError> {
        let SimCamera { width, height, .. } = self.camera;
        let rgb = self
            .simulation
            .picture(width as usize, height as usize)
            .map_err(|error| SourceError::Stream(error.to_string()))?;
        Picture::from_rgb8(width, height, rgb).map_err(|error| SourceError::Stream(error.to_string()))
    }

    fn expert(&mut self) -> Option<Wanted> {
        let pose = self.simulation.pose();
        let expert = Expert::new(self.simulation.surroundings(), self.simulation.robot(), &self.route);
        self.progress_m = expert.progress_m(&pose, self.progress_m);
        if self.progress_m >= self.route.length_m() {
            return None;
        }
        let (v_mps, w_rps) = expert.command(&pose, self.progress_m);
        Some(Wanted { linear_mps: v_mps as f32, angular_rps: w_rps as f32 })
    }
}
