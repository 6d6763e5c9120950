//! What is doubtful in a map, before a robot finds out.

use crate::{NodeId, TopoMap};
use petgraph::Direction;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// An edge longer than this is a gap: the policy sees about twice as far at best, and steers well only half of it.
pub const GAP_STEPS: f32 = 8.0;

/// What [`check`] found. Every list is in number order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CheckReport {
    /// How many places there are.
    pub nodes: usize,
    /// How many edges there are.
    pub edges: usize,
    /// How many of them are failed or forbidden.
    pub unusable_edges: usize,
    /// Usable edges longer than [`GAP_STEPS`], with their cost in steps.
    pub gaps: Vec<(NodeId, NodeId, f32)>,
    /// Places to which no usable way leads from where a drive began: nobody can be sent there.
    pub unreachable: Vec<NodeId>,
    /// Places from which no usable way leads on. The end of a drive is one; that is no fault.
    pub dead_ends: Vec<NodeId>,
    /// Groups of places whose names differ in upper and lower case only, or in blanks.
    pub similar_names: Vec<Vec<NodeId>>,
    /// Places that hang together by usable edges in whatever direction: the size of each part, largest first.
    pub parts: Vec<usize>,
}

impl CheckReport {
    /// Whether there is nothing that a person should look at. Dead ends alone are no fault.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.nodes > 0
            && self.gaps.is_empty()
            && self.unreachable.is_empty()
            && self.similar_names.is_empty()
            && self.parts.len() == 1
    }
}

/// Looks at a map's shape; pictures are not looked at.
#[must_use]
pub fn check(map: &TopoMap) -> CheckReport {
    let mut report = CheckReport { nodes: map.node_count(), edges: map.edge_count(), ..CheckReport::default() };
    for edge in map.edges() {
        if !edge.evidence.usable() {
            report.unusable_edges += 1;
        } else if edge.cost_steps > GAP_STEPS {
            report.gaps.push((edge.from, edge.to, edge.cost_steps));
        }
    }
    let mut starts = BTreeMap::new();
    for node in map.nodes() {
        starts.entry(node.session).or_insert(node.id);
        if usable(map, node.id, Direction::Outgoing).is_empty() {
            report.dead_ends.push(node.id);
        }
    }
    let reached = flood(map, starts.into_values().collect(), &[Direction::Outgoing]);
    report.unreachable = map.node_ids().filter(|id| !reached.contains(id)).collect();
    report.similar_names = similar_names(map);
    report.parts = parts(map);
    report
}

fn usable(map: &TopoMap, id: NodeId, direction: Direction) -> Vec<NodeId> {
    let Some(index) = map.index(id) else { return Vec::new() };
    let edges = map.graph.edges_directed(index, direction).map(|edge| *edge.weight());
    let other = |edge: crate::Edge| if direction == Direction::Outgoing { edge.to } else { edge.from };
    edges.filter(|edge| edge.evidence.usable()).map(other).collect()
}

fn flood(map: &TopoMap, mut front: Vec<NodeId>, directions: &[Direction]) -> BTreeSet<NodeId> {
    let mut reached: BTreeSet<NodeId> = front.iter().copied().collect();
    while let Some(id) = front.pop() {
        let next = directions.iter().flat_map(|&direction| usable(map, id, direction));
        front.extend(next.filter(|&other| reached.insert(other)).collect::<Vec<_>>());
    }
    reached
}

fn parts(map: &TopoMap) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    let mut sizes = Vec::new();
    for id in map.node_ids() {
        if !seen.contains(&id) {
            let part = flood(map, vec![id], &[Direction::Outgoing, Direction::Incoming]);
            sizes.push(part.len());
            seen.extend(part);
        }
    }
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes
}

fn similar_names(map: &TopoMap) -> Vec<Vec<NodeId>> {
    let mut groups: BTreeMap<String, Vec<NodeId>> = BTreeMap::new();
    for (name, id) in map.names() {
        let plain = name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        groups.entry(plain).or_default().push(id);
    }
    let mut similar: Vec<_> = groups.into_values().filter(|group| group.len() > 1).collect();
    similar.iter_mut().for_each(|group| group.sort_unstable());
    similar.sort_unstable();
    similar
}

