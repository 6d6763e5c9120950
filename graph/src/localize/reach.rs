//! Bounded searches along the chart: what is ahead of a place, what leads to it, and how far.

use super::MAX_DISTANCE_STEPS;
use super::chart::{Cell, Chart, Place, Segment};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// How one place looks from one cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sight {
    pub cell: Cell,
    /// Steps on to the place; [`MAX_DISTANCE_STEPS`] where the graph does not lead there so soon.
    pub ahead_steps: f32,
    /// Steps since the place was passed; infinite where it was not passed lately.
    pub passed_steps: f32,
}

/// Non-negative finite steps as an integer with the same order, for heaps and maps.
fn key(steps: f32) -> u32 {
    steps.max(0.0).to_bits()
}

fn nearest<'a>(
    start: Place,
    limit_steps: f32,
    mut onwards: impl FnMut(Place) -> Vec<(&'a Segment, Option<Place>)>,
    mut visit: impl FnMut(&'a Segment, f32),
) {
    let mut best = BTreeMap::from([(start, 0.0_f32)]);
    let mut front = BinaryHeap::from([Reverse((key(0.0), start))]);
    while let Some(Reverse((bits, place))) = front.pop() {
        let at = f32::from_bits(bits);
        if best.get(&place).is_some_and(|&known| known < at) {
            continue;
        }
        for (segment, other) in onwards(place) {
            visit(segment, at);
            let (Some(other), there) = (other, at + segment.length_steps()) else { continue };
            if there <= limit_steps && best.get(&other).is_none_or(|&known| there < known) {
                best.insert(other, there);
                front.push(Reverse((key(there), other)));
            }
        }
    }
}

impl Chart {
    /// Calls `visit(segment, steps from the place to the segment's start)` for every segment that begins within the limit.
    pub(super) fn visit_after(&self, place: Place, limit_steps: f32, visit: impl FnMut(&Segment, f32)) {
        nearest(place, limit_steps, |at| self.leaving(at).iter().map(|s| (s, s.to)).collect(), visit);
    }

    /// Calls `visit(segment, steps from the segment's end to the place)` for every segment that ends within the limit.
    pub(super) fn visit_before(&self, place: Place, limit_steps: f32, visit: impl FnMut(&Segment, f32)) {
        nearest(place, limit_steps, |at| self.arriving(at).map(|s| (s, Some(s.from))).collect(), visit);
    }

    /// Every cell from which a place is at most `ahead_steps` ahead or at most `passed_steps` behind, by cell.
    pub(super) fn sights(&self, place: Place, ahead_steps: f32, passed_steps: f32) -> Vec<Sight> {
        let mut found: BTreeMap<Cell, Sight> = BTreeMap::new();
        let unseen = |cell| Sight { cell, ahead_steps: MAX_DISTANCE_STEPS, passed_steps: f32::INFINITY };
        self.visit_before(place, ahead_steps, |segment, beyond| {
            for cell in segment.cell_range().rev() {
                let ahead = beyond + segment.length_steps() - segment.offset_steps(cell);
                if ahead > ahead_steps {
                    break;
                }
                let sight = found.entry(cell).or_insert_with(|| unseen(cell));
                sight.ahead_steps = sight.ahead_steps.min(ahead);
            }
        });
        self.visit_after(place, passed_steps, |segment, before| {
            for cell in segment.cell_range() {
                let passed = before + segment.offset_steps(cell);
                if passed > passed_steps {
                    break;
                }
                let sight = found.entry(cell).or_insert_with(|| unseen(cell));
                sight.passed_steps = sight.passed_steps.min(passed);
            }
        });
        found.into_values().collect()
    }

    /// The cells within `limit_steps` of a cell along the graph, each with its distance: positive ahead, negative behind;
    /// the nearer of the two on a short loop.
    pub(super) fn surroundings(&self, centre: Cell, limit_steps: f32) -> BTreeMap<Cell, f32> {
        let mut found = BTreeMap::new();
        let Some(own) = self.segment_of(centre) else { return found };
        let mut note = |cell: Cell, steps: f32| {
            if steps.abs() <= limit_steps {
                let entry = found.entry(cell).or_insert(steps);
                if steps.abs() < entry.abs() {
                    *entry = steps;
                }
            }
        };
        let here = own.offset_steps(centre);
        own.cell_range().for_each(|cell| note(cell, own.offset_steps(cell) - here));
        let rest = own.length_steps() - here;
        if let Some(to) = own.to.filter(|_| rest <= limit_steps) {
            self.visit_after(to, limit_steps - rest, |segment, before| {
                segment.cell_range().for_each(|cell| note(cell, rest + before + segment.offset_steps(cell)));
            });
        }
        if here <= limit_steps {
            self.visit_before(own.from, limit_steps - here, |segment, beyond| {
                for cell in segment.cell_range() {
                    note(cell, -(here + beyond + segment.length_steps() - segment.offset_steps(cell)));
                }
            });
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::LocalizerConfig;
    use super::*;
    use crate::{Edge, Evidence, Node, NodeId, SessionId, TopoMap};

    fn chart(nodes: u32, edges: &[(u32, u32, f32)]) -> Chart {
        let mut map = TopoMap::new();
        for id in 0..nodes {
            map.add_node(Node::bare(NodeId(id), SessionId(0))).unwrap();
        }
        for &(from, to, cost) in edges {
            map.add_edge(Edge::new(NodeId(from), NodeId(to), cost, Evidence::Driven)).unwrap();
        }
        Chart::new(&map, &LocalizerConfig::default()).unwrap()
    }

    #[test]
    fn a_place_is_ahead_by_the_shorter_arm_and_passed_only_lately() {
        // 0 -> 1 -> 3 (2 + 2) and 0 -> 2 -> 3 (2 + 10), then 3 -> 4.
        let chart = chart(5, &[(0, 1, 2.0), (1, 3, 2.0), (0, 2, 2.0), (2, 3, 10.0), (3, 4, 6.0)]);
        let sights = chart.sights(3, 20.0, 2.5);
        let ahead = |segment: usize, k: u32| {
            let cell = chart.segments()[segment].first_cell + k;
            sights.iter().find(|sight| sight.cell == cell).map(|sight| (sight.ahead_steps, sight.passed_steps))
        };
        assert_eq!(ahead(0, 0), Some((4.0, f32::INFINITY)), "0 over 1");
        assert_eq!(ahead(1, 1), Some((11.5, f32::INFINITY)), "0 over 2, half a step on");
        let onwards = chart.segments().iter().position(|segment| segment.from == 3).unwrap();
        assert_eq!(ahead(onwards, 0), Some((20.0, 0.0)));
        assert_eq!(ahead(onwards, 5), Some((20.0, 2.5)));
        assert_eq!(ahead(onwards, 6), None);
    }

    #[test]
    fn on_a_loop_a_place_is_both_passed_and_ahead() {
        let chart = chart(3, &[(0, 1, 2.0), (1, 2, 2.0), (2, 0, 2.0)]);
        let sights = chart.sights(0, 20.0, 2.5);
        let first = chart.leaving(0)[0].first_cell;
        let sight = sights.iter().find(|sight| sight.cell == first + 1).unwrap();
        assert_eq!((sight.ahead_steps, sight.passed_steps), (5.5, 0.5));
        let round = chart.surroundings(first, 20.0);
        assert_eq!(round.len(), chart.cells());
        assert!(round.values().all(|steps| steps.abs() <= 3.0), "the nearer way round is taken: {round:?}");
    }
}
