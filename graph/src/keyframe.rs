//! Which frames of a drive become places.
//!
//! The distance is asked forwards, from the context that ended at the last kept frame to the new frame. Not time but
//! distance decides, so a robot that waited at a door has not filled the map with doors.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How far apart places shall lie. All in policy steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyframeRule {
    /// Keep a frame once the predicted distance reaches this; default 2.5.
    pub spacing_steps: f32,
    /// Keep a frame once this much was driven, whatever the policy says; default 5.
    pub max_gap_steps: f32,
    /// Keep none before this much was driven: someone walking past a standing robot makes it look far away. Default 0.5.
    pub min_driven_steps: f32,
}

impl Default for KeyframeRule {
    fn default() -> Self {
        Self { spacing_steps: 2.5, max_gap_steps: 5.0, min_driven_steps: 0.5 }
    }
}

/// A rule that cannot be followed.
#[derive(Debug, Clone, PartialEq, Error)]
#[error(
    "keyframe rule: {min_driven_steps} <= {spacing_steps} <= {max_gap_steps} must hold for min_driven_steps, \
     spacing_steps and max_gap_steps, all finite, the first at least 0 and the second above 0"
)]
pub struct KeyframeRuleError {
    spacing_steps: f32,
    max_gap_steps: f32,
    min_driven_steps: f32,
}

/// What to do with a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// The first frame of the drive: keep it; no edge leads to it.
    First,
    /// Keep it, with an edge of this cost from the last kept frame.
    Keep {
        /// Temporal distance from the last kept frame in steps: what was driven where that is known, else what was predicted.
        cost_steps: f32,
        /// Whether only the driven distance asked for it; the policy may not see from one to the other.
        forced: bool,
    },
    /// Let it go.
    Skip,
}

/// Follows one drive; see the module's text.
#[derive(Debug, Clone)]
pub struct Keyframer {
    rule: KeyframeRule,
    started: bool,
    /// The last three finite answers since the last kept frame, oldest first.
    answers: [f32; 3],
    answered: usize,
}

impl Keyframer {
    /// Starts a drive.
    ///
    /// # Errors
    /// [`KeyframeRuleError`] when the rule's numbers are out of order or not finite.
    pub fn new(rule: KeyframeRule) -> Result<Self, KeyframeRuleError> {
        let KeyframeRule { spacing_steps, max_gap_steps, min_driven_steps } = rule;
        let good = spacing_steps > 0.0
            && min_driven_steps >= 0.0
            && min_driven_steps <= spacing_steps
            && spacing_steps <= max_gap_steps
            && max_gap_steps.is_finite();
        if good {
            Ok(Self { rule, started: false, answers: [0.0; 3], answered: 0 })
        } else {
            Err(KeyframeRuleError { spacing_steps, max_gap_steps, min_driven_steps })
        }
    }

    /// Judges the next candidate frame.
    ///
    /// `predicted_steps`: the policy's distance from the last kept frame's context to this frame; not finite when there
    /// is no answer. `driven_steps`: what was driven since the last kept frame; not finite when nobody knows.
    /// After [`Verdict::First`] and [`Verdict::Keep`] this frame is the last kept one.
    pub fn offer(&mut self, predicted_steps: f32, driven_steps: f32) -> Verdict {
        if !self.started {
            self.started = true;
            return Verdict::First;
        }
        if predicted_steps.is_finite() {
            self.answers.rotate_left(1);
            if let Some(last) = self.answers.last_mut() {
                *last = predicted_steps;
            }
            self.answered = (self.answered + 1).min(self.answers.len());
        }
        let driven = driven_steps.is_finite().then_some(driven_steps);
        if driven.is_some_and(|driven| driven < self.rule.min_driven_steps) {
            // What was answered while standing says nothing of the way that follows.
            self.answered = 0;
            return Verdict::Skip;
        }
        let forced = driven.is_some_and(|driven| driven >= self.rule.max_gap_steps);
        let far = self.median().filter(|&median| median >= self.rule.spacing_steps);
        if far.is_none() && !forced {
            return Verdict::Skip;
        }
        self.answered = 0;
        let cost_steps = driven.filter(|&driven| driven > 0.0).or(far).unwrap_or(self.rule.spacing_steps);
        Verdict::Keep { cost_steps, forced: far.is_none() }
    }

