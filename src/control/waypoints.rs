//! A path in front of the robot, and the motion that follows it. Pure functions.

use pilotage_gate::{Monotonic, Wanted};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Motion;

/// Most waypoints that a plan can hold; no policy of the family answers more.
pub const MAX_WAYPOINTS: usize = 8;
/// Farthest that a waypoint may lie ahead or aside, metres. A policy looks two seconds ahead:
/// anything beyond is no path but a broken number.
pub const FARTHEST_M: f32 = 100.0;

/// A point to pass and the heading there, in the robot frame (REP-103) of the moment at which the
/// picture was taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waypoint {
    /// Forward, metres.
    pub x_m: f32,
    /// To the left, metres.
    pub y_m: f32,
    /// Cosine of the heading. Only the direction of (`cos_yaw`, `sin_yaw`) counts.
    pub cos_yaw: f32,
    /// Sine of the heading.
    pub sin_yaw: f32,
}

impl Waypoint {
    const ORIGIN: Self = Self { x_m: 0.0, y_m: 0.0, cos_yaw: 1.0, sin_yaw: 0.0 };

    fn is_sane(&self) -> bool {
        // NaN fails both comparisons.
        self.x_m.abs() <= FARTHEST_M
            && self.y_m.abs() <= FARTHEST_M
            && self.cos_yaw.is_finite()
            && self.sin_yaw.is_finite()
    }

    fn distance_m(&self, other: &Self) -> f64 {
        let along = f64::from(other.x_m) - f64::from(self.x_m);
        let aside = f64::from(other.y_m) - f64::from(self.y_m);
        along.hypot(aside)
    }

    /// The waypoint `share` (0 to 1) of the way to `other`.
    fn towards(&self, other: &Self, share: f64) -> Self {
        let blend = |a: f32, b: f32| (f64::from(a) + share * (f64::from(b) - f64::from(a))) as f32;
        Self {
            x_m: blend(self.x_m, other.x_m),
            y_m: blend(self.y_m, other.y_m),
            cos_yaw: blend(self.cos_yaw, other.cos_yaw),
            sin_yaw: blend(self.sin_yaw, other.sin_yaw),
        }
    }
}

/// A path as the policy saw it: one to [`MAX_WAYPOINTS`] sane waypoints.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PathPlan {
    waypoints: [Waypoint; MAX_WAYPOINTS],
    len: usize,
    period_s: f32,
    captured: Monotonic,
    travelled_m: f64,
}

impl PathPlan {
    /// A plan of `waypoints`, `period_s` (seconds) apart at the pace of the policy, seen in a
    /// picture taken at `captured` (our monotonic clock, latencies taken off).
    ///
    /// # Errors
    ///
    /// No waypoint or too many, one that is not finite or farther than [`FARTHEST_M`], or a period
    /// that is no positive number.
    pub fn new(waypoints: &[Waypoint], period_s: f32, captured: Monotonic) -> Result<Self, ControlError> {
        if waypoints.is_empty() || waypoints.len() > MAX_WAYPOINTS {
            return Err(ControlError::Count { count: waypoints.len() });
        }
        if !(period_s.is_finite() && period_s > 0.0) {
            return Err(ControlError::Period { period_s });
        }
        let mut plan = Self {
            waypoints: [Waypoint::ORIGIN; MAX_WAYPOINTS],
            len: waypoints.len(),
            period_s,
            captured,
            travelled_m: 0.0,
        };
        for (index, (slot, waypoint)) in plan.waypoints.iter_mut().zip(waypoints).enumerate() {
            if !waypoint.is_sane() {
                return Err(ControlError::Waypoint { index, waypoint: *waypoint });
            }
            *slot = *waypoint;
        }
        Ok(plan)
    }

    /// The waypoints, nearest in time first; never empty.
    #[must_use]
    pub fn waypoints(&self) -> &[Waypoint] {
        self.waypoints.get(..self.len).unwrap_or(&self.waypoints)
    }

    /// Time from one waypoint to the next at the pace of the policy, seconds.
    #[must_use]
    pub const fn period_s(&self) -> f32 {
        self.period_s
    }

    /// The moment the picture was taken.
    #[must_use]
    pub const fn captured(&self) -> Monotonic {
        self.captured
    }

    /// How far the robot has come since then, metres.
    #[must_use]
    pub const fn travelled_m(&self) -> f64 {
        self.travelled_m
    }

