//! The shortest way by temporal distance.

use crate::{NodeId, RouteError, TopoMap};
use petgraph::Direction;
use petgraph::stable_graph::NodeIndex;
use petgraph::visit::{EdgeRef, NodeIndexable};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// A way through the map. It has at least one node and visits none twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    nodes: Vec<NodeId>,
    /// Steps from the first node to each; as long as `nodes`, ascending.
    reached_steps: Vec<f32>,
}

impl Route {
    /// The places in driving order, start and goal included.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// Where it begins.
    #[must_use]
    pub fn start(&self) -> NodeId {
        self.nodes.first().copied().unwrap_or(NodeId(0))
    }

    /// Where it ends.
    #[must_use]
    pub fn goal(&self) -> NodeId {
        self.nodes.last().copied().unwrap_or(NodeId(0))
    }

    /// The temporal distance of the whole way in steps.
    #[must_use]
    pub fn cost_steps(&self) -> f32 {
        self.reached_steps.last().copied().unwrap_or(0.0)
    }

    /// The how-manieth place of the route a node is, from 0; `None` off the route.
    #[must_use]
    pub fn position(&self, node: NodeId) -> Option<usize> {
        self.nodes.iter().position(|&id| id == node)
    }

    /// Each place with its temporal distance in steps from the start.
    pub fn legs(&self) -> impl Iterator<Item = (NodeId, f32)> + '_ {
        self.nodes.iter().copied().zip(self.reached_steps.iter().copied())
    }

    /// Steps still to go for a robot `offset_steps` past `node`; never below 0. `None` when `node` is off the route.
    #[must_use]
    pub fn remaining_from(&self, node: NodeId, offset_steps: f32) -> Option<f32> {
        let reached = self.reached_steps.get(self.position(node)?)?;
        // `max` before use: a NaN offset counts as none.
        Some((self.cost_steps() - reached - offset_steps.max(0.0)).max(0.0))
    }
}

/// A search front entry; ordered by cost and then by node number, so that ties fall the same way in every run.
struct Front {
    cost: f64,
    id: NodeId,
    index: NodeIndex,
}

impl Ord for Front {
    fn cmp(&self, other: &Self) -> Ordering {
        self.cost.total_cmp(&other.cost).then(self.id.cmp(&other.id))
    }
}
impl PartialOrd for Front {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Front {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Front {}

/// One row of the search's table. Small, because a search over a million nodes is mostly waiting for memory.
#[derive(Clone, Copy)]
struct Reached {
    cost: f64,
    /// The node before; meaningless at the start and where nothing led yet.
    before: NodeId,
    before_index: NodeIndex,
}

impl TopoMap {
    /// The shortest usable way by temporal distance; failed and forbidden edges are not used. Among equally short ways
    /// always the same one is taken.
    ///
    /// A search of our own over petgraph's graph: its `dijkstra` keeps no predecessors and its `astar` hashes every
    /// node, where plain tables by node index do (see the README for figures).
    ///
    /// # Errors
    /// [`RouteError`] when an end is missing or nothing usable joins the two.
    pub fn route(&self, from: NodeId, to: NodeId) -> Result<Route, RouteError> {
        let start = self.index(from).ok_or(RouteError::NoSuchNode { node: from })?;
        let goal = self.index(to).ok_or(RouteError::NoSuchNode { node: to })?;
        let unreached = Reached { cost: f64::INFINITY, before: from, before_index: start };
        let mut table = vec![unreached; self.graph.node_bound()];
        if let Some(entry) = table.get_mut(start.index()) {
            entry.cost = 0.0;
        }
        let mut front = BinaryHeap::from([Reverse(Front { cost: 0.0, id: from, index: start })]);
        while let Some(Reverse(Front { cost, id, index })) = front.pop() {
            if index == goal {
                return Ok(trace((from, start), (to, goal), &table));
            }
            if table.get(index.index()).is_none_or(|entry| cost > entry.cost) {
                continue;
            }
            for edge in self.graph.edges_directed(index, Direction::Outgoing) {
                let weight = edge.weight();
                let Some(entry) = table.get_mut(edge.target().index()).filter(|_| weight.evidence.usable()) else {
                    continue;
                };
                let through = cost + f64::from(weight.cost_steps);
                match through.total_cmp(&entry.cost) {
                    Ordering::Less => {
                        *entry = Reached { cost: through, before: id, before_index: index };
                        front.push(Reverse(Front { cost: through, id: weight.to, index: edge.target() }));
                    }
                    // Costs are above 0, so this is never the start's own row.
                    Ordering::Equal if id < entry.before => {
                        (entry.before, entry.before_index) = (id, index);
                    }
                    _ => {}
                }
            }
        }
        let seen = table.iter().filter(|entry| entry.cost.is_finite()).count();
        Err(RouteError::NoWay { from, to, seen })
    }
}

fn trace(start: (NodeId, NodeIndex), goal: (NodeId, NodeIndex), table: &[Reached]) -> Route {
    let mut nodes = Vec::new();
    let mut reached_steps = Vec::new();
    let (mut id, mut index) = goal;
    while let Some(entry) = table.get(index.index()) {
        nodes.push(id);
        #[allow(clippy::cast_possible_truncation, reason = "summed in f64, told in f32")]
        reached_steps.push(entry.cost as f32);
        if index == start.1 {
            break;
        }
        (id, index) = (entry.before, entry.before_index);
    }
    nodes.reverse();
    reached_steps.reverse();
    Route { nodes, reached_steps }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Edge, Evidence, Node, SessionId};

