//! The commands that were sent lately, and where they took the robot.

use pilotage_gate::Monotonic;

use super::Motion;

/// Enough for half a second, the oldest picture the gate accepts, at 256 different commands a
/// second.
const CAPACITY: usize = 128;

#[derive(Clone, Copy, Debug)]
struct Sent {
    at: Monotonic,
    linear_mps: f32,
    angular_rps: f32,
}

/// A ring of commands, each in force from its moment to that of the next.
#[derive(Clone, Debug)]
pub(super) struct History {
    ring: [Sent; CAPACITY],
    /// Index of the oldest.
    first: usize,
    len: usize,
    /// Whether commands before the oldest one are unknown; otherwise the robot stood.
    forgot: bool,
}

impl History {
    pub(super) const fn new() -> Self {
        const EMPTY: Sent = Sent { at: Monotonic(0), linear_mps: 0.0, angular_rps: 0.0 };
        Self { ring: [EMPTY; CAPACITY], first: 0, len: 0, forgot: false }
    }

    pub(super) fn push(&mut self, at: Monotonic, linear_mps: f32, angular_rps: f32) {
        if let Some(newest) = self.oldest_first().last() {
            if at < newest.at {
                // Spans between stamps of a broken clock mean nothing.
                self.len = 0;
                self.forgot = true;
            } else if same(newest, linear_mps, angular_rps) {
                return;
            }
        }
        if self.len == CAPACITY {
            self.first = (self.first + 1) % CAPACITY;
            self.len -= 1;
            self.forgot = true;
        }
        if let Some(slot) = self.ring.get_mut((self.first + self.len) % CAPACITY) {
            *slot = Sent { at, linear_mps, angular_rps };
            self.len += 1;
        }
    }

    /// `None` when `since` lies before what is remembered.
    pub(super) fn motion(&self, since: Monotonic, now: Monotonic) -> Option<Motion> {
        let oldest = self.oldest_first().next().map(|sent| sent.at);
        if self.forgot && oldest.is_none_or(|oldest| since < oldest) {
            return None;
        }
        let ends = self.oldest_first().skip(1).map(|sent| sent.at).chain([now]);
        let mut motion = Motion::NONE;
        for (sent, end) in self.oldest_first().zip(ends) {
            let begin = sent.at.max(since);
            if let Some(span_ns) = end.min(now).ns_since(begin) {
                motion = motion.driven(sent.linear_mps.into(), sent.angular_rps.into(), span_ns as f64 * 1e-9);
            }
        }
        Some(motion)
    }

    fn oldest_first(&self) -> impl DoubleEndedIterator<Item = &Sent> {
        (0..self.len).filter_map(|offset| self.ring.get((self.first + offset) % CAPACITY))
    }
}

fn same(sent: &Sent, linear_mps: f32, angular_rps: f32) -> bool {
    sent.linear_mps.to_bits() == linear_mps.to_bits() && sent.angular_rps.to_bits() == angular_rps.to_bits()
}
