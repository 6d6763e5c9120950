//! Training batches: blocks of anchors and goals on one path, every pair labelled.

use crate::augment::{Look, Mapping};
use crate::episode::{Episode, FRAME_BYTES, HORIZON, MAX_STEPS};
use crate::rng::Rng;

/// Frames of one observation, oldest first.
pub const CONTEXT: usize = 6;

const FAR: f32 = MAX_STEPS as f32;

/// How much is in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSize {
    /// Blocks (paths).
    pub blocks: usize,
    /// Observations a block.
    pub anchors: usize,
    /// Goals a block.
    pub goals: usize,
}

/// One batch; a block's anchors and goals are all paired. Shapes are row-major.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Its sizes: B blocks, A anchors, G goals.
    pub size: BatchSize,
    /// `[B*A, 6, 64, 85, 3]`, oldest to newest at 4 Hz.
    pub obs: Vec<u8>,
    /// `[B*G, 64, 85, 3]`.
    pub goal: Vec<u8>,
    /// `[B, A, G]` steps, 0..=20; 20 for passed, too far and elsewhere.
    pub dist: Vec<f32>,
    /// `[B*A, 5, 4]`: x, y (units of cruise speed x 0.25 s), cos, sin in the newest frame's axes.
    pub act: Vec<f32>,
    /// `[B, A, G]`: 1 where the goal is ahead within 20 steps, else 0.
    pub act_mask: Vec<f32>,
    /// `[B*A]`: metres a step of the robot.
    pub unit: Vec<f32>,
    /// Shows the first frames of the clean drive instead of those before the newest one: for an
    /// ablation.
    pub static_context: bool,
    anchors: Vec<usize>,
}

/// A goal picture: of this path (state number) or of another world.
#[derive(Clone, Copy)]
enum Goal {
    Here(usize),
    Elsewhere(usize),
}

impl Batch {
    /// An empty batch with buffers of the right size.
    #[must_use]
    pub fn new(size: BatchSize) -> Self {
        let (observations, goals) = (size.blocks * size.anchors, size.blocks * size.goals);
        let pairs = observations * size.goals;
        Self {
            size,
            obs: vec![0; observations * CONTEXT * FRAME_BYTES],
            goal: vec![0; goals * FRAME_BYTES],
            dist: vec![0.0; pairs],
            act: vec![0.0; observations * HORIZON * 4],
            act_mask: vec![0.0; pairs],
            unit: vec![1.0; observations],
            static_context: false,
            anchors: Vec::with_capacity(size.anchors),
        }
    }

    /// Fills block `block` with samples of `path`; goals from elsewhere come from `other`.
    /// `augment` false leaves the pictures as they are (no mirror, no change of light).
    pub fn fill(&mut self, block: usize, path: &Episode, other: &Episode, rng: &mut Rng, augment: bool) {
        let centre = self.choose_anchors(path, rng);
        let flip = augment && rng.chance(0.5);
        self.write_block(block, path, other, rng, centre, flip, augment);
    }

