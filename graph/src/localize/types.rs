//! What goes into the filter and what comes out.

use crate::NodeId;
use serde::{Deserialize, Serialize};

/// What is known of where the robot begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// Anywhere on the map.
    Unknown,
    /// Within about four steps of this place.
    At(NodeId),
}

/// What the robot did since the last tick.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Motion {
    /// How far it should have come, in policy steps (1 a tick at cruise; 0 while it manoeuvres off the way). A value that
    /// is not finite counts as 0; it is held within -0.5 and what eight ticks at 1.2 steps cover.
    pub advance_steps: f32,
    /// Whether it may have moved at all. `false` moves no mass: it is known to stand.
    pub moving: bool,
}

/// Why the robot does not know where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LostReason {
    /// Nothing near the belief looks near any more.
    FarFromMap,
    /// No usable answer came for too long while the robot moved.
    NoAnswers,
}

/// How far the belief can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Tracking {
    /// One place holds the mass.
    Localized,
    /// The mass is spread over several places.
    Diffuse,
    /// The belief does not fit what is seen.
    Lost {
        /// Why.
        reason: LostReason,
    },
}

/// Where the robot is, after one tick.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The last place at or before the robot.
    pub node: NodeId,
    /// The place that the robot's edge leads to; `None` beyond the end of the way.
    pub next: Option<NodeId>,
    /// Steps past `node`, at least 0.
    pub offset_steps: f32,
    /// The probability that the robot is within 2 steps of the likeliest place, 0..=1.
    pub confidence: f32,
    /// Root mean square distance of the belief from the estimate in steps; mass that is neither ahead of nor behind the
    /// likeliest place within 20 steps counts as 20.
    pub spread_steps: f32,
    /// How far it can be trusted.
    #[serde(flatten)]
    pub tracking: Tracking,
    /// The smallest distance answered for a place that the belief makes relevant (for any place unless localised);
    /// `None` when there was no such answer.
    pub min_distance_steps: Option<f32>,
    /// How many answers of this tick were of no use: not finite, an unknown node, or a second one for the same node.
    pub ignored_answers: u32,
}

impl Estimate {
    /// Whether one place holds the mass.
    #[must_use]
    pub fn is_localized(&self) -> bool {
        self.tracking == Tracking::Localized
    }

    /// Whether the belief does not fit what is seen.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.tracking, Tracking::Lost { .. })
    }
}
