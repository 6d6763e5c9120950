//! What a tick decides.

use pilotage_graph::NodeId;
use serde::{Deserialize, Serialize};

use super::Answer;
use crate::frame::Monotonic;
use crate::policy::{MAX_WAYPOINTS, WaypointUnits};

/// The navigator's state machine; see the diagram in [`super`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not enough frames yet.
    Waiting,
    /// The belief is spread over several places: standing still and asking.
    Localising,
    /// On the way.
    Driving,
    /// At the goal; stays so until a new goal is given.
    Arrived,
    /// What the camera sees fits nowhere near the belief: standing still.
    Lost,
    /// The map knows no way from here to the goal.
    NoRoute,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Localising => "localising",
            Self::Driving => "driving",
            Self::Arrived => "arrived",
            Self::Lost => "lost",
            Self::NoRoute => "no route",
        })
    }
}

/// A distance beyond this is a broken number and no distance, steps: fifty times what any model was taught.
const FARTHEST_STEPS: f32 = 1000.0;

/// One possible trajectory and where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The node whose goal image the policy was shown.
    pub node: NodeId,
    /// The policy's distance to it, steps; finite.
    pub distance_steps: f32,
    /// Waypoints in model units, all finite; the first `len` count.
    pub waypoints: [WaypointUnits; MAX_WAYPOINTS],
    /// Number of waypoints.
    pub len: usize,
}

impl Candidate {
    /// A candidate of an answer, unless any of its numbers is not finite or the distance can be none.
    #[must_use]
    pub fn from_answer(answer: &Answer) -> Option<Self> {
        let prediction = &answer.prediction;
        // NaN fails the comparison.
        let finite = prediction.distance_steps.abs() <= FARTHEST_STEPS
            && prediction
                .waypoints()
                .iter()
                .all(|w| [w.x_units, w.y_units, w.cos_yaw, w.sin_yaw].iter().all(|value| value.is_finite()));
        (finite && prediction.len > 0).then_some(Self {
            node: answer.node,
            distance_steps: prediction.distance_steps,
            waypoints: prediction.waypoints,
            len: prediction.len,
        })
    }

    /// The same way at a share of its pace: the waypoints drawn in towards the robot. Their bearings stay.
    #[must_use]
    pub fn slowed(mut self, pace: f32) -> Self {
        if pace < 1.0 {
            for waypoint in self.waypoints.iter_mut().take(self.len) {
                waypoint.x_units *= pace;
                waypoint.y_units *= pace;
            }
        }
        self
    }

    /// Turning on the spot by `turn_rad`, counter-clockwise positive, to look around.
    #[must_use]
    pub fn turn(node: NodeId, turn_rad: f32) -> Self {
        let (sin_yaw, cos_yaw) = turn_rad.sin_cos();
        let waypoint = WaypointUnits { x_units: 0.0, y_units: 0.0, cos_yaw, sin_yaw };
        Self { node, distance_steps: 0.0, waypoints: [waypoint; MAX_WAYPOINTS], len: MAX_WAYPOINTS }
    }

    /// The waypoints that count.
    #[must_use]
    pub fn waypoints(&self) -> &[WaypointUnits] {
        self.waypoints.get(..self.len).unwrap_or(&self.waypoints)
    }
}

/// What one tick decided, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// `now` of the tick.
    pub decided_at: Monotonic,
    /// When the newest picture behind the decision was taken, on our clock.
    pub evidence_at: Monotonic,
    /// The state machine.
    pub phase: Phase,
    /// The last remembered place passed.
    pub node: NodeId,
    /// Steps past `node`.
    pub offset_steps: f32,
    /// Share of the belief near its peak, 0..1.
    pub confidence: f32,
    /// Spread of the belief, steps.
    pub spread_steps: f32,
    /// Smallest distance answered for a place that the belief makes relevant, steps.
    pub min_distance_steps: Option<f32>,
    /// Steps left to the goal along the route.
    pub remaining_steps: Option<f32>,
    /// The node steered at.
    pub subgoal: Option<NodeId>,
    /// The trajectory taken; `None` stands still.
    pub chosen: Option<Candidate>,
}
