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
    /// The localiser's own numbers.
    pub localizer: LocalizerConfig,
}

impl Default for NavigatorConfig {
    fn default() -> Self {
        Self { lookahead_steps: 3.0, ask_limit: 64, localizer: LocalizerConfig::default() }
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
        Ok(Self { localizer, goal, phase: Phase::Waiting, subgoal: None })
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
    let chosen = subgoal.and_then(|subgoal| choose(subgoal, answers, route.as_ref().ok()));
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
