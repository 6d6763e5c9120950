//! When a real-time run ends, what it says at its end, and who may look on.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::drive::ControlOutput;
use crate::frame::Monotonic;
use crate::pilot::TickOutput;
use crate::runtime::Snapshot;

/// How a run is told to end from outside (signals), and how it tells that the robot has been stopped.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    /// Set from outside: end now.
    pub asked: Arc<AtomicBool>,
    /// Set by the run once its last zero commands are out: from here on it may be killed.
    pub zeros_sent: Arc<AtomicBool>,
}

/// When a run ends by itself.
#[derive(Clone, Copy, Debug)]
pub struct EndRules {
    /// At the goal. Otherwise the robot stands there and the run goes on.
    pub at_arrival: bool,
    /// This long after the last frame of a log: long enough to see that silence stops the robot.
    pub after_silence: Duration,
    /// At the latest.
    pub after: Option<Duration>,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The goal was reached.
    Arrived,
    /// The log ended.
    SourceEnded,
    /// Somebody asked for it (a signal).
    Asked,
    /// The time was up.
    TimeUp,
    /// A part failed; the robot was stopped first.
    Failed,
}

/// What a run did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Why it ended.
    pub ended: Ended,
    /// What failed, where something did.
    pub failure: Option<String>,
    /// Ticks run.
    pub ticks: u64,
    /// Contexts that the policy was too slow for.
    pub missed_ticks: u64,
    /// Frames seen.
    pub frames: u64,
    /// Frames that could not be used.
    pub bad_frames: u64,
    /// Commands handed to the sink.
    pub commands: u64,
    /// Commands that the sink refused.
    pub refused_commands: u64,
    /// Longest age of the picture behind a command that was not zero, nanoseconds.
    pub oldest_evidence_ns: u64,
    /// From the last frame of a source that fell silent to the first zero command, nanoseconds.
    pub silence_to_zero_ns: Option<u64>,
}

/// What happens, for the terminal and for reports. Called from the threads that it happens on: keep it short.
pub trait Onlooker: Sync {
    /// The context is filling.
    fn filling(&self, _have: usize, _want: usize) {}
    /// A tick ran.
    fn tick(&self, _seq: u64, _snapshot: &Snapshot, _output: &TickOutput) {}
    /// A control step ran.
    fn control(&self, _now: Monotonic, _output: &ControlOutput) {}
}

/// An onlooker that does not look.
pub struct Nobody;
impl Onlooker for Nobody {}
