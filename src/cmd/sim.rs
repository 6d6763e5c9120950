//! `pilotage sim`

use std::fs;

use anyhow::{Context as _, Result};
use pilotage_sim::{Split, WorldId};

use super::{Outcome, refuse_existing};
use crate::cli::SimRecordArgs;
use crate::episode::{Episode, LOG_RATE_HZ};
use crate::export::{Pose, TrajData};
use crate::ingest::LogReader as _;

/// Reads `test:7`.
pub(super) fn parse_world(text: &str) -> Result<WorldId> {
    let how = "write it as SPLIT:INDEX, e.g. test:7 (splits: train, validation, test)";
    let (split, index) = text.split_once(':').with_context(|| format!("{text:?} names no world; {how}"))?;
    let split = Split::from_name(split).with_context(|| format!("there is no split {split:?}; {how}"))?;
    let index = index.parse().with_context(|| format!("{index:?} is no index; {how}"))?;
    Ok(WorldId { split, index })
}

pub(super) fn episode_of(text: &str) -> Result<Episode> {
    let id = parse_world(text)?;
    Episode::of(id).with_context(|| {
        format!("world {text} offers no way that can be driven without touching something; try the next index")
    })
}

pub(super) fn record(args: &SimRecordArgs) -> Result<Outcome> {
    refuse_existing(&args.output, "give another folder")?;
    let episode = episode_of(&args.world)?;
    fs::create_dir_all(&args.output).with_context(|| format!("cannot make {}", args.output.display()))?;
    let mut log = episode.log();
    let mut frames = 0;
    while let Some(frame) = log.next()? {
        let picture = &frame.picture;
        let path = args.output.join(format!("frame_{frames:05}.png"));
        image::save_buffer(&path, picture.rgb(), picture.width(), picture.height(), image::ExtendedColorType::Rgb8)
            .with_context(|| format!("cannot write {}", path.display()))?;
        frames += 1;
    }
    let pose = |step: &pilotage_sim::TeleopStep| {
        let at = step.pose;
        Pose { x_m: at.x_m, y_m: at.y_m, yaw_rad: at.yaw_rad }
    };
    // Exact poses, one a picture, for `export dataset`.
    let poses: Vec<Pose> = episode.teleop.iter().take(frames).map(pose).collect();
    TrajData::new(Some(LOG_RATE_HZ), &poses).write(&args.output)?;
    println!("recorded    {frames} frames at {LOG_RATE_HZ} Hz into {}", args.output.display());
    println!("next        pilotage map build {} --hz {LOG_RATE_HZ} -o MAP", args.output.display());
    println!("then        pilotage run MAP --goal LAST --start 0 --sim {}", args.world);
    Ok(Outcome::Done)
}
