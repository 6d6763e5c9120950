//! A way from one place to another, and what is known of it.

use crate::{MapError, NodeId};
use serde::{Deserialize, Serialize};

/// The longest way an edge may stand for. It bounds what a hostile map can make the localiser allocate.
pub const MAX_COST_STEPS: f32 = 10_000.0;

/// Why an edge is believed in, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// A person or the robot drove it.
    Driven,
    /// The policy found both ends to be close (a loop or a crossing of two drives).
    Closed,
    /// It was tried and did not work; routes avoid it.
    Failed,
    /// The owner does not want it driven; routes avoid it.
    Forbidden,
}

impl Evidence {
    /// Whether a route may use it and a robot may be expected on it.
    #[must_use]
    pub fn usable(self) -> bool {
        matches!(self, Self::Driven | Self::Closed)
    }
}

/// "Drivable from here to there", one way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// Where it begins.
    pub from: NodeId,
    /// Where it ends.
    pub to: NodeId,
    /// Temporal distance in policy steps; finite, above 0 and at most [`MAX_COST_STEPS`].
    pub cost_steps: f32,
    /// What is known of it.
    pub evidence: Evidence,
}

impl Edge {
    /// An edge; its numbers are checked when it enters a map.
    #[must_use]
    pub fn new(from: NodeId, to: NodeId, cost_steps: f32, evidence: Evidence) -> Self {
        Self { from, to, cost_steps, evidence }
    }

    pub(crate) fn validate(&self) -> Result<(), MapError> {
        if self.from == self.to {
            return Err(MapError::SelfEdge { node: self.from });
        }
        // Written so that NaN fails as well.
        let good = self.cost_steps > 0.0 && self.cost_steps <= MAX_COST_STEPS;
        if good { Ok(()) } else { Err(MapError::Cost { from: self.from, to: self.to, cost_steps: self.cost_steps }) }
    }
}
