//! The ROS 2 face: velocity commands out, camera pictures in; and for the simulator a robot's side, the other way.
//!
//! Talks DDS by `ros2-client`, so that neither building nor running needs a ROS installation.
//! This module is the only one that knows the middleware.
//!
//! Start at [`Network::from_env`] (where may we talk at all), then [`RosNode::start`], and take
//! from the node a [`RosCommandSink`], a [`RosImageSource`] or a [`RosRobot`]. Everything taken from a node keeps
//! it alive; the last one dropped shuts it down cleanly.

mod args;
mod command_sink;
mod command_source;
mod error;
mod executor;
mod image_source;
mod messages;
mod network;
mod node;
mod pixels;
mod robot;
mod robot_messages;
mod sink;
mod slot;

pub use args::{DRY_RUN_SUFFIX, ImageTransport, RosOptions};
pub use error::RosError;
pub use image_source::RosImageSource;
pub use messages::{CompressedImage, Header, Image, StringMessage, Time, Twist, TwistStamped, Vector3};
pub use network::{MAX_DOMAIN_ID, NOT_LIVE_DOMAIN_ID, Network, NetworkError, Purpose};
pub use node::RosNode;
pub use robot::{Beams, Lens, Mount, RobotFigures, RosRobot};
pub use sink::{CLOSING_ZEROS, RosCommandSink};
