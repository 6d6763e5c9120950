//! What is written for people: documents, cards, records, and words that must not stand anywhere.

use crate::tree::{Findings, files, root, under};

#[test]
fn every_section_of_the_architecture_has_an_invariant() {
    let mut findings = Findings::default();
    let path = "ARCHITECTURE.md";
    let Some((_, text)) = under(&[path], path).next() else {
        panic!("{path} is missing: it says what may never cross a wall");
    };
    let sections = sections(text);
    assert!(!sections.is_empty(), "{path} has no section (`## `)");
    for (line, title, body) in sections {
        if !body.contains("Invariant") {
            findings.at(path, line, &format!("section {title:?} has no line `**Invariant:** ...`"));
        }
    }
    findings.none_allowed();
}

#[test]
fn the_changelog_has_a_place_for_the_next_release() {
    let path = "CHANGELOG.md";
    let Some((_, text)) = under(&[path], path).next() else {
        panic!("{path} is missing: one line for every change a user can see");
    };
    let has_heading = text.lines().any(|line| line.starts_with("## ") && line.contains("Unreleased"));
    assert!(has_heading, "{path}: no heading `## Unreleased` to put the next line under");
}

#[test]
fn every_model_has_its_card() {
    let mut findings = Findings::default();
    // What makes a folder a model is its manifest; scripts and golden values need no card.
    let folders = under(&["models/"], "/manifest.toml")
        .filter_map(|(path, _)| path.strip_suffix("manifest.toml"))
        .map(|folder| format!("{folder}README.md"))
        .collect::<Vec<_>>();
    for card in folders {
        if !files().iter().any(|entry| entry.path == card) {
            findings.of(&card, "is missing: a model needs a card (what, from which data, how good, licence)");
        }
    }
    findings.none_allowed();
}

#[test]
fn decision_records_are_numbered_and_dated() {
    let mut findings = Findings::default();
    for (index, (path, text)) in under(&["docs/adr/"], ".md").enumerate() {
        let wanted = format!("docs/adr/{:04}-", index + 1);
        if !path.starts_with(&wanted) {
            findings.of(path, &format!("records are numbered without gaps, expected {wanted}..."));
        }
        if !text.lines().any(|line| line.starts_with("Date: 20")) {
            findings.of(path, "has no line `Date: YYYY-MM-DD`");
        }
    }
    findings.none_allowed();
}

#[test]
fn notes_to_do_name_their_issue() {
    // In two halves, or this file would break its own rule.
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X"].concat()];
    let mut findings = Findings::default();
    for (path, text) in readable() {
        for (line, content) in text.lines().enumerate() {
            for mark in &marks {
                let mut places = content.match_indices(mark.as_str());
                if places.any(|(at, _)| is_bare_mark(content, at, mark)) {
                    findings.at(path, line, &format!("{mark} without an issue: write {mark}(#12), or do it now"));
                }
            }
        }
    }
    findings.none_allowed();
}

#[test]
fn no_package_registry_is_named() {
    // In pieces, or this file would break its own rule.
    let hosts = [
        ["crates", ".io"].concat(),
        ["py", "pi.org"].concat(),
        ["python", "hosted.org"].concat(),
        ["npm", "js.org"].concat(),
        ["npm", "js.com"].concat(),
        ["ana", "conda.org"].concat(),
        ["deb.", "debian.org"].concat(),
        ["archive.", "ubuntu.com"].concat(),
    ];
    let mut findings = Findings::default();
    // cargo writes its registry into the lock file itself.
    for (path, text) in readable().filter(|(path, _)| !path.ends_with("Cargo.lock")) {
        for (line, content) in text.lines().enumerate() {
            for host in hosts.iter().filter(|host| content.contains(host.as_str())) {
                findings.at(path, line, &format!("names {host}: fetch by package name; the machine knows where from"));
            }
        }
    }
    findings.none_allowed();
}

#[test]
fn launch_files_use_options_that_exist() {
    let command_line = under(&["src/cli"], ".rs").map(|(_, text)| text).collect::<String>();
    assert!(!command_line.is_empty(), "src/cli.rs is missing in {}", root().display());
    let launchers = under(&["launch/"], ".py").chain(under(&["launch/"], ".service"));
    let mut findings = Findings::default();
    for (path, text) in launchers {
        for (line, content) in text.lines().enumerate() {
            for option in long_options(content) {
                let field = option.replace('-', "_");
                if !command_line.contains(option) && !command_line.contains(&field) {
                    findings.at(path, line, &format!("--{option} is no option of the program; see src/cli.rs"));
                }
            }
        }
    }
    findings.none_allowed();
}

/// Text files, without the texts of others.
fn readable() -> impl Iterator<Item = (&'static str, &'static str)> {
    under(&[""], "").filter(|(path, _)| !path.starts_with("LICENSE"))
}

/// `## ` sections: line from zero, title, body.
fn sections(text: &str) -> Vec<(usize, &str, String)> {
    let mut sections: Vec<(usize, &str, String)> = Vec::new();
    for (line, content) in text.lines().enumerate() {
        if let Some(title) = content.strip_prefix("## ") {
            sections.push((line, title, String::new()));
        } else if let Some((_, _, body)) = sections.last_mut() {
            body.push_str(content);
            body.push('\n');
        }
    }
    sections
}

/// Whether the mark stands as a word of its own without an issue number behind it.
fn is_bare_mark(line: &str, at: usize, mark: &str) -> bool {
    let before = line[..at].chars().next_back();
    let after = &line[at + mark.len()..];
    let inside_word = |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if inside_word(before) || inside_word(after.chars().next()) {
        return false;
    }
    let number = after.strip_prefix("(#").and_then(|rest| rest.split(')').next());
    number.is_none_or(|number| number.parse::<u32>().is_err())
}

/// The names of `--long` options quoted or standing alone in a line, ROS's own left out.
fn long_options(line: &str) -> Vec<&str> {
    let words = line.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '=' | '[' | ']'));
    let options = words.filter_map(|word| word.strip_prefix("--"));
    options.filter(|option| !option.is_empty() && *option != "ros-args").collect()
}
