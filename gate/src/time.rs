//! Time as an argument: the gate has no clock of its own.

/// A moment on the robot's monotonic clock, in nanoseconds since an arbitrary start.
///
/// It never comes from a wall clock, a camera's clock or a message header: those may step, and a
/// step must change nothing but a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(pub u64);

impl Monotonic {
    /// Nanoseconds from `earlier` to this moment; `None` when `earlier` is in fact later.
    #[must_use]
    pub const fn ns_since(self, earlier: Self) -> Option<u64> {
        self.0.checked_sub(earlier.0)
    }
}

/// Seconds of a span given in nanoseconds.
pub(crate) fn seconds(span_ns: u64) -> f64 {
    // Exact up to 104 days (2^53 ns); beyond that the error stays below one part in 10^15.
    span_ns as f64 * 1e-9
}
