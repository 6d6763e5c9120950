//! `pilotage sim record`: a drive as a folder of pictures.

use std::fs;

use anyhow::{Context as _, Result};

use super::{describe, episode_with};
use crate::cli::SimRecordArgs;
use crate::cmd::{Outcome, refuse_existing};
use crate::episode::LOG_RATE_HZ;
use crate::export::{Pose, TrajData};
use crate::ingest::LogReader as _;

pub(super) fn record(args: &SimRecordArgs) -> Result<Outcome> {
    refuse_existing(&args.output, "give another folder")?;
    let episode = episode_with(&args.robot)?;
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
    println!("robot       {}", describe(&episode.robot));
    println!("recorded    {frames} frames at {LOG_RATE_HZ} Hz into {}", args.output.display());
    println!("next        pilotage map build {} --hz {LOG_RATE_HZ} -o MAP", args.output.display());
    match &args.robot.robot {
        None => println!("then        pilotage run MAP --goal LAST --start 0 --sim {}", args.robot.world),
        Some(kind) => println!("then        pilotage sim run {} --robot {kind}", args.robot.world),
    }
    Ok(Outcome::Done)
}