    #[allow(clippy::too_many_arguments, reason = "internal; split from `fill` for the test of mirroring")]
    fn write_block(
        &mut self,
        block: usize,
        path: &Episode,
        other: &Episode,
        rng: &mut Rng,
        centre: f32,
        flip: bool,
        augment: bool,
    ) {
        let BatchSize { anchors, goals, .. } = self.size;
        let upright = Mapping::upright(flip);
        for (a, &state) in self.anchors.iter().enumerate() {
            let number = block * anchors + a;
            let look = if augment { Look::sample(rng, 1.0) } else { Look::plain() };
            let dirt_from = CONTEXT - 1 - rng.below(CONTEXT);
            let start = path.drives.iter().find(|d| d.contains(&state)).map_or(state, |d| d.start);
            if let Some(unit) = self.unit.get_mut(number) {
                *unit = path.robot.step_length_m() as f32;
            }
            for k in 0..CONTEXT {
                let source = if self.static_context && k + 1 < CONTEXT {
                    k
                } else {
                    (state + k + 1).saturating_sub(CONTEXT).max(start)
                };
                let at = (number * CONTEXT + k) * FRAME_BYTES;
                if let Some(out) = self.obs.get_mut(at..at + FRAME_BYTES) {
                    look.apply(path.frame(source), out, &upright, k >= dirt_from);
                }
            }
            let side = if flip { -1.0 } else { 1.0 };
            let Some(waypoints) = path.states.get(state).map(|s| &s.waypoints) else {
                continue;
            };
            let at = number * HORIZON * 4;
            if let Some(out) = self.act.get_mut(at..at + HORIZON * 4) {
                for (to, w) in out.chunks_exact_mut(4).zip(waypoints) {
                    to.copy_from_slice(&[w[0], side * w[1], w[2], side * w[3]]);
                }
            }
        }
        for g in 0..goals {
            let goal = self.choose_goal(path, other, centre, rng);
            let frame = match goal {
                Goal::Here(state) => path.frame(state),
                Goal::Elsewhere(state) => other.frame(state),
            };
            let (look, mapping) = if augment {
                let strength = rng.range(0.2, 0.8);
                let mapping = if rng.chance(0.7) { Mapping::remounted(flip, rng) } else { Mapping::upright(flip) };
                (Look::sample(rng, strength), mapping)
            } else {
                (Look::plain(), Mapping::upright(flip))
            };
            let at = (block * goals + g) * FRAME_BYTES;
            if let Some(out) = self.goal.get_mut(at..at + FRAME_BYTES) {
                look.apply(frame, out, &mapping, true);
            }
            for (a, &anchor) in self.anchors.iter().enumerate() {
                let steps = match goal {
                    Goal::Here(state) => path.distance_steps(anchor, state),
                    Goal::Elsewhere(_) => FAR,
                };
                let pair = (block * anchors + a) * goals + g;
                if let (Some(d), Some(m)) = (self.dist.get_mut(pair), self.act_mask.get_mut(pair)) {
                    *d = steps;
                    *m = f32::from(u8::from(steps < FAR));
                }
            }
        }
    }

    /// Chooses this block's anchors around one moment of the path; answers that moment.
    fn choose_anchors(&mut self, path: &Episode, rng: &mut Rng) -> f32 {
        let clean = path.drives.first().cloned().unwrap_or(0..0);
        let want_turn = rng.chance(0.5);
        let mut centre = 0.0;
        for _ in 0..5 {
            centre = rng.range(0.0, clean.len().max(1) as f64) as f32;
            self.anchors.clear();
            for _ in 0..self.size.anchors {
                let anchor = (0..6).find_map(|_| {
                    let drive = if rng.chance(0.22) { 0 } else { 1 + rng.below(path.drives.len().saturating_sub(1)) };
                    near(path, drive, centre, 3.0, true, rng)
                });
                let fallback = clean.start + (centre as usize).min(clean.len().saturating_sub(1));
                self.anchors.push(anchor.unwrap_or(fallback));
            }
            let turns = |&i: &usize| {
                path.states.get(i).is_some_and(|s| s.waypoints[2][1].abs() > 0.2 || s.waypoints[2][3].abs() > 0.15)
            };
            if !want_turn || self.anchors.first().is_some_and(turns) {
                break;
            }
        }
        centre
    }

