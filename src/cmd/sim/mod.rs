//! `pilotage sim`: worlds, and the robots in them.

mod profile;
mod record;
#[cfg_attr(not(feature = "ros"), path = "run_without_ros.rs")]
mod run;

use anyhow::{Context as _, Result};
use pilotage_sim::{Robot, RobotKind, Split, WorldId};

use super::Outcome;
use crate::cli::SimCommand;
use crate::episode::Episode;

pub(super) fn dispatch(command: &SimCommand) -> Result<Outcome> {
    match command {
        SimCommand::Record(args) => record::record(args),
        SimCommand::Run(args) => run::run(args),
        SimCommand::Profile(args) => profile::write(args),
    }
}

/// Reads `test:7`.
pub(super) fn parse_world(text: &str) -> Result<WorldId> {
    let how = "write it as SPLIT:INDEX, e.g. test:7 (splits: train, validation, test)";
    let (split, index) = text.split_once(':').with_context(|| format!("{text:?} names no world; {how}"))?;
    let split = Split::from_name(split).with_context(|| format!("there is no split {split:?}; {how}"))?;
    let index = index.parse().with_context(|| format!("{index:?} is no index; {how}"))?;
    Ok(WorldId { split, index })
}

pub(super) fn episode_of(text: &str) -> Result<Episode> {
    episode_with(text, None)
}

/// The drive of a world with a kind of robot; with the one of the world's own choice where none is named.
fn episode_with(world: &str, kind: Option<&str>) -> Result<Episode> {
    let id = parse_world(world)?;
    Episode::of(id).with_context(|| {
        format!("world {world} offers no way that can be driven without touching something; try the next index")
    })
}

/// A robot in a line.
fn describe(robot: &Robot) -> String {
    let turns = if robot.min_turn_radius_m > 0.0 {
        format!("curves of {:.2} m and wider", robot.min_turn_radius_m)
    } else {
        "turns on the spot".into()
    };
    format!(
        "{}, radius {:.2} m, at most {:.2} m/s and {:.2} rad/s, {turns}",
        robot.kind.name(),
        robot.radius_m,
        robot.v_max_mps,
        robot.w_max_rps
    )
}
