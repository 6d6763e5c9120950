//! How old a picture is, whatever the source's clock says.
//!
//! Age is reckoned on our monotonic clock: the time since receipt, plus the transit above the
//! fastest lately seen, plus the camera's own latency from the profile. A frame that took 300 ms
//! longer than its fellows is 300 ms older; how far the two clocks are apart in absolute terms does
//! not matter. A source clock that steps back shows as stamps that do not advance: it is rebased at once, with one
//! warning. A step smaller than a frame's period cannot be told from a delay and counts as age, for a minute at most.
//! A real delay is never rebased away.

use std::collections::VecDeque;

use crate::frame::{Monotonic, SourceStamp};

/// Stamps and receipts may disagree by this much from frame to frame before it counts as a step.
const STEP_NS: i64 = 100_000_000;
/// Offsets older than this no longer count as "lately"; it bounds the harm of slow drift.
const WINDOW_NS: u64 = 60_000_000_000;
/// The window is kept as minima of slots of this length.
const SLOT_NS: u64 = 1_000_000_000;

/// Something worth one warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockEvent {
    /// The source's clock stepped by this many nanoseconds (positive: forwards).
    Stepped {
        /// Size of the step.
        by_ns: i64,
    },
}

/// Reckons capture times on our clock for one source.
#[derive(Clone, Debug)]
pub struct AgeReckoner {
    latency_ns: u64,
    /// (slot number, smallest receipt minus capture in it), oldest first.
    minima: VecDeque<(u64, i64)>,
    previous: Option<(SourceStamp, Monotonic)>,
}

impl AgeReckoner {
    /// `latency_ns`: what the camera needs from exposure to stamp, from the robot's profile.
    #[must_use]
    pub fn new(latency_ns: u64) -> Self {
        Self { latency_ns, minima: VecDeque::new(), previous: None }
    }

    /// When the picture was taken, on our clock; never later than `received`.
    pub fn reckon(&mut self, captured: SourceStamp, received: Monotonic) -> (Monotonic, Option<ClockEvent>) {
        let offset = offset_ns(captured, received);
        let event = self.step_since_previous(captured, received);
        if let Some(ClockEvent::Stepped { by_ns }) = event {
            for (_, minimum) in &mut self.minima {
                *minimum = minimum.saturating_sub(by_ns);
            }
        }
        self.previous = Some((captured, received));
        self.remember(received, offset);
        let fastest = self.minima.iter().map(|&(_, minimum)| minimum).min().unwrap_or(offset);
        let above_fastest = u64::try_from(offset.saturating_sub(fastest)).unwrap_or(0);
        let evidence_ns = received.0.saturating_sub(above_fastest).saturating_sub(self.latency_ns);
        (Monotonic(evidence_ns), event)
    }

    /// A step backwards shows as stamps that do not advance: no delay can do that. A step forwards shows as stamps that
    /// run ahead of the receipts. Stamps that advance less than the receipts do are always age, be the lag one
    /// frame's or a slow link's that grows with every frame.
    fn step_since_previous(&mut self, captured: SourceStamp, received: Monotonic) -> Option<ClockEvent> {
        let (last_captured, last_received) = self.previous?;
        let receipt_gap = i64::try_from(received.0.saturating_sub(last_received.0)).unwrap_or(i64::MAX);
        let stamp_gap = captured.0.saturating_sub(last_captured.0);
        let by_ns = stamp_gap.saturating_sub(receipt_gap);
        if stamp_gap <= 0 && by_ns < -STEP_NS {
            return Some(ClockEvent::Stepped { by_ns });
        }
        // After a delay the stamps catch up: the offset only comes back to one that was seen before.
        let offset = offset_ns(captured, received);
        let caught_up = self.minima.iter().any(|&(_, minimum)| minimum <= offset.saturating_add(STEP_NS));
        (by_ns > STEP_NS && !caught_up).then_some(ClockEvent::Stepped { by_ns })
    }

