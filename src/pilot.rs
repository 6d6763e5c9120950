//! One whole tick: the navigator's two halves with the policy between them.
//!
//! [`Pilot`] owns the policy, the map and the node features near the robot. It has no clock and no thread;
//! the runtime and `pilotage replay` drive it alike.

use std::collections::{BTreeMap, VecDeque};

use pilotage_graph::{MapDir, Motion, NodeId, Start, TopoMap};

use crate::camera::decode::decode;
use crate::context::ContextFrame;
use crate::frame::Monotonic;
use crate::navigator::{self, Answer, Decision, NavigatorConfig, State};
use crate::policy::{self, ModelImage, NodeFeatures, Policy, PolicyError};

/// Node features held at the most; memory grows with the nodes near the robot, not with the map.
const FEATURES_KEPT: usize = 256;

/// Why a tick failed.
#[derive(Debug, thiserror::Error)]
pub enum PilotError {
    /// The frames failed.
    #[error(transparent)]
    Source(#[from] crate::camera::SourceError),
    /// The policy failed.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The map could not give a goal image.
    #[error(transparent)]
    Map(#[from] pilotage_graph::StoreError),
    /// A goal image is no picture.
    #[error("the goal image of node {node} cannot be used: {reason}")]
    GoalImage {
        /// The node.
        node: u32,
        /// Why.
        reason: String,
    },
    /// The navigator could not be set up.
    #[error(transparent)]
    Localize(#[from] pilotage_graph::LocalizerError),
}

/// Everything a tick depends on besides the pilot's own state; kept by recordings.
#[derive(Clone, Debug)]
pub struct TickInput<'a> {
    /// Our clock at the tick.
    pub now: Monotonic,
    /// The context, oldest first, full.
    pub context: &'a [ContextFrame],
    /// What is known of the robot's motion since the last tick.
    pub motion: Motion,
}

/// What a tick gave.
#[derive(Clone, Debug, PartialEq)]
pub struct TickOutput {
    /// The policy's answers, in the order asked.
    pub answers: Vec<Answer>,
    /// The decision.
    pub decision: Decision,
}

/// Owns what a tick needs; see the module's text.
pub struct Pilot {
    policy: Box<dyn Policy>,
    map: MapDir,
    config: NavigatorConfig,
    state: State,
    features: BTreeMap<NodeId, NodeFeatures>,
    /// Least recently used first.
    features_order: VecDeque<NodeId>,
}

impl Pilot {
    /// A pilot about to drive to `goal`.
    ///
    /// # Errors
    /// When the navigator refuses goal or start.
    pub fn new(
        policy: Box<dyn Policy>,
        map: MapDir,
        config: NavigatorConfig,
        goal: NodeId,
        start: Start,
    ) -> Result<Self, PilotError> {
        let state = State::new(map.map(), &config, goal, start)?;
        Ok(Self { policy, map, config, state, features: BTreeMap::new(), features_order: VecDeque::new() })
    }

    /// The policy's contract.
    #[must_use]
    pub fn policy(&self) -> &dyn Policy {
        self.policy.as_ref()
    }

    /// The policy itself, to be used again.
    #[must_use]
    pub fn into_policy(self) -> Box<dyn Policy> {
        self.policy
    }

    /// The map.
    #[must_use]
    pub fn map(&self) -> &TopoMap {
        self.map.map()
    }

    /// The map's folder.
    #[must_use]
    pub fn map_dir(&self) -> &MapDir {
        &self.map
    }

    /// The navigator's numbers.
    #[must_use]
    pub fn config(&self) -> &NavigatorConfig {
        &self.config
    }

    /// Forgets all node features; they are computed again when asked for, with the same bits.
    pub fn clear_caches(&mut self) {
        self.features.clear();
        self.features_order.clear();
    }

    /// One tick.
    ///
    /// # Errors
    /// When the policy fails or a goal image cannot be read; the navigator's state is then as before.
    pub fn tick(&mut self, input: &TickInput<'_>) -> Result<TickOutput, PilotError> {
        let nodes = navigator::ask(input.now, &self.state, self.map.map(), &self.config);
        let answers = self.answers(input.context, &nodes)?;
        let evidence_at = input.context.last().map_or(Monotonic(0), |frame| frame.evidence_at);
        let (map, config) = (self.map.map(), &self.config);
        let state = self.state.clone();
        let (decision, state) = navigator::decide(input.now, evidence_at, input.motion, &answers, state, map, config);
        self.state = state;
        Ok(TickOutput { answers, decision })
    }

    /// What the policy says of `nodes` for a context; the navigator's state is not touched.
    ///
    /// # Errors
    /// When the policy fails or a goal image cannot be read.
    pub fn answers(&mut self, context: &[ContextFrame], nodes: &[NodeId]) -> Result<Vec<Answer>, PilotError> {
        for &node in nodes {
            self.remember(node)?;
        }
        let images: Vec<ModelImage> = context.iter().map(|frame| frame.image.clone()).collect();
        self.policy.observe(&images)?;
        let features: Vec<&NodeFeatures> = nodes.iter().filter_map(|node| self.features.get(node)).collect();
        let predictions = self.policy.predict(&features)?;
        if predictions.len() != nodes.len() {
            // Whose answer is missing cannot be told, so none can be trusted.
            let (asked, got) = (nodes.len(), predictions.len());
            return Err(PolicyError::Message(format!("the policy was asked about {asked} nodes and gave {got} answers: its `predict` must answer each, in order")).into());
        }
        let answers = nodes.iter().zip(predictions).map(|(&node, prediction)| Answer { node, prediction }).collect();
        self.forget_beyond(FEATURES_KEPT.max(nodes.len()));
        Ok(answers)
    }

    fn remember(&mut self, node: NodeId) -> Result<(), PilotError> {
        if self.features.contains_key(&node) {
            self.features_order.retain(|&kept| kept != node);
        } else {
            let bytes = self.map.read_goal(node)?;
            let picture =
                decode(&bytes).map_err(|error| PilotError::GoalImage { node: node.0, reason: error.to_string() })?;
            let image = policy::resize(&picture, self.policy.spec())?;
            let features = self.policy.remember(&image)?;
            self.features.insert(node, features);
        }
        self.features_order.push_back(node);
        Ok(())
    }

    fn forget_beyond(&mut self, kept: usize) {
        while self.features_order.len() > kept {
            if let Some(oldest) = self.features_order.pop_front() {
                self.features.remove(&oldest);
            }
        }
    }
}
