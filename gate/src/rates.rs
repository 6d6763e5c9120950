//! Arithmetic of the limits. Pure, and total: every finite input has a finite answer.

use crate::{Limit, LimitsConfig, Wanted};

/// How long a step counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StepTime {
    /// For speeding up: never more than has really passed, and capped, so that neither extra steps
    /// nor a control loop that hung buys acceleration.
    pub(crate) speed_up_s: f32,
    /// For braking: all that has passed, and never nothing, so that braking always comes to an end.
    pub(crate) brake_s: f32,
}

impl StepTime {
    pub(crate) fn of(elapsed_s: f64, limits: &LimitsConfig) -> Self {
        Self {
            speed_up_s: elapsed_s.min(limits.max_period_s) as f32,
            brake_s: elapsed_s.max(limits.min_period_s) as f32,
        }
    }
}

/// Scales speed and turn rate by one factor until both are allowed: the robot then drives the same
/// arc more slowly. Clipping each alone would bend the path: into the inside of a curve when only
/// the speed is cut, out of it when only the turn rate is.
pub(crate) fn within_speed(wanted: Wanted, limits: &LimitsConfig) -> (Wanted, Option<Limit>) {
    let max_linear_mps =
        if wanted.linear_mps.is_sign_negative() { limits.max_reverse_mps } else { limits.max_linear_mps };
    let max_angular_rps = limits.max_angular_rps;
    let linear_factor = factor(wanted.linear_mps.abs(), max_linear_mps);
    let angular_factor = factor(wanted.angular_rps.abs(), max_angular_rps);
    let factor = linear_factor.min(angular_factor);
    // The product may lie one rounding step above the limit that the factor was made from.
    let scaled = Wanted {
        linear_mps: (wanted.linear_mps * factor).max(-max_linear_mps).min(max_linear_mps),
        angular_rps: (wanted.angular_rps * factor).max(-max_angular_rps).min(max_angular_rps),
    };
    let limit = if linear_factor < 1.0 {
        Some(Limit::Linear)
    } else if angular_factor < 1.0 {
        Some(Limit::Angular)
    } else {
        None
    };
    (scaled, limit)
}

fn factor(size: f32, max: f32) -> f32 {
    // Zero by zero is not a number, of which `min` takes no notice.
    (max / size).min(1.0)
}

/// The value nearest to `to` that one step can reach from `from`. Shrinking is braking, growing is
/// speeding up; a change of sign brakes to zero first and speeds up in what is left of the step.
pub(crate) fn approach(from: f32, to: f32, speed_up: f32, brake: f32, time: StepTime) -> f32 {
    let most_growth = speed_up * time.speed_up_s;
    let most_shrinkage = brake * time.brake_s;
    let size = from.abs();
    if from.is_sign_negative() != to.is_sign_negative() {
        let left = (size - most_shrinkage).max(0.0);
        let growth = most_growth * (1.0 - size / most_shrinkage).max(0.0);
        return left.copysign(from) + to.abs().min(growth).copysign(to);
    }
    let lowest = (size - most_shrinkage).max(0.0);
    // `clamp` could panic.
    to.abs().max(lowest).min(size + most_growth).copysign(to)
}

/// One step of a slow stop: both velocities shrink by one factor, so that the robot stays on its
/// arc while it slows down. The slower of the two rates sets the pace; zero is reached exactly.
pub(crate) fn slow_down(from: Wanted, limits: &LimitsConfig, time: StepTime) -> Wanted {
    let linear_share = limits.linear_decel_mps2 * time.brake_s / from.linear_mps.abs();
    let angular_share = limits.angular_accel_rps2 * time.brake_s / from.angular_rps.abs();
    let left = (1.0 - linear_share.min(angular_share)).max(0.0);
    Wanted { linear_mps: from.linear_mps * left, angular_rps: from.angular_rps * left }
}

/// No motion.
pub(crate) const STANDING: Wanted = Wanted { linear_mps: 0.0, angular_rps: 0.0 };
