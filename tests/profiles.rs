//! The robot profiles in `launch/profiles` are what users copy: each must be accepted as it stands.

#![allow(clippy::expect_used, clippy::panic)]

use pilotage::config::Profile;
use std::path::{Path, PathBuf};

fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("launch/profiles");
    let listing = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = listing.map(|entry| entry.expect("a readable entry").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect()
}

#[test]
fn every_shipped_profile_is_accepted() {
    let profiles = shipped();
    assert!(profiles.len() >= 4, "expected the four robots, found {profiles:?}");
    for path in profiles {
        let profile = Profile::load(&path).unwrap_or_else(|error| panic!("{error}"));
        assert!(!profile.name.is_empty(), "{} has no name", path.display());
    }
}

#[test]
fn the_simulated_profile_is_the_simulator_s_robot() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("launch/profiles/sim.toml");
    let profile = Profile::load(&path).unwrap_or_else(|error| panic!("{error}"));
    let robot = pilotage_sim::Robot::preset("compact").expect("the simulator has a robot `compact`");
    let figures = [
        ("max_linear_mps", profile.drive.max_linear_mps, robot.v_max_mps),
        ("max_angular_rps", profile.drive.max_angular_rps, robot.w_max_rps),
        ("linear_accel_mps2", profile.drive.linear_accel_mps2, robot.v_accel_mps2),
        ("angular_accel_rps2", profile.drive.angular_accel_rps2, robot.w_accel_rps2),
        ("min_turning_radius_m", profile.drive.min_turning_radius_m, robot.min_turn_radius_m),
    ];
    for (name, written, simulated) in figures {
        assert!((f64::from(written) - simulated).abs() < 1e-6, "{name}: profile {written}, simulator {simulated}");
    }
}
