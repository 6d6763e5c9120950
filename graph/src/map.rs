//! The map itself: a checked directed graph whose every listing is in number order, so that runs can be repeated.

use crate::node::validate_name;
use crate::{Edge, Evidence, MapError, Node, NodeId};
use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use std::collections::BTreeMap;

/// A directed graph of places.
///
/// Held at all times: numbers and names are unique, every edge has both ends, at most one edge joins an ordered pair,
/// no edge joins a node to itself, and every cost is finite and above 0.
#[derive(Debug, Clone, Default)]
pub struct TopoMap {
    pub(crate) graph: StableDiGraph<Node, Edge>,
    by_id: BTreeMap<NodeId, NodeIndex>,
    by_name: BTreeMap<String, NodeId>,
}

impl TopoMap {
    /// A map without places.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a place.
    ///
    /// # Errors
    /// [`MapError`] when its number or name is taken, its name could be mistaken, or its pose hint is not finite.
    pub fn add_node(&mut self, node: Node) -> Result<NodeId, MapError> {
        node.validate()?;
        let id = node.id;
        if self.by_id.contains_key(&id) {
            return Err(MapError::DuplicateNode { node: id });
        }
        if let Some(name) = &node.name {
            self.check_name_free(name, id)?;
            self.by_name.insert(name.clone(), id);
        }
        let index = self.graph.add_node(node);
        self.by_id.insert(id, index);
        Ok(id)
    }

    /// Adds a way between two places of the map.
    ///
    /// # Errors
    /// [`MapError`] when an end is missing, the two ends are one, the cost is no distance, or the edge is there already.
    pub fn add_edge(&mut self, edge: Edge) -> Result<(), MapError> {
        edge.validate()?;
        let Edge { from, to, .. } = edge;
        let end = |id: NodeId| self.index(id).ok_or(MapError::Dangling { from, to, missing: id });
        let (tail, head) = (end(from)?, end(to)?);
        if self.graph.find_edge(tail, head).is_some() {
            return Err(MapError::DuplicateEdge { from, to });
        }
        self.graph.add_edge(tail, head, edge);
        Ok(())
    }

    /// Names a place, or takes its name away.
    ///
    /// # Errors
    /// [`MapError`] when there is no such place or the name is taken or could be mistaken.
    pub fn set_name(&mut self, id: NodeId, name: Option<&str>) -> Result<(), MapError> {
        let index = self.index(id).ok_or(MapError::NoSuchNode { node: id, nodes: self.node_count() })?;
        if let Some(name) = name {
            validate_name(name, id)?;
            self.check_name_free(name, id)?;
        }
        if let Some(node) = self.graph.node_weight_mut(index) {
            if let Some(old) = node.name.take() {
                self.by_name.remove(&old);
            }
            if let Some(name) = name {
                node.name = Some(name.to_owned());
                self.by_name.insert(name.to_owned(), id);
            }
        }
        Ok(())
    }

    /// Changes what is known of an edge, say after a drive along it failed.
    ///
    /// # Errors
    /// [`MapError::NoSuchEdge`].
    pub fn set_evidence(&mut self, from: NodeId, to: NodeId, evidence: Evidence) -> Result<(), MapError> {
        let found = self.index(from).zip(self.index(to)).and_then(|(tail, head)| self.graph.find_edge(tail, head));
        match found.and_then(|edge| self.graph.edge_weight_mut(edge)) {
            Some(edge) => {
                edge.evidence = evidence;
                Ok(())
            }
            None => Err(MapError::NoSuchEdge { from, to }),
        }
    }

    /// Takes a place and its edges out of the map.
    ///
    /// # Errors
    /// [`MapError::NoSuchNode`].
    pub fn remove_node(&mut self, id: NodeId) -> Result<Node, MapError> {
        let missing = MapError::NoSuchNode { node: id, nodes: self.node_count() };
        let node = self.by_id.remove(&id).and_then(|index| self.graph.remove_node(index)).ok_or(missing)?;
        if let Some(name) = &node.name {
            self.by_name.remove(name);
        }
        Ok(node)
    }

