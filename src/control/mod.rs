//! From a plan to a wanted motion, twenty times a second.
//!
//! The policy looks at a picture and answers with a path; by the time the path is there the robot
//! has moved on, and it moves further until the next path comes. The controller therefore keeps
//! what was commanded, reckons how far that has taken the robot since the picture, and steers by
//! what is left of the path.
//!
//! - **plan**: waypoints in metres, in the robot frame of the moment the picture was taken.
//! - **motion**: where the robot is now, seen from there; reckoned from the commands that were
//!   sent, not measured.
//! - **wanted**: what the gate is asked for. The gate decides.
//!
//! Pure but for its own memory: time is an argument, nothing is allocated in a step, the same calls
//! give the same bits.

mod history;
mod pose;
mod waypoints;

#[cfg(test)]
mod tests;

use pilotage_gate::{Command, Monotonic, Wanted};

pub use pose::{Motion, Pose2};
pub use waypoints::{
    ControlError, ControllerConfig, FARTHEST_M, MAX_WAYPOINTS, PathPlan, Waypoint, advance, wanted_motion,
};

use history::History;

/// Steers along the latest plan.
#[derive(Clone, Debug)]
pub struct Controller {
    config: ControllerConfig,
    history: History,
    smoothed: Option<Smoothed>,
}

#[derive(Clone, Copy, Debug)]
struct Smoothed {
    at: Monotonic,
    wanted: Wanted,
}

impl Controller {
    /// A controller of a robot that stands.
    ///
    /// # Errors
    ///
    /// The first number of `config` that is out of bounds.
    pub fn new(config: ControllerConfig) -> Result<Self, ControlError> {
        Ok(Self { config: config.checked()?, history: History::new(), smoothed: None })
    }

    /// The numbers in use.
    #[must_use]
    pub fn config(&self) -> &ControllerConfig {
        &self.config
    }

    /// To be called with every command that goes to the robot, zero included, at the moment it is
    /// sent: this is what the robot's motion is reckoned from.
    pub fn sent(&mut self, now: Monotonic, command: &Command) {
        self.history.push(now, command.linear_mps(), command.angular_rps());
    }

    /// How the robot has moved from `since` to `now`; `None` when that is further back than the
    /// commands that are remembered.
    #[must_use]
    pub fn motion_since(&self, since: Monotonic, now: Monotonic) -> Option<Motion> {
        self.history.motion(since, now)
    }

    /// What to ask the gate for at `now`, steering by `plan`. `None` without a plan, or with one so
    /// old that the way since its picture is no longer remembered; smoothing then starts afresh.
    ///
    /// A plan from the future is followed as if it were from now: refusing it is the gate's
    /// business, which sees the same stamp.
    pub fn step(&mut self, now: Monotonic, plan: Option<&PathPlan>) -> Option<Wanted> {
        let wanted = plan.and_then(|plan| self.unsmoothed(now, plan));
        self.smoothed = wanted.map(|wanted| Smoothed { at: now, wanted: self.smooth(now, wanted) });
        self.smoothed.map(|smoothed| smoothed.wanted)
    }

    fn unsmoothed(&self, now: Monotonic, plan: &PathPlan) -> Option<Wanted> {
        // What is sent now takes effect after the latency; until then the robot does what it was sent before. At the
        // time of the picture it was still doing what it had been sent a latency earlier.
        let latency_ns = (self.config.latency_s * 1e9) as u64;
        let motion = self.motion_since(Monotonic(plan.captured().0.saturating_sub(latency_ns)), now)?;
        wanted_motion(&advance(plan, &motion), &self.config).ok()
    }

    /// A low pass: a new plan turns the wheel in some hundredths of a second instead of at once. A
    /// blend of two allowed motions is allowed (both speed limits and the turning circle are convex).
    fn smooth(&self, now: Monotonic, wanted: Wanted) -> Wanted {
        let Some(last) = self.smoothed else {
            return wanted;
        };
        if self.config.smoothing_s <= 0.0 {
            return wanted;
        }
        let elapsed_s = now.ns_since(last.at).unwrap_or(0) as f64 * 1e-9;
        let kept = (-elapsed_s / self.config.smoothing_s).exp();
        let blend = |old: f32, new: f32| (f64::from(new) + kept * (f64::from(old) - f64::from(new))) as f32;
        Wanted {
            linear_mps: blend(last.wanted.linear_mps, wanted.linear_mps),
            angular_rps: blend(last.wanted.angular_rps, wanted.angular_rps),
        }
    }
}
