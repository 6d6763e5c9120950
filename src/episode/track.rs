//! What a robot really did on its drive: the simulator's truth, for judging and drawing. No method sees it.

use pilotage_gate::Command;
use pilotage_sim::{Pose, Surroundings};

use crate::camera::SourceError;
use crate::camera::sim::SimRobot;
use crate::frame::RawFrame;
use crate::navigator::Phase;
use crate::runtime::lockstep::Plant;

/// A robot that has pushed against something for so many control steps will not get anywhere: the episode ends.
const STUCK_STEPS: u32 = 160;
/// Slower than this over a step is standing, metres a second.
const STANDING_MPS: f64 = 0.02;
/// Standing longer than this on the way is a stop, seconds.
const STOP_S: f64 = 1.0;

/// One moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Seconds since the start.
    pub t_s: f64,
    /// Where the robot is.
    pub pose: Pose,
    /// Room between it and the nearest thing, metres.
    pub clearance_m: f64,
    /// Whether it moved or turned since the moment before.
    pub moving: bool,
}

/// The beginning of a touch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contact {
    /// Seconds since the start.
    pub t_s: f64,
    /// Where the robot was.
    pub pose: Pose,
}

/// A whole drive.
#[derive(Clone, Debug, Default)]
pub struct Track {
    /// At each control step, the start first.
    pub samples: Vec<Sample>,
    /// Every touch.
    pub contacts: Vec<Contact>,
}

impl Track {
    /// The poses alone.
    pub fn poses(&self) -> impl Iterator<Item = &Pose> {
        self.samples.iter().map(|sample| &sample.pose)
    }

    /// Metres driven.
    #[must_use]
    pub fn length_m(&self) -> f64 {
        let legs = self.samples.iter().zip(self.samples.iter().skip(1));
        legs.map(|(a, b)| a.pose.distance_m(&b.pose)).sum()
    }

    /// Where the robot was at a time.
    #[must_use]
    pub fn at(&self, t_s: f64) -> Option<&Sample> {
        let after = self.samples.partition_point(|sample| sample.t_s < t_s - 1e-6);
        self.samples.get(after).or(self.samples.last())
    }

    /// How often the robot stood for more than a second between its first move and `until_s`.
    #[must_use]
    pub fn stops(&self, until_s: f64) -> u32 {
        let mut stops = 0;
        let mut stands_since: Option<f64> = None;
        let mut moved = false;
        let mut counted = false;
        for sample in self.samples.iter().take_while(|sample| sample.t_s <= until_s) {
            if sample.moving {
                moved = true;
                counted = false;
                stands_since = None;
            } else if moved {
                let since = *stands_since.get_or_insert(sample.t_s);
                if sample.t_s - since >= STOP_S && !counted {
                    stops += 1;
                    counted = true;
                }
            }
        }
        stops
    }
}

/// What a method thought at one of its ticks, beside which the truth is put.
#[derive(Clone, Debug, PartialEq)]
pub struct TickNote {
    /// Seconds since the start.
    pub t_s: f64,
    /// Where it believed to be, policy steps along the taught drive.
    pub believed_steps: Option<f64>,
    /// The state machine; methods without one drive until they have arrived.
    pub phase: Phase,
    /// Where it steered at, policy steps along the taught drive.
    pub subgoal_steps: Option<f64>,
    /// The waypoint it steered at, model units (forward, left).
    pub waypoint_units: Option<[f32; 2]>,
    /// Smallest distance answered, steps.
    pub nearest_steps: Option<f32>,
    /// The command that followed (metres a second, radians a second).
    pub command: [f32; 2],
}

/// A simulated robot that is watched.
pub struct Probe {
    robot: SimRobot,
    radius_m: f64,
    track: Track,
    stuck_steps: u32,
}

impl Probe {
    /// Watches a robot of the given radius.
    #[must_use]
    pub fn new(robot: SimRobot, radius_m: f64) -> Self {
        let pose = robot.pose();
        let clearance_m = robot.surroundings().clearance_m(pose.x_m, pose.y_m) - radius_m;
        let first = Sample { t_s: 0.0, pose, clearance_m, moving: false };
        Self { robot, radius_m, track: Track { samples: vec![first], contacts: Vec::new() }, stuck_steps: 0 }
    }

    /// Where the robot is.
    #[must_use]
    pub fn pose(&self) -> Pose {
        self.robot.pose()
    }

    /// The world, and who is in it now.
    #[must_use]
    pub fn surroundings(&self) -> Surroundings<'_> {
        self.robot.surroundings()
    }

    /// Whether it has pushed against something for so long that it will not get anywhere.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.stuck_steps > STUCK_STEPS
    }

    /// Lets it drive with a command held.
    pub fn step(&mut self, linear_mps: f64, angular_rps: f64, from_s: f64, dt_s: f64) {
        let (before, touches) = (self.robot.pose(), self.robot.touches());
        self.robot.step(linear_mps, angular_rps, dt_s);
        let pose = self.robot.pose();
        let turned = pilotage_sim::trig::wrap(pose.yaw_rad - before.yaw_rad).abs();
        let way_m = before.distance_m(&pose);
        let still = way_m <= 1e-4 && turned <= 1e-4;
        let idle = linear_mps == 0.0 && angular_rps == 0.0;
        self.stuck_steps = if still && !idle { self.stuck_steps + 1 } else { 0 };
        let t_s = from_s + dt_s;
        if self.robot.touches() > touches {
            self.track.contacts.push(Contact { t_s, pose });
        }
        let clearance_m = self.robot.surroundings().clearance_m(pose.x_m, pose.y_m) - self.radius_m;
        let moving = way_m > STANDING_MPS * dt_s || turned > 0.05 * dt_s;
        self.track.samples.push(Sample { t_s, pose, clearance_m, moving });
    }

    /// What it did.
    #[must_use]
    pub fn into_track(self) -> Track {
        self.track
    }
}

impl Plant for Probe {
    fn next_frame_ns(&mut self) -> Option<u64> {
        if self.is_stuck() { None } else { self.robot.next_frame_ns() }
    }

    fn frame(&mut self) -> Result<RawFrame, SourceError> {
        self.robot.frame()
    }

    fn drive(&mut self, command: &Command, from_ns: u64, to_ns: u64) {
        let dt_s = to_ns.saturating_sub(from_ns) as f64 * 1e-9;
        let (linear, angular) = (f64::from(command.linear_mps()), f64::from(command.angular_rps()));
        self.step(linear, angular, from_ns as f64 * 1e-9, dt_s);
    }

    fn obeys(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_a_second_of_standing_after_the_first_move_and_counts_once() {
        let sample =
            |i: usize, moving| Sample { t_s: 0.05 * i as f64, pose: Pose::default(), clearance_m: 1.0, moving };
        let pattern = |i: usize| !(i < 40 || (60..100).contains(&i) || (120..130).contains(&i) || i >= 150);
        let samples: Vec<Sample> = (0..200).map(|i| sample(i, pattern(i))).collect();
        let track = Track { samples, contacts: Vec::new() };
        assert_eq!(track.stops(7.0), 1, "standing at the start and for half a second is no stop");
        assert_eq!(track.stops(10.0), 2);
    }
}
