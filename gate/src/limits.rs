//! How fast, how hard, how old: checked once, then trusted.

use core::fmt::{self, Display};
use core::ops::RangeInclusive;

/// Lowest value of every speed, turn rate and acceleration but `max_reverse_mps` (per metre or
/// radian); below it a wheel does not turn and a ramp does not end.
pub const RATE_FLOOR: f64 = 0.001;
/// Lowest `max_age_s` that can be configured, seconds.
pub const MAX_AGE_FLOOR_S: f64 = 0.001;
/// Highest forward or reverse speed that can be configured, metres per second.
pub const SPEED_CEILING_MPS: f32 = 10.0;
/// Highest turn rate that can be configured, radians per second.
pub const ANGULAR_CEILING_RPS: f32 = 10.0;
/// Highest acceleration or deceleration that can be configured, metres per second squared.
pub const ACCELERATION_CEILING_MPS2: f32 = 50.0;
/// Highest angular acceleration that can be configured, radians per second squared.
pub const ANGULAR_ACCELERATION_CEILING_RPS2: f32 = 100.0;
/// The house promise: no configuration lets a robot drive on an older picture, seconds.
pub const MAX_AGE_CEILING_S: f64 = 0.5;
/// Shortest control period that can be configured, seconds.
pub const PERIOD_FLOOR_S: f64 = 0.000_1;
/// Longest control period that can be configured, seconds.
pub const PERIOD_CEILING_S: f64 = 0.25;
/// Longest time that slowing down from full speed may take by the configured limits, seconds.
pub const RAMP_CEILING_S: f32 = 2.0;

/// Limits as somebody wrote them: nothing is checked yet. [`Limits::checked`] does that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitsConfig {
    /// Highest forward speed, metres per second.
    pub max_linear_mps: f32,
    /// Highest speed backwards, metres per second, as a positive number; 0 forbids it.
    pub max_reverse_mps: f32,
    /// Highest turn rate either way, radians per second.
    pub max_angular_rps: f32,
    /// How fast the speed may grow, metres per second squared.
    pub linear_accel_mps2: f32,
    /// How fast the speed may shrink, metres per second squared. Stops at once are exempt.
    pub linear_decel_mps2: f32,
    /// How fast the turn rate may change, radians per second squared. Stops at once are exempt.
    pub angular_accel_rps2: f32,
    /// Oldest picture that the robot may drive on, seconds. The command then stands until the next
    /// step, so keep this plus one control period within 0.5 s.
    pub max_age_s: f64,
    /// A step brakes for at least this long, seconds, whatever the clock says: a slow stop ends in
    /// a bounded number of steps even on a clock that stands.
    pub min_period_s: f64,
    /// A step speeds up for at most this long, seconds: a control loop that hung does not jump.
    pub max_period_s: f64,
}

impl Default for LimitsConfig {
    /// A slow indoor robot: 0.4 m/s forwards, never backwards, 0.45 s.
    fn default() -> Self {
        Self {
            max_linear_mps: 0.4,
            max_reverse_mps: 0.0,
            max_angular_rps: 1.0,
            linear_accel_mps2: 1.0,
            linear_decel_mps2: 1.5,
            angular_accel_rps2: 4.0,
            max_age_s: 0.45,
            min_period_s: 0.001,
            max_period_s: 0.1,
        }
    }
}

/// Limits that have been checked; the only kind that a gate takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    config: LimitsConfig,
    max_age_ns: u64,
}

