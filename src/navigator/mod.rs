//! The navigator: which nodes to ask the policy about, and what to do with the answers.
//!
//! It is pure and comes in two halves with the policy between them:
//! [`ask`] names nodes, the caller asks the policy, [`decide`] makes of the answers a
//! [`Decision`] and the next [`State`]. No clock, no thread, no file, no model: the same inputs give the same
//! bits, which is what a replayed recording relies on.
//!
//! ```text
//!             context full            belief sharp               P(near goal) high, twice
//!  Waiting ----------------> Localising ----------> Driving -------------------------> Arrived
//!  (no tick yet)                 ^                    |  ^  \\
//!                                |  views fit nowhere |  |   no way to the goal -> NoRoute -> Driving
//!                                +------ Lost <-------+--+ a place explains the views again
//! ```
//!
//! **Words**: *belief*: the probability over the map; *node*: the last remembered place passed; *subgoal*: the place
//! steered at; *goal*: the place to arrive at; *candidate*: one possible trajectory and where it came from.

mod decision;

pub use decision::{Candidate, Decision, Phase};

use pilotage_graph::{Localizer, LocalizerConfig, Motion, NodeId, Start, TopoMap, Tracking};
use serde::{Deserialize, Serialize};

use crate::frame::Monotonic;
use crate::policy::Prediction;

/// Tunable numbers of the navigator; part of every recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NavigatorConfig {
    /// The subgoal is the first node on the route at least this far ahead, steps. Further cuts corners,
    /// nearer makes the robot dither.
    pub lookahead_steps: f32,
    /// Nodes asked in one tick at the most, when the belief is not sharp.
    pub ask_limit: usize,
    /// When the nearest place looks further than this, the robot begins to slow down, steps: it may be leaving the way,
    /// and the slower it drives the tighter it turns back.
    pub slow_from_steps: f32,
    /// At this distance and beyond it has slowed down to `slow_pace`.
    pub slow_to_steps: f32,
    /// The least share of its pace; 1 never slows down.
    pub slow_pace: f32,
    /// Lost, the robot turns on the spot to look around: the angle that the controller is told to turn by, radians; 0
    /// stands still. A robot that cannot turn on the spot stands whatever this says.
    pub search_turn_rad: f32,
    /// How long it looks to the first side, ticks; then twice as long to the other, and so on.
    pub search_ticks: u32,
    /// The localiser's own numbers.
    pub localizer: LocalizerConfig,
}

impl Default for NavigatorConfig {
    fn default() -> Self {
        Self {
            lookahead_steps: 3.0,
            ask_limit: 64,
            slow_from_steps: 5.0,
            slow_to_steps: 12.0,
            slow_pace: 1.0,
            search_turn_rad: 0.0,
            search_ticks: 8,
            localizer: LocalizerConfig::default(),
        }
    }
}

/// What the navigator remembers from tick to tick.
#[derive(Clone, Debug)]
pub struct State {
    /// The belief.
    localizer: Localizer,
    /// Where to go.
    goal: NodeId,
    /// The state machine.
    phase: Phase,
    /// The subgoal of the last decision.
    subgoal: Option<NodeId>,
    /// Ticks for which the robot has been looking around.
    searched_ticks: u32,
    /// To which side it turned last while it knew where it was: 1 left, -1 right.
    last_turn: f32,
}

/// What the policy said of one node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// The node asked about.
    pub node: NodeId,
    /// The policy's answer; may hold anything, non-finite numbers included.
    pub prediction: Prediction,
}

impl State {
    /// A navigator that is about to drive to `goal`.
    ///
    /// # Errors
    /// When the map is empty or does not hold the goal or the start.
    pub fn new(
        map: &TopoMap,
        config: &NavigatorConfig,
        goal: NodeId,
        start: Start,
    ) -> Result<Self, pilotage_graph::LocalizerError> {
        let localizer = Localizer::new(map, config.localizer.clone(), start)?;
        Ok(Self { localizer, goal, phase: Phase::Waiting, subgoal: None, searched_ticks: 0, last_turn: 1.0 })
    }

