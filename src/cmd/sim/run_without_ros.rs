//! `pilotage sim run` in a program that was built without ROS.

use anyhow::Result;

use crate::cli::SimRunArgs;
use crate::cmd::Outcome;

pub(super) fn run(_: &SimRunArgs) -> Result<Outcome> {
    anyhow::bail!(
        "this program was built without ROS (feature `ros`), and `sim run` is nothing else; build with the feature"
    )
}
