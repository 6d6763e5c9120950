//! Where commands go: the port [`CommandSink`].

use pilotage_gate::Command;

use crate::frame::Monotonic;

/// Why a command could not be handed on.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub String);

/// When a command goes out.
#[derive(Clone, Copy, Debug)]
pub struct SendTime {
    /// Our monotonic clock.
    pub now: Monotonic,
    /// The wall clock, nanoseconds since 1970: for message headers, never for a decision.
    pub wall_ns: i64,
    /// When the picture behind the command was taken, on our monotonic clock; `None` where there is none.
    pub evidence_at: Option<Monotonic>,
}

impl SendTime {
    /// When the picture was taken, on the wall clock.
    #[must_use]
    pub fn evidence_wall_ns(&self) -> Option<i64> {
        let age_ns = self.now.0.saturating_sub(self.evidence_at?.0);
        Some(self.wall_ns.saturating_sub(i64::try_from(age_ns).unwrap_or(i64::MAX)))
    }
}

/// Where commands go: ROS, a simulated robot, nowhere.
///
/// `send` never blocks; it takes nothing but what the gate made. A sink that is dropped has sent zero last.
pub trait CommandSink: Send {
    /// Hands a command on.
    ///
    /// # Errors
    /// When the command could not be handed on; the next one is tried all the same.
    fn send(&mut self, at: SendTime, command: &Command) -> Result<(), SinkError>;

    /// One line for logs and reports.
    fn describe(&self) -> String;
}

/// Drops every command; for `--no-ros` and for tests.
#[derive(Debug, Default)]
pub struct NullSink;

impl CommandSink for NullSink {
    fn send(&mut self, _at: SendTime, _command: &Command) -> Result<(), SinkError> {
        Ok(())
    }

    fn describe(&self) -> String {
        "nowhere".into()
    }
}

/// Hands every command to several sinks; all are tried, the first error is reported.
#[derive(Default)]
pub struct Tee(pub Vec<Box<dyn CommandSink>>);

impl CommandSink for Tee {
    fn send(&mut self, at: SendTime, command: &Command) -> Result<(), SinkError> {
        let mut result = Ok(());
        for sink in &mut self.0 {
            let sent = sink.send(at, command);
            if result.is_ok() {
                result = sent;
            }
        }
        result
    }

    fn describe(&self) -> String {
        self.0.iter().map(|sink| sink.describe()).collect::<Vec<_>>().join(" and ")
    }
}
