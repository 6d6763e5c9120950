//! Why something of the ROS 2 face failed.

/// Why a node, a publisher or a subscription could not be had, or a command not be sent.
#[derive(Debug, thiserror::Error)]
pub enum RosError {
    /// A node, namespace or topic name breaks the rules of ROS.
    #[error("{what} {name:?} is not a ROS name: {reason}; use letters, digits and single underscores, joined by '/'")]
    Name {
        /// Which name: node name, namespace or topic.
        what: &'static str,
        /// The name as given, with defaults filled in.
        name: String,
        /// Which rule it breaks.
        reason: String,
    },
    /// The node did not come up on the network.
    #[error(
        "ROS node {node:?} cannot start in domain {domain_id}: {reason}; check that a network interface (at least lo) is up and that UDP ports from {port} on are free"
    )]
    Start {
        /// Full name of the node.
        node: String,
        /// ROS domain.
        domain_id: u16,
        /// First UDP port of that domain.
        port: u32,
        /// What the middleware says.
        reason: String,
    },
    /// A topic could not be opened.
    #[error("cannot {action} {topic:?}: {reason}")]
    Topic {
        /// `publish to` or `subscribe to`.
        action: &'static str,
        /// Full topic name.
        topic: String,
        /// What the middleware says.
        reason: String,
    },
    /// A thread for the middleware could not be started.
    #[error("cannot start thread {name:?} for ROS: {source}; raise the limit of processes (ulimit -u)")]
    Thread {
        /// Name of the thread.
        name: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// Nothing was sent: too many sent messages are not acknowledged yet. Sending never waits.
    #[error("no room to send on {topic:?}: a subscriber does not acknowledge; this command was not sent")]
    Full {
        /// Full topic name.
        topic: String,
    },
    /// Nothing was sent: the middleware failed, and will most likely go on failing.
    #[error("cannot send on {topic:?}: {reason}; the node has to be started anew")]
    Send {
        /// Full topic name.
        topic: String,
        /// What the middleware says.
        reason: String,
    },
    /// Nothing was sent: a command that is not a number never leaves this process.
    #[error("refused to send a command that is not finite: linear {linear_mps} m/s, angular {angular_rps} rad/s")]
    NotFinite {
        /// Forward speed as asked for.
        linear_mps: f32,
        /// Turn rate as asked for.
        angular_rps: f32,
    },
    /// Nothing was sent: the stamp does not fit into `builtin_interfaces/Time`.
    #[error("time {stamp_ns} ns does not fit into a ROS stamp (whole seconds from -2^31 to 2^31-1); check the clock")]
    Stamp {
        /// Nanoseconds since 1970.
        stamp_ns: i64,
    },
}
