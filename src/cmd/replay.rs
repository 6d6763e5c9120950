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
    if report.ticks_without_frames > 0 {
        println!("left out    {} ticks whose frames were not recorded", report.ticks_without_frames);
    }
    if let Some(difference) = &report.difference {
        println!("DIFFERENT   first at {}: {}", difference.at, difference.field);
        println!("            recorded {}", difference.recorded);
        println!("            replayed {}", difference.replayed);
        return Ok(Outcome::Negative);
    }
    anyhow::ensure!(report.ticks > 0, "{} holds no tick: nothing was compared", args.recording.display());
    println!("the same    bit for bit");
    let lost = report.ticks_without_frames > 0 || report.truncated.is_some();
    Ok(if lost { Outcome::WithLosses } else { Outcome::Done })
}
