//! What the gate decided in a step, and why.

use core::fmt;

use crate::{Fault, StopReason};

/// How the robot was treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reaction {
    /// Zero in this step.
    StopNow,
    /// Slowing down within the limits; the command is not yet zero.
    SlowStop,
    /// The decision was followed, perhaps limited.
    Follow,
}

/// What asked for a stop that may be a slow one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A fault of class [`SlowStop`](crate::FaultClass::SlowStop).
    Fault(Fault),
    /// The navigator.
    Navigator(StopReason),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::Navigator(reason) => reason.fmt(f),
        }
    }
}

/// Which limit changed the command. Where several did, the first in this order is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Speed forwards or backwards; speed and turn rate were scaled together.
    Linear,
    /// Turn rate; speed and turn rate were scaled together.
    Angular,
    /// Change of speed in one step.
    LinearRate,
    /// Change of turn rate in one step.
    AngularRate,
}

impl Limit {
    /// A short text for a person: "speed".
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Linear => "speed",
            Self::Angular => "turn rate",
            Self::LinearRate => "change of speed",
            Self::AngularRate => "change of turn rate",
        }
    }
}

/// The outcome of a step. The order of the variants is the order of priority: of all that hold,
/// the first is the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Emergency stop.
    EStopped,
    /// A person drives: publish nothing.
    Overridden,
    /// The robot is not armed.
    Disarmed,
    /// The operator paused the robot.
    Held,
    /// A fault of class [`StopNow`](crate::FaultClass::StopNow).
    Fault(Fault),
    /// The clock ran backwards. The gate stays shut until it has caught up with the latest moment
    /// ever seen.
    TimeWentBackwards {
        /// By how much, nanoseconds.
        by_ns: u64,
    },
    /// The decision holds a number that is not finite.
    NonFinite,
    /// The picture behind the decision is too old.
    Stale {
        /// Its age, nanoseconds.
        age_ns: u64,
    },
    /// The picture behind the decision was taken after now: no such clock can be trusted.
    FutureEvidence {
        /// How far ahead, nanoseconds.
        ahead_ns: u64,
    },
    /// Slowing down, not yet at zero.
    Stopping(Cause),
    /// Standing, because something asked for it.
    Stopped(Cause),
    /// There is no decision to follow.
    NoDecision,
    /// A fault of class [`NeverStart`](crate::FaultClass::NeverStart) keeps a standing robot
    /// where it is.
    NotStarted(Fault),
    /// The decision was followed as far as the limits allow.
    Limited(Limit),
    /// The decision was followed to the letter.
    Passed,
}

impl Verdict {
    /// How the robot was treated.
    #[must_use]
    pub const fn reaction(self) -> Reaction {
        match self {
            Self::Stopping(_) => Reaction::SlowStop,
            Self::Limited(_) | Self::Passed => Reaction::Follow,
            Self::EStopped
            | Self::Overridden
            | Self::Disarmed
            | Self::Held
            | Self::Fault(_)
            | Self::TimeWentBackwards { .. }
            | Self::NonFinite
            | Self::Stale { .. }
            | Self::FutureEvidence { .. }
            | Self::Stopped(_)
            | Self::NoDecision
            | Self::NotStarted(_) => Reaction::StopNow,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EStopped => f.write_str("emergency stop"),
            Self::Overridden => f.write_str("a person drives"),
            Self::Disarmed => f.write_str("disarmed"),
            Self::Held => f.write_str("held"),
            Self::Fault(fault) => write!(f, "stopped: {fault}"),
            Self::TimeWentBackwards { by_ns } => {
                write!(f, "stopped: the clock went back by {by_ns} ns")
            }
            Self::NonFinite => f.write_str("stopped: the wanted motion is not finite"),
            Self::Stale { age_ns } => {
                let age_ms = age_ns / 1_000_000;
                write!(f, "stopped: the picture is {age_ms} ms old")
            }
            Self::FutureEvidence { ahead_ns } => {
                write!(f, "stopped: the picture lies {ahead_ns} ns in the future")
            }
            Self::Stopping(cause) => write!(f, "slowing down: {cause}"),
            Self::Stopped(cause) => write!(f, "standing: {cause}"),
            Self::NoDecision => f.write_str("standing: no decision"),
            Self::NotStarted(fault) => write!(f, "does not start: {fault}"),
            Self::Limited(limit) => write!(f, "driving, limited by {}", limit.text()),
            Self::Passed => f.write_str("driving"),
        }
    }
}
