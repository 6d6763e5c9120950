//! From a belief to one place: mode, mean around it, confidence and spread.

use super::MAX_DISTANCE_STEPS;
use super::belief::Belief;
use super::chart::{Cell, Chart, Segment};

/// The mean is taken this far around the mode: wide enough for a sharp belief, too narrow to average two hypotheses.
const MEAN_STEPS: f32 = 4.0;
/// `confidence` is the mass this near the mode.
const CONFIDENCE_STEPS: f32 = 2.0;
/// A standing robot keeps its node until the estimate is this far on another: noise must not choose between two.
const HOLD_STEPS: f32 = 1.0;

/// A position between cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fix {
    pub segment: Segment,
    pub offset_steps: f32,
    pub mode: Cell,
    /// Steps from the mode to the mean around it.
    pub mean_steps: f32,
    pub confidence: f32,
    pub spread_steps: f32,
}

#[allow(clippy::cast_possible_truncation, reason = "probabilities and distances up to 20, told in f32")]
pub(super) fn fix(chart: &Chart, belief: &Belief) -> Option<Fix> {
    let (mode, _) = belief.mode()?;
    let own = *chart.segment_of(mode)?;
    let around = chart.surroundings(mode, MAX_DISTANCE_STEPS);
    let (mut near, mut near_moment, mut confidence) = (0.0, 0.0, 0.0);
    for (&cell, &steps) in &around {
        let weight = belief.at(cell);
        if steps.abs() <= MEAN_STEPS {
            near += weight;
            near_moment += weight * f64::from(steps);
        }
        if steps.abs() <= CONFIDENCE_STEPS {
            confidence += weight;
        }
    }
    let mean = if near > 0.0 { near_moment / near } else { 0.0 };
    let mean_steps = mean as f32;
    let (mut seen, mut square) = (0.0, 0.0);
    for (&cell, &steps) in &around {
        let weight = belief.at(cell);
        seen += weight;
        square += weight * (f64::from(steps) - mean).powi(2);
    }
    square += (1.0 - seen).max(0.0) * f64::from(MAX_DISTANCE_STEPS).powi(2);
    let (segment, offset_steps) = walk(chart, belief, own, own.offset_steps(mode) + mean_steps);
    let spread_steps = square.sqrt().min(f64::from(MAX_DISTANCE_STEPS)) as f32;
    Some(Fix { segment, offset_steps, mode, mean_steps, confidence: confidence.min(1.0) as f32, spread_steps })
}

/// Steps from one belief's mean to another's, forwards positive; `None` when they are not on one way close together.
pub(super) fn shift_steps(chart: &Chart, from: &Fix, to: &Fix) -> Option<f32> {
    let between = chart.surroundings(from.mode, MEAN_STEPS).get(&to.mode).copied()?;
    Some(between + to.mean_steps - from.mean_steps)
}

/// Follows the heaviest arm from a segment to the one that holds the offset. The offset is within [`MEAN_STEPS`] of the
/// segment, and each turn of the loops takes a segment's length off it.
fn walk(chart: &Chart, belief: &Belief, mut segment: Segment, mut offset: f32) -> (Segment, f32) {
    while offset < 0.0 {
        let Some(before) = heaviest(belief, chart.arriving(segment.from)) else { break };
        segment = before;
        offset += segment.length_steps();
    }
    while let Some(to) = segment.to.filter(|_| offset >= segment.length_steps()) {
        offset -= segment.length_steps();
        let Some(after) = heaviest(belief, chart.leaving(to).iter()) else { break };
        segment = after;
    }
    (segment, offset.clamp(0.0, segment.length_steps()))
}

fn heaviest<'a>(belief: &Belief, segments: impl Iterator<Item = &'a Segment>) -> Option<Segment> {
    let mut best: Option<(f64, Segment)> = None;
    for segment in segments {
        let weight = weight(belief, segment);
        if best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, *segment));
        }
    }
    best.map(|(_, segment)| segment)
}

/// The mass on a segment; long ones by their cells with mass only.
pub(super) fn weight(belief: &Belief, segment: &Segment) -> f64 {
    let mass = belief.mass();
    let start = mass.partition_point(|&(cell, _)| cell < segment.first_cell);
    let listed = mass.get(start..).unwrap_or_default().iter();
    listed.take_while(|&&(cell, _)| cell <= segment.last_cell()).map(|&(_, weight)| weight).sum()
}

/// The position to tell of a robot that is known to stand: on the way told last, where the new one is on its neighbour
/// and no further than noise can carry it.
pub(super) fn hold(chart: &Chart, new: (Segment, f32), told: &Segment) -> (Segment, f32) {
    let (segment, offset) = new;
    let old = *told;
    let same = |a: &Segment, b: &Segment| a.first_cell == b.first_cell;
    let follows = |a: &Segment, b: &Segment| a.to.is_some_and(|to| chart.leaving(to).iter().any(|s| same(s, b)));
    if same(&segment, &old) {
        new
    } else if follows(&old, &segment) && offset < HOLD_STEPS {
        (old, old.length_steps())
    } else if follows(&segment, &old) && segment.length_steps() - offset < HOLD_STEPS {
        (old, 0.0)
    } else {
        new
    }
}