    /// The place with this number.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.graph.node_weight(self.index(id)?)
    }

    /// The place with exactly this name.
    #[must_use]
    pub fn node_by_name(&self, name: &str) -> Option<&Node> {
        self.node(*self.by_name.get(name)?)
    }

    /// The edge from one place to another, usable or not.
    #[must_use]
    pub fn edge(&self, from: NodeId, to: NodeId) -> Option<&Edge> {
        let edge = self.graph.find_edge(self.index(from)?, self.index(to)?)?;
        self.graph.edge_weight(edge)
    }

    /// Every place, by number.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.by_id.values().filter_map(|&index| self.graph.node_weight(index))
    }

    /// Every number, ascending.
    pub fn node_ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + '_ {
        self.by_id.keys().copied()
    }

    /// Every name with its place, by name.
    pub fn names(&self) -> impl Iterator<Item = (&str, NodeId)> {
        self.by_name.iter().map(|(name, &id)| (name.as_str(), id))
    }

    /// Every edge, by start and then by end.
    pub fn edges(&self) -> impl Iterator<Item = &Edge> {
        self.node_ids().flat_map(|id| self.successors(id))
    }

    /// The edges that leave a place, usable or not, by where they lead. Empty where there is no such place.
    #[must_use]
    pub fn successors(&self, id: NodeId) -> Vec<&Edge> {
        let mut edges = self.edges_of(id, Direction::Outgoing);
        edges.sort_by_key(|edge| edge.to);
        edges
    }

    /// The edges that lead to a place, usable or not, by where they begin. Empty where there is no such place.
    #[must_use]
    pub fn predecessors(&self, id: NodeId) -> Vec<&Edge> {
        let mut edges = self.edges_of(id, Direction::Incoming);
        edges.sort_by_key(|edge| edge.from);
        edges
    }

    /// How many places there are.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.graph.node_count()
    }

    /// How many edges there are, usable or not.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.graph.edge_count()
    }

    /// The place with the highest number, which is the last one remembered.
    #[must_use]
    pub fn last_id(&self) -> Option<NodeId> {
        self.node_ids().next_back()
    }

    pub(crate) fn index(&self, id: NodeId) -> Option<NodeIndex> {
        self.by_id.get(&id).copied()
    }

    fn edges_of(&self, id: NodeId, direction: Direction) -> Vec<&Edge> {
        match self.index(id) {
            Some(index) => self.graph.edges_directed(index, direction).map(|edge| edge.weight()).collect(),
            None => Vec::new(),
        }
    }

    fn check_name_free(&self, name: &str, node: NodeId) -> Result<(), MapError> {
        match self.by_name.get(name) {
            Some(&holder) if holder != node => Err(MapError::DuplicateName { name: name.to_owned(), holder, node }),
            _ => Ok(()),
        }
    }
}

/// Two maps are equal when they hold the same places and edges, however they came to.
impl PartialEq for TopoMap {
    fn eq(&self, other: &Self) -> bool {
        self.nodes().eq(other.nodes()) && self.edges().eq(other.edges())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionId;

    fn map(nodes: u32) -> TopoMap {
        let mut map = TopoMap::new();
        for id in 0..nodes {
            map.add_node(Node::bare(NodeId(id), SessionId(0))).unwrap();
        }
        map
    }

    #[test]
    fn an_edge_needs_both_ends_a_finite_cost_and_to_be_the_only_one() {
        let mut map = map(2);
        let edge = |from, to, cost| Edge::new(NodeId(from), NodeId(to), cost, Evidence::Driven);
        for cost in [0.0, -1.0, f32::NAN, f32::INFINITY, 10_001.0] {
            assert!(matches!(map.add_edge(edge(0, 1, cost)), Err(MapError::Cost { .. })), "{cost} passed");
        }
        assert!(matches!(map.add_edge(edge(0, 7, 1.0)), Err(MapError::Dangling { missing: NodeId(7), .. })));
        assert!(matches!(map.add_edge(edge(1, 1, 1.0)), Err(MapError::SelfEdge { .. })));
        assert_eq!(map.add_edge(edge(0, 1, 1.0)), Ok(()));
        assert!(matches!(map.add_edge(edge(0, 1, 2.0)), Err(MapError::DuplicateEdge { .. })));
        assert_eq!(map.edge_count(), 1);
    }

    #[test]
    fn numbers_and_names_are_unique_and_a_refused_change_changes_nothing() {
        let mut map = map(2);
        assert!(matches!(map.add_node(Node::bare(NodeId(1), SessionId(0))), Err(MapError::DuplicateNode { .. })));
        map.set_name(NodeId(0), Some("dock")).unwrap();
        let before = map.clone();
        assert!(matches!(map.set_name(NodeId(1), Some("dock")), Err(MapError::DuplicateName { .. })));
        assert!(matches!(map.set_name(NodeId(0), Some("7")), Err(MapError::BadName { .. })));
        assert_eq!(map, before);
        map.set_name(NodeId(0), Some("desk")).unwrap();
        assert_eq!(map.set_name(NodeId(1), Some("dock")), Ok(()));
        assert_eq!(map.node_by_name("desk").map(|node| node.id), Some(NodeId(0)));
    }

    #[test]
    fn listings_are_in_number_order_whatever_the_order_of_building() {
        let mut map = TopoMap::new();
        for id in [5, 1, 3] {
            map.add_node(Node::bare(NodeId(id), SessionId(0))).unwrap();
        }
        for (from, to) in [(5, 3), (5, 1), (1, 3)] {
            map.add_edge(Edge::new(NodeId(from), NodeId(to), 1.0, Evidence::Driven)).unwrap();
        }
        assert_eq!(map.node_ids().collect::<Vec<_>>(), [NodeId(1), NodeId(3), NodeId(5)]);
        let edges: Vec<_> = map.edges().map(|edge| (edge.from.0, edge.to.0)).collect();
        assert_eq!(edges, [(1, 3), (5, 1), (5, 3)]);
    }

    #[test]
    fn a_removed_place_takes_its_name_and_edges_with_it() {
        let mut map = map(3);
        map.add_edge(Edge::new(NodeId(0), NodeId(1), 1.0, Evidence::Driven)).unwrap();
        map.set_name(NodeId(1), Some("dock")).unwrap();
        map.remove_node(NodeId(1)).unwrap();
        assert_eq!((map.node_count(), map.edge_count()), (2, 0));
        assert_eq!(map.set_name(NodeId(2), Some("dock")), Ok(()));
        assert!(map.remove_node(NodeId(1)).is_err());
    }
}
