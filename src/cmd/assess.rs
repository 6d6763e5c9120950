//! How well a replayed log of a closed course is localised, judged by the order of frames alone.
//!
//! On a course driven in laps the truth needs no model: by order of frames, frame `i` of a later lap was taken where
//! frame `i` minus whole laps was. That is rough (nobody drives two laps at the same pace); a table made by aligning
//! the pictures may take its place. Everything is measured beside the policy's raw opinion (the nearest node by
//! predicted distance over *all* nodes), so that what the belief adds is seen.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};

use pilotage_graph::{NodeId, TopoMap};

use crate::drive::ControlOutput;
use crate::frame::Monotonic;
use crate::pilot::{Pilot, TickOutput};
use crate::runtime::Snapshot;
use crate::runtime::realtime::Onlooker;

/// Where each node was taken, in frames of the log.
#[derive(Clone, Debug)]
pub(super) struct Course {
    /// Frames a lap.
    pub(super) lap: u64,
    /// Log frame of each node.
    pub(super) node_frames: Vec<(NodeId, u64)>,
    /// Frame of lap one by frame; empty for the order of frames. Frames that it lacks are not judged.
    pub(super) truth: BTreeMap<u64, f64>,
}

/// Reads a truth table: a header line, then `frame,lap_one_frame` and whatever else.
pub(super) fn read_truth(path: &Path) -> Result<BTreeMap<u64, f64>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut truth = BTreeMap::new();
    for (index, line) in text.lines().enumerate().skip(1) {
        let mut fields = line.split(',');
        let row = fields
            .next()
            .and_then(|frame| frame.trim().parse().ok())
            .zip(fields.next().and_then(|place| place.trim().parse::<f64>().ok()).filter(|place| place.is_finite()));
        let (frame, place) = row
            .with_context(|| format!("{} line {}: {line:?} is not `frame,lap_one_frame`", path.display(), index + 1))?;
        truth.insert(frame, place);
    }
    anyhow::ensure!(!truth.is_empty(), "{} holds no frame", path.display());
    Ok(truth)
}

impl Course {
    /// Reads the nodes' frames off their stamps.
    pub(super) fn of(map: &TopoMap, lap: u64, hz: f64, truth: BTreeMap<u64, f64>) -> Self {
        let node_frames =
            map.nodes().map(|node| (node.id, (node.stamp_ns as f64 * 1e-9 * hz).round() as u64)).collect();
        Self { lap, node_frames, truth }
    }

    /// Frames from `b` to `a` around the course, the short way; positive when `a` is ahead.
    fn around(&self, a: f64, b: f64) -> f64 {
        let lap = self.lap as f64;
        let ahead = (a - b).rem_euclid(lap);
        if ahead > lap / 2.0 { ahead - lap } else { ahead }
    }

    /// How many nodes lie between the truth and `node`, at the map's mean spacing.
    fn nodes_off(&self, node: NodeId, frame: u64) -> Option<f64> {
        let spacing = self.lap as f64 / self.nodes_per_lap().max(1.0);
        Some(self.frames_off(node, 0.0, frame)?.abs() / spacing)
    }

    /// Where a frame was taken, in frames of lap one.
    fn place(&self, frame: u64) -> Option<f64> {
        if self.truth.is_empty() { Some(frame as f64) } else { self.truth.get(&frame).copied() }
    }

    fn frames_off(&self, node: NodeId, offset_frames: f64, frame: u64) -> Option<f64> {
        let &(_, at) = self.node_frames.iter().find(|(id, _)| *id == node)?;
        Some(self.around(at as f64 + offset_frames, self.place(frame)?))
    }

    fn nodes_per_lap(&self) -> f64 {
        let first = self.node_frames.first().map_or(0, |&(_, frame)| frame);
        let last = self.node_frames.last().map_or(0, |&(_, frame)| frame);
        let span = (last - first).max(1) as f64;
        (self.node_frames.len() as f64 - 1.0) * self.lap as f64 / span
    }
}

/// Collects what a run says, tick by tick.
pub(super) struct Assessor {
    course: Course,
    frames_per_step: f64,
    /// A pilot of its own asks about all nodes; the one that drives asks only about few.
    oracle: Mutex<Pilot>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    argmin_nodes_off: Vec<f64>,
    argmin_frames_off: Vec<f64>,
    belief_frames_off: Vec<f64>,
    /// (true distance, predicted distance), steps, for nodes ahead within the model's range.
    distances: Vec<(f64, f64)>,
    /// The same for all nodes, passed and far ones at the model's greatest distance.
    all_distances: Vec<(f64, f64)>,
    /// Recorded turn, and the command's at the control step after the tick.
    turns: Vec<(f64, f64)>,
    recorded_turn: Option<f64>,
    ticks: u64,
    localised_ticks: u64,
    last_belief: Option<f64>,
    back_jumps: u64,
}

