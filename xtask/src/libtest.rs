//! Counting tests from what libtest prints under `--show-output`.

use std::collections::BTreeSet;

/// What a test prints that could not run here: `PILOTAGE-SKIP: <test>: <reason>`.
const SKIP: &str = "PILOTAGE-SKIP:";

/// The counts of one `cargo test`, over all its binaries.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    /// Names of failed tests, in the order of their appearance.
    pub failures: Vec<String>,
    /// `test: reason` of every test that said it was skipped.
    pub skips: Vec<String>,
}

/// Reads line by line.
#[derive(Default)]
pub struct Reader {
    counts: Counts,
    /// A test may say more than once why it is skipped; it is one test. Names are unique in a binary only.
    skips_of_binary: BTreeSet<String>,
    /// A binary that announced its tests and gave no result has crashed.
    running: bool,
}

impl Reader {
    /// Takes the next line of `cargo test`'s standard output.
    pub fn line(&mut self, line: &str) {
        let line = line.trim();
        // Anywhere in the line: with one thread it may follow the `test name ... ` that libtest began.
        if let Some((_, skip)) = line.split_once(SKIP) {
            let skip = skip.trim();
            let test = skip.split(": ").next().unwrap_or(skip);
            if self.skips_of_binary.insert(test.to_owned()) {
                self.counts.skips.push(skip.to_owned());
            }
        } else if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED")) {
            self.counts.failures.push(name.to_owned());
        } else if line.starts_with("running ") && (line.ends_with(" tests") || line.ends_with(" test")) {
            self.binary_ended_without_result();
            self.running = true;
        } else if let Some(result) = line.strip_prefix("test result: ") {
            self.result(result);
        }
    }

    fn result(&mut self, result: &str) {
        let mut passed = 0;
        let mut words = result.split([' ', ';', '.']).filter(|word| !word.is_empty()).peekable();
        while let Some(word) = words.next() {
            let Ok(count) = word.parse::<usize>() else {
                continue;
            };
            match words.peek().copied() {
                Some("passed") => passed = count,
                Some("failed") => self.counts.failed += count,
                Some("ignored") => self.counts.skipped += count,
                _ => {}
            }
        }
        // For libtest a skipped test has passed.
        let skipped = self.skips_of_binary.len().min(passed);
        self.counts.passed += passed - skipped;
        self.counts.skipped += skipped;
        self.skips_of_binary.clear();
        self.running = false;
    }

    fn binary_ended_without_result(&mut self) {
        if self.running {
            self.counts.failed += 1;
            self.counts.failures.push("a test binary that ended without a result".to_owned());
            self.skips_of_binary.clear();
        }
        self.running = false;
    }

    /// The counts, given whether cargo itself reported success: what failed to build is a failure too.
    pub fn finish(mut self, success: bool) -> Counts {
        self.binary_ended_without_result();
        if !success && self.counts.failed == 0 {
            self.counts.failed = 1;
            self.counts.failures.push("cargo test (see above; most likely something does not compile)".to_owned());
        }
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Reader};

    fn check(output: &str, success: bool) -> Counts {
        let mut reader = Reader::default();
        output.lines().for_each(|line| reader.line(line));
        reader.finish(success)
    }

    #[test]
    fn counts_add_up_over_binaries() {
        let counts = check(
            "running 3 tests\n\
             test a ... ok\n\
             test b::c ... FAILED\n\
             test d ... ignored, slow\n\
             test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.31s\n\
             running 1 test\n\
             test e ... ok\n\
             test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
            false,
        );
        assert_eq!((counts.passed, counts.failed, counts.skipped), (2, 1, 1));
        assert_eq!(counts.failures, ["b::c"]);
    }

    #[test]
    fn a_test_that_says_skip_moves_from_passed_to_skipped_once() {
        let counts = check(
            "running 2 tests\n\
             successes:\n\
             ---- peer stdout ----\n\
             test peer ... PILOTAGE-SKIP: peer: no rclpy\n\
             PILOTAGE-SKIP: peer: no rclpy, said again\n\
             test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
            true,
        );
        assert_eq!((counts.passed, counts.failed, counts.skipped), (1, 0, 1));
        assert_eq!(counts.skips, ["peer: no rclpy"]);
    }

    #[test]
    fn a_binary_that_dies_is_a_failure() {
        let counts =
            check("running 2 tests\ntest a ... ok\nrunning 0 tests\ntest result: ok. 0 passed; 0 failed\n", false);
        assert_eq!((counts.passed, counts.failed), (0, 1));
    }

    #[test]
    fn a_build_that_fails_is_a_failure() {
        assert_eq!(check("", false).failed, 1);
    }

    #[test]
    fn a_printed_number_is_not_a_result() {
        let counts = check("42 passed; 3 failed\ntest result without colon 5 passed\n", true);
        assert_eq!(counts, Counts::default());
    }
}
