//! Finished episodes: as JSON lines to go on from, and as a table for spreadsheets.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::plan::Method;
use crate::episode::Outcome;

/// One episode with all its methods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Finished {
    pub(super) index: u64,
    /// `None`: left out, because no robot can be driven through without touching something.
    pub(super) episode: Option<Facts>,
}

/// What is common to all methods, and their outcomes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) world: String,
    pub(super) family: String,
    pub(super) robot: String,
    /// Whether training may know this kind of robot.
    pub(super) seen: bool,
    pub(super) teleop_s: f64,
    pub(super) taught_m: f64,
    pub(super) cruise_mps: f64,
    pub(super) places: usize,
    pub(super) outcomes: Vec<(Method, Outcome)>,
}

impl Facts {
    pub(super) fn of(&self, method: Method) -> Option<&Outcome> {
        self.outcomes.iter().find(|(own, _)| *own == method).map(|(_, outcome)| outcome)
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    run: String,
}

/// Where finished episodes are kept as they come.
pub(super) struct Journal(Mutex<Option<File>>);

impl Journal {
    /// Opens (or begins) a file of finished episodes, and gives what is in it.
    pub(super) fn open(path: Option<&Path>, key: &str) -> Result<(Self, Vec<Finished>)> {
        let Some(path) = path else { return Ok((Self(Mutex::new(None)), Vec::new())) };
        let because = || format!("cannot use {}", path.display());
        let mut finished = Vec::new();
        let mut good_bytes = 0;
        if path.exists() {
            let mut reader = BufReader::new(File::open(path).with_context(because)?);
            let mut line = String::new();
            let mut first = true;
            while reader.read_line(&mut line).with_context(because)? > 0 {
                // A line that was cut by a kill is driven again.
                if line.ends_with('\n') {
                    if first {
                        let header: Header = serde_json::from_str(&line)
                            .with_context(|| format!("{} holds no finished episodes", path.display()))?;
                        anyhow::ensure!(
                            header.run == key,
                            "{} is of another run ({}); give a new file",
                            path.display(),
                            header.run
                        );
                    } else {
                        let row = serde_json::from_str(&line);
                        finished.push(row.with_context(|| format!("{}: a damaged line", path.display()))?);
                    }
                    good_bytes += line.len() as u64;
                    first = false;
                }
                line.clear();
            }
        }
        let mut file = OpenOptions::new().create(true).append(true).open(path).with_context(because)?;
        file.set_len(good_bytes).with_context(because)?;
        if good_bytes == 0 {
            let header = serde_json::to_string(&Header { run: key.to_owned() })?;
            writeln!(file, "{header}").with_context(because)?;
        }
        Ok((Self(Mutex::new(Some(file))), finished))
    }

    pub(super) fn add(&self, finished: &Finished) -> Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = file.as_mut() {
            let line = serde_json::to_string(finished)?;
            writeln!(file, "{line}").context("cannot keep a finished episode")?;
        }
        Ok(())
    }
}

/// Writes a row for each episode and method.
pub(super) fn write_csv(path: &Path, rows: &[&Facts]) -> Result<()> {
    let because = || format!("cannot write {}", path.display());
    let mut file = std::io::BufWriter::new(File::create_new(path).with_context(because)?);
    writeln!(
        file,
        "world,family,robot,seen,method,success,arrived,declared,contacts,cause,cause_s,lateral_m,heading_rad,\
         belief_error_steps,worst_lateral_m,nearest_goal_m,least_room_m,error_m,progress,driven_m,taught_m,spl,stops,\
         time_ratio,teleop_s,cruise_mps,places,ticks,lost_ticks,end_phase"
    )
    .with_context(because)?;
    for facts in rows {
        for (method, o) in &facts.outcomes {
            let seen = u8::from(facts.seen);
            let belief = o.belief_error_steps.map_or(String::new(), |steps| format!("{steps:.2}"));
            writeln!(
                file,
                "{},{},{},{seen},{},{},{},{},{},{},{:.2},{:.3},{:.3},{belief},{:.3},{:.3},{:.3},{:.3},{:.3},{:.2},\
                 {:.2},{:.3},{},{:.3},{:.2},{:.2},{},{},{},{}",
                facts.world,
                facts.family,
                facts.robot,
                method.name(),
                u8::from(o.success),
                u8::from(o.arrived),
                u8::from(o.declared),
                o.touches,
                o.cause.name(),
                o.cause_s,
                o.lateral_m,
                o.heading_rad,
                o.worst_lateral_m,
                o.nearest_goal_m,
                o.least_room_m,
                o.error_m,
                o.progress,
                o.driven_m,
                facts.taught_m,
                o.spl,
                o.stops,
                o.time_ratio,
                facts.teleop_s,
                facts.cruise_mps,
                facts.places,
                o.ticks,
                o.lost_ticks,
                o.end_phase.as_deref().unwrap_or("")
            )
            .with_context(because)?;
        }
    }
    file.flush().with_context(because)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_goes_on_after_a_cut_line_and_refuses_another_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        let row = |index| Finished { index, episode: None };
        let (journal, none) = Journal::open(Some(&path), "a").unwrap();
        assert!(none.is_empty());
        journal.add(&row(3)).unwrap();
        journal.add(&row(5)).unwrap();
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 4]).unwrap();
        let (journal, rows) = Journal::open(Some(&path), "a").unwrap();
        assert_eq!(rows, [row(3)]);
        journal.add(&row(5)).unwrap();
        drop(journal);
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        let error = Journal::open(Some(&path), "b").err().unwrap().to_string();
        assert!(error.contains("another run"), "{error}");
    }
}
