//! Which places to ask the policy about, and where to steer.

use super::estimate::weight;
use super::filter::Localizer;
use super::{MAX_DISTANCE_STEPS, Tracking};
use crate::{NodeId, Route};
use std::collections::BTreeSet;

use super::chart::{Place, Segment};

/// Ways that together hold this share of the mass are worth asking about.
const FOCUS_SHARE: f64 = 0.95;
/// And no more of them than this.
const MOST_FOCUSES: usize = 16;
/// A search in turns looks at every third place first: places lie closer together than the policy sees.
const STRIDE: usize = 3;

impl Localizer {
    /// The places to ask the policy about this tick, at most `limit`, none twice.
    ///
    /// Localised: from one place behind the robot to four ahead, over all arms. Diffuse or lost: all places; where those
    /// are more than `limit`, half of the limit goes to the likeliest, the rest to a turn over the map that covers it
    /// in a fixed order.
    #[must_use]
    pub fn ask(&self, limit: usize) -> Vec<NodeId> {
        let places = if self.counters.tracking == Tracking::Localized {
            self.focus(limit)
        } else if self.chart.places() <= limit {
            return self.chart.ids().to_vec();
        } else {
            self.search(limit)
        };
        places.into_iter().filter_map(|place| self.chart.id(place)).collect()
    }

    /// The windows around the heaviest ways, heaviest first.
    fn focus(&self, limit: usize) -> Vec<Place> {
        let mut picked = Picked::new(limit);
        if let Some(told) = self.chart.segment_of(self.told.segment_cell) {
            self.window(told, &mut picked);
        }
        let mut ways: Vec<(f64, Segment)> = Vec::new();
        for &(cell, mass) in self.belief.mass() {
            match (ways.last_mut(), self.chart.segment_of(cell)) {
                (Some((sum, last)), _) if last.cell_range().contains(&cell) => *sum += mass,
                (_, Some(segment)) => ways.push((mass, *segment)),
                _ => {}
            }
        }
        // Stable, so equal ways stay in order.
        ways.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut held = 0.0;
        for (mass, way) in ways.iter().take(MOST_FOCUSES) {
            if held >= FOCUS_SHARE || picked.full() {
                break;
            }
            held += mass;
            // A way whose ends are asked about already belongs to a window that is open.
            if !(picked.has(way.from) && way.to.is_none_or(|to| picked.has(to))) {
                self.window(way, &mut picked);
            }
        }
        picked.list
    }

    /// A way's ends, what follows within the window, and what lies one place behind.
    fn window(&self, way: &Segment, picked: &mut Picked) {
        picked.add(way.from);
        let mut ring: Vec<Place> = way.to.into_iter().collect();
        for _ in 0..self.config.window_ahead_nodes {
            let mut further = Vec::new();
            for place in ring {
                if picked.full() {
                    return;
                }
                if picked.add(place) {
                    further.extend(self.chart.leaving(place).iter().filter_map(|segment| segment.to));
                }
            }
            ring = further;
        }
        self.chart.arriving(way.from).for_each(|segment| {
            picked.add(segment.from);
        });
    }

    fn search(&self, limit: usize) -> Vec<Place> {
        let places = self.chart.places();
        let mut picked = Picked::new(limit);
        // The turn is reckoned with its own fixed share, so that it covers the map whatever the likeliest places are.
        let share = limit.div_ceil(2);
        let turn = |count: usize| {
            let start = (self.counters.tick as u128 * share as u128 % places as u128) as usize;
            (0..count).map(move |step| strided((start + step) % places, places))
        };
        turn(share).for_each(|place| {
            picked.add(place);
        });
        for place in self.focus(limit - share.min(limit)) {
            picked.add(place);
        }
        let rest = turn(limit.saturating_mul(2).min(places)).skip(share);
        rest.for_each(|place| {
            picked.add(place);
        });
        picked.list
    }

