//! The gate (stub until the gate helper's work lands).

/// Nanoseconds on our monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Monotonic(pub u64);
