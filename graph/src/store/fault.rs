//! Where a test can cut the power.

use std::io;

/// Counts the steps that change the disk; outside tests it does nothing.
#[derive(Debug, Default)]
pub(super) struct Fault {
    #[cfg(test)]
    steps: u32,
    #[cfg(test)]
    fails_at: Option<u32>,
}

impl Fault {
    /// Called before each step; from the set one on, nothing happens any more.
    #[cfg(not(test))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "the signature of the tests' version")]
    pub(super) fn step(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Whether the power is off: then nothing may be tidied up either.
    #[cfg(not(test))]
    #[allow(clippy::unused_self, reason = "the signature of the tests' version")]
    pub(super) fn is_off(&self) -> bool {
        false
    }

    #[cfg(test)]
    pub(super) fn at(step: u32) -> Self {
        Self { steps: 0, fails_at: Some(step) }
    }

    #[cfg(test)]
    pub(super) fn step(&mut self) -> io::Result<()> {
        self.steps += 1;
        if self.is_off() { Err(io::Error::other("power cut")) } else { Ok(()) }
    }

    #[cfg(test)]
    pub(super) fn is_off(&self) -> bool {
        self.fails_at.is_some_and(|at| self.steps >= at)
    }
}