impl Assessor {
    pub(super) fn new(course: Course, hz: f64, oracle: Pilot) -> Self {
        let frames_per_step = hz / oracle.policy().spec().rate_hz;
        Self { course, frames_per_step, oracle: Mutex::new(oracle), seen: Mutex::new(Seen::default()) }
    }

    fn look(&self, seq: u64, snapshot: &Snapshot, output: &TickOutput) {
        let nodes: Vec<NodeId> = self.course.node_frames.iter().map(|&(node, _)| node).collect();
        let answers = {
            let mut oracle = self.oracle.lock().unwrap_or_else(PoisonError::into_inner);
            match oracle.answers(&snapshot.frames, &nodes) {
                Ok(answers) => answers,
                Err(error) => {
                    tracing::warn!(%error, "this tick is not assessed");
                    return;
                }
            }
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.recorded_turn = snapshot.teleop.map(|teleop| f64::from(teleop.turn));
        if self.course.place(seq).is_none() {
            return;
        }
        seen.ticks += 1;
        let nearest = answers
            .iter()
            .filter(|answer| answer.prediction.distance_steps.is_finite())
            .min_by(|a, b| a.prediction.distance_steps.total_cmp(&b.prediction.distance_steps));
        if let Some(nearest) = nearest {
            seen.argmin_nodes_off.extend(self.course.nodes_off(nearest.node, seq));
            seen.argmin_frames_off.extend(self.course.frames_off(nearest.node, 0.0, seq).map(f64::abs));
        }
        let range_steps = f64::from(self.oracle_range());
        for answer in &answers {
            let Some(ahead_frames) = self.course.frames_off(answer.node, 0.0, seq) else { continue };
            let true_steps = ahead_frames / self.frames_per_step;
            let predicted_steps = f64::from(answer.prediction.distance_steps);
            if !predicted_steps.is_finite() {
                continue;
            }
            if (0.0..=range_steps).contains(&true_steps) {
                seen.distances.push((true_steps, predicted_steps));
            }
            // What the model was taught: a place passed or too far ahead is at its greatest distance.
            let taught_steps =
                if (-0.5..=range_steps).contains(&true_steps) { true_steps.max(0.0) } else { range_steps };
            seen.all_distances.push((taught_steps, predicted_steps));
        }
        let decision = &output.decision;
        if matches!(
            decision.phase,
            crate::navigator::Phase::Driving | crate::navigator::Phase::Arrived | crate::navigator::Phase::NoRoute
        ) {
            seen.localised_ticks += 1;
            let offset_frames = f64::from(decision.offset_steps) * self.frames_per_step;
            if let Some(off) = self.course.frames_off(decision.node, offset_frames, seq) {
                seen.belief_frames_off.push(off.abs());
                let place = self.course.place(seq).unwrap_or(seq as f64) + off;
                if seen.last_belief.is_some_and(|last| self.course.around(place, last) < -3.0 * self.frames_per_step) {
                    seen.back_jumps += 1;
                }
                seen.last_belief = Some(place);
            }
        }
    }

    fn oracle_range(&self) -> f32 {
        self.oracle.lock().unwrap_or_else(PoisonError::into_inner).policy().spec().max_distance_steps
    }

    /// A control step after a tick: pairs the command with what the driver did. Only steps while driving count.
    pub(super) fn command(&self, output: &ControlOutput) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(recorded) = seen.recorded_turn
            && !output.command.is_zero()
        {
            seen.turns.push((recorded, f64::from(output.command.angular_rps())));
        }
    }

    pub(super) fn note(&self, seq: u64, snapshot: &Snapshot, output: &TickOutput) {
        self.look(seq, snapshot, output);
    }

