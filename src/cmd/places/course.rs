//! Recall on a recorded closed course: a map of lap one, questions from lap two, the truth from a table.

use std::path::Path;

use anyhow::{Context as _, Result};
use pilotage_sim::{GreyQuestion, GreyWindow};

use super::super::Outcome;
use super::super::assess::read_truth;
use super::BEST;
use super::score::{self, Count, Hits, best};
use crate::cli::RecallArgs;
use crate::frame::RawFrame;
use crate::ingest::{self, LogOptions};
use crate::policy::{self, ModelImage, PlaceDescriber, PlaceIndex};

/// Neighbouring frames show nearly the same; so many count as one unit of the interval.
const FRAMES_A_UNIT: u64 = 20;

struct Seen {
    frame: u64,
    picture: ModelImage,
}

pub(super) fn run(
    args: &RecallArgs,
    describer: &mut PlaceDescriber,
    log: &Path,
    truth: &Path,
    lap: u64,
) -> Result<Outcome> {
    let truth = read_truth(truth)?;
    let first_question = truth.keys().next().copied().unwrap_or(0);
    anyhow::ensure!(lap > 0 && first_question > 0, "--lap {lap}: the table has no frame after the first lap");
    let mut reader = ingest::open(log, &LogOptions::default())?;
    let (width, height) = (describer.spec().width, describer.spec().height);
    let seen = |frame: RawFrame| -> Result<Seen> {
        Ok(Seen { frame: frame.seq, picture: policy::resize_to(&frame.picture, width, height)? })
    };
    let (mut places, mut questions) = (Vec::new(), Vec::new());
    while let Some(frame) = reader.next().with_context(|| format!("cannot read {}", log.display()))? {
        if truth.contains_key(&frame.seq) {
            questions.push(seen(frame)?);
        } else if frame.seq < lap.min(first_question) && frame.seq.is_multiple_of(args.every) {
            places.push(seen(frame)?);
        }
    }
    anyhow::ensure!(!places.is_empty() && !questions.is_empty(), "the log holds no frame of lap one or of the table");
    let mut index = PlaceIndex::default();
    for place in &places {
        index.push(&describer.describe(&place.picture)?)?;
    }
    let templates: Vec<GreyWindow> = places.iter().map(|place| GreyWindow::of(&place.picture.rgb)).collect();
    let templates: Vec<&GreyWindow> = templates.iter().collect();
    let mut units: [Vec<Count>; 2] = [Vec::new(), Vec::new()];
    let mut unit = None;
    for question in &questions {
        let Some(&at) = truth.get(&question.frame) else { continue };
        let right = |node: usize| {
            places.get(node).is_some_and(|place| around(place.frame as f64, at, lap as f64) <= args.within as f64)
        };
        if unit.replace(question.frame / FRAMES_A_UNIT) != Some(question.frame / FRAMES_A_UNIT) {
            units.iter_mut().for_each(|counts| counts.push(Count::default()));
        }
        let found = index.search(&describer.describe(&question.picture)?, BEST)?;
        let found: Vec<usize> = found.iter().map(|found| found.index).collect();
        let likeness = GreyQuestion::of(&question.picture.rgb).likeness(&templates);
        for (counts, answers) in units.iter_mut().zip([found, best(&likeness, BEST)]) {
            if let Some(count) = counts.last_mut() {
                count.add(Hits::of(&answers, right));
            }
        }
    }
    println!(
        "log         {}: {} places of lap one, {} questions of lap two; right within {} frames",
        log.display(),
        places.len(),
        questions.len(),
        args.within
    );
    println!();
    println!("{:<48}{:>18}{:>18}", "", "recall@1", "recall@5");
    for (name, counts) in ["descriptor", "image correlation"].into_iter().zip(&units) {
        println!("{name:<48}{:>18}{:>18}", score::share(counts, |c| c.first), score::share(counts, |c| c.among));
    }
    println!();
    println!("after +-    half the 95 % interval, {FRAMES_A_UNIT} frames counted as one unit");
    Ok(Outcome::Done)
}

/// Frames between two places of the course, the short way round.
fn around(a: f64, b: f64, lap: f64) -> f64 {
    let ahead = (a - b).rem_euclid(lap);
    ahead.min(lap - ahead)
}

#[cfg(test)]
mod tests {
    use super::around;

    #[test]
    fn the_way_round_the_course_is_the_short_one() {
        for (a, b, wanted) in [(3.0, 480.0, 8.0), (480.0, 3.0, 8.0), (100.0, 90.0, 10.0), (0.0, 242.5, 242.5)] {
            assert!((around(a, b, 485.0) - wanted).abs() < 1e-9, "{a} {b}");
        }
    }
}