impl Limits {
    /// Checks every field.
    ///
    /// # Errors
    ///
    /// The first field that is not finite, not within its bounds (none above its ceiling), or does not fit another field.
    pub fn checked(config: LimitsConfig) -> Result<Self, LimitsError> {
        let c = config;
        let speed = 0.0..=f64::from(SPEED_CEILING_MPS);
        let forward = RATE_FLOOR..=f64::from(SPEED_CEILING_MPS);
        let turn = RATE_FLOOR..=f64::from(ANGULAR_CEILING_RPS);
        let accel = RATE_FLOOR..=f64::from(ACCELERATION_CEILING_MPS2);
        let angular_accel = RATE_FLOOR..=f64::from(ANGULAR_ACCELERATION_CEILING_RPS2);
        let age = MAX_AGE_FLOOR_S..=MAX_AGE_CEILING_S;
        let shortest = PERIOD_FLOOR_S..=PERIOD_CEILING_S;
        let longest = c.min_period_s..=PERIOD_CEILING_S;
        within("max_linear_mps", c.max_linear_mps.into(), forward)?;
        within("max_reverse_mps", c.max_reverse_mps.into(), speed)?;
        within("max_angular_rps", c.max_angular_rps.into(), turn)?;
        within("linear_accel_mps2", c.linear_accel_mps2.into(), accel.clone())?;
        within("linear_decel_mps2", c.linear_decel_mps2.into(), accel)?;
        within("angular_accel_rps2", c.angular_accel_rps2.into(), angular_accel)?;
        within("max_age_s", c.max_age_s, age)?;
        within("min_period_s", c.min_period_s, shortest)?;
        within("max_period_s", c.max_period_s, longest)?;
        let fastest_mps = c.max_linear_mps.max(c.max_reverse_mps);
        ramp("linear_decel_mps2", fastest_mps, c.linear_decel_mps2)?;
        ramp("angular_accel_rps2", c.max_angular_rps, c.angular_accel_rps2)?;
        Ok(Self {
            config,
            // Rounded, because 0.45 s as a binary fraction times 10^9 may lie a hair below.
            max_age_ns: (c.max_age_s * 1e9 + 0.5) as u64,
        })
    }

    /// The numbers that were checked.
    #[must_use]
    pub const fn config(&self) -> &LimitsConfig {
        &self.config
    }

    /// Oldest picture that the robot may drive on, nanoseconds.
    #[must_use]
    pub const fn max_age_ns(&self) -> u64 {
        self.max_age_ns
    }

    /// How long a slow stop from full speed takes at most, seconds, not counting the step in which
    /// it begins.
    #[must_use]
    pub fn longest_ramp_s(&self) -> f32 {
        let c = &self.config;
        let linear_s = c.max_linear_mps.max(c.max_reverse_mps) / c.linear_decel_mps2;
        linear_s.max(c.max_angular_rps / c.angular_accel_rps2)
    }
}

fn within(field: &'static str, value: f64, allowed: RangeInclusive<f64>) -> Result<(), LimitsError> {
    // NaN and the infinities lie in no such range.
    if allowed.contains(&value) {
        return Ok(());
    }
    Err(LimitsError::OutOfBounds { field, value, lowest: *allowed.start(), highest: *allowed.end() })
}

fn ramp(field: &'static str, from: f32, rate: f32) -> Result<(), LimitsError> {
    let lowest = from / RAMP_CEILING_S;
    if rate < lowest {
        return Err(LimitsError::RampTooLong { field, value: rate, lowest });
    }
    Ok(())
}

/// Why limits were refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LimitsError {
    /// A field is not finite or not within its bounds.
    OutOfBounds {
        /// Name of the field.
        field: &'static str,
        /// What it held, in the unit that its name ends in.
        value: f64,
        /// Lowest value that is accepted.
        lowest: f64,
        /// Highest value that is accepted.
        highest: f64,
    },
    /// Slowing down from full speed would take longer than [`RAMP_CEILING_S`].
    RampTooLong {
        /// Name of the rate that is too small.
        field: &'static str,
        /// What it held.
        value: f32,
        /// Lowest value that would do for the configured top speed.
        lowest: f32,
    },
}

impl Display for LimitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfBounds { field, value, lowest, highest } => {
                write!(f, "{field} = ")?;
                as_written(f, *value)?;
                write!(f, ": set a number from {lowest} to {highest}")
            }
            Self::RampTooLong { field, value, lowest } => write!(
                f,
                "{field} = {value}: stopping from full speed would take longer than \
                 {RAMP_CEILING_S} s; set at least {lowest} or lower the top speed"
            ),
        }
    }
}

/// Most fields are f32: widened to f64, 11.3 would read 11.300000190734863.
fn as_written(f: &mut fmt::Formatter<'_>, value: f64) -> fmt::Result {
    let narrow = value as f32;
    if f64::from(narrow).to_bits() == value.to_bits() { narrow.fmt(f) } else { value.fmt(f) }
}

impl core::error::Error for LimitsError {}
