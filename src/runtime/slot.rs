//! A place for the newest value: writing never waits, reading may.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Holds the newest value that nobody has taken yet. A value that is overwritten unread is counted.
#[derive(Debug)]
pub struct Slot<T> {
    inner: Mutex<Inner<T>>,
    filled: Condvar,
}

#[derive(Debug)]
struct Inner<T> {
    value: Option<T>,
    overwritten: u64,
    closed: bool,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { inner: Mutex::new(Inner { value: None, overwritten: 0, closed: false }), filled: Condvar::new() }
    }
}

impl<T> Slot<T> {
    /// Puts a value in, over one that was not taken.
    pub fn put(&self, value: T) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.value.replace(value).is_some() {
            inner.overwritten += 1;
        }
        drop(inner);
        self.filled.notify_one();
    }

    /// Takes the value out, waiting for one at most `wait`; `None` when none came or the slot is closed.
    pub fn take(&self, wait: Duration) -> Option<T> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut inner, _) = self
            .filled
            .wait_timeout_while(inner, wait, |inner| inner.value.is_none() && !inner.closed)
            .unwrap_or_else(PoisonError::into_inner);
        inner.value.take()
    }

    /// Wakes everybody who waits; nothing will be put in any more.
    pub fn close(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.filled.notify_all();
    }

    /// Whether [`Slot::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).closed
    }

    /// How many values were overwritten before anybody took them.
    pub fn overwritten(&self) -> u64 {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).overwritten
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // Tests may start threads.
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_value_is_kept_and_the_rest_is_counted() {
        let slot = Slot::default();
        slot.put(1);
        slot.put(2);
        assert_eq!(slot.take(Duration::ZERO), Some(2));
        assert_eq!(slot.take(Duration::ZERO), None);
        assert_eq!(slot.overwritten(), 1);
    }

    #[test]
    fn closing_wakes_a_waiting_reader() {
        let slot = Slot::<u8>::default();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| slot.take(Duration::from_secs(30)));
            slot.close();
            assert_eq!(reader.join().unwrap(), None);
        });
    }
}
