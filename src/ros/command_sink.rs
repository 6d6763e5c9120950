//! The command port on ROS: what the gate made becomes a message.

use pilotage_gate::Command;

use super::RosCommandSink;
use crate::sink::{CommandSink, SendTime, SinkError};

impl CommandSink for RosCommandSink {
    fn send(&mut self, at: SendTime, command: &Command) -> Result<(), SinkError> {
        // The command first; that its origin cannot be told is no reason to hold it back.
        let sent = self.send_command(command, at.wall_ns);
        if let Some(captured_ns) = at.evidence_wall_ns()
            && let Err(error) = self.send_origin(command, captured_ns)
        {
            tracing::debug!(%error, "a command went out without its origin");
        }
        sent.map_err(|error| SinkError(error.to_string()))
    }

    fn describe(&self) -> String {
        RosCommandSink::describe(self)
    }
}
