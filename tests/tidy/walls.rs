//! The walls of ARCHITECTURE.md: which word may stand where.

use crate::is_test_file;
use crate::source::{Source, has_crate, has_word};
use crate::tree::{Findings, files, under};

/// Words that may stand only behind a wall.
struct Wall {
    words: &'static [&'static str],
    /// Where the rule looks.
    scope: &'static [&'static str],
    /// Prefixes of paths where the words are at home.
    home: &'static [&'static str],
    /// The words are crates: tests may need a clock or a thread, but none of these.
    binds_tests: bool,
    reason: &'static str,
}

const WALLS: &[Wall] = &[
    Wall {
        words: &["ros2_client", "rustdds"],
        scope: &[""],
        home: &["src/ros"],
        binds_tests: true,
        reason: "only src/ros knows the ROS client: use what src/ros offers",
    },
    Wall {
        words: &["ort::", "use ort;", "rten::", "use rten;"],
        scope: &[""],
        home: &["src/policy"],
        binds_tests: true,
        reason: "only src/policy knows inference engines: use its `Policy` trait",
    },
    Wall {
        words: &["nokhwa"],
        scope: &[""],
        home: &["src/camera"],
        binds_tests: true,
        reason: "only src/camera knows the camera library: use its `FrameSource` trait",
    },
    Wall {
        words: &["petgraph"],
        scope: &[""],
        home: &["graph/"],
        binds_tests: true,
        reason: "only the graph crate knows petgraph: ask it for a method",
    },
    Wall {
        words: &["clap"],
        scope: &[""],
        home: &["src/cli", "src/main.rs"],
        binds_tests: true,
        reason: "only src/cli knows the command line (and main.rs, which parses it): hand on plain values",
    },
    Wall {
        words: &["Instant", "SystemTime"],
        scope: &["src/", "gate/src/", "graph/src/", "sim/src/"],
        home: &["src/runtime", "src/cmd/", "sim/src/bin/"],
        binds_tests: false,
        reason: "time is an argument: only src/runtime reads the clock (src/cmd may say how long the user waited)",
    },
    Wall {
        words: &["thread::spawn", "thread::Builder", "thread::scope", "thread::sleep"],
        scope: &["src/", "gate/src/", "graph/src/", "sim/src/"],
        home: &["src/runtime", "src/ros", "sim/src/bin/"],
        binds_tests: false,
        reason: "only src/runtime starts threads and sleeps (and src/ros where its executor must)",
    },
    Wall {
        words: &["mpsc::channel", "unbounded", "unbounded_channel"],
        scope: &["src/", "gate/src/", "graph/src/", "sim/src/"],
        home: &[],
        binds_tests: false,
        reason: "unbounded: use `sync_channel` and count what overflows, or a latest-value slot",
    },
    Wall {
        words: &["std::fs", "std::net", "std::env", "dyn Policy", "impl Policy", "println!", "tracing::"],
        scope: &["src/navigator", "src/control"],
        home: &[],
        binds_tests: false,
        reason: "the tick is pure: same inputs, same bits; give it the answer as an argument",
    },
    Wall {
        words: &["Vec", "Box", "String", "vec!", "format!", "std::fs", "std::net", "std::env", "unsafe"],
        scope: &["gate/src/"],
        home: &[],
        binds_tests: false,
        reason: "the gate allocates nothing and touches nothing: it must work when all else fails",
    },
];

/// The runtime's own crate may not be known to what it is built of.
const SMALL_CRATES: &[&str] = &["gate/Cargo.toml", "graph/Cargo.toml", "sim/Cargo.toml"];

#[test]
fn foreign_words_stay_behind_their_walls() {
    let mut findings = Findings::default();
    for wall in WALLS {
        for (path, text) in under(wall.scope, ".rs") {
            let at_home = wall.home.iter().any(|home| path.starts_with(home));
            let is_rule_itself = path.starts_with("tests/tidy/");
            if at_home || is_rule_itself || (!wall.binds_tests && is_test_file(path)) {
                continue;
            }
            let found = if wall.binds_tests { has_crate } else { has_word };
            let source = Source::new(text);
            for (line, code) in source.code.iter().enumerate() {
                if source.is_test[line] && !wall.binds_tests {
                    continue;
                }
                for word in wall.words.iter().filter(|word| found(code, word)) {
                    findings.at(path, line, &format!("`{word}`: {}", wall.reason));
                }
            }
        }
    }
    findings.none_allowed();
}

#[test]
fn every_wall_still_guards_something() {
    let mut findings = Findings::default();
    for wall in WALLS {
        for place in wall.scope.iter().chain(wall.home) {
            if !files().iter().any(|entry| entry.path.starts_with(place)) {
                findings.of(place, "a wall names this place, but it is gone: mend WALLS in tests/tidy/walls.rs");
            }
        }
    }
    findings.none_allowed();
}

#[test]
fn small_crates_do_not_know_the_runtime() {
    let mut findings = Findings::default();
    for (path, text) in under(SMALL_CRATES, ".toml") {
        for (line, _) in text.lines().enumerate().filter(|(_, line)| depends_on(line, "pilotage")) {
            findings.at(path, line, "depends on the runtime: the dependency goes the other way");
        }
    }
    findings.none_allowed();
}

#[test]
fn the_gate_has_no_dependencies() {
    let mut findings = Findings::default();
    for (path, text) in under(&["gate/Cargo.toml"], ".toml") {
        let mut in_dependencies = false;
        for (line, content) in text.lines().enumerate() {
            let content = content.trim();
            if content.starts_with('[') {
                in_dependencies = content.starts_with("[dependencies") || content.ends_with(".dependencies]");
                // `[dependencies.name]` is a dependency in itself.
                if in_dependencies && content != "[dependencies]" {
                    findings.at(path, line, "the last stop before the robot depends on nothing");
                }
            } else if in_dependencies && !content.is_empty() && !content.starts_with('#') {
                findings.at(path, line, "the last stop before the robot depends on nothing");
            }
        }
    }
    findings.none_allowed();
}

#[test]
fn the_clock_lint_is_off_only_at_the_edges() {
    const EDGES: &[&str] = &["src/runtime", "src/cmd/", "src/ros", "sim/src/bin/", "xtask/"];
    // Of any crate.
    const BESIDE: &[&str] = &["tests", "benches", "examples"];
    let mut findings = Findings::default();
    for (path, text) in under(&[""], ".rs") {
        if EDGES.iter().any(|edge| path.starts_with(edge)) || path.split('/').any(|part| BESIDE.contains(&part)) {
            continue;
        }
        for (line, code) in Source::new(text).program_lines() {
            if has_word(code, "disallowed_methods") {
                findings.at(path, line, "the walls of clippy.toml are switched off here: move the call to src/runtime");
            }
        }
    }
    findings.none_allowed();
}

/// Whether a manifest line is `name = ...` or `name.workspace = true`.
fn depends_on(line: &str, name: &str) -> bool {
    let rest = line.trim_start().strip_prefix(name);
    rest.is_some_and(|rest| rest.trim_start().starts_with(['=', '.']))
}