    fn choose_goal(&self, path: &Episode, other: &Episode, centre: f32, rng: &mut Rng) -> Goal {
        let elsewhere = Goal::Elsewhere(rng.below(other.states.len()));
        let times = self.anchors.iter().filter_map(|&i| path.states.get(i)).map(|s| s.clean_steps);
        let (first, last) = times.fold((centre, centre), |(a, b), t| (a.min(t), b.max(t)));
        let drawn = rng.unit();
        let wanted = if drawn < 0.55 {
            centre + rng.range(0.0, 8.0) as f32
        } else if drawn < 0.72 {
            centre + rng.range(8.0, 20.0) as f32
        } else if drawn < 0.84 {
            first - rng.range(1.0, 10.0) as f32
        } else if drawn < 0.91 {
            last + rng.range(24.0, 60.0) as f32
        } else {
            return elsewhere;
        };
        (0..5)
            .find_map(|_| {
                let drive = if rng.chance(0.6) { 0 } else { 1 + rng.below(path.drives.len().saturating_sub(1)) };
                near(path, drive, wanted, 0.75, false, rng)
            })
            .map_or_else(
                // Near either end a path has no such moment: ahead if there is any, else elsewhere.
                || near(path, 0, centre + rng.range(0.0, 8.0) as f32, 1.0, false, rng).map_or(elsewhere, Goal::Here),
                Goal::Here,
            )
    }
}

/// A random state of drive number `drive` within `reach` steps of the moment `steps`. To be at a
/// wall is no goal, but how to get off it must be learned.
fn near(path: &Episode, drive: usize, steps: f32, reach: f32, touching: bool, rng: &mut Rng) -> Option<usize> {
    let range = path.drives.get(drive)?.clone();
    let start = range.start;
    let states = path.states.get(range)?;
    let fits = |s: &&crate::State| (s.clean_steps - steps).abs() <= reach && (touching || !s.contact);
    let count = states.iter().filter(fits).count();
    if count == 0 {
        return None;
    }
    let wanted = rng.below(count);
    states.iter().enumerate().filter(|(_, s)| fits(s)).nth(wanted).map(|(i, _)| start + i)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Split, WIDTH, World, WorldId};

    fn episode() -> Option<Episode> {
        let world = World::generate(WorldId { split: Split::Train, index: 5 });
        Episode::generate(&world, 1).ok().flatten()
    }

    #[test]
    fn a_mirrored_block_swaps_left_and_right_in_pictures_and_labels() {
        let Some(path) = episode() else { unreachable!("world 5 has routes") };
        let size = BatchSize { blocks: 1, anchors: 3, goals: 3 };
        let (mut plain, mut mirrored) = (Batch::new(size), Batch::new(size));
        for (batch, flip) in [(&mut plain, false), (&mut mirrored, true)] {
            let mut rng = Rng::new(9);
            let centre = batch.choose_anchors(&path, &mut rng);
            batch.write_block(0, &path, &path, &mut rng, centre, flip, false);
        }
        let reversed = |pictures: &[u8]| -> Vec<u8> {
            pictures.chunks_exact(WIDTH * 3).flat_map(|row| row.rchunks_exact(3).flatten().copied()).collect()
        };
        assert_ne!(plain.obs, mirrored.obs);
        assert_eq!(reversed(&plain.obs), mirrored.obs);
        assert_eq!(reversed(&plain.goal), mirrored.goal);
        assert_eq!(plain.dist, mirrored.dist);
        assert!(plain.act.iter().any(|v| v.abs() > 0.05));
        for (p, m) in plain.act.chunks_exact(4).zip(mirrored.act.chunks_exact(4)) {
            assert_eq!([p[0], -p[1], p[2], -p[3]].map(f32::to_bits), [m[0], m[1], m[2], m[3]].map(f32::to_bits));
        }
    }

    #[test]
    fn an_observation_before_the_start_repeats_the_first_frame() {
        let Some(path) = episode() else { unreachable!("world 5 has routes") };
        let mut batch = Batch::new(BatchSize { blocks: 1, anchors: 1, goals: 1 });
        let start = path.drives.get(1).map_or(0, |d| d.start);
        batch.anchors = vec![start + 1];
        batch.write_block(0, &path, &path, &mut Rng::new(1), 0.0, false, false);
        let frames: Vec<&[u8]> = batch.obs.chunks_exact(FRAME_BYTES).collect();
        for (k, frame) in frames.iter().enumerate() {
            assert_eq!(*frame, path.frame(start + usize::from(k + 1 == CONTEXT)), "frame {k}");
        }
    }
}
