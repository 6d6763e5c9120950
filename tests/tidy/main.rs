//! The rules of the house that a compiler does not hold: ARCHITECTURE.md's walls, and tidiness.
//!
//! Every finding names the file, the line and what to do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod prose;
mod source;
mod tree;
mod walls;

use source::{Source, has_word};
use tree::{Findings, files, under};

/// Longest file wanted, and longest file at all, in lines.
const WANTED_LINES: usize = 400;
const MOST_LINES: usize = 600;

/// Files that may be longer than wanted, each with the reason why splitting would make it worse.
const LONG_FILES: &[(&str, &str)] = &[];

/// Largest file in git: what is larger belongs in the cache, built or fetched.
const MOST_BYTES: u64 = 9_000_000;

/// Crates whose code runs between camera and command.
const ONBOARD: &[&str] = &["src/", "gate/src/", "graph/src/"];

#[test]
fn files_stay_short_enough_to_read() {
    let mut findings = Findings::default();
    for (path, text) in under(&[""], ".rs").chain(under(&[""], ".py")) {
        let lines = text.lines().count();
        let listed = LONG_FILES.iter().any(|(long, _)| *long == path);
        if lines > MOST_LINES {
            findings.of(path, &format!("{lines} lines, {MOST_LINES} at most: split it by purpose"));
        } else if lines > WANTED_LINES && !listed {
            findings.of(
                path,
                &format!("{lines} lines, {WANTED_LINES} wanted: split it by purpose, or list it in tests/tidy/main.rs with a reason"),
            );
        } else if lines <= WANTED_LINES && listed {
            findings.of(path, "is short again: take it off the list in tests/tidy/main.rs");
        }
    }
    for (path, _) in LONG_FILES {
        if !files().iter().any(|entry| entry.path == *path) {
            findings.of(path, "is gone: take it off the list in tests/tidy/main.rs");
        }
    }
    findings.none_allowed();
}

#[test]
fn no_file_in_git_is_too_large() {
    let mut findings = Findings::default();
    for entry in files().iter().filter(|entry| entry.bytes > MOST_BYTES) {
        findings.of(
            &entry.path,
            &format!("{} bytes, {MOST_BYTES} at most: let xtask build or fetch it into the cache", entry.bytes),
        );
    }
    findings.none_allowed();
}

#[test]
fn every_source_file_says_its_purpose_first() {
    let mut findings = Findings::default();
    for (path, text) in under(&["src/", "gate/src/", "graph/src/", "sim/src/", "xtask/src/"], ".rs") {
        // `#![no_std]` and its like may stand above, and a crate may say it with its README.
        let says = |line: &str| line.starts_with("//!") || line.starts_with("#![doc");
        let above = |line: &&str| line.starts_with("#![") && !says(line);
        let first = text.lines().find(|line| !above(line));
        if !is_test_file(path) && !first.is_some_and(says) {
            findings.at(path, 0, "starts without `//!`: say in a line what the file is for");
        }
    }
    findings.none_allowed();
}

#[test]
fn nothing_onboard_panics_by_design() {
    const WORDS: &[&str] =
        &[".unwrap()", ".expect(", ".unwrap_err()", "panic!", "unreachable!", "todo!", "unimplemented!"];
    let mut findings = Findings::default();
    for (path, text) in under(ONBOARD, ".rs").filter(|(path, _)| !is_test_file(path)) {
        let source = Source::new(text);
        for (line, code) in source.program_lines() {
            for word in WORDS.iter().filter(|word| has_word(code, word)) {
                findings.at(
                    path,
                    line,
                    &format!("`{word}` outside tests: return an error, or give the value a type that cannot fail"),
                );
            }
        }
    }
    findings.none_allowed();
}

#[test]
fn lints_are_not_switched_off_where_they_matter() {
    const LINTS: &[&str] = &["unwrap_used", "expect_used", "clippy::panic", "clippy::todo"];
    let mut findings = Findings::default();
    for (path, text) in under(ONBOARD, ".rs").filter(|(path, _)| !is_test_file(path)) {
        for (line, code) in Source::new(text).program_lines() {
            let lint = LINTS.iter().find(|lint| has_word(code, lint));
            if let Some(lint) = lint.filter(|_| switches_off(code)) {
                findings.at(path, line, &format!("`{lint}` switched off: return an error instead"));
            }
        }
    }
    findings.none_allowed();
}

#[test]
fn test_names_are_sentences() {
    let mut findings = Findings::default();
    for (path, text) in under(&[""], ".rs") {
        let source = Source::new(text);
        let mut expects_name = false;
        for (line, code) in source.code.iter().enumerate() {
            expects_name |= code.trim_start().starts_with("#[test]");
            let Some(name) = test_name(code).filter(|_| expects_name) else {
                continue;
            };
            expects_name = false;
            if name.split('_').filter(|word| !word.is_empty()).count() < 3 {
                findings.at(
                    path,
                    line,
                    &format!("test `{name}`: name it after the rule it holds, in three words or more"),
                );
            }
        }
    }
    findings.none_allowed();
}

#[test]
fn no_test_is_ignored_or_expects_any_panic() {
    let mut findings = Findings::default();
    for (path, text) in under(&[""], ".rs") {
        for (line, code) in Source::new(text).code.iter().enumerate() {
            if code.trim_start().starts_with("#[ignore") {
                findings.at(
                    path,
                    line,
                    "an ignored test holds nothing: mend it, delete it, or let it say PILOTAGE-SKIP and why",
                );
            }
            if code.trim_start().starts_with("#[should_panic") {
                findings.at(path, line, "any panic would pass: return an error and check which");
            }
        }
    }
    findings.none_allowed();
}

/// `cfg_attr(test, ...)` is for tests only.
fn switches_off(code: &str) -> bool {
    (code.contains("allow(") || code.contains("expect(")) && !code.contains("cfg_attr(test,")
}

/// Unit tests in a file of their own, and integration tests.
fn is_test_file(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/")
}

fn test_name(code: &str) -> Option<&str> {
    let rest = code.trim_start().strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}
