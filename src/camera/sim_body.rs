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
    effects: SensorEffects,
    scan: ScanSpec,
    route: Route,
    progress_m: f64,
    travelled_m: f64,
    v_mps: f64,
    w_rps: f64,
}

/// Share of a new reading in the speeds that the wheels tell: a single step of a few milliseconds is mostly noise.
const FRESH: f64 = 0.2;

/// Pictures of more pixels than this are rendered with one sample a pixel.
const LARGE_PX: u32 = 40_000;

impl SimBody {
    /// Sets a robot down in a world, at a place of `route`, which its own driver knows. `seed` decides the noise of its
    /// sensors and its slip.
    #[must_use]
    pub fn new(world: Arc<World>, robot: Robot, route: Route, start: Pose, seed: u64, camera: SimCamera) -> Self {
        let simulation = Simulation::new(world, robot, start, seed);
        let scan = ScanSpec::default();
        let (crowd, effects) = (Crowd::default(), SensorEffects::none());
        let (progress_m, travelled_m, v_mps, w_rps) = (0.0, 0.0, 0.0, 0.0);
        Self { simulation, crowd, camera, effects, scan, route, progress_m, travelled_m, v_mps, w_rps }
    }

    /// The same with a camera that is not perfect.
    #[must_use]
    pub fn with_effects(mut self, effects: SensorEffects) -> Self {
        self.effects = effects;
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
        // Small pictures are smoothed; a large one would take longer than there is time between two.
        let samples = if width * height > LARGE_PX { 1 } else { 2 };
        let (robot, motion, time_s) = (self.simulation.robot(), self.simulation.motion(), self.simulation.time_s());
        let mut rgb = vec![0; width as usize * height as usize * 3];
        let size = [width as usize, height as usize, samples];
        self.effects
            .picture_into(self.simulation.surroundings(), robot, &motion, time_s, size, &mut rgb)
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

#[cfg(test)]
mod tests {
    use pilotage_sim::{Split, WorldId};

    use super::*;
    use crate::episode::Episode;

    fn body(seed: u64) -> (SimBody, Episode) {
        let episode = Episode::of(WorldId { split: Split::Validation, index: 5 }).unwrap();
        let (world, route, start) = (Arc::clone(&episode.world), episode.route.clone(), episode.route.start());
        (SimBody::new(world, episode.robot, route, start, seed, SimCamera::default()), episode)
    }

    #[test]
    fn its_own_driver_reaches_the_goal_and_touches_nothing() {
        let (mut body, episode) = body(3);
        let mut steps = 0;
        while let Some(wanted) = body.expert() {
            for _ in 0..5 {
                assert!(!body.drive(wanted, 0.01), "a contact after {steps} decisions");
            }
            steps += 1;
            assert!(steps < 4000, "it never arrives");
        }
        let from_goal = body.pose().distance_m(&episode.goal());
        assert!(from_goal < 0.3 && body.travelled_m() > 3.0, "{from_goal} m after {} m", body.travelled_m());
    }

    #[test]
    fn people_move_as_time_goes_by_and_are_in_the_scan() {
        let (mut body, episode) = body(3);
        let before = body.scan();
        let crowd = Crowd::sample(&episode.world, 1, 12);
        let mut body = body.among(crowd);
        assert!(body.people() > 0);
        let standing = Wanted { linear_mps: 0.0, angular_rps: 0.0 };
        let differ = |a: &[f32], b: &[f32]| a.iter().zip(b).filter(|(a, b)| (*a - *b).abs() > 0.2).count();
        // Noise makes none of these; drop-outs are infinite, and their difference no number or infinite.
        let seen = (0..60).map(|_| {
            for _ in 0..50 {
                body.drive(standing, 0.01);
            }
            differ(&before, &body.scan())
        });
        let (least, most) = seen.fold((usize::MAX, 0), |(least, most), n| (least.min(n), most.max(n)));
        assert!(most > least + 5, "{least} to {most} beams differ");
    }

    #[test]
    fn the_speed_that_the_wheels_tell_follows_the_command_and_comes_to_rest() {
        let (mut body, episode) = body(3);
        let wanted = Wanted { linear_mps: 0.5 * episode.robot.v_max_mps as f32, angular_rps: 0.0 };
        for _ in 0..100 {
            body.drive(wanted, 0.01);
        }
        let told = body.odometry();
        assert!((told.v_mps / f64::from(wanted.linear_mps) - 1.0).abs() < 0.3, "{told:?}");
        for _ in 0..200 {
            body.drive(Wanted { linear_mps: 0.0, angular_rps: 0.0 }, 0.01);
        }
        assert!(body.odometry().v_mps.abs() < 1e-3, "{:?}", body.odometry());
    }
}