    /// The point of the path to steer at: as far beyond waypoint `index`, along the path, as the
    /// robot has travelled since the picture. So the look-ahead stays what the policy's waypoint
    /// gave it, instead of shrinking until the next plan comes; a robot that has not moved steers
    /// at the waypoint itself. Ends at the last waypoint.
    fn aim(&self, index: usize) -> Waypoint {
        let mut ahead = self.waypoints().iter().skip(index);
        let Some(mut from) = ahead.next().or(self.waypoints().last()) else {
            return Waypoint::ORIGIN;
        };
        let mut left_m = self.travelled_m.max(0.0);
        for to in ahead {
            let leg_m = from.distance_m(to);
            if left_m < leg_m {
                return from.towards(to, left_m / leg_m);
            }
            left_m -= leg_m;
            from = to;
        }
        *from
    }
}

/// How waypoints become velocities.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControllerConfig {
    /// Which waypoint to steer at, from 0. The last one where a plan has fewer.
    pub waypoint_index: usize,
    /// How hard to turn towards the waypoint, as a multiple of the bearing.
    pub turn_gain: f64,
    /// Time in which to make the turn, seconds.
    pub turn_time_s: f64,
    /// At how many steps ahead of the robot the waypoint asks for full speed.
    pub speed_divisor: f64,
    /// Full speed, metres per second.
    pub max_linear_mps: f64,
    /// Fastest turn, radians per second.
    pub max_angular_rps: f64,
    /// Tightest circle a car-like robot can drive, metres; 0 for one that turns on the spot.
    pub min_turning_radius_m: f64,
    /// What this robot travels in one step of the policy at cruise, metres.
    pub step_length_m: f64,
    /// Time constant with which a new plan takes over, seconds; 0 for at once.
    pub smoothing_s: f64,
    /// How long the robot takes to do what it is told, seconds. The controller steers for where the robot will be by
    /// then, by what it has been told already.
    pub latency_s: f64,
    /// Share of the speed given up per radian that the robot has yet to turn; 0 for none.
    pub slow_per_rad: f64,
}

impl ControllerConfig {
    /// The numbers that drove best in simulation, for a robot of the given limits that turns on
    /// the spot.
    #[must_use]
    pub const fn for_robot(max_linear_mps: f64, max_angular_rps: f64, step_length_m: f64) -> Self {
        Self {
            waypoint_index: 2,
            turn_gain: 1.6,
            turn_time_s: 0.75,
            speed_divisor: 3.0,
            max_linear_mps,
            max_angular_rps,
            min_turning_radius_m: 0.0,
            step_length_m,
            smoothing_s: 0.05,
            latency_s: 0.0,
            slow_per_rad: 0.0,
        }
    }

    /// Checks every number.
    ///
    /// # Errors
    ///
    /// The first that is out of bounds, with the bounds.
    pub fn checked(self) -> Result<Self, ControlError> {
        for (field, value, lowest, highest) in [
            ("turn_gain", self.turn_gain, 0.01, 100.0),
            ("turn_time_s", self.turn_time_s, 0.01, 10.0),
            ("speed_divisor", self.speed_divisor, 0.01, 100.0),
            ("max_linear_mps", self.max_linear_mps, 0.001, 10.0),
            ("max_angular_rps", self.max_angular_rps, 0.001, 10.0),
            ("min_turning_radius_m", self.min_turning_radius_m, 0.0, 20.0),
            ("step_length_m", self.step_length_m, 0.001, 10.0),
            ("smoothing_s", self.smoothing_s, 0.0, 1.0),
            ("latency_s", self.latency_s, 0.0, 1.0),
            ("slow_per_rad", self.slow_per_rad, 0.0, 2.0),
        ] {
            if !(lowest..=highest).contains(&value) {
                return Err(ControlError::OutOfBounds { field, value, lowest, highest });
            }
        }
        if self.waypoint_index >= MAX_WAYPOINTS {
            return Err(ControlError::OutOfBounds {
                field: "waypoint_index",
                value: self.waypoint_index as f64,
                lowest: 0.0,
                highest: (MAX_WAYPOINTS - 1) as f64,
            });
        }
        Ok(self)
    }
}

