//! What can be wrong with a map, a goal or a route, each said with its numbers and a way out.

use crate::NodeId;
use crate::edge::MAX_COST_STEPS;
use thiserror::Error;

/// A node or an edge that may not enter a map.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum MapError {
    /// Two nodes with one number.
    #[error("node {node} is there twice; give each node its own number")]
    DuplicateNode {
        /// The number.
        node: NodeId,
    },
    /// Two nodes with one name.
    #[error("the name \"{name}\" of node {node} already belongs to node {holder}; choose another name")]
    DuplicateName {
        /// The name.
        name: String,
        /// Who has it.
        holder: NodeId,
        /// Who wants it.
        node: NodeId,
    },
    /// A name that could not be told from a number or a keyword, or cannot be shown.
    #[error("\"{name}\" cannot name node {node}: {why}")]
    BadName {
        /// The name, control characters escaped.
        name: String,
        /// The node.
        node: NodeId,
        /// The rule it breaks.
        why: &'static str,
    },
    /// A node that is not in the map.
    #[error("there is no node {node} in this map of {nodes} nodes; `map info` lists them")]
    NoSuchNode {
        /// The number asked for.
        node: NodeId,
        /// How many there are.
        nodes: usize,
    },
    /// An edge that is not in the map.
    #[error("there is no edge from node {from} to node {to}")]
    NoSuchEdge {
        /// Where it would begin.
        from: NodeId,
        /// Where it would end.
        to: NodeId,
    },
    /// An edge with an end outside the map.
    #[error("the edge from node {from} to node {to} dangles: node {missing} is not in the map; add the node first")]
    Dangling {
        /// Where it begins.
        from: NodeId,
        /// Where it ends.
        to: NodeId,
        /// Which of the two is missing.
        missing: NodeId,
    },
    /// An edge from a node to itself.
    #[error("an edge from node {node} to itself leads nowhere; leave it out")]
    SelfEdge {
        /// The node.
        node: NodeId,
    },
    /// A second edge between the same two nodes.
    #[error("the edge from node {from} to node {to} is there twice; keep one")]
    DuplicateEdge {
        /// Where it begins.
        from: NodeId,
        /// Where it ends.
        to: NodeId,
    },
    /// A cost that is not a distance.
    #[error(
        "the edge from node {from} to node {to} costs {cost_steps} steps; a cost is above 0 and at most {MAX_COST_STEPS}"
    )]
    Cost {
        /// Where it begins.
        from: NodeId,
        /// Where it ends.
        to: NodeId,
        /// What it says.
        cost_steps: f32,
    },
    /// A pose hint with NaN or an infinity in it.
    #[error("the pose hint of node {node} is not finite ({x_m} m, {y_m} m, {yaw_rad} rad); leave the hint out")]
    PoseHint {
        /// The node.
        node: NodeId,
        /// Forward.
        x_m: f64,
        /// Left.
        y_m: f64,
        /// Counter-clockwise.
        yaw_rad: f64,
    },
    /// A file name that could leave the map's folder.
    #[error("\"{file}\" is no file name for a map: {why}; use a plain relative path such as nodes/000042.jpg")]
    FileName {
        /// The name, control characters escaped.
        file: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// A checksum that is not 64 lower-case hexadecimal digits.
    #[error("\"{text}\" is no SHA-256: it takes 64 lower-case hexadecimal digits")]
    Sha256 {
        /// What was there, shortened.
        text: String,
    },
}

/// A goal that means nothing in this map.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GoalError {
    /// There is nothing to go to.
    #[error("the map has no nodes, so there is nowhere to go; build it from a drive first")]
    EmptyMap,
    /// Neither LAST, nor a number, nor a name of this map.
    #[error("no place \"{wanted}\" in this map; there are {exists}")]
    Unknown {
        /// What was asked for, shortened.
        wanted: String,
        /// What could have been asked for.
        exists: String,
    },
}

/// No way to the goal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RouteError {
    /// An end that is not in the map.
    #[error("there is no node {node} in this map; `map info` lists the nodes")]
    NoSuchNode {
        /// The number asked for.
        node: NodeId,
    },
    /// The map holds no drivable way between the two.
    #[error(
        "no usable way from node {from} to node {to}: {seen} nodes can be reached from node {from}, that one not; \
         record a drive that joins them, or look at `map check`"
    )]
    NoWay {
        /// The start.
        from: NodeId,
        /// The goal.
        to: NodeId,
        /// How many nodes the search reached, the start included.
        seen: usize,
    },
}