    /// The present phase.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The goal.
    #[must_use]
    pub fn goal(&self) -> NodeId {
        self.goal
    }

    /// The belief.
    #[must_use]
    pub fn localizer(&self) -> &Localizer {
        &self.localizer
    }
}

/// First half of a tick: the nodes to ask the policy about, in order, without repeats.
#[must_use]
pub fn ask(_now: Monotonic, state: &State, map: &TopoMap, config: &NavigatorConfig) -> Vec<NodeId> {
    let mut nodes = state.localizer.ask(config.ask_limit);
    // The places that may be steered at next, and the goal's distance decides arrival.
    let estimate = state.localizer.estimate();
    let route = map.route(estimate.node, state.goal).ok();
    let ahead = route.iter().flat_map(|route| route.nodes().iter().copied()).take(5);
    for node in ahead.chain(state.subgoal) {
        if !nodes.contains(&node) {
            nodes.push(node);
        }
    }
    nodes
}

/// Second half of a tick: belief, route, subgoal, candidates, choice.
#[must_use]
pub fn decide(
    now: Monotonic,
    evidence_at: Monotonic,
    motion: Motion,
    answers: &[Answer],
    mut state: State,
    map: &TopoMap,
    config: &NavigatorConfig,
) -> (Decision, State) {
    // Turning on the spot to look around is no progress along the way.
    let motion = if state.searched_ticks > 0 { Motion { advance_steps: 0.0, ..motion } } else { motion };
    let distances: Vec<(NodeId, f32)> = answers.iter().map(|a| (a.node, a.prediction.distance_steps)).collect();
    let estimate = state.localizer.update(motion, &distances);
    let route = map.route(estimate.node, state.goal);
    let goal_distance = distances.iter().find(|(node, _)| *node == state.goal).map(|&(_, distance)| distance);

    let arrived = state.localizer.arrived(state.goal, goal_distance);
    state.phase = match (estimate.tracking, &route) {
        _ if state.phase == Phase::Arrived || arrived => Phase::Arrived,
        (Tracking::Lost { .. }, _) => Phase::Lost,
        (Tracking::Diffuse, _) => Phase::Localising,
        (Tracking::Localized, Err(_)) => Phase::NoRoute,
        (Tracking::Localized, Ok(_)) => Phase::Driving,
    };

    let subgoal = match (&route, state.phase) {
        (Ok(route), Phase::Driving) => Some(state.localizer.subgoal(route, config.lookahead_steps)),
        _ => None,
    };
    state.subgoal = subgoal;
    let chosen = match state.phase {
        Phase::Lost => search(&mut state, estimate.node, config),
        _ => {
            state.searched_ticks = 0;
            let pace = pace(estimate.min_distance_steps, config);
            subgoal.and_then(|subgoal| choose(subgoal, answers, route.as_ref().ok())).map(|chosen| chosen.slowed(pace))
        }
    };
    if let (Phase::Driving, Some(aside)) = (state.phase, chosen.and_then(|c| c.waypoints().last().map(|w| w.y_units))) {
        state.last_turn = if aside < 0.0 { -1.0 } else { 1.0 };
    }
    let remaining_steps = route.ok().map(|route| (route.cost_steps() - estimate.offset_steps).max(0.0));
    let decision = Decision {
        decided_at: now,
        evidence_at,
        phase: state.phase,
        node: estimate.node,
        offset_steps: estimate.offset_steps,
        confidence: estimate.confidence,
        spread_steps: estimate.spread_steps,
        min_distance_steps: estimate.min_distance_steps,
        remaining_steps,
        subgoal,
        chosen,
    };
    (decision, state)
}

/// The share of its pace at which the robot drives while the nearest place looks so far.
fn pace(nearest_steps: Option<f32>, config: &NavigatorConfig) -> f32 {
    let beyond = nearest_steps.unwrap_or(0.0) - config.slow_from_steps;
    let share = (beyond / (config.slow_to_steps - config.slow_from_steps).max(0.1)).clamp(0.0, 1.0);
    1.0 - share * (1.0 - config.slow_pace.clamp(0.0, 1.0))
}

