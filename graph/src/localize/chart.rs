//! The map cut into cells: what the filter needs of it, in flat tables.

use super::{LocalizerConfig, LocalizerError};
use crate::{NodeId, TopoMap};
use std::collections::BTreeMap;
use std::ops::Range;

/// Position of a node in the chart (by ascending [`NodeId`]), not its number.
pub(super) type Place = u32;
/// Position of a cell in the chart.
pub(super) type Cell = u32;

/// The wanted length of a cell.
pub(super) const CELL_STEPS: f32 = 0.5;

/// A usable edge, or the overrun beyond a place without successor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub from: Place,
    /// `None`: an overrun.
    pub to: Option<Place>,
    pub first_cell: Cell,
    pub cells: u32,
    /// The true length of its cells: the cost divided evenly, so that a way's length does not depend on rounding.
    pub cell_steps: f32,
}

impl Segment {
    pub(super) fn length_steps(&self) -> f32 {
        self.cells as f32 * self.cell_steps
    }

    pub(super) fn cell_range(&self) -> Range<Cell> {
        self.first_cell..self.first_cell + self.cells
    }

    pub(super) fn last_cell(&self) -> Cell {
        self.first_cell + self.cells.saturating_sub(1)
    }

    /// Steps from the segment's start to a cell of it.
    pub(super) fn offset_steps(&self, cell: Cell) -> f32 {
        cell.saturating_sub(self.first_cell) as f32 * self.cell_steps
    }
}

/// The map as the filter sees it.
#[derive(Debug, Clone)]
pub(super) struct Chart {
    ids: Vec<NodeId>,
    segments: Vec<Segment>,
    /// The segment of each cell.
    owner: Vec<u32>,
    /// `leaving[place]..leaving[place + 1]` are the segments that leave a place.
    leaving: Vec<u32>,
    /// `arriving_start[place]..arriving_start[place + 1]` in `arriving` are the segments that lead to a place.
    arriving_start: Vec<u32>,
    arriving: Vec<u32>,
}

impl Chart {
    pub(super) fn new(map: &TopoMap, config: &LocalizerConfig) -> Result<Self, LocalizerError> {
        let ids: Vec<NodeId> = map.node_ids().collect();
        if ids.is_empty() {
            return Err(LocalizerError::EmptyMap);
        }
        let place_of = |id: NodeId| ids.binary_search(&id).ok().and_then(|place| u32::try_from(place).ok());
        let mut segments = Vec::with_capacity(map.edge_count() + 1);
        let mut leaving = Vec::with_capacity(ids.len() + 1);
        let mut cells_so_far = 0_u64;
        for (&id, from) in ids.iter().zip(0_u32..) {
            leaving.push(segments.len() as u64);
            let before = segments.len();
            for edge in map.successors(id).into_iter().filter(|edge| edge.evidence.usable()) {
                let Some(to) = place_of(edge.to) else { continue };
                // Edges are checked to cost at most MAX_COST_STEPS, so the rounded number fits.
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1..=20000")]
                let cells = (edge.cost_steps / CELL_STEPS).round().max(1.0) as u32;
                let cell_steps = edge.cost_steps / cells as f32;
                segments.push(Segment { from, to: Some(to), first_cell: 0, cells, cell_steps });
                cells_so_far += u64::from(cells);
            }
            if segments.len() == before {
                // One more than the overrun: the first cell is the place itself.
                let cells = config.overrun_cells + 1;
                segments.push(Segment { from, to: None, first_cell: 0, cells, cell_steps: CELL_STEPS });
                cells_so_far += u64::from(cells);
            }
        }
        leaving.push(segments.len() as u64);
        let max_cells = config.max_cells.min(u64::from(u32::MAX / 2));
        if cells_so_far > max_cells {
            return Err(LocalizerError::TooManyCells { cells: cells_so_far, max_cells });
        }
        Ok(Self::lay_out(ids, segments, &leaving))
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "every segment has a cell, and cells were counted to fit in u32"
    )]
    fn lay_out(ids: Vec<NodeId>, mut segments: Vec<Segment>, leaving: &[u64]) -> Self {
        let mut owner = Vec::new();
        let mut arriving_at: BTreeMap<Place, Vec<u32>> = BTreeMap::new();
        for (segment, number) in segments.iter_mut().zip(0_u32..) {
            segment.first_cell = owner.len() as u32;
            owner.resize(owner.len() + segment.cells as usize, number);
            if let Some(to) = segment.to {
                arriving_at.entry(to).or_default().push(number);
            }
        }
        let mut arriving = Vec::with_capacity(segments.len());
        let mut arriving_start = Vec::with_capacity(ids.len() + 1);
        for place in 0..ids.len() as u32 {
            arriving_start.push(arriving.len() as u32);
            arriving.extend(arriving_at.get(&place).into_iter().flatten());
        }
        arriving_start.push(arriving.len() as u32);
        let leaving = leaving.iter().map(|&number| number as u32).collect();
        Self { ids, segments, owner, leaving, arriving_start, arriving }
    }

    pub(super) fn places(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn cells(&self) -> usize {
        self.owner.len()
    }

    pub(super) fn ids(&self) -> &[NodeId] {
        &self.ids
    }

    pub(super) fn id(&self, place: Place) -> Option<NodeId> {
        self.ids.get(place as usize).copied()
    }

    pub(super) fn place(&self, id: NodeId) -> Option<Place> {
        self.ids.binary_search(&id).ok().and_then(|place| u32::try_from(place).ok())
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    pub(super) fn segment_of(&self, cell: Cell) -> Option<&Segment> {
        self.segments.get(*self.owner.get(cell as usize)? as usize)
    }

    /// The segments that leave a place; at least one for every place of the chart.
    pub(super) fn leaving(&self, place: Place) -> &[Segment] {
        let range = bounds(&self.leaving, place);
        self.segments.get(range).unwrap_or_default()
    }

    /// The segments that lead to a place.
    pub(super) fn arriving(&self, place: Place) -> impl ExactSizeIterator<Item = &Segment> {
        let range = bounds(&self.arriving_start, place);
        let numbers = self.arriving.get(range).unwrap_or_default();
        // The numbers were made from the same list, so none is missing.
        numbers.iter().map(|&number| self.segments.get(number as usize).unwrap_or(&NOWHERE))
    }
}

const NOWHERE: Segment = Segment { from: 0, to: None, first_cell: 0, cells: 1, cell_steps: CELL_STEPS };

fn bounds(table: &[u32], place: Place) -> Range<usize> {
    match table.get(place as usize..).unwrap_or_default() {
        [start, end, ..] => *start as usize..*end as usize,
        _ => 0..0,
    }
}