    fn remember(&mut self, received: Monotonic, offset: i64) {
        let slot = received.0 / SLOT_NS;
        match self.minima.back_mut() {
            Some((last, minimum)) if *last == slot => *minimum = (*minimum).min(offset),
            _ => self.minima.push_back((slot, offset)),
        }
        let oldest_kept = slot.saturating_sub(WINDOW_NS / SLOT_NS);
        while self.minima.front().is_some_and(|&(first, _)| first < oldest_kept) {
            self.minima.pop_front();
        }
    }
}

fn offset_ns(captured: SourceStamp, received: Monotonic) -> i64 {
    i64::try_from(received.0).unwrap_or(i64::MAX).saturating_sub(captured.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn feed(reckoner: &mut AgeReckoner, captured_ms: i64, received_ms: i64) -> (i64, Option<ClockEvent>) {
        let received = Monotonic((received_ms * MS) as u64);
        let (evidence, event) = reckoner.reckon(SourceStamp(captured_ms * MS), received);
        ((received.0 - evidence.0) as i64 / MS, event)
    }

    #[test]
    fn a_constant_clock_offset_does_not_age_a_frame() {
        let mut reckoner = AgeReckoner::new(0);
        for i in 0..50 {
            assert_eq!(feed(&mut reckoner, i * 50 + 1_000_000, i * 50 + 7), (0, None));
        }
    }

    #[test]
    fn a_late_frame_is_as_old_as_its_extra_transit() {
        let mut reckoner = AgeReckoner::new(20_000_000);
        for i in 0..20 {
            assert_eq!(feed(&mut reckoner, i * 50, 1000 + i * 50).0, 20);
        }
        // 300 ms of silence, then the delayed frame and its followers in a burst.
        assert_eq!(feed(&mut reckoner, 20 * 50, 1000 + 20 * 50 + 300), (320, None));
        assert_eq!(feed(&mut reckoner, 21 * 50, 1000 + 20 * 50 + 301).0, 20 + 251);
    }

    #[test]
    fn a_clock_step_costs_one_warning_and_no_age() {
        for step_ms in [-5_000, 3_600_000] {
            let mut reckoner = AgeReckoner::new(0);
            for i in 0..20 {
                feed(&mut reckoner, i * 50, 1000 + i * 50);
            }
            let (age, event) = feed(&mut reckoner, 20 * 50 + step_ms, 1000 + 20 * 50);
            assert_eq!(age, 0);
            assert_eq!(event, Some(ClockEvent::Stepped { by_ns: step_ms * MS }));
            assert_eq!(feed(&mut reckoner, 21 * 50 + step_ms, 1000 + 21 * 50), (0, None));
        }
    }

    #[test]
    fn a_lasting_delay_is_not_mistaken_for_a_clock_step() {
        let mut reckoner = AgeReckoner::new(0);
        for i in 0..20 {
            feed(&mut reckoner, i * 50, 1000 + i * 50);
        }
        for i in 20..200 {
            let (age, event) = feed(&mut reckoner, i * 50, 1000 + i * 50 + 600);
            assert_eq!((age, event), (600, None), "frame {i}");
        }
    }

    #[test]
    fn a_link_slower_than_its_camera_ages_every_frame() {
        for (stamps_ms, receipts_ms) in [(250, 370), (100, 210), (50, 155), (50, 60)] {
            let mut reckoner = AgeReckoner::new(0);
            for i in 0..50 {
                let (age, event) = feed(&mut reckoner, i * stamps_ms, 1000 + i * receipts_ms);
                assert_eq!((age, event), (i * (receipts_ms - stamps_ms), None), "{stamps_ms} ms in {receipts_ms} ms");
            }
        }
    }

    #[test]
    fn a_slow_drift_never_ages_a_frame_beyond_its_window() {
        let mut reckoner = AgeReckoner::new(0);
        for i in 0..20_000_i64 {
            // 100 ppm: the source's clock runs slow by 6 ms a minute.
            let received = 1000 + i * 50;
            let captured = i * 50 - i * 50 / 10_000;
            assert!(feed(&mut reckoner, captured, received).0 <= 7);
        }
    }
}