    /// The place to steer at: the first one of the route at least `lookahead_steps` (3 is the measured best) ahead of
    /// the robot along the route, else the route's goal.
    ///
    /// Off the route, the way on to it counts; where none leads there within 20 steps, the route's start is told: plan
    /// a new route then.
    #[must_use]
    pub fn subgoal(&self, route: &Route, lookahead_steps: f32) -> NodeId {
        let Some((joins, to_join)) = self.joins(route) else { return route.start() };
        let mut joined = None;
        for (position, (node, reached)) in route.legs().enumerate() {
            if position == joins {
                joined = Some(reached);
            }
            if joined.is_some_and(|joined| reached - joined + to_join >= lookahead_steps) {
                return node;
            }
        }
        route.goal()
    }

    /// Steps still to go along the route, from the estimate; `None` where it is not on the route nor leads on to it.
    #[must_use]
    pub fn remaining_steps(&self, route: &Route) -> Option<f32> {
        let (joins, to_join) = self.joins(route)?;
        let (_, reached) = route.legs().nth(joins)?;
        Some((route.cost_steps() - reached + to_join).max(0.0))
    }

    /// The position on the route where the robot is or comes on to it, with the steps there; negative when it is past
    /// that place and on the route's way to the next.
    fn joins(&self, route: &Route) -> Option<(usize, f32)> {
        let estimate = self.estimate();
        if let Some(position) = route.position(estimate.node) {
            let follows = route.nodes().get(position + 1).copied();
            let on_the_way = follows.is_none() || follows == estimate.next;
            return Some((position, if on_the_way { -estimate.offset_steps } else { 0.0 }));
        }
        let way = self.chart.segment_of(self.told.segment_cell)?;
        let rest = (way.length_steps() - estimate.offset_steps).max(0.0);
        let mut best: Option<(usize, f32)> = None;
        self.chart.visit_after(way.to?, MAX_DISTANCE_STEPS, |segment, before| {
            let position = self.chart.id(segment.from).and_then(|id| route.position(id));
            if let Some(position) = position.filter(|_| best.is_none_or(|(_, least)| rest + before < least)) {
                best = Some((position, rest + before));
            }
        });
        best
    }

    /// The mass on the ways between two neighbouring places; 0 when no usable edge joins them.
    #[must_use]
    pub fn edge_mass(&self, from: NodeId, to: NodeId) -> f64 {
        let Some((from, to)) = self.chart.place(from).zip(self.chart.place(to)) else { return 0.0 };
        let ways = self.chart.leaving(from).iter().filter(|segment| segment.to == Some(to));
        ways.map(|segment| weight(&self.belief, segment)).sum()
    }
}

/// Position `step` of the order 0, 3, 6, ..., 1, 4, 7, ..., 2, 5, 8, ...
fn strided(step: usize, places: usize) -> Place {
    let mut left = step;
    for first in 0..STRIDE {
        let count = places.saturating_sub(first).div_ceil(STRIDE);
        if left < count {
            return u32::try_from(first + left * STRIDE).unwrap_or(0);
        }
        left -= count;
    }
    0
}

/// Places in order of picking, none twice, at most so many.
struct Picked {
    list: Vec<Place>,
    known: BTreeSet<Place>,
    limit: usize,
}

impl Picked {
    fn new(limit: usize) -> Self {
        Self { list: Vec::new(), known: BTreeSet::new(), limit }
    }

    fn full(&self) -> bool {
        self.list.len() >= self.limit
    }

    fn has(&self, place: Place) -> bool {
        self.known.contains(&place)
    }

    /// Whether it is new and was taken.
    fn add(&mut self, place: Place) -> bool {
        let taken = !self.full() && self.known.insert(place);
        if taken {
            self.list.push(place);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::strided;

    #[test]
    fn the_strided_order_visits_every_place_once() {
        for places in 1..40 {
            let mut order: Vec<_> = (0..places).map(|step| strided(step, places)).collect();
            order.sort_unstable();
            assert_eq!(order, (0..places as u32).collect::<Vec<_>>());
        }
    }
}
