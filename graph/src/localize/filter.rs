//! The filter's tick: move, weigh, decide how far to trust, tell.

use super::belief::{Belief, Scratch};
use super::chart::{Chart, Place};
use super::estimate::{Fix, fix, hold, shift_steps};
use super::measure::{Likelihood, SightCache, weigh};
use super::reach::Sight;
use super::state::{Counters, LocalizerState, Told};
use super::{Estimate, LocalizerConfig, LocalizerError, LostReason, Motion, Start, Tracking};
use super::{MAX_DISTANCE_STEPS, motion};
use crate::{NodeId, TopoMap};

/// The mass that must see a place for its answer to count as "near the belief".
const RELEVANT_MASS: f64 = 0.02;
/// Two modes on following ticks this near each other are one place.
const SAME_PLACE_STEPS: f32 = 4.0;

/// A Bayes filter over the ways of one map; see the module's text. It keeps its own tables: later changes of the map's
/// evidence change routes, not what the robot sees.
#[derive(Debug, Clone)]
pub struct Localizer {
    pub(super) chart: Chart,
    pub(super) config: LocalizerConfig,
    pub(super) belief: Belief,
    scratch: Scratch,
    sights: SightCache,
    pub(super) told: Told,
    pub(super) counters: Counters,
}

/// The answers of one tick that can be used, by place, with the sort and number of those that cannot.
struct Heard {
    answers: Vec<(Place, f32)>,
    ignored: u32,
}

impl Localizer {
    /// A filter for a map.
    ///
    /// # Errors
    /// [`LocalizerError`] when the map is empty or too long, the start is not on it, or a number of `config` is out of
    /// range.
    pub fn new(map: &TopoMap, config: LocalizerConfig, start: Start) -> Result<Self, LocalizerError> {
        config.validate()?;
        let chart = Chart::new(map, &config)?;
        let mut belief = Belief::empty(chart.cells());
        let tracking = match start {
            Start::Unknown => {
                belief.set_uniform(&chart);
                Tracking::Diffuse
            }
            Start::At(node) => {
                let place = chart.place(node).ok_or(LocalizerError::UnknownStart { node })?;
                belief.set(prior(&chart, place, &config));
                Tracking::Localized
            }
        };
        let first = chart.ids().first().copied().unwrap_or(NodeId(0));
        let estimate = Estimate {
            node: first,
            next: None,
            offset_steps: 0.0,
            confidence: 0.0,
            spread_steps: MAX_DISTANCE_STEPS,
            tracking,
            min_distance_steps: None,
            ignored_answers: 0,
        };
        let told = Told { estimate, segment_cell: 0, mode: 0 };
        let scratch = Scratch::new(chart.cells());
        let counters = Counters::new(tracking);
        let mut filter = Self { chart, config, belief, scratch, sights: SightCache::default(), told, counters };
        if let Some(fix) = fix(&filter.chart, &filter.belief) {
            filter.tell(fix, None, 0, true);
        }
        Ok(filter)
    }

    /// Where the robot is, as told by the last [`update`](Self::update) (before the first: by the start).
    #[must_use]
    pub fn estimate(&self) -> &Estimate {
        &self.told.estimate
    }

    /// How many answers were of no use so far.
    #[must_use]
    pub fn ignored_answers(&self) -> u64 {
        self.counters.ignored_answers
    }

    /// How often the belief had to be thrown away because it was not finite.
    #[must_use]
    pub fn resets(&self) -> u64 {
        self.counters.resets
    }

    /// How fast the robot goes along its way against what [`Motion`] told; 1 is as told.
    #[must_use]
    pub fn pace(&self) -> f32 {
        self.counters.pace
    }

    /// What is remembered between ticks.
    #[must_use]
    pub fn state(&self) -> LocalizerState {
        LocalizerState {
            belief: self.belief.weights(),
            cells: self.chart.cells() as u64,
            told: self.told,
            counters: self.counters,
        }
    }

    /// Goes on from a saved state of a filter on the same map.
    ///
    /// # Errors
    /// [`LocalizerError::State`] when it does not fit; the filter is then as it was.
    pub fn restore(&mut self, state: &LocalizerState) -> Result<(), LocalizerError> {
        state.validate(self.chart.cells())?;
        self.belief.restore(&state.belief);
        self.told = state.told;
        self.counters = state.counters;
        Ok(())
    }