/// At most ten of a list, so that a broken map does not fill a screen.
fn some<T: fmt::Display>(items: impl ExactSizeIterator<Item = T>) -> String {
    const SHOWN: usize = 10;
    let more = items.len().saturating_sub(SHOWN);
    let mut text = items.take(SHOWN).map(|item| item.to_string()).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} nodes, {} edges ({} failed or forbidden)", self.nodes, self.edges, self.unusable_edges)?;
        if self.parts.len() > 1 {
            let sizes = some(self.parts.iter());
            write!(
                f,
                "\n{} parts without a way between them, of {sizes} nodes: record a drive that joins them",
                self.parts.len()
            )?;
        }
        if !self.gaps.is_empty() {
            let list = some(self.gaps.iter().map(|(from, to, steps)| format!("{from} -> {to} ({steps:.1} steps)")));
            write!(
                f,
                "\n{} gaps over {GAP_STEPS} steps: {list}; drive these again, slower or with more light",
                self.gaps.len()
            )?;
        }
        if !self.unreachable.is_empty() {
            let list = some(self.unreachable.iter());
            write!(f, "\n{} nodes nobody can be sent to: {list}", self.unreachable.len())?;
        }
        for group in &self.similar_names {
            write!(f, "\nnames that are easily mistaken: nodes {}", some(group.iter()))?;
        }
        if !self.dead_ends.is_empty() {
            write!(f, "\n{} dead ends: {}", self.dead_ends.len(), some(self.dead_ends.iter()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Edge, Evidence, Node, SessionId};

    fn map(sessions: &[u32], edges: &[(u32, u32, f32)]) -> TopoMap {
        let mut map = TopoMap::new();
        for (id, &session) in sessions.iter().enumerate() {
            map.add_node(Node::bare(NodeId(id as u32), SessionId(session))).unwrap();
        }
        for &(from, to, cost) in edges {
            map.add_edge(Edge::new(NodeId(from), NodeId(to), cost, Evidence::Driven)).unwrap();
        }
        map
    }

    #[test]
    fn a_plain_drive_is_clean_and_its_end_a_dead_end() {
        let report = check(&map(&[0, 0, 0], &[(0, 1, 2.5), (1, 2, 8.0)]));
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.dead_ends, [NodeId(2)]);
    }

    #[test]
    fn gaps_islands_and_unreachable_nodes_are_named() {
        let mut map = map(&[0, 0, 0, 1, 0], &[(0, 1, 2.5), (1, 2, 8.1), (4, 0, 2.0)]);
        let report = check(&map);
        assert_eq!(report.gaps, [(NodeId(1), NodeId(2), 8.1)]);
        assert_eq!(report.parts, [4, 1]);
        assert_eq!(report.unreachable, [NodeId(4)], "a second session's start is reachable by definition");
        map.set_evidence(NodeId(1), NodeId(2), Evidence::Failed).unwrap();
        let report = check(&map);
        assert_eq!((report.unusable_edges, report.gaps.len()), (1, 0));
        assert_eq!(report.unreachable, [NodeId(2), NodeId(4)]);
        assert!(report.to_string().contains("2 nodes nobody can be sent to: 2, 4"), "{report}");
    }

    #[test]
    fn names_that_look_alike_are_grouped() {
        let mut map = map(&[0, 0, 0], &[(0, 1, 1.0), (1, 2, 1.0)]);
        map.set_name(NodeId(2), Some("Big  room")).unwrap();
        map.set_name(NodeId(0), Some("big room")).unwrap();
        map.set_name(NodeId(1), Some("hall")).unwrap();
        assert_eq!(check(&map).similar_names, [vec![NodeId(0), NodeId(2)]]);
    }

    #[test]
    fn a_map_without_nodes_is_not_clean() {
        assert!(!check(&TopoMap::new()).is_clean());
    }
}
