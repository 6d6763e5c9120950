//! Where commands go: the port [`CommandSink`].

use pilotage_gate::Command;

use crate::frame::Monotonic;

/// Why a command could not be handed on.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub String);

/// Where commands go: ROS, a simulated robot, nowhere.
///
/// `send` never blocks; it takes nothing but what the gate made. A sink that is dropped has sent zero last.
pub trait CommandSink: Send {
    /// Hands a command on. `evidence_at` is when the picture behind it was taken, where there is one.
    ///
    /// # Errors
    /// When the command could not be handed on; the next one is tried all the same.
    fn send(&mut self, now: Monotonic, command: Command, evidence_at: Option<Monotonic>) -> Result<(), SinkError>;

    /// One line for logs and reports.
    fn describe(&self) -> String;
}

/// Drops every command; for `--no-ros` and for tests.
#[derive(Debug, Default)]
pub struct NullSink;

impl CommandSink for NullSink {
    fn send(&mut self, _now: Monotonic, _command: Command, _evidence_at: Option<Monotonic>) -> Result<(), SinkError> {
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
    fn send(&mut self, now: Monotonic, command: Command, evidence_at: Option<Monotonic>) -> Result<(), SinkError> {
        let mut result = Ok(());
        for sink in &mut self.0 {
            let sent = sink.send(now, command, evidence_at);
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