    /// One tick: what the robot did, and what the policy answered about places, `(node, distance in steps)`, in any
    /// order. Answers that are not finite, of unknown nodes, or second ones are counted and ignored; no answer at all is
    /// allowed.
    pub fn update(&mut self, motion: Motion, answers: &[(NodeId, f32)]) -> Estimate {
        self.counters.tick = self.counters.tick.wrapping_add(1);
        let paced = Motion { advance_steps: motion.advance_steps * self.counters.pace, ..motion };
        motion::predict(&self.chart, &mut self.belief, &mut self.scratch, paced, &self.config);
        let expected = self.learns_pace(motion).then(|| fix(&self.chart, &self.belief)).flatten();
        if motion.moving {
            self.counters.repeats = 0;
        }
        let heard = self.sort_out(answers);
        self.counters.ignored_answers += u64::from(heard.ignored);
        let nearest = self.nearest_relevant(&heard.answers);
        let informative = nearest.is_some_and(|steps| steps < self.config.far_steps);
        self.count_ticks(motion, nearest, informative, answers.len());
        if informative {
            self.weigh(&heard.answers);
            self.counters.repeats = self.counters.repeats.saturating_add(1);
        }
        let Some(found) = self.fix_or_reset() else { return self.told.estimate };
        if let Some(expected) = expected.filter(|_| informative) {
            self.learn_pace(&expected, &found, motion);
        }
        let found = self.judge(found, informative, &heard.answers);
        self.tell(found, nearest, heard.ignored, motion.moving);
        self.told.estimate
    }

    /// A manoeuvre off the way tells nothing of the pace along it.
    fn learns_pace(&self, motion: Motion) -> bool {
        let drives = motion.moving && motion.advance_steps >= 0.25;
        drives && self.config.pace_gain > 0.0 && self.counters.tracking == Tracking::Localized
    }

    /// What the answers add to the expected advance, tick after tick, is a pace that differs from the one told.
    fn learn_pace(&mut self, expected: &Fix, found: &Fix, motion: Motion) {
        let Some(shift) = shift_steps(&self.chart, expected, found) else { return };
        let Counters { pace, .. } = &mut self.counters;
        let range = self.config.pace_range;
        let learned = *pace + self.config.pace_gain * shift / motion.advance_steps.max(1.0);
        *pace = learned.clamp(range.recip(), range);
    }

    fn sort_out(&self, answers: &[(NodeId, f32)]) -> Heard {
        let place = |&(node, steps): &(NodeId, f32)| {
            let place = self.chart.place(node).filter(|_| steps.is_finite())?;
            Some((place, steps.clamp(0.0, MAX_DISTANCE_STEPS)))
        };
        let mut good: Vec<_> = answers.iter().filter_map(place).collect();
        // Sums of floats depend on their order; the order of asking must not.
        good.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        good.dedup_by_key(|answer| answer.0);
        let ignored = u32::try_from(answers.len() - good.len()).unwrap_or(u32::MAX);
        Heard { answers: good, ignored }
    }

    /// The smallest answer that says something about the belief. Unless the robot is localised, all do.
    fn nearest_relevant(&mut self, answers: &[(Place, f32)]) -> Option<f32> {
        let all = self.counters.tracking != Tracking::Localized;
        let mut nearest = None;
        for &(place, steps) in answers {
            let relevant = all || {
                let sights = self.sights.get(&self.chart, place);
                sights.iter().map(|sight| self.belief.at(sight.cell)).sum::<f64>() >= RELEVANT_MASS
            };
            if relevant && nearest.is_none_or(|least| steps < least) {
                nearest = Some(steps);
            }
        }
        nearest
    }

    fn count_ticks(&mut self, motion: Motion, nearest: Option<f32>, informative: bool, asked: usize) {
        let counters = &mut self.counters;
        match nearest {
            None if motion.moving => counters.blind_ticks = counters.blind_ticks.saturating_add(1),
            None => {}
            Some(_) => {
                counters.blind_ticks = 0;
                counters.far_ticks = if informative { 0 } else { counters.far_ticks.saturating_add(1) };
            }
        }
        // A search in turns is not lost before it has looked everywhere.
        let turns = if counters.tracking == Tracking::Diffuse && asked > 0 {
            u32::try_from(self.chart.places() / asked).unwrap_or(u32::MAX).saturating_mul(2)
        } else {
            0
        };
        let far = counters.far_ticks >= self.config.lost_ticks.saturating_add(turns);
        let blind = counters.blind_ticks >= self.config.blind_ticks;
        let reason = if far { LostReason::FarFromMap } else { LostReason::NoAnswers };
        let already = matches!(counters.tracking, Tracking::Lost { .. });
        if (far || blind) && !already {
            counters.enter(Tracking::Lost { reason });
            let share = f64::from(self.config.lost_share);
            self.belief.mix_uniform(&self.chart, share, &mut self.scratch);
        }
    }

