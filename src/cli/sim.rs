//! The command line of `pilotage sim`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `pilotage sim`.
#[derive(Debug, Subcommand)]
pub enum SimCommand {
    /// Drive a simulated robot once through a world and write what its camera saw as an image folder.
    Record(SimRecordArgs),
    /// Put a simulated robot on the ROS 2 graph of this computer: camera, range finder, odometry; it obeys `cmd_vel`.
    Run(SimRunArgs),
    /// Write the profile of a simulated robot, for `pilotage run --profile`.
    Profile(SimProfileArgs),
}

/// Which simulated robot in which world.
#[derive(Debug, Args)]
pub struct SimRobotArgs {
    /// The world, e.g. test:7.
    pub world: String,
    /// The kind of robot (compact, tall, wide-view, car, legged, rover, hauler, strider); the world's own choice if
    /// left out.
    #[arg(long, value_name = "KIND")]
    pub robot: Option<String>,
}

/// `pilotage sim record`.
#[derive(Debug, Args)]
pub struct SimRecordArgs {
    /// Robot and world.
    #[command(flatten)]
    pub robot: SimRobotArgs,
    /// The folder; must not exist yet.
    #[arg(long, short, value_name = "FOLDER")]
    pub output: PathBuf,
}

/// `pilotage sim profile`.
#[derive(Debug, Args)]
pub struct SimProfileArgs {
    /// Robot and world.
    #[command(flatten)]
    pub robot: SimRobotArgs,
    /// The file; must not exist yet.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
}

/// `pilotage sim run`.
#[derive(Debug, Args)]
pub struct SimRunArgs {
    /// Robot and world.
    #[command(flatten)]
    pub robot: SimRobotArgs,
    /// People who walk about and are on no map.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub people: usize,
    /// Pictures a second, 0.5 to 100.
    #[arg(long, default_value_t = 20.0, value_name = "HZ", value_parser = parse_rate)]
    pub rate: f64,
    /// Size of the pictures.
    #[arg(long, default_value = "160x120", value_name = "WxH", value_parser = parse_size)]
    pub size: (u32, u32),
    /// How bad the camera is: 0 perfect, 1 a cheap one (exposure, noise, blur, flicker).
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    pub flaws: f64,
    /// Decides noise, slip, flaws and people.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The simulator's own driver drives the way that `sim record` drives, and publishes what it commands on `cmd_vel`.
    #[arg(long)]
    pub expert: bool,
    /// Commands are `TwistStamped`.
    #[arg(long, conflicts_with = "expert")]
    pub stamped: bool,
    /// Namespace of the robot, e.g. /r1.
    #[arg(long, default_value = "/")]
    pub namespace: String,
    /// Stamps tell the simulation's own time, published on /clock, which runs this many times as fast as real time
    /// (0.1 to 10). For nodes with `use_sim_time`.
    #[arg(long, value_name = "FACTOR", num_args = 0..=1, default_missing_value = "1", value_parser = parse_factor)]
    pub clock: Option<f64>,
    /// End after so many seconds of the robot's time.
    #[arg(long, value_name = "SECONDS")]
    pub r#for: Option<f64>,
}

fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let (width, height) = text.split_once('x').ok_or("write it as WIDTHxHEIGHT, e.g. 160x120")?;
    let side = |part: &str| match part.parse::<u32>() {
        Ok(pixels @ 16..=2048) => Ok(pixels),
        Ok(pixels) => Err(format!("{pixels} pixels: 16 to 2048 are possible")),
        Err(error) => Err(format!("{part:?}: {error}")),
    };
    Ok((side(width)?, side(height)?))
}

fn parse_rate(text: &str) -> Result<f64, String> {
    parse_within(text, 0.5, 100.0)
}

fn parse_factor(text: &str) -> Result<f64, String> {
    parse_within(text, 0.1, 10.0)
}

fn parse_within(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if (least..=most).contains(&number) { Ok(number) } else { Err(format!("{least} to {most} are possible")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_rates_out_of_reach_are_refused_with_what_is_possible() {
        assert_eq!(parse_size("640x480"), Ok((640, 480)));
        for text in ["640", "640x", "0x480", "640x9999", "-1x5", "640 x 480"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        assert!(parse_size("640x9999").is_err_and(|error| error.contains("9999") && error.contains("2048")));
        assert!(parse_rate("20").is_ok());
        for text in ["0", "-5", "nan", "inf", "1000", "x"] {
            assert!(parse_rate(text).is_err() && parse_factor(text).is_err(), "{text}");
        }
    }
}
