//! `--name value` pairs.

use std::collections::BTreeMap;
use std::str::FromStr;

use pilotage_sim::{RobotKind, Split};

/// The words after the command, by name.
pub(crate) struct Arguments {
    values: BTreeMap<String, String>,
}

impl Arguments {
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut values = BTreeMap::new();
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else {
                return Err(format!("`{word}` was not expected; options are written `--name value`"));
            };
            let value = words.next_if(|next| !next.starts_with("--")).unwrap_or_default();
            values.insert(name.to_owned(), value);
        }
        Ok(Self { values })
    }

    pub(crate) fn flag(&mut self, name: &str) -> bool {
        self.values.remove(name).is_some()
    }

    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)
    }

    pub(crate) fn number<T: FromStr>(&mut self, name: &str, default: T) -> Result<T, String> {
        match self.values.remove(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| format!("--{name} `{text}` is not a number of the right kind")),
        }
    }

    pub(crate) fn split(&mut self, default: Split) -> Result<Split, String> {
        match self.values.remove("split") {
            None => Ok(default),
            Some(text) => Split::from_name(&text).ok_or(format!("--split `{text}` is none of train, validation, test")),
        }
    }

    /// Kinds of robots, by name with commas between; the training kinds where nothing is said.
    pub(crate) fn robots(&mut self) -> Result<Vec<RobotKind>, String> {
        let Some(text) = self.values.remove("robots") else {
            return Ok(RobotKind::TRAINING.to_vec());
        };
        let known: Vec<&str> = RobotKind::ALL.iter().map(|kind| kind.name()).collect();
        text.split(',')
            .map(|name| {
                RobotKind::from_name(name.trim())
                    .ok_or_else(|| format!("--robots: `{name}` is none of {}", known.join(", ")))
            })
            .collect()
    }

    pub(crate) fn finish(self) -> Result<(), String> {
        match self.values.keys().next() {
            None => Ok(()),
            Some(name) => Err(format!("unknown option --{name}; run `pilotage-sim-data help`")),
        }
    }
}
