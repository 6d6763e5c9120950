//! `pilotage sim`: worlds, and the robots in them.

mod profile;
mod record;
#[cfg_attr(not(feature = "ros"), path = "run_without_ros.rs")]
mod run;

use anyhow::{Context as _, Result};
#[cfg(feature = "ros")]
use pilotage_sim::{Camera, Projection};
use pilotage_sim::{Robot, RobotKind, Split, WorldId};

use super::Outcome;
use crate::cli::{SimCommand, SimRobotArgs};
use crate::episode::{Episode, EpisodeSpec};

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
    Episode::of(parse_world(text)?).with_context(|| no_way(text))
}

/// The drive of a world with a kind of robot; with the one of the world's own choice where none is named.
fn episode_with(args: &SimRobotArgs) -> Result<Episode> {
    let world = &args.world;
    let id = parse_world(world)?;
    let Some(name) = &args.robot else {
        return Episode::of(id).with_context(|| no_way(world));
    };
    let names = || RobotKind::ALL.map(RobotKind::name).join(", ");
    let kind = RobotKind::from_name(name).with_context(|| format!("there is no robot {name:?}, but {}", names()))?;
    let spec = EpisodeSpec { kind: Some(kind), ..EpisodeSpec::plain(id) };
    Episode::new(spec).with_context(|| format!("{} for the robot {name}", no_way(world)))
}

fn no_way(world: &str) -> String {
    format!("world {world} offers no way that can be driven without touching something; try the next index")
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

/// Whether the lens is one that ROS has a model for: straight lines stay straight.
#[cfg(feature = "ros")]
fn has_plain_lens(camera: &Camera) -> bool {
    camera.projection == Projection::Pinhole && camera.distortion.abs() < 1e-9
}
