//! What a peer wrote down of a robot: lines of JSON, each with its kind, and how to read them.

use std::time::Duration;

use serde_json::Value;

use crate::peers::Peer;

/// What a peer wrote down.
pub(crate) struct Notes(Vec<Value>);

impl Notes {
    pub(crate) fn of(peer: &Peer) -> Self {
        Self(peer.records(usize::MAX, Duration::from_secs(50)))
    }

    pub(crate) fn kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |note| note["kind"] == kind)
    }

    /// When a step of the plan began, on the peer's clock.
    pub(crate) fn step(&self, number: &Value) -> i64 {
        let step = self.kind("step").find(|step| step["number"] == *number);
        step.unwrap_or_else(|| panic!("no step {number}"))["t_ns"].as_i64().unwrap()
    }

    /// The last note of a kind received before a time; the first one where none was.
    pub(crate) fn last_before(&self, kind: &str, t_ns: i64) -> &Value {
        let before = |note: &&Value| note["kind"] == kind && note["t_ns"].as_i64().unwrap() <= t_ns;
        let first = || self.0.iter().find(|note| note["kind"] == kind);
        self.0.iter().rfind(before).or_else(first).unwrap_or_else(|| panic!("no {kind} at all"))
    }
}

/// The number behind a word in what the program said.
pub(crate) fn after(text: &str, word: &str) -> f64 {
    let behind = text.split(word).nth(1).unwrap_or_else(|| panic!("no {word:?} in {text}"));
    behind.split(' ').next().unwrap().parse().unwrap()
}

pub(crate) fn number(note: &Value, field: &str) -> f64 {
    note[field].as_f64().unwrap_or_else(|| panic!("{field} in {note}"))
}

/// Metres and radians between two readings of the odometry.
pub(crate) fn moved(from: &Value, to: &Value) -> (f64, f64) {
    let way = (number(to, "x") - number(from, "x")).hypot(number(to, "y") - number(from, "y"));
    let turn = number(to, "yaw") - number(from, "yaw");
    (way, turn.sin().atan2(turn.cos()))
}

pub(crate) fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

pub(crate) fn ranges(scan: &Value) -> Vec<f64> {
    scan["ranges"].as_array().unwrap().iter().map(|r| r.as_f64().unwrap_or(f64::INFINITY)).collect()
}