    fn map(edges: &[(u32, u32, f32)]) -> TopoMap {
        let mut map = TopoMap::new();
        for id in 0..=edges.iter().map(|&(a, b, _)| a.max(b)).max().unwrap_or(0) {
            map.add_node(Node::bare(NodeId(id), SessionId(0))).unwrap();
        }
        for &(from, to, cost) in edges {
            map.add_edge(Edge::new(NodeId(from), NodeId(to), cost, Evidence::Driven)).unwrap();
        }
        map
    }

    fn ids(route: &Route) -> Vec<u32> {
        route.nodes().iter().map(|id| id.0).collect()
    }

    #[test]
    fn the_route_is_the_shortest_by_cost_not_by_nodes() {
        let map = map(&[(0, 3, 10.0), (0, 1, 2.0), (1, 2, 2.0), (2, 3, 2.0)]);
        let route = map.route(NodeId(0), NodeId(3)).unwrap();
        assert_eq!(ids(&route), [0, 1, 2, 3]);
        assert!((route.cost_steps() - 6.0).abs() < 1e-6);
        assert_eq!(route.remaining_from(NodeId(1), 0.5), Some(3.5));
        assert_eq!(route.remaining_from(NodeId(3), 2.0), Some(0.0));
        assert_eq!(route.remaining_from(NodeId(1), f32::NAN), Some(4.0));
        assert_eq!(route.remaining_from(NodeId(9), 0.0), None);
    }

    #[test]
    fn failed_and_forbidden_edges_are_not_driven() {
        let mut map = map(&[(0, 1, 1.0), (0, 2, 5.0), (2, 1, 5.0)]);
        for evidence in [Evidence::Failed, Evidence::Forbidden] {
            map.set_evidence(NodeId(0), NodeId(1), evidence).unwrap();
            assert_eq!(ids(&map.route(NodeId(0), NodeId(1)).unwrap()), [0, 2, 1]);
        }
        map.set_evidence(NodeId(2), NodeId(1), Evidence::Failed).unwrap();
        let seen = RouteError::NoWay { from: NodeId(0), to: NodeId(1), seen: 2 };
        assert_eq!(map.route(NodeId(0), NodeId(1)), Err(seen));
    }

    #[test]
    fn equal_ways_fall_to_the_lower_number_whatever_the_order_of_building() {
        let ways = [(0, 1, 1.0), (1, 3, 1.0), (0, 2, 1.0), (2, 3, 1.0)];
        let mut turned = ways;
        turned.reverse();
        for ways in [ways, turned] {
            assert_eq!(ids(&map(&ways).route(NodeId(0), NodeId(3)).unwrap()), [0, 1, 3]);
        }
    }

    #[test]
    fn a_route_to_where_one_is_has_one_node_and_no_length() {
        let route = map(&[(0, 1, 1.0)]).route(NodeId(1), NodeId(1)).unwrap();
        assert_eq!((ids(&route), route.cost_steps()), (vec![1], 0.0));
    }
}
