//! Our weights under the rules of the published stack (`navigate.py` and `pd_controller.py`), rule by rule.
//!
//! A place each second of the taught drive, and its end. The robot begins at place 0. At each tick the policy is asked
//! about the places from `radius` before the closest to `radius + 1` after it; the argmin is the closest now. Nearer
//! than `close_threshold` steps the next one is steered at and counts as the closest, else itself. Waypoint 2 becomes a
//! motion by a proportional controller; the goal is reached when it is the closest place.

use std::f64::consts::PI;

use pilotage_gate::Wanted;

use super::{Method, Ruling};
use crate::config::Profile;
use crate::frame::RawFrame;
use crate::policy::{self, ModelImage, NodeFeatures, Policy};
use crate::runtime::Snapshot;

/// The published numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReferenceRules {
    /// Places looked at on either side of the closest.
    pub radius: usize,
    /// A place nearer than this is left for the next one, steps.
    pub close_threshold: f32,
    /// The waypoint steered at, from 0.
    pub waypoint: usize,
    /// Seconds of the drive between two places.
    pub place_every_s: f64,
}

impl Default for ReferenceRules {
    fn default() -> Self {
        Self { radius: 4, close_threshold: 3.0, waypoint: 2, place_every_s: 1.0 }
    }
}

/// The published stack's rules around a policy of ours.
pub struct Reference<'a> {
    policy: &'a mut dyn Policy,
    rules: ReferenceRules,
    /// Steps of the drive and features of each place.
    places: Vec<(f64, NodeFeatures)>,
    closest: usize,
    max_v_mps: f64,
    max_w_rps: f64,
    rate_hz: f64,
}

impl<'a> Reference<'a> {
    /// With a map of its own kind made of the drive's pictures.
    ///
    /// # Errors
    /// When the policy fails or there are no pictures.
    pub fn new(
        policy: &'a mut dyn Policy,
        rules: ReferenceRules,
        drive: &[RawFrame],
        profile: &Profile,
    ) -> anyhow::Result<Self> {
        let rate_hz = policy.spec().rate_hz;
        let mut places = Vec::new();
        let mut due_s = 0.0;
        let last = drive.len().saturating_sub(1);
        for (index, frame) in drive.iter().enumerate() {
            let t_s = frame.captured.0 as f64 * 1e-9;
            if t_s + 1e-6 >= due_s || index == last {
                let image = policy::resize(&frame.picture, policy.spec())?;
                places.push((t_s * rate_hz, policy.remember(&image)?));
                due_s = t_s + rules.place_every_s;
            }
        }
        anyhow::ensure!(!places.is_empty(), "a drive without pictures makes no map");
        let (max_v_mps, max_w_rps) = (profile.drive.cruise_mps.into(), profile.drive.max_angular_rps.into());
        Ok(Self { policy, rules, places, closest: 0, max_v_mps, max_w_rps, rate_hz })
    }
}

impl Method for Reference<'_> {
    fn look(&mut self, snapshot: &Snapshot) -> anyhow::Result<Ruling> {
        let goal = self.places.len() - 1;
        let start = self.closest.saturating_sub(self.rules.radius);
        let end = (self.closest + self.rules.radius + 1).min(goal);
        let images: Vec<ModelImage> = snapshot.frames.iter().map(|frame| frame.image.clone()).collect();
        self.policy.observe(&images)?;
        let asked: Vec<&NodeFeatures> =
            self.places.iter().take(end + 1).skip(start).map(|(_, features)| features).collect();
        let answers = self.policy.predict(&asked)?;
        let mut nearest = (0, f32::INFINITY);
        for (index, answer) in answers.iter().enumerate() {
            if answer.distance_steps < nearest.1 {
                nearest = (index, answer.distance_steps);
            }
        }
        let (argmin, distance) = nearest;
        let chosen = if distance > self.rules.close_threshold {
            self.closest = start + argmin;
            argmin
        } else {
            self.closest = (start + argmin + 1).min(goal);
            (argmin + 1).min(answers.len().saturating_sub(1))
        };
        let waypoint = answers.get(chosen).and_then(|answer| answer.waypoints().get(self.rules.waypoint)).copied();
        let waypoint = waypoint.unwrap_or_default();
        // Model units become metres by the top speed, as theirs do.
        let unit_m = self.max_v_mps / self.rate_hz;
        let (dx, dy) = (f64::from(waypoint.x_units) * unit_m, f64::from(waypoint.y_units) * unit_m);
        let wanted = pd_control([dx, dy], [waypoint.cos_yaw, waypoint.sin_yaw], 1.0 / self.rate_hz);
        let steps_of = |place: usize| self.places.get(place).map_or(0.0, |&(steps, _)| steps);
        Ok(Ruling {
            wanted: Wanted {
                linear_mps: wanted[0].max(0.0).min(self.max_v_mps) as f32,
                angular_rps: wanted[1].max(-self.max_w_rps).min(self.max_w_rps) as f32,
            },
            arrived: self.closest == goal,
            believed_steps: steps_of(self.closest),
            subgoal_steps: steps_of(start + chosen),
            waypoint_units: Some([waypoint.x_units, waypoint.y_units]),
            nearest_steps: Some(distance),
        })
    }
}

/// The published controller before its clipping: (speed, turn rate) for a waypoint in metres and its heading (cos, sin).
fn pd_control([dx, dy]: [f64; 2], [cos, sin]: [f32; 2], dt_s: f64) -> [f64; 2] {
    const EPS: f64 = 1e-8;
    if dx.abs() < EPS && dy.abs() < EPS {
        [0.0, clip_angle(f64::from(sin).atan2(f64::from(cos))) / dt_s]
    } else if dx.abs() < EPS {
        [0.0, dy.signum() * PI / (2.0 * dt_s)]
    } else {
        // `atan`, not `atan2`: for a waypoint behind, theirs turns the wrong way round.
        [dx / dt_s, (dy / dx).atan() / dt_s]
    }
}

fn clip_angle(angle_rad: f64) -> f64 {
    let turn = angle_rad.rem_euclid(2.0 * PI);
    if turn > -PI && turn < PI { turn } else { turn - 2.0 * PI }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: [f64; 2], wanted: [f64; 2]) {
        assert!((got[0] - wanted[0]).abs() < 1e-6 && (got[1] - wanted[1]).abs() < 1e-6, "{got:?}, not {wanted:?}");
    }

    #[test]
    fn the_published_controller_is_followed_with_its_faults() {
        near(pd_control([0.1, 0.0], [1.0, 0.0], 0.25), [0.4, 0.0]);
        near(pd_control([0.1, 0.1], [1.0, 0.0], 0.25), [0.4, PI]);
        near(pd_control([0.0, 0.0], [0.0, 1.0], 0.25), [0.0, 2.0 * PI]);
        near(pd_control([0.0, -0.2], [1.0, 0.0], 0.25), [0.0, -2.0 * PI]);
        // A waypoint behind and to the left asks for a turn to the right.
        near(pd_control([-0.1, 0.1], [1.0, 0.0], 0.25), [-0.4, -PI]);
    }

    #[test]
    fn angles_are_clipped_as_theirs() {
        assert!((clip_angle(-0.5) + 0.5).abs() < 1e-9);
        assert!((clip_angle(3.5) - (3.5 - 2.0 * PI)).abs() < 1e-9);
    }
}
