//! Velocity commands off the network, for a robot that obeys them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pilotage_gate::Wanted;
use ros2_client::{MessageTypeName, ReadError};
use serde::de::DeserializeOwned;

use super::executor::{Worker, block_on_until};
use super::messages::{Twist, TwistStamped};
use super::node::SENSOR_QOS;
use super::slot::{Slot, Taken};
use super::{RosError, RosNode};

/// A command that was sent longer ago than this is not obeyed, nanoseconds: when two sides meet, what was said
/// before may come in a burst. Nothing here leaves the computer, so both sides read the same clock.
const OLDEST_NS: i64 = 500_000_000;

/// The newest velocity command from a topic.
///
/// Subscribed best effort: such a subscription hears reliable and best-effort senders alike, a reliable one only the
/// former; and a command that was lost is better replaced by the next one than repeated.
pub(super) struct CommandSource {
    slot: Arc<Slot<Wanted>>,
    refused: Arc<AtomicU64>,
    topic: String,
    // The thread holds the subscription and the node: it ends before they may go.
    _reader: Worker,
}

impl CommandSource {
    pub(super) fn open(node: &RosNode) -> Result<Self, RosError> {
        let topic = node.options().resolve(&node.options().cmd_vel_topic)?;
        let (slot, refused) = (Arc::new(Slot::new()), Arc::new(AtomicU64::new(0)));
        let reader = if node.options().stamped {
            read::<TwistStamped>(node, &topic, "TwistStamped", |message| message.twist, &slot, &refused)?
        } else {
            read::<Twist>(node, &topic, "Twist", |message| message, &slot, &refused)?
        };
        Ok(Self { slot, refused, topic, _reader: reader })
    }

    /// The newest command since the last call.
    pub(super) fn take(&self) -> Option<Wanted> {
        match self.slot.take(Duration::ZERO) {
            Taken::Value(wanted) => Some(wanted),
            Taken::Nothing | Taken::Ended(_) => None,
        }
    }

    /// Messages that were not obeyed: old, unreadable, or not numbers.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Full name of the topic.
    pub(super) fn topic(&self) -> &str {
        &self.topic
    }
}

fn read<M: DeserializeOwned + Send + 'static>(
    node: &RosNode,
    topic: &str,
    type_name: &'static str,
    twist_of: fn(M) -> Twist,
    slot: &Arc<Slot<Wanted>>,
    refused: &Arc<AtomicU64>,
) -> Result<Worker, RosError> {
    let subscription = node.subscribe::<M>(topic, MessageTypeName::new("geometry_msgs", type_name), SENSOR_QOS)?;
    let (node, topic, slot, refused) = (node.clone(), topic.to_owned(), Arc::clone(slot), Arc::clone(refused));
    Worker::start("pilotage-command", move |stop| {
        let refuse = |reason: &str| {
            // Said once; counted always.
            if refused.fetch_add(1, Ordering::Relaxed) == 0 {
                tracing::warn!(topic, reason, "a command was not obeyed");
            }
        };
        while let Some(taken) = block_on_until(subscription.async_take(), stop) {
            match taken {
                Ok((message, info)) => {
                    let age_ns = info.source_timestamp().map_or(0, |sent| node.wall_clock_ns() - sent.to_nanos());
                    match wanted(&twist_of(message)) {
                        Some(_) if age_ns > OLDEST_NS => refuse("it was sent too long ago"),
                        Some(wanted) => {
                            slot.put(wanted);
                        }
                        None => refuse("it holds something that is not a number"),
                    }
                }
                Err(ReadError::Deserialization { reason }) => refuse(&reason),
                Err(error) => {
                    tracing::error!(topic, %error, "commands are no longer heard; start the program anew");
                    slot.end(&error.to_string());
                    return;
                }
            }
        }
    })
}

/// What a robot that drives forward and turns makes of a command; the rest it cannot do anyway.
fn wanted(twist: &Twist) -> Option<Wanted> {
    let wanted = Wanted { linear_mps: twist.linear.x as f32, angular_rps: twist.angular.z as f32 };
    wanted.is_finite().then_some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ros::Vector3;

    #[test]
    fn forward_and_turn_are_taken_and_what_is_no_number_is_no_command() {
        let twist =
            |x: f64, z: f64| Twist { linear: Vector3 { x, y: 9.0, z: 9.0 }, angular: Vector3 { x: 9.0, y: 9.0, z } };
        assert_eq!(wanted(&twist(0.5, -0.25)), Some(Wanted { linear_mps: 0.5, angular_rps: -0.25 }));
        for (x, z) in [(f64::NAN, 0.0), (0.0, f64::INFINITY), (1e300, 0.0)] {
            assert_eq!(wanted(&twist(x, z)), None);
        }
    }
}
