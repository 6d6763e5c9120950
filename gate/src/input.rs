//! What one step of the gate is told.

use core::fmt;

use crate::{Faults, Monotonic};

/// The motion that the control loop asks for, robot frame (REP-103). Raw and untrusted: any bit
/// pattern may stand here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// Forward speed, metres per second; negative is backwards.
    pub linear_mps: f32,
    /// Turn rate, radians per second; positive is counter-clockwise.
    pub angular_rps: f32,
}

impl Wanted {
    /// Whether both numbers are finite.
    #[must_use]
    pub const fn is_finite(&self) -> bool {
        self.linear_mps.is_finite() && self.angular_rps.is_finite()
    }
}

/// A wish to move and the picture it rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// What is asked for.
    pub wanted: Wanted,
    /// The moment the picture behind this decision was taken, on our monotonic clock: transit and
    /// camera latency are already taken off. Never the moment the decision was made.
    pub evidence_at: Monotonic,
    /// Number of the decision; handed through to [`Output`](crate::Output) for the record.
    pub sequence: u64,
}

/// Who has the robot. Latching (an emergency stop that stays until released, arming by hand) is
/// the caller's; the gate obeys the mode of the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Nobody allowed the robot to move. The mode after every start.
    Disarmed,
    /// The robot may move.
    Armed,
    /// Paused by the operator.
    Held,
    /// Emergency stop.
    EStop,
    /// A person drives by joystick. The gate says zero; the caller should publish nothing, so that
    /// the joystick's own commands reach the robot.
    Override,
}

/// Why the navigator does not want to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// The goal is reached.
    Arrived,
    /// The robot does not know where it is.
    Lost,
    /// The robot is told to move and does not. The one reason that stops at once: pushing on
    /// while slowing down would push against what holds it.
    Stuck,
    /// No drivable way to the goal is known.
    NoRoute,
    /// The context is still filling with pictures.
    Waiting,
    /// There is no goal.
    Finished,
}

impl StopReason {
    /// All reasons.
    pub const ALL: [Self; 6] = [Self::Arrived, Self::Lost, Self::Stuck, Self::NoRoute, Self::Waiting, Self::Finished];

    /// Whether the robot may slow down within its limits instead of stopping in the same step.
    #[must_use]
    pub const fn allows_ramp(self) -> bool {
        match self {
            Self::Arrived | Self::Lost | Self::NoRoute | Self::Waiting | Self::Finished => true,
            Self::Stuck => false,
        }
    }

    /// A short text for a person: "no route".
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Arrived => "arrived",
            Self::Lost => "lost",
            Self::Stuck => "stuck",
            Self::NoRoute => "no route",
            Self::Waiting => "waiting for pictures",
            Self::Finished => "no goal",
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// What the navigator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permit {
    /// Follow the decision.
    Drive,
    /// Stand still, whatever the decision wants.
    Stop(StopReason),
}

/// Everything that one step of the gate looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Input {
    /// This moment. Read the clock *after* taking the decision from its slot, or a picture that
    /// arrived in between looks like one from the future.
    pub now: Monotonic,
    /// Who has the robot.
    pub mode: Mode,
    /// What the navigator says.
    pub permit: Permit,
    /// The latest decision, however old.
    pub decision: Option<Decision>,
    /// Faults that are present now.
    pub faults: Faults,
}
