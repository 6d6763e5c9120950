//! `pilotage sim profile`: the profile of a simulated robot, for a `pilotage run` that only hears of it by ROS.

use std::fs;

use anyhow::{Context as _, Result};

use super::{describe, episode_with};
use crate::cli::SimProfileArgs;
use crate::cmd::{Outcome, refuse_existing};

pub(super) fn write(args: &SimProfileArgs) -> Result<Outcome> {
    refuse_existing(&args.output, "give another file name")?;
    let episode = episode_with(&args.robot)?;
    // The picture's size and rate are its sender's business.
    let text = toml::to_string(&episode.profile).context("the profile cannot be written as TOML")?;
    fs::write(&args.output, text).with_context(|| format!("cannot write {}", args.output.display()))?;
    println!("robot       {}", describe(&episode.robot));
    println!("profile     {}", args.output.display());
    Ok(Outcome::Done)
}
