//! How the belief moves.
//!
//! The kernel puts weight on advances of -0.5, 0, 0.5, 1, 1.5 and 2 steps. An advance is made cell by cell: at the end
//! of an edge mass divides evenly over the edges that leave the place (backwards: over those that lead to it), beyond
//! the last place it gathers at the end of the overrun, and before the first it stays.

use super::belief::{Belief, Scratch};
use super::chart::{CELL_STEPS, Cell, Chart};
use super::{LocalizerConfig, Motion};

/// The furthest advance that one pass of the kernel stands for; more is made in several passes.
const PASS_STEPS: f32 = 1.2;
const MOST_PASSES: f32 = 8.0;
/// Advances of the kernel in cells.
const SHIFTS: [i8; 6] = [-1, 0, 1, 2, 3, 4];

/// Moves the belief by one tick.
pub(super) fn predict(chart: &Chart, belief: &mut Belief, scratch: &mut Scratch, motion: Motion, c: &LocalizerConfig) {
    if !motion.moving {
        return;
    }
    let advance = if motion.advance_steps.is_finite() { motion.advance_steps } else { 0.0 };
    let advance = advance.clamp(-CELL_STEPS, PASS_STEPS * MOST_PASSES);
    let passes = (advance / PASS_STEPS).ceil().max(1.0);
    let kernel = kernel(advance / passes, c);
    let mut left = passes;
    while left > 0.5 {
        pass(chart, belief, scratch, &kernel);
        left -= 1.0;
    }
}

fn kernel(advance_steps: f32, config: &LocalizerConfig) -> [f64; 6] {
    let (mean, sigma) = (f64::from(advance_steps), f64::from(config.motion_sigma_steps));
    let mut weights = SHIFTS.map(|cells| {
        let off = (f64::from(cells) * f64::from(CELL_STEPS) - mean) / sigma;
        (-0.5 * off * off).exp() + f64::from(config.motion_floor)
    });
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights
}

fn pass(chart: &Chart, belief: &mut Belief, scratch: &mut Scratch, kernel: &[f64; 6]) {
    let &[back, stay, forward @ ..] = kernel;
    let start = belief.weights();
    shift(chart, &start, scratch, previous);
    let backward = scratch.take();
    let mut moved = vec![(backward, back)];
    let mut ahead = start.clone();
    for weight in forward {
        shift(chart, &ahead, scratch, next);
        ahead = scratch.take();
        moved.push((ahead.clone(), weight));
    }
    moved.push((start, stay));
    for (mass, weight) in &moved {
        mass.iter().for_each(|&(cell, amount)| scratch.add(cell, amount * weight));
    }
    // Sums of what was a belief: finite and above 0. Should it fail all the same, the filter starts over.
    belief.set(scratch.take());
}

type Step = fn(&Chart, Cell, f64, &mut Scratch);

fn shift(chart: &Chart, mass: &[(Cell, f64)], scratch: &mut Scratch, step: Step) {
    mass.iter().for_each(|&(cell, amount)| step(chart, cell, amount, scratch));
}

fn next(chart: &Chart, cell: Cell, amount: f64, scratch: &mut Scratch) {
    let Some(segment) = chart.segment_of(cell) else { return };
    if cell < segment.last_cell() {
        return scratch.add(cell + 1, amount);
    }
    let Some(to) = segment.to else { return scratch.add(cell, amount) };
    let onwards = chart.leaving(to);
    let part = amount / onwards.len() as f64;
    onwards.iter().for_each(|segment| scratch.add(segment.first_cell, part));
}

fn previous(chart: &Chart, cell: Cell, amount: f64, scratch: &mut Scratch) {
    let Some(segment) = chart.segment_of(cell) else { return };
    if cell > segment.first_cell {
        return scratch.add(cell - 1, amount);
    }
    let sources = chart.arriving(segment.from);
    if sources.len() == 0 {
        return scratch.add(cell, amount);
    }
    let part = amount / sources.len() as f64;
    sources.for_each(|segment| scratch.add(segment.last_cell(), part));
}