/// Looking around: first to the side that the way turned to, then for twice as long to the other, and so on.
fn search(state: &mut State, node: NodeId, config: &NavigatorConfig) -> Option<Candidate> {
    if config.search_turn_rad <= 0.0 {
        return None;
    }
    let sweep = config.search_ticks.max(1);
    let turns = state.searched_ticks.saturating_add(sweep) / (2 * sweep);
    state.searched_ticks = state.searched_ticks.saturating_add(1);
    let side = if turns.is_multiple_of(2) { state.last_turn } else { -state.last_turn };
    Some(Candidate::turn(node, side * config.search_turn_rad))
}

/// GNM proposes one candidate per node asked. The subgoal's own is taken; where it was not asked (the
/// belief has just moved) or is not finite, the furthest finite one on the way to it serves.
fn choose(subgoal: NodeId, answers: &[Answer], route: Option<&pilotage_graph::Route>) -> Option<Candidate> {
    let usable = |node: NodeId| answers.iter().find(|answer| answer.node == node).and_then(Candidate::from_answer);
    if let Some(candidate) = usable(subgoal) {
        return Some(candidate);
    }
    let nodes = route?.nodes();
    let until = nodes.iter().position(|&node| node == subgoal)?;
    nodes.iter().take(until).skip(1).rev().find_map(|&node| usable(node))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{MAX_WAYPOINTS, WaypointUnits};

    fn state() -> State {
        let mut map = TopoMap::new();
        map.add_node(pilotage_graph::Node::bare(NodeId(0), pilotage_graph::SessionId(0))).unwrap();
        State::new(&map, &NavigatorConfig::default(), NodeId(0), Start::At(NodeId(0))).unwrap()
    }

    #[test]
    fn a_lost_robot_stands_unless_it_may_look_and_then_looks_to_both_sides() {
        let mut state = state();
        assert_eq!(search(&mut state, NodeId(0), &NavigatorConfig::default()), None);
        state.last_turn = -1.0;
        let config = NavigatorConfig { search_turn_rad: 0.5, search_ticks: 2, ..NavigatorConfig::default() };
        let sides: Vec<bool> = (0..12)
            .map(|_| {
                let looks = search(&mut state, NodeId(0), &config).unwrap();
                assert!(
                    looks.waypoints().iter().all(|w| w.x_units == 0.0 && w.y_units == 0.0),
                    "it stays in its place"
                );
                looks.waypoints()[0].sin_yaw < 0.0
            })
            .collect();
        let wanted = [true, true, false, false, false, false, true, true, true, true, false, false];
        assert_eq!(sides, wanted, "first to the side of the last turn");
    }

    #[test]
    fn a_robot_whose_places_look_far_drives_slower_in_the_same_direction() {
        let config = NavigatorConfig { slow_pace: 0.25, ..NavigatorConfig::default() };
        for (nearest, wanted) in
            [(None, 1.0), (Some(2.0), 1.0), (Some(5.0), 1.0), (Some(8.5), 0.625), (Some(19.0), 0.25)]
        {
            assert!((pace(nearest, &config) - wanted).abs() < 1e-6, "{nearest:?}");
        }
        assert!((pace(Some(19.0), &NavigatorConfig { slow_pace: 1.0, ..config }) - 1.0).abs() < 1e-6);
        let waypoint = WaypointUnits { x_units: 2.0, y_units: -1.0, cos_yaw: 1.0, sin_yaw: 0.0 };
        let way = Candidate { node: NodeId(0), distance_steps: 3.0, waypoints: [waypoint; MAX_WAYPOINTS], len: 5 };
        let slowed = way.slowed(0.5);
        assert!((slowed.waypoints()[2].x_units - 1.0).abs() < 1e-6);
        assert!((slowed.waypoints()[2].y_units + 0.5).abs() < 1e-6);
        assert_eq!(way.slowed(1.0), way);
    }
}
