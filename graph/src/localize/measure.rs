//! How well each cell explains the answers.

use super::belief::Scratch;
use super::chart::{Chart, Place};
use super::reach::Sight;
use super::{LocalizerConfig, MAX_DISTANCE_STEPS};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Up to here a place counts as reached, not passed: the model's "0" is about that blunt.
const AT_STEPS: f32 = 0.5;
/// Just passed: the model may still say "here" or already "gone".
pub(super) const PASSED_STEPS: f32 = 2.5;
/// Sights of so many places are kept; beyond, all are forgotten and made again, with the same bits.
const MOST_CACHED: usize = 16_384;

/// The sights of places asked about lately.
#[derive(Debug, Clone, Default)]
pub(super) struct SightCache {
    known: BTreeMap<Place, Arc<[Sight]>>,
}

impl SightCache {
    pub(super) fn get(&mut self, chart: &Chart, place: Place) -> Arc<[Sight]> {
        if self.known.len() >= MOST_CACHED && !self.known.contains_key(&place) {
            self.known.clear();
        }
        let make = || chart.sights(place, MAX_DISTANCE_STEPS, PASSED_STEPS).into();
        Arc::clone(self.known.entry(place).or_insert_with(make))
    }
}

/// The probability density of an answer, given where a cell sees the place.
pub(super) struct Likelihood {
    outlier: f64,
    inlier_share: f64,
    noise_steps: f64,
    noise_per_step: f64,
}

impl Likelihood {
    pub(super) fn new(config: &LocalizerConfig) -> Self {
        let share = f64::from(config.outlier_share);
        Self {
            outlier: share / f64::from(MAX_DISTANCE_STEPS),
            inlier_share: 1.0 - share,
            noise_steps: f64::from(config.noise_steps),
            noise_per_step: f64::from(config.noise_per_step),
        }
    }

    fn laplace(&self, answer: f64, expected: f64) -> f64 {
        let scale = self.noise_steps + self.noise_per_step * expected.max(0.0);
        (-(answer - expected).abs() / scale).exp() / (2.0 * scale)
    }

    /// The logarithm of the likelihood of an answer at a cell that cannot see the place.
    pub(super) fn log_unseen(&self, answer: f64) -> f64 {
        self.log_mixed(self.laplace(answer, f64::from(MAX_DISTANCE_STEPS)))
    }

    /// The same at a cell with this sight of it.
    pub(super) fn log_seen(&self, answer: f64, sight: &Sight) -> f64 {
        let ahead = f64::from(sight.ahead_steps.min(MAX_DISTANCE_STEPS));
        let density = if sight.passed_steps <= AT_STEPS {
            self.laplace(answer, -f64::from(sight.passed_steps))
        } else if sight.passed_steps < PASSED_STEPS {
            0.5 * self.laplace(answer, ahead) + 0.5 * self.laplace(answer, 0.0)
        } else {
            self.laplace(answer, ahead)
        };
        self.log_mixed(density)
    }

    fn log_mixed(&self, density: f64) -> f64 {
        (self.inlier_share * density + self.outlier).ln()
    }
}

/// Adds to `scratch`, for every cell that sees the place, what the answer makes of it against a cell that does not:
/// cells out of sight are right by 0, so a tick costs what is in sight.
pub(super) fn weigh(sights: &[Sight], answer_steps: f32, power: f64, likelihood: &Likelihood, scratch: &mut Scratch) {
    let answer = f64::from(answer_steps);
    let unseen = likelihood.log_unseen(answer);
    for sight in sights {
        scratch.add(sight.cell, power * (likelihood.log_seen(answer, sight) - unseen));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_fits_best_where_it_is_true() {
        let likelihood = Likelihood::new(&LocalizerConfig::default());
        let from = |ahead_steps| Sight { cell: 0, ahead_steps, passed_steps: f32::INFINITY };
        for truth in [0.5, 3.0, 9.0] {
            for wrong in [truth + 3.0, truth + 8.0] {
                let at = |steps| likelihood.log_seen(f64::from(truth), &from(steps));
                assert!(at(truth) > at(wrong), "{truth} against {wrong}");
                assert!(at(truth) > likelihood.log_unseen(f64::from(truth)));
            }
        }
    }

    #[test]
    fn just_past_a_place_both_here_and_gone_are_believed() {
        let likelihood = Likelihood::new(&LocalizerConfig::default());
        let passed = Sight { cell: 0, ahead_steps: 20.0, passed_steps: 1.5 };
        let middle = likelihood.log_seen(9.0, &passed);
        assert!(likelihood.log_seen(0.5, &passed) > middle + 1.0);
        assert!(likelihood.log_seen(20.0, &passed) > middle + 1.0);
    }
}