/// The plan as the robot sees it after `motion`, which began where and when the picture was taken.
#[must_use]
pub fn advance(plan: &PathPlan, motion: &Motion) -> PathPlan {
    let mut moved = *plan;
    moved.travelled_m += motion.travelled_m;
    for waypoint in moved.waypoints.iter_mut().take(plan.len) {
        let (x_m, y_m) = motion.pose.sees_point(waypoint.x_m.into(), waypoint.y_m.into());
        let (cos_yaw, sin_yaw) = motion.pose.sees_direction(waypoint.cos_yaw.into(), waypoint.sin_yaw.into());
        *waypoint = Waypoint { x_m: x_m as f32, y_m: y_m as f32, cos_yaw: cos_yaw as f32, sin_yaw: sin_yaw as f32 };
    }
    moved
}

/// The motion that follows a plan given in the present robot frame.
///
/// The turn is towards the waypoint; the nearer than one step it lies, the more its heading counts
/// instead of its bearing, until a waypoint at the robot only turns it on the spot. The speed is
/// proportional to how far ahead the waypoint lies; for one aside or behind it is zero and the
/// robot turns towards it first.
///
/// A car-like robot never gets a turn tighter than its circle, so a waypoint behind it leaves it
/// standing: getting out of there takes a manoeuvre, which is the navigator's business.
///
/// # Errors
///
/// [`ControlError::NotFinite`] where numbers that nobody checked lead to no finite motion.
pub fn wanted_motion(plan: &PathPlan, config: &ControllerConfig) -> Result<Wanted, ControlError> {
    let aim = plan.aim(config.waypoint_index);
    let (x_m, y_m) = (f64::from(aim.x_m), f64::from(aim.y_m));
    let bearing_rad = y_m.atan2(x_m);
    let heading_rad = f64::from(aim.sin_yaw).atan2(aim.cos_yaw.into());
    let bearing_share = (x_m.hypot(y_m) / config.step_length_m).clamp(0.0, 1.0);
    let turn_rad = bearing_share * config.turn_gain * bearing_rad + (1.0 - bearing_share) * heading_rad;
    let speed_share = x_m / (config.step_length_m * config.speed_divisor);
    let slowed = (1.0 - config.slow_per_rad * turn_rad.abs()).max(0.2);
    let linear_mps = config.max_linear_mps * speed_share.clamp(0.0, 1.0) * slowed;
    let max_angular_rps = if config.min_turning_radius_m > 0.0 {
        config.max_angular_rps.min(linear_mps / config.min_turning_radius_m)
    } else {
        config.max_angular_rps
    };
    let angular_rps = turn_rad / config.turn_time_s;
    // Before limiting: `max` and `min` would swallow a NaN.
    if !(linear_mps.is_finite() && angular_rps.is_finite() && max_angular_rps.is_finite()) {
        return Err(ControlError::NotFinite { linear_mps, angular_rps });
    }
    Ok(Wanted {
        linear_mps: linear_mps as f32,
        // `clamp` would panic on a limit that nobody checked.
        angular_rps: angular_rps.max(-max_angular_rps).min(max_angular_rps) as f32,
    })
}

/// Why there is no plan, no controller or no motion.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
pub enum ControlError {
    /// A plan with no waypoint, or more than fit.
    #[error("a plan of {count} waypoints: the policy must answer 1 to {MAX_WAYPOINTS}")]
    Count {
        /// How many there were.
        count: usize,
    },
    /// A waypoint that is not finite or absurdly far away.
    #[error(
        "waypoint {index} is ({}, {}) m, heading (cos {}, sin {}): all must be finite and within \
         {FARTHEST_M} m; check the model and step_length_m",
        waypoint.x_m, waypoint.y_m, waypoint.cos_yaw, waypoint.sin_yaw
    )]
    Waypoint {
        /// Which one, from 0.
        index: usize,
        /// What it was.
        waypoint: Waypoint,
    },
    /// A period that is no positive number of seconds.
    #[error("a plan with period_s = {period_s}: it must be a positive number of seconds")]
    Period {
        /// What it was.
        period_s: f32,
    },
    /// A number of the configuration that is out of bounds.
    #[error("controller {field} = {value}: set a number from {lowest} to {highest}")]
    OutOfBounds {
        /// Name of the field.
        field: &'static str,
        /// What it held.
        value: f64,
        /// Lowest value that is accepted.
        lowest: f64,
        /// Highest value that is accepted.
        highest: f64,
    },
    /// A motion that is not finite.
    #[error("the plan leads to {linear_mps} m/s, {angular_rps} rad/s: check the controller's numbers")]
    NotFinite {
        /// Speed before the limits, metres per second.
        linear_mps: f64,
        /// Turn rate before the limits, radians per second.
        angular_rps: f64,
    },
}