    /// The report, line by line.
    pub(super) fn report(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let nodes = self.course.nodes_per_lap();
        let mut lines = vec![format!(
            "course      {} frames and {nodes:.0} nodes a lap; truth by {}; {} ticks judged",
            self.course.lap,
            if self.course.truth.is_empty() { "order of frames" } else { "the table" },
            seen.ticks
        )];
        let three = seen.argmin_nodes_off.iter().copied();
        // "Within 3 of 49 nodes", both rounded to their node, allows for three and a half nodes.
        let three_of_49 = self.course.lap as f64 * 3.5 / 49.0;
        lines.push(format!(
            "raw argmin  {:.0} % of ticks within 3 nodes, {:.0} % within 3 of 49 nodes a lap (35 frames), {:.0} % within 20 frames, median {:.0} frames off",
            share(three, 3.5),
            share(seen.argmin_frames_off.iter().copied(), three_of_49),
            share(seen.argmin_frames_off.iter().copied(), 20.0),
            median(&seen.argmin_frames_off),
        ));
        lines.push(format!(
            "belief      {:.0} % of ticks within 20 frames, median {:.0} frames off; localised in {} of {} ticks, {} jumps back",
            share(seen.belief_frames_off.iter().copied(), 20.0) * seen.localised_ticks as f64 / seen.ticks.max(1) as f64,
            median(&seen.belief_frames_off),
            seen.localised_ticks,
            seen.ticks,
            seen.back_jumps,
        ));
        lines.push(format!(
            "distance    rank correlation of predicted and true: {:.2} over all {} pairs of a frame and a node (passed and far ones count as far), {:.2} over the {} with a node ahead in range",
            spearman(&seen.all_distances),
            seen.all_distances.len(),
            spearman(&seen.distances),
            seen.distances.len()
        ));
        lines.push(format!(
            "turn        correlation of the command with the recorded steering: r = {:.2} ({} commands)",
            pearson(&seen.turns),
            seen.turns.len()
        ));
        lines
    }
}

impl Onlooker for Assessor {
    fn tick(&self, seq: u64, snapshot: &Snapshot, output: &TickOutput) {
        self.note(seq, snapshot, output);
    }

    fn control(&self, _now: Monotonic, output: &ControlOutput) {
        self.command(output);
    }
}

fn share(values: impl ExactSizeIterator<Item = f64>, at_most: f64) -> f64 {
    let count = values.len().max(1);
    100.0 * values.filter(|&value| value <= at_most).count() as f64 / count as f64
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Pearson's correlation.
pub(super) fn pearson(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let (mean_a, mean_b) = pairs.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0 / n, sum.1 + pair.1 / n));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for &(a, b) in pairs {
        let (a, b) = (a - mean_a, b - mean_b);
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    ab / (aa * bb).sqrt()
}

/// Spearman's rank correlation; equal values share their mean rank.
pub(super) fn spearman(pairs: &[(f64, f64)]) -> f64 {
    let first = ranks(pairs.iter().map(|pair| pair.0));
    let second = ranks(pairs.iter().map(|pair| pair.1));
    pearson(&first.into_iter().zip(second).collect::<Vec<_>>())
}

fn ranks(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut indexed: Vec<(usize, f64)> = values.enumerate().collect();
    indexed.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut result = vec![0.0; indexed.len()];
    for group in indexed.chunk_by(|a, b| a.1.total_cmp(&b.1).is_eq()).scan(0_usize, |first, group| {
        let start = *first;
        *first += group.len();
        Some((start, group))
    }) {
        let (start, group) = group;
        let rank = start as f64 + (group.len() as f64 - 1.0) / 2.0;
        for &(index, _) in group {
            if let Some(slot) = result.get_mut(index) {
                *slot = rank;
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlations_are_those_of_the_textbook() {
        let line: Vec<(f64, f64)> = (0..10).map(|i| (f64::from(i), 3.0 - 2.0 * f64::from(i))).collect();
        assert!((pearson(&line) + 1.0).abs() < 1e-12);
        let monotone: Vec<(f64, f64)> = (0..10).map(|i| (f64::from(i), f64::from(i).exp())).collect();
        assert!((spearman(&monotone) - 1.0).abs() < 1e-12);
        // Worked by hand: ranks 1 2 3 4 against 2 1 4 3 give 1 - 6*4/(4*15) = 0.6.
        assert!((spearman(&[(1.0, 20.0), (2.0, 10.0), (3.0, 40.0), (4.0, 30.0)]) - 0.6).abs() < 1e-12);
        // A tie on one side shares its rank.
        assert!((spearman(&[(1.0, 1.0), (1.0, 1.0), (2.0, 2.0)]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_way_around_a_course_is_the_short_one() {
        let course = Course { lap: 485, node_frames: vec![(NodeId(0), 0), (NodeId(1), 480)], truth: BTreeMap::new() };
        assert_eq!(course.frames_off(NodeId(0), 0.0, 970), Some(0.0));
        assert_eq!(course.frames_off(NodeId(1), 0.0, 500), Some(-20.0));
        assert_eq!(course.frames_off(NodeId(0), 0.0, 480), Some(5.0));
    }
}
