//! Velocity commands onto the network.

use std::time::Duration;

use pilotage_gate::Command;
use ros2_client::{MessageTypeName, Publisher, WriteError};
use serde::Serialize;

use super::executor::let_the_middleware_send;
use super::messages::{Header, Time, Twist, TwistStamped};
use super::node::COMMAND_QOS;
use super::{RosError, RosNode};

/// Zero commands sent when a sink that has sent anything is closed.
pub const CLOSING_ZEROS: usize = 5;

/// Time between them. Together they outlast a short burst of loss, and the last one still has a
/// moment to leave before the node goes.
const CLOSING_PAUSE: Duration = Duration::from_millis(20);

/// Sends velocity commands; never waits for anybody.
///
/// Sends whatever it is given: limits, deadlines and the emergency stop are the business of the
/// gate in front of it. When dropped, it sends zeros, so that a robot whose driver goes away stops
/// without waiting for a time-out.
pub struct RosCommandSink {
    commands: Commands,
    commands_topic: String,
    origin: Publisher<TwistStamped>,
    origin_topic: String,
    has_sent: bool,
    // Last, so that the publishers are gone before the node may go.
    node: RosNode,
}

enum Commands {
    Plain(Publisher<Twist>),
    Stamped(Publisher<TwistStamped>),
}

impl RosCommandSink {
    pub(super) fn open(node: &RosNode) -> Result<Self, RosError> {
        let options = node.options();
        let commands_topic = options.resolve(&options.cmd_vel_topic)?;
        let origin_topic = options.resolve("~/cmd_vel_origin")?;
        let stamped_type = || MessageTypeName::new("geometry_msgs", "TwistStamped");
        let commands = if options.stamped {
            Commands::Stamped(node.publish(&commands_topic, stamped_type(), COMMAND_QOS)?)
        } else {
            Commands::Plain(node.publish(
                &commands_topic,
                MessageTypeName::new("geometry_msgs", "Twist"),
                COMMAND_QOS,
            )?)
        };
        let origin = node.publish(&origin_topic, stamped_type(), COMMAND_QOS)?;
        Ok(Self { commands, commands_topic, origin, origin_topic, has_sent: false, node: node.clone() })
    }

    /// Sends one command; only the gate can make one that is not zero. `stamp_ns` is when it was decided,
    /// nanoseconds since 1970 on the wall clock; it travels with stamped commands only.
    ///
    /// # Errors
    /// [`RosError::NotFinite`] or [`RosError::Stamp`] for a command that cannot be sent,
    /// [`RosError::Full`] when this one was not sent but a later one may be, [`RosError::Send`] when
    /// the middleware is broken.
    pub fn send_command(&mut self, command: &Command, stamp_ns: i64) -> Result<(), RosError> {
        let (linear_mps, angular_rps) = (command.linear_mps(), command.angular_rps());
        let twist = Twist::planar(linear_mps, angular_rps)?;
        match &self.commands {
            Commands::Plain(publisher) => publish(publisher, twist, &self.commands_topic)?,
            Commands::Stamped(publisher) => {
                publish(publisher, self.stamped(twist, stamp_ns)?, &self.commands_topic)?;
            }
        }
        self.has_sent = true;
        Ok(())
    }

    /// Tells on `~/cmd_vel_origin` which picture a command came from: the same numbers, stamped
    /// with the time `captured_ns` at which the picture was taken, on the camera's clock.
    ///
    /// # Errors
    /// As [`Self::send_command`]; a failure here says nothing about the command itself.
    pub fn send_origin(&mut self, command: &Command, captured_ns: i64) -> Result<(), RosError> {
        let message = self.stamped(Twist::planar(command.linear_mps(), command.angular_rps())?, captured_ns)?;
        publish(&self.origin, message, &self.origin_topic)
    }

    /// Subscribers that are connected at the moment. Of use for showing only: one that died is
    /// counted for up to a minute.
    #[must_use]
    pub fn subscribers(&self) -> usize {
        match &self.commands {
            Commands::Plain(publisher) => self.node.subscribers_of(publisher),
            Commands::Stamped(publisher) => self.node.subscribers_of(publisher),
        }
    }

    /// Full name of the command topic.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.commands_topic
    }

    /// One line for logs and reports.
    #[must_use]
    pub fn describe(&self) -> String {
        let kind = if matches!(self.commands, Commands::Stamped(_)) { "TwistStamped" } else { "Twist" };
        format!("{kind} on {} as {} in ROS domain {}", self.commands_topic, self.node.name(), self.node.domain_id())
    }

    fn stamped(&self, twist: Twist, stamp_ns: i64) -> Result<TwistStamped, RosError> {
        let frame_id = self.node.options().base_frame.clone();
        Ok(TwistStamped { header: Header { stamp: Time::from_ns(stamp_ns)?, frame_id }, twist })
    }
}

impl Drop for RosCommandSink {
    fn drop(&mut self) {
        if !self.has_sent {
            return;
        }
        for _ in 0..CLOSING_ZEROS {
            // Nobody passes a time in here, and a base drops zeros with an old stamp.
            if let Err(error) = self.send_command(&Command::ZERO, self.node.wall_clock_ns()) {
                tracing::warn!(%error, "a closing zero command was not sent");
            }
            let_the_middleware_send(CLOSING_PAUSE);
        }
    }
}

pub(super) fn publish<M: Serialize>(publisher: &Publisher<M>, message: M, topic: &str) -> Result<(), RosError> {
    publisher.publish(message).map_err(|error| match error {
        WriteError::WouldBlock { .. } => RosError::Full { topic: topic.to_owned() },
        error => RosError::Send { topic: topic.to_owned(), reason: error.forget_data().to_string() },
    })
}
