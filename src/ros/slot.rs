//! A place for the latest value: a newer one takes the place of one that nobody took.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Joins a thread that produces to one that wants only the newest.
pub(super) struct Slot<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    latest: Option<T>,
    ended: Option<String>,
}

/// What [`Slot::take`] found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken<T> {
    /// The newest value.
    Value(T),
    /// Nothing new came in time.
    Nothing,
    /// Nothing will ever come again, and why.
    Ended(String),
}

impl<T> Slot<T> {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State { latest: None, ended: None }), changed: Condvar::new() }
    }

    /// Puts a value in; whether it took the place of one that nobody took.
    pub(super) fn put(&self, value: T) -> bool {
        let replaced = self.lock().latest.replace(value).is_some();
        self.changed.notify_all();
        replaced
    }

    /// Says that nothing will come again; the first reason stays.
    pub(super) fn end(&self, reason: &str) {
        self.lock().ended.get_or_insert_with(|| reason.to_owned());
        self.changed.notify_all();
    }

    /// Waits for a value; one that is there comes before the end.
    pub(super) fn take(&self, wait: Duration) -> Taken<T> {
        let waiting = |state: &mut State<T>| state.latest.is_none() && state.ended.is_none();
        let (mut state, _) =
            self.changed.wait_timeout_while(self.lock(), wait, waiting).unwrap_or_else(PoisonError::into_inner);
        match (state.latest.take(), &state.ended) {
            (Some(value), _) => Taken::Value(value),
            (None, Some(reason)) => Taken::Ended(reason.clone()),
            (None, None) => Taken::Nothing,
        }
    }

    // A panic elsewhere cannot leave two plain fields half written.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // Tests may start threads.
mod tests {
    use std::sync::Arc;

    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    #[test]
    fn only_the_newest_value_is_taken_and_only_once() {
        let slot = Slot::new();
        assert!(!slot.put(1));
        assert!(slot.put(2));
        assert_eq!(slot.take(SOON), Taken::Value(2));
        assert_eq!(slot.take(SOON), Taken::Nothing);
    }

    #[test]
    fn a_value_is_handed_over_before_the_end_is_told() {
        let slot = Slot::new();
        slot.put(1);
        slot.end("first");
        slot.end("second");
        assert_eq!(slot.take(SOON), Taken::Value(1));
        assert_eq!(slot.take(SOON), Taken::Ended("first".into()));
        assert_eq!(slot.take(SOON), Taken::Ended("first".into()));
    }

    #[test]
    fn a_value_ends_the_wait_early() {
        let slot = Arc::new(Slot::new());
        let putting = {
            let slot = Arc::clone(&slot);
            std::thread::spawn(move || slot.put(5))
        };
        // Far more than the test may take: it passes only because the value wakes the taker.
        assert_eq!(slot.take(Duration::from_secs(3600)), Taken::Value(5));
        putting.join().unwrap();
    }
}
