//! The context: the last frames at the model's own rate, whatever the camera's rate.
//!
//! The models learned from frames 0.25 s apart; a stack filled at camera rate shows them a motion that
//! never happened. The sampler picks frames nearest to a grid of the model's period. A gap
//! longer than [`GAP_PERIODS`] periods empties the context: frames from before a hole are not a motion either.

use std::collections::VecDeque;

use crate::frame::Monotonic;
use crate::policy::ModelImage;

/// A hole of more than this many periods between two sampled frames empties the context.
pub const GAP_PERIODS: f64 = 1.6;

/// One frame of the context, as the model sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ContextFrame {
    /// The frame's sequence number at its source.
    pub seq: u64,
    /// When the picture was taken, on our clock.
    pub evidence_at: Monotonic,
    /// The picture at the model's size.
    pub image: ModelImage,
}

/// Whether a frame belongs into the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Not yet: the next grid point is nearer to a later frame.
    No,
    /// Take it.
    Yes,
    /// Take it; the frames before it are gone, since there was a hole or time went backwards.
    YesAfterGap,
}

/// The last frames at the model's rate.
#[derive(Clone, Debug)]
pub struct Context {
    capacity: usize,
    period_ns: u64,
    gap_ns: u64,
    frames: VecDeque<ContextFrame>,
    /// The grid point that the next sample should be nearest to.
    due_ns: Option<u64>,
    previous_offer_ns: Option<u64>,
    offer_gap_ns: u64,
    gaps: u64,
}

impl Context {
    /// A context of `capacity` frames sampled at `rate_hz` (both positive; checked by the manifest).
    #[must_use]
    pub fn new(capacity: usize, rate_hz: f64) -> Self {
        let period_s = if rate_hz > 0.0 { 1.0 / rate_hz } else { 0.25 };
        Self {
            capacity: capacity.max(1),
            period_ns: (period_s * 1e9).round() as u64,
            gap_ns: (period_s * GAP_PERIODS * 1e9).round() as u64,
            frames: VecDeque::with_capacity(capacity.max(1)),
            due_ns: None,
            previous_offer_ns: None,
            offer_gap_ns: 0,
            gaps: 0,
        }
    }

    /// Offers a frame by its time; call [`Context::push`] when the answer is not [`Due::No`].
    pub fn offer(&mut self, evidence_at: Monotonic) -> Due {
        let t = evidence_at.0;
        if let Some(previous) = self.previous_offer_ns {
            // The source's own period, as last seen: half of it is how far a frame may lie before the grid.
            self.offer_gap_ns = t.saturating_sub(previous).min(self.period_ns);
        }
        let went_back = self.previous_offer_ns.is_some_and(|previous| t < previous);
        self.previous_offer_ns = Some(t);
        let last = self.frames.back().map(|frame| frame.evidence_at.0);
        match (self.due_ns, last) {
            (Some(due), Some(last)) if !went_back => {
                if t.saturating_sub(last) > self.gap_ns {
                    Due::YesAfterGap
                } else if t + self.offer_gap_ns / 2 >= due {
                    Due::Yes
                } else {
                    Due::No
                }
            }
            (None, None) => Due::Yes,
            _ => Due::YesAfterGap,
        }
    }

    /// Takes a frame in after [`Context::offer`] said so.
    pub fn push(&mut self, frame: ContextFrame, due: Due) {
        let t = frame.evidence_at.0;
        if due == Due::YesAfterGap {
            self.frames.clear();
            self.due_ns = None;
            self.gaps += 1;
        }
        while self.frames.len() >= self.capacity {
            self.frames.pop_front();
        }
        self.frames.push_back(frame);
        // Stay on the grid while the frames lie near it; a source slower than the model moves the grid along.
        let next = self.due_ns.map_or(t, |due| due) + self.period_ns;
        self.due_ns =
            Some(if next.abs_diff(t + self.period_ns) > self.period_ns / 2 { t + self.period_ns } else { next });
    }

    /// The frames, oldest first.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = &ContextFrame> {
        self.frames.iter()
    }

    /// Whether there are as many frames as the model wants.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.frames.len() == self.capacity
    }

    /// Frames in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// How often a hole emptied it.
    #[must_use]
    pub fn gaps(&self) -> u64 {
        self.gaps
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn frame(seq: u64, t_ns: u64) -> ContextFrame {
        let image = ModelImage { width: 1, height: 1, rgb: Arc::from([0_u8; 3].as_slice()) };
        ContextFrame { seq, evidence_at: Monotonic(t_ns), image }
    }

    fn sample(rate_hz: f64, times_s: impl Iterator<Item = f64>) -> (Vec<f64>, Context) {
        let mut context = Context::new(6, rate_hz);
        let mut taken = Vec::new();
        for (seq, t) in times_s.enumerate() {
            let t_ns = (t * 1e9) as u64;
            let due = context.offer(Monotonic(t_ns));
            if due != Due::No {
                taken.push(t);
                context.push(frame(seq as u64, t_ns), due);
            }
        }
        (taken, context)
    }

    #[test]
    fn the_context_is_sampled_at_the_model_rate_whatever_the_source_rate() {
        for camera_hz in [4.0, 5.0, 7.0, 9.0, 10.0, 15.0, 20.0, 24.0, 29.97, 30.0, 60.0, 120.0] {
            let (taken, context) = sample(4.0, (0..(camera_hz * 60.0) as usize).map(|i| 1.0 + i as f64 / camera_hz));
            let mean = (taken[taken.len() - 1] - taken[0]) / (taken.len() - 1) as f64;
            assert!((mean - 0.25).abs() < 0.002, "{camera_hz} Hz gave a mean spacing of {mean} s");
            for pair in taken.windows(2) {
                let spacing = pair[1] - pair[0];
                assert!(
                    (spacing - 0.25).abs() <= 0.5 / camera_hz + 0.5 / camera_hz + 1e-6,
                    "{camera_hz} Hz gave {spacing} s"
                );
            }
            assert_eq!(context.gaps(), 0, "{camera_hz} Hz");
            assert!(context.is_full());
        }
    }

    #[test]
    fn a_jittery_camera_keeps_the_grid_without_a_gap() {
        let times = (0..2000).map(|i| i as f64 / 30.0 + 0.012 * ((i * 7919 % 13) as f64 / 13.0));
        let (taken, context) = sample(4.0, times);
        assert_eq!(context.gaps(), 0);
        let mean = (taken[taken.len() - 1] - taken[0]) / (taken.len() - 1) as f64;
        assert!((mean - 0.25).abs() < 0.002, "{mean}");
    }

    #[test]
    fn a_gap_empties_the_context() {
        let before = (0..40).map(|i| i as f64 * 0.05);
        let after = (0..3).map(|i| 2.5 + i as f64 * 0.05);
        let (_, context) = sample(4.0, before.chain(after));
        assert_eq!(context.gaps(), 1);
        assert_eq!(context.len(), 1);
    }

    #[test]
    fn time_that_goes_backwards_empties_the_context() {
        let (_, context) = sample(4.0, [10.0, 10.25, 10.5, 3.0].into_iter());
        assert_eq!((context.len(), context.gaps()), (1, 1));
    }

    #[test]
    fn a_source_slower_than_the_gap_never_fills_the_context() {
        let (_, context) = sample(4.0, (0..100).map(f64::from));
        assert!(!context.is_full());
    }
}
