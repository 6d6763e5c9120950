//! The topological map: remembered places, the ways between them, and where on them the robot is.
//!
//! Everything here is pure (no camera, no ROS, no model, no clock, no threads); only [`store`] touches files.
//! Costs and distances are *temporal*: steps of the policy (0.25 s at the pace of the recorded drive).
//!
//! ```
//! use pilotage_graph::{Edge, Evidence, Localizer, LocalizerConfig, Motion, Node, NodeId, SessionId, Start, TopoMap};
//!
//! let mut map = TopoMap::new();
//! for id in 0..6 {
//!     map.add_node(Node::bare(NodeId(id), SessionId(0)))?;
//! }
//! for id in 0..5 {
//!     map.add_edge(Edge::new(NodeId(id), NodeId(id + 1), 2.5, Evidence::Driven))?;
//! }
//! let goal = map.goal_spec("LAST")?;
//! let route = map.route(NodeId(0), goal)?;
//! assert_eq!(route.nodes().len(), 6);
//!
//! let mut filter = Localizer::new(&map, LocalizerConfig::default(), Start::At(NodeId(0)))?;
//! let asked = filter.ask(10);
//! // A policy would answer here; this robot stands at node 0, and each node is 2.5 steps on.
//! let answers: Vec<(NodeId, f32)> = asked.iter().map(|&id| (id, 2.5 * id.0 as f32)).collect();
//! let estimate = filter.update(Motion { advance_steps: 0.0, moving: false }, &answers);
//! assert_eq!(estimate.node, NodeId(0));
//! assert_eq!(filter.subgoal(&route, 3.0), NodeId(2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::cast_possible_truncation))]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp))]

pub mod check;
mod edge;
mod error;
mod goal;
mod id;
pub mod keyframe;
pub mod localize;
mod map;
mod node;
mod route;
mod sha256;
pub mod store;
mod svg;

pub use check::{CheckReport, check};
pub use edge::{Edge, Evidence, MAX_COST_STEPS};
pub use error::{GoalError, MapError, RouteError};
pub use id::{NodeId, SessionId};
pub use keyframe::{KeyframeRule, KeyframeRuleError, Keyframer, Verdict};
pub use localize::{
    Estimate, Localizer, LocalizerConfig, LocalizerError, LocalizerState, LostReason, Motion, Start, Tracking,
};
pub use map::TopoMap;
pub use node::{Node, PoseHint, StoredFile, View};
pub use route::Route;
pub use sha256::Sha256;
pub use store::{Limits, MapDir, MapMeta, MapWriter, StoreError};
pub use svg::svg;
