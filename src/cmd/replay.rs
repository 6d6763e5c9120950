//! `pilotage replay`

use anyhow::Result;

use super::Outcome;
use crate::cli::ReplayArgs;
use crate::replay::{Overrides, replay};

pub(super) fn run(args: &ReplayArgs) -> Result<Outcome> {
    let overrides = Overrides { map: args.map.clone(), policy: args.policy.clone(), ort_lib: args.ort_lib.clone() };
    let report = replay(&args.recording, &overrides, |_| {})?;
    println!("replayed    {} ticks, {} control steps", report.ticks, report.controls);
    if let Some(truncated) = &report.truncated {
        println!("the file    {truncated}");
    }
    if let Some(hole) = &report.hole {
        println!("a hole      {hole} in the recording (a full queue?); nothing after it was compared");
    }
    if let Some(difference) = &report.difference {
        println!("DIFFERENT   first at {}: {}", difference.at, difference.field);
        println!("            recorded {}", difference.recorded);
        println!("            replayed {}", difference.replayed);
        return Ok(Outcome::Negative);
    }
    anyhow::ensure!(report.ticks > 0, "{} holds no tick: nothing was compared", args.recording.display());
    println!("the same    bit for bit{}", if report.hole.is_some() { ", up to there" } else { "" });
    let lost = report.hole.is_some() || report.truncated.is_some();
    Ok(if lost { Outcome::WithLosses } else { Outcome::Done })
}