    fn weigh(&mut self, answers: &[(Place, f32)]) {
        // A standing robot sees the same again: the n-th look counts 1/n.
        let power = f64::from(self.config.tempering) / (1.0 + f64::from(self.counters.repeats));
        let likelihood = Likelihood::new(&self.config);
        for &(place, steps) in answers {
            let sights = self.sights.get(&self.chart, place);
            weigh(&sights, steps, power, &likelihood, &mut self.scratch);
        }
        let mut weights = self.belief.weights();
        let best = weights.iter().map(|&(cell, _)| self.scratch.get(cell)).fold(f64::NEG_INFINITY, f64::max);
        for (cell, weight) in &mut weights {
            *weight *= (self.scratch.get(*cell) - best).exp();
        }
        self.scratch.take();
        self.belief.set(weights);
        if self.counters.tracking == Tracking::Localized {
            self.belief.prune();
        }
    }

    fn fix_or_reset(&mut self) -> Option<Fix> {
        let found = fix(&self.chart, &self.belief);
        if found.is_some() {
            return found;
        }
        self.counters.resets += 1;
        self.belief.set_uniform(&self.chart);
        if self.counters.tracking == Tracking::Localized {
            self.counters.enter(Tracking::Diffuse);
        }
        fix(&self.chart, &self.belief)
    }

    /// Moves between the states of trust; see the module's picture.
    fn judge(&mut self, found: Fix, informative: bool, answers: &[(Place, f32)]) -> Fix {
        if self.counters.tracking == Tracking::Localized {
            if found.confidence < self.config.diffuse_confidence {
                self.counters.enter(Tracking::Diffuse);
            }
            return found;
        }
        let explained = informative
            && found.confidence >= self.config.found_confidence
            && self.explains(&found, answers)
            && (self.counters.found_ticks == 0 || self.same_place(&found));
        self.counters.found_ticks = if explained { self.counters.found_ticks.saturating_add(1) } else { 0 };
        if self.counters.found_ticks >= self.config.found_ticks {
            self.counters.enter(Tracking::Localized);
            self.belief.prune();
        }
        found
    }

    /// Whether a place right ahead of the likeliest cell looks as near as it should.
    fn explains(&mut self, found: &Fix, answers: &[(Place, f32)]) -> bool {
        let limit = self.config.found_distance_steps;
        answers.iter().filter(|&&(_, steps)| steps < limit).any(|&(place, _)| {
            let sights = self.sights.get(&self.chart, place);
            let sight = sights.binary_search_by_key(&found.mode, |sight| sight.cell).ok().and_then(|at| sights.get(at));
            sight.is_some_and(|sight| sight.ahead_steps <= limit || sight.passed_steps.is_finite())
        })
    }

    fn same_place(&self, found: &Fix) -> bool {
        self.chart.surroundings(self.told.mode, SAME_PLACE_STEPS).contains_key(&found.mode)
    }

    fn tell(&mut self, found: Fix, min_distance_steps: Option<f32>, ignored_answers: u32, moving: bool) {
        let mut position = (found.segment, found.offset_steps);
        let stays = !moving && self.counters.tracking == Tracking::Localized && self.told.estimate.is_localized();
        if let Some(&old) = self.chart.segment_of(self.told.segment_cell).filter(|_| stays) {
            position = hold(&self.chart, position, &old);
        }
        let (segment, offset_steps) = position;
        let Some(node) = self.chart.id(segment.from) else { return };
        let estimate = Estimate {
            node,
            next: segment.to.and_then(|to| self.chart.id(to)),
            offset_steps,
            confidence: found.confidence,
            spread_steps: found.spread_steps,
            tracking: self.counters.tracking,
            min_distance_steps,
            ignored_answers,
        };
        self.told = Told { estimate, segment_cell: segment.first_cell, mode: found.mode };
    }

    /// The probability near each place that has any: that of the ways that leave it, by node number. For showing.
    #[must_use]
    pub fn node_masses(&self) -> Vec<(NodeId, f64)> {
        let mut out: Vec<(NodeId, f64)> = Vec::new();
        for &(cell, mass) in self.belief.mass() {
            let Some(id) = self.chart.segment_of(cell).and_then(|segment| self.chart.id(segment.from)) else {
                continue;
            };
            match out.last_mut() {
                Some((last, sum)) if *last == id => *sum += mass,
                _ => out.push((id, mass)),
            }
        }
        out
    }
}

/// The belief of a robot set down at a place: exponential both ways, cut off. Before the place it is half of what it is
/// beyond, so that the estimate is at the place or past it rather than on the way that leads there.
fn prior(chart: &Chart, place: Place, config: &LocalizerConfig) -> Vec<(u32, f64)> {
    let cut = config.prior_cut_steps;
    let weight = |steps: f32| (-f64::from(steps) / f64::from(config.prior_scale_steps)).exp();
    let prior = |sight: &Sight| {
        let beyond = sight.passed_steps <= cut;
        (sight.cell, if beyond { weight(sight.passed_steps) } else { 0.5 * weight(sight.ahead_steps) })
    };
    chart.sights(place, cut, cut).iter().map(prior).collect()
}