    /// The (lower) median of the answers so far; one answer alone is not believed.
    fn median(&self) -> Option<f32> {
        let mut sorted = self.answers;
        match self.answered {
            0 | 1 => None,
            2 => {
                let [_, a, b] = sorted;
                Some(a.min(b))
            }
            _ => {
                sorted.sort_by(f32::total_cmp);
                let [_, middle, _] = sorted;
                Some(middle)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drive(frames: impl IntoIterator<Item = (f32, f32)>) -> Vec<usize> {
        // Each frame: (predicted distance per driven step, steps driven since the frame before).
        let mut picker = Keyframer::new(KeyframeRule::default()).unwrap();
        let (mut since, mut kept) = (0.0, Vec::new());
        for (index, (factor, driven)) in frames.into_iter().enumerate() {
            since += driven;
            if picker.offer(factor * since, since) != Verdict::Skip {
                kept.push(index);
                since = 0.0;
            }
        }
        kept
    }

    #[test]
    fn places_lie_about_the_spacing_apart_on_a_plain_drive() {
        let kept = drive((0..400).map(|_| (1.0, 0.25)));
        assert_eq!(kept.first(), Some(&0));
        for pair in kept.windows(2) {
            let gap = (pair[1] - pair[0]) as f32 * 0.25;
            assert!((2.5..=3.0).contains(&gap), "{gap} steps");
        }
    }

    #[test]
    fn a_robot_that_stands_still_adds_none() {
        let mut picker = Keyframer::new(KeyframeRule::default()).unwrap();
        assert_eq!(picker.offer(0.0, 0.0), Verdict::First);
        for tick in 0..2400 {
            let passer_by = if tick % 7 < 4 { 20.0 } else { 0.3 };
            assert_eq!(picker.offer(passer_by, 0.0), Verdict::Skip);
        }
        // What the passers-by did must not count once it drives on.
        assert_eq!(picker.offer(0.8, 0.8), Verdict::Skip);
    }

    #[test]
    fn no_gap_grows_beyond_the_limit_when_the_policy_is_silent() {
        for silent in [f32::NAN, f32::INFINITY, 0.0] {
            let kept = drive((0..200).map(|_| (silent, 0.5)));
            assert!(kept.windows(2).all(|pair| pair[1] - pair[0] == 10), "{kept:?}");
            assert_eq!(kept.len(), 20);
        }
    }

    #[test]
    fn one_wild_answer_keeps_nothing() {
        for wild in [20.0, f32::NAN] {
            let mut picker = Keyframer::new(KeyframeRule::default()).unwrap();
            picker.offer(0.0, 0.0);
            for (predicted, driven) in [(wild, 0.6), (0.7, 0.7), (0.8, 0.8), (wild, 0.9), (1.0, 1.0), (1.1, 1.1)] {
                assert_eq!(picker.offer(predicted, driven), Verdict::Skip);
            }
        }
    }

    #[test]
    fn without_odometry_the_prediction_alone_decides() {
        let mut picker = Keyframer::new(KeyframeRule::default()).unwrap();
        picker.offer(f32::NAN, f32::NAN);
        assert_eq!(picker.offer(3.0, f32::NAN), Verdict::Skip);
        assert_eq!(picker.offer(3.5, f32::NAN), Verdict::Keep { cost_steps: 3.0, forced: false });
    }

    #[test]
    fn a_rule_out_of_order_is_refused() {
        let good = KeyframeRule::default();
        for rule in [
            KeyframeRule { spacing_steps: 0.0, ..good },
            KeyframeRule { spacing_steps: f32::NAN, ..good },
            KeyframeRule { max_gap_steps: 1.0, ..good },
            KeyframeRule { max_gap_steps: f32::INFINITY, ..good },
            KeyframeRule { min_driven_steps: -1.0, ..good },
        ] {
            assert!(Keyframer::new(rule).is_err(), "{rule:?}");
        }
    }
}
