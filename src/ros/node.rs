//! One ROS node: a participant on the network, held together until the last user is gone.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ros2_client::dds::rustdds::DomainParticipantBuilder;
use ros2_client::qos::{Durability, History, QosProfile, Reliability, WhenFull};
use ros2_client::{Context, MessageTypeName, Name, Node, NodeName, NodeOptions, Publisher, Subscription};
use serde::Serialize;

use super::args::split_absolute;
use super::executor::{Worker, block_on_until};
use super::{Network, RobotFigures, RosCommandSink, RosError, RosImageSource, RosOptions, RosRobot};

/// Commands and states: only the newest counts, and sending never waits. Reliable, because a base may ask for
/// that, and a subscriber that asks for more than is offered gets nothing at all.
pub(super) const COMMAND_QOS: QosProfile = QosProfile {
    reliability: Reliability::Reliable { when_full: WhenFull::Fail },
    durability: Durability::Volatile,
    history: History::KeepLast { depth: 1 },
    ..QosProfile::subscription_default()
};

/// Sensors, and whatever a newer one makes worthless: what is lost is lost. Asking for no more than that matches every
/// sender; offering no more matches what listens to sensors.
pub(super) const SENSOR_QOS: QosProfile = QosProfile {
    reliability: Reliability::BestEffort,
    durability: Durability::Volatile,
    history: History::KeepLast { depth: 1 },
    ..QosProfile::subscription_default()
};

/// A running ROS node. Clones are the same node; so are the sinks and sources taken from it, and
/// the last of them that is dropped takes the node off the network.
#[derive(Clone)]
pub struct RosNode(Arc<Inner>);

struct Inner {
    options: RosOptions,
    full_name: String,
    domain_id: u16,
    // The order of the fields is the order of the end: the node says goodbye and tells the spinner
    // to stop, the spinner is waited for, and only then the participant goes.
    node: Mutex<Node>,
    _spinner: Worker,
    _context: Context,
}

impl RosNode {
    /// Joins the network: interfaces and domain by `network`, names by `options`.
    ///
    /// # Errors
    /// [`RosError::Name`] for a bad name, [`RosError::Start`] when the middleware cannot start,
    /// [`RosError::Thread`] when the system gives no thread.
    pub fn start(network: &Network, options: &RosOptions) -> Result<Self, RosError> {
        let full_name = options.full_node_name()?;
        let failed = |reason: String| RosError::Start {
            node: full_name.clone(),
            domain_id: network.domain_id(),
            port: network.first_port(),
            reason,
        };
        let mut builder = DomainParticipantBuilder::new(network.domain_id());
        if let Some(interfaces) = network.only_interfaces() {
            builder = builder.with_only_networks(interfaces);
        }
        let participant = builder.build().map_err(|error| failed(error.to_string()))?;
        let context = Context::from_domain_participant(participant).map_err(|error| failed(error.to_string()))?;
        let name = NodeName::new(&options.namespace, &options.node_name).map_err(|error| failed(error.to_string()))?;
        // There are no parameters yet, so no services pretend that there are. Logging goes to the
        // console.
        let node_options = NodeOptions::new().enable_rosout(false).start_parameter_services(false);
        let mut node = context.new_node(name, node_options).map_err(|error| failed(error.to_string()))?;
        let spinner = node.spinner().map_err(|error| failed(error.to_string()))?;
        // The spinner ends when the node is dropped, not by the flag: it has things to put away.
        let spinner = Worker::start("pilotage-ros", move |_| {
            if let Some(Err(error)) = block_on_until(spinner.spin(), &AtomicBool::new(false)) {
                tracing::error!(%error, "the ROS graph is no longer followed");
            }
        })?;
        Ok(Self(Arc::new(Inner {
            options: options.clone(),
            full_name,
            domain_id: network.domain_id(),
            node: Mutex::new(node),
            _spinner: spinner,
            _context: context,
        })))
    }

    /// Opens the command topic, and `~/cmd_vel_origin` beside it.
    ///
    /// # Errors
    /// [`RosError::Name`] for a bad topic, [`RosError::Topic`] when it cannot be opened.
    pub fn command_publisher(&self) -> Result<RosCommandSink, RosError> {
        RosCommandSink::open(self)
    }

    /// Opens the picture topic.
    ///
    /// # Errors
    /// [`RosError::Name`] for a bad topic, [`RosError::Topic`] when it cannot be opened,
    /// [`RosError::Thread`] when the system gives no thread.
    pub fn image_source(&self) -> Result<RosImageSource, RosError> {
        RosImageSource::open(self)
    }

    /// Opens a robot's topics: sensors out, commands in.
    ///
    /// # Errors
    /// As [`Self::image_source`].
    pub fn robot(&self, figures: &RobotFigures) -> Result<RosRobot, RosError> {
        RosRobot::open(self, figures)
    }

    /// Full name of the node, for example `/r1/pilotage`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.full_name
    }

    /// The ROS domain the node is in.
    #[must_use]
    pub fn domain_id(&self) -> u16 {
        self.0.domain_id
    }

    /// What the node was started with.
    #[must_use]
    pub fn options(&self) -> &RosOptions {
        &self.0.options
    }

    pub(super) fn publish<M: Serialize>(
        &self,
        topic: &str,
        message_type: MessageTypeName,
        qos: QosProfile,
    ) -> Result<Publisher<M>, RosError> {
        let failed = |reason| RosError::Topic { action: "publish to", topic: topic.to_owned(), reason };
        let name = middleware_name(topic)?;
        let mut node = self.lock();
        let topic = node.create_topic(&name, message_type, &qos).map_err(|error| failed(error.to_string()))?;
        node.create_publisher(&topic, Some(qos)).map_err(|error| failed(error.to_string()))
    }

    pub(super) fn subscribe<M: 'static>(
        &self,
        topic: &str,
        message_type: MessageTypeName,
        qos: QosProfile,
    ) -> Result<Subscription<M>, RosError> {
        let failed = |reason| RosError::Topic { action: "subscribe to", topic: topic.to_owned(), reason };
        let name = middleware_name(topic)?;
        let mut node = self.lock();
        let topic = node.create_topic(&name, message_type, &qos).map_err(|error| failed(error.to_string()))?;
        node.create_subscription(&topic, Some(qos)).map_err(|error| failed(error.to_string()))
    }

    pub(super) fn subscribers_of<M: Serialize>(&self, publisher: &Publisher<M>) -> usize {
        publisher.get_subscription_count(&self.lock())
    }

    /// Nanoseconds since 1970, by the middleware's own clock.
    pub(super) fn wall_clock_ns(&self) -> i64 {
        self.lock().time_now_not_simulated().to_nanos()
    }

    // The node is a handle; a panic elsewhere leaves nothing in it half done.
    fn lock(&self) -> MutexGuard<'_, Node> {
        self.0.node.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn middleware_name(topic: &str) -> Result<Name, RosError> {
    let (namespace, base) = split_absolute(topic);
    Name::new(namespace, base).map_err(|error| RosError::Name {
        what: "topic",
        name: topic.to_owned(),
        reason: error.to_string(),
    })
}
