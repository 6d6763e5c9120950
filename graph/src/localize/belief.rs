//! A probability over cells, sparse where it is sharp: what a tick costs grows with the mass, not with the map.

use super::chart::{Cell, Chart};

/// Cells below this share of the likeliest one are dropped while the robot is localised. It also takes from a far tail
/// the chance to win by a few lucky answers, which is how a filter jumps.
const PRUNE_SHARE: f64 = 1e-6;

/// A sum over cells under construction.
#[derive(Debug, Clone)]
pub(super) struct Scratch {
    values: Vec<f64>,
    touched: Vec<Cell>,
    marked: Vec<bool>,
}

impl Scratch {
    pub(super) fn new(cells: usize) -> Self {
        Self { values: vec![0.0; cells], touched: Vec::new(), marked: vec![false; cells] }
    }

    pub(super) fn add(&mut self, cell: Cell, amount: f64) {
        let at = cell as usize;
        if let (Some(value), Some(mark)) = (self.values.get_mut(at), self.marked.get_mut(at)) {
            *value += amount;
            if !*mark {
                *mark = true;
                self.touched.push(cell);
            }
        }
    }

    pub(super) fn get(&self, cell: Cell) -> f64 {
        self.values.get(cell as usize).copied().unwrap_or(0.0)
    }

    /// Hands out what was summed, by cell, and is empty afterwards.
    pub(super) fn take(&mut self) -> Vec<(Cell, f64)> {
        self.touched.sort_unstable();
        let mut out = Vec::with_capacity(self.touched.len());
        for &cell in &self.touched {
            if let Some(value) = self.values.get_mut(cell as usize) {
                out.push((cell, *value));
                *value = 0.0;
            }
            if let Some(mark) = self.marked.get_mut(cell as usize) {
                *mark = false;
            }
        }
        self.touched.clear();
        out
    }
}

/// The probability of each cell; cells not listed have none.
#[derive(Debug, Clone)]
pub(super) struct Belief {
    /// By cell, ascending; all above 0.
    mass: Vec<(Cell, f64)>,
    /// The same by position, for lookups.
    dense: Vec<f64>,
}

impl Belief {
    pub(super) fn empty(cells: usize) -> Self {
        Self { mass: Vec::new(), dense: vec![0.0; cells] }
    }

    pub(super) fn mass(&self) -> &[(Cell, f64)] {
        &self.mass
    }

    pub(super) fn at(&self, cell: Cell) -> f64 {
        self.dense.get(cell as usize).copied().unwrap_or(0.0)
    }

    /// Replaces the belief by these weights (by cell, ascending), made to sum to 1. Returns `false`, leaving the belief
    /// empty, when they are not finite or sum to nothing.
    pub(super) fn set(&mut self, weights: Vec<(Cell, f64)>) -> bool {
        for &(cell, _) in &self.mass {
            if let Some(value) = self.dense.get_mut(cell as usize) {
                *value = 0.0;
            }
        }
        let sum: f64 = weights.iter().map(|&(_, weight)| weight).sum();
        let good = sum.is_finite() && sum > 0.0 && weights.iter().all(|&(_, weight)| weight >= 0.0);
        self.mass = if good { weights } else { Vec::new() };
        self.mass.retain_mut(|(_, weight)| {
            *weight /= sum;
            *weight > 0.0
        });
        for &(cell, weight) in &self.mass {
            if let Some(value) = self.dense.get_mut(cell as usize) {
                *value = weight;
            }
        }
        good
    }

    /// A copy to work on; hand it back to [`set`](Self::set).
    pub(super) fn weights(&self) -> Vec<(Cell, f64)> {
        self.mass.clone()
    }

    /// Takes over saved weights as they are: dividing by a sum that is 1 but for rounding would change bits.
    pub(super) fn restore(&mut self, weights: &[(Cell, f64)]) {
        self.dense.fill(0.0);
        self.mass = weights.to_vec();
        for &(cell, weight) in weights {
            if let Some(value) = self.dense.get_mut(cell as usize) {
                *value = weight;
            }
        }
    }

    /// Equal mass on every cell of the ways; an overrun gets that of one cell, or it would win whenever nothing fits.
    pub(super) fn set_uniform(&mut self, chart: &Chart) {
        let mut weights = Vec::with_capacity(chart.cells());
        for segment in chart.segments() {
            let cells = if segment.to.is_some() { segment.cells } else { 1 };
            weights.extend(segment.cell_range().take(cells as usize).map(|cell| (cell, 1.0)));
        }
        self.set(weights);
    }

    /// Spreads `share` of the mass evenly over the map.
    pub(super) fn mix_uniform(&mut self, chart: &Chart, share: f64, scratch: &mut Scratch) {
        for (cell, weight) in self.weights() {
            scratch.add(cell, weight * (1.0 - share));
        }
        self.set_uniform(chart);
        for &(cell, weight) in self.mass() {
            scratch.add(cell, weight * share);
        }
        if !self.set(scratch.take()) {
            self.set_uniform(chart);
        }
    }

    pub(super) fn prune(&mut self) {
        let floor = self.mode().map_or(0.0, |(_, most)| most * PRUNE_SHARE);
        let mut kept = self.weights();
        kept.retain(|&(_, weight)| weight >= floor);
        self.set(kept);
    }

    /// The likeliest cell, the first of equals.
    pub(super) fn mode(&self) -> Option<(Cell, f64)> {
        let better = |best: Option<(Cell, f64)>, &(cell, weight): &(Cell, f64)| match best {
            Some((_, most)) if weight <= most => best,
            _ => Some((cell, weight)),
        };
        self.mass.iter().fold(None, better)
    }
}
