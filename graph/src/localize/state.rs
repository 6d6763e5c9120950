//! Everything the filter remembers between ticks, to save, compare and restore.

use super::{Estimate, LocalizerError, Tracking};
use crate::NodeId;
use serde::{Deserialize, Serialize};

/// What a filter remembers. Two filters on one map with equal states and inputs go on with equal bits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalizerState {
    /// The mass of each cell that has any, by cell, ascending.
    pub(super) belief: Vec<(u32, f64)>,
    /// How many cells the map has.
    pub(super) cells: u64,
    pub(super) told: Told,
    pub(super) counters: Counters,
}

/// What was told last, with the cell position it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Told {
    pub estimate: Estimate,
    /// The first cell of the estimate's segment: names the segment.
    pub segment_cell: u32,
    pub mode: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Counters {
    pub tracking: Tracking,
    /// Ticks so far.
    pub tick: u64,
    /// Ticks in a row that looked far from everything asked.
    pub far_ticks: u32,
    /// Moving ticks in a row without a usable answer.
    pub blind_ticks: u32,
    /// Ticks in a row on which one place explained the views.
    pub found_ticks: u32,
    /// Updates since the robot last moved or the tracking changed: a standing robot sees the same thing again.
    pub repeats: u32,
    /// How fast the robot goes against what it is told to; 1 is as told.
    pub pace: f32,
    pub ignored_answers: u64,
    pub resets: u64,
    pub arrival: Option<Arrival>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Arrival {
    pub goal: NodeId,
    /// The tick that was judged last.
    pub tick: u64,
    /// Ticks in a row, up to that one, that said "arrived".
    pub streak: u32,
}

impl Counters {
    pub(super) fn new(tracking: Tracking) -> Self {
        Self {
            tracking,
            tick: 0,
            far_ticks: 0,
            blind_ticks: 0,
            found_ticks: 0,
            repeats: 0,
            pace: 1.0,
            ignored_answers: 0,
            resets: 0,
            arrival: None,
        }
    }

    pub(super) fn enter(&mut self, tracking: Tracking) {
        self.tracking = tracking;
        self.far_ticks = 0;
        self.blind_ticks = 0;
        self.found_ticks = 0;
        self.repeats = 0;
        self.pace = 1.0;
    }
}

impl LocalizerState {
    /// Checks what a filter of `cells` cells relies on.
    pub(super) fn validate(&self, cells: usize) -> Result<(), LocalizerError> {
        let bad = |why: String| Err(LocalizerError::State { why });
        if self.cells != cells as u64 {
            return bad(format!("it has {} cells, the map has {cells}", self.cells));
        }
        let mut sum = 0.0;
        let mut before = None;
        for &(cell, mass) in &self.belief {
            if before >= Some(cell) || cell as usize >= cells || !(mass > 0.0 && mass <= 1.0) {
                return bad(format!("cell {cell} with mass {mass} is out of order or out of range"));
            }
            before = Some(cell);
            sum += mass;
        }
        // A sum of up to 20 million rounded numbers.
        if !(0.999..=1.001).contains(&sum) {
            return bad(format!("its mass sums to {sum} instead of 1"));
        }
        let Told { estimate, segment_cell, mode } = self.told;
        let finite = estimate.offset_steps.is_finite() && estimate.confidence.is_finite() && self.counters.pace > 0.0;
        if segment_cell as usize >= cells || mode as usize >= cells || !finite {
            return bad("its last estimate is out of range".to_owned());
        }
        Ok(())
    }
}
