//! The one thing a sink accepts.

/// A velocity that the gate has passed: forward speed and turn rate in the robot frame (REP-103:
/// x forward, yaw counter-clockwise).
///
/// The type is the proof. Outside this crate there is no way to make one except [`Command::ZERO`]
/// and [`Gate::step`](crate::Gate::step); and it can be neither cloned nor copied, so a sink that
/// takes it by value cannot send an old one again.
///
/// No literal, no default, no copy, no write to a field:
///
/// ```compile_fail,E0451
/// let forged = pilotage_gate::Command { linear_mps: 1.0, angular_rps: 0.0 };
/// ```
/// ```compile_fail,E0277
/// fn made_from_nothing<T: Default>() -> T { T::default() }
/// let forged: pilotage_gate::Command = made_from_nothing();
/// ```
/// ```compile_fail,E0382
/// fn sink(_: pilotage_gate::Command) {}
/// let once = pilotage_gate::Command::ZERO;
/// sink(once);
/// sink(once);
/// ```
/// ```compile_fail,E0599
/// let twice = pilotage_gate::Command::ZERO.clone();
/// ```
/// ```compile_fail,E0616
/// let mut forged = pilotage_gate::Command::ZERO;
/// forged.linear_mps = 1.0;
/// ```
/// ```compile_fail,E0624
/// let forged = pilotage_gate::Command::passed(1.0, 0.0);
/// ```
#[derive(Debug, PartialEq)]
#[must_use = "a command that reaches no sink leaves the robot with the one before"]
pub struct Command {
    linear_mps: f32,
    angular_rps: f32,
}

impl Command {
    /// Stand still: the one command anybody may make at any time.
    pub const ZERO: Self = Self { linear_mps: 0.0, angular_rps: 0.0 };

    /// For [`Gate`](crate::Gate) alone.
    pub(crate) const fn passed(linear_mps: f32, angular_rps: f32) -> Self {
        Self { linear_mps, angular_rps }
    }

    /// Forward speed, metres per second; negative is backwards.
    #[must_use]
    pub const fn linear_mps(&self) -> f32 {
        self.linear_mps
    }

    /// Turn rate, radians per second; positive is counter-clockwise (to the left).
    #[must_use]
    pub const fn angular_rps(&self) -> f32 {
        self.angular_rps
    }

    /// Whether this command tells the robot to stand still.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.linear_mps == 0.0 && self.angular_rps == 0.0
    }
}
