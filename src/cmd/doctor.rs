//! `pilotage doctor`: what this machine has, line by line, each with what to do about it.

use anyhow::Result;

use super::{Outcome, load_policy};
use crate::cli::{DoctorArgs, PolicyArgs};
use crate::config::Profile;

pub(super) fn run(args: &DoctorArgs) -> Result<Outcome> {
    let profile = Profile::default();
    println!(
        "program     pilotage {} for {}-{}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS
    );
    println!(
        "features    ros {}, ort {}, camera {}",
        on(cfg!(feature = "ros")),
        on(cfg!(feature = "ort")),
        on(cfg!(feature = "camera"))
    );
    let mut bad = false;
    for engine in ["builtin", "ort"] {
        let args = PolicyArgs { engine: Some(engine.into()), ..args.policy.clone() };
        match load_policy(&args, &profile) {
            Ok((policy, folder)) => {
                println!("engine      {engine}: {} from {}", policy.describe(), folder.display())
            }
            Err(error) => {
                let advice = if engine == "ort" { "; the built-in engine works without it" } else { "" };
                bad |= engine == "builtin";
                println!("engine      {engine}: not usable: {error:#}{advice}");
            }
        }
    }
    match load_policy(&args.policy, &profile) {
        Ok((policy, _)) => println!("chosen      {} ({})", policy.describe(), policy.engine()),
        Err(error) => {
            bad = true;
            println!("chosen      none: {error:#}");
        }
    }
    ros_lines();
    cameras();
    Ok(if bad { Outcome::Negative } else { Outcome::Done })
}

fn on(feature: bool) -> &'static str {
    if feature { "yes" } else { "no" }
}

#[cfg(feature = "ros")]
fn ros_lines() {
    use crate::ros::{Network, Purpose};
    for (purpose, name) in [(Purpose::Live, "a camera"), (Purpose::NotLive, "a log or the simulator")] {
        match Network::from_env(|name| std::env::var(name).ok(), purpose) {
            Ok(network) => {
                let reach =
                    if network.loopback_only() { "this computer only" } else { "all networks of this computer" };
                println!("ros         with {name}: domain {}, {reach}", network.domain_id());
                for note in network.notes() {
                    println!("            {note}");
                }
            }
            Err(error) => println!("ros         with {name}: {error}"),
        }
    }
}

#[cfg(not(feature = "ros"))]
fn ros_lines() {
    println!("ros         not in this build");
}

fn cameras() {
    let mut found: Vec<String> = std::fs::read_dir("/dev")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("video"))
        .collect();
    found.sort();
    match found.as_slice() {
        [] => println!("cameras     no /dev/video*; plug one in, or use --image-topic"),
        some => println!("cameras     {}", some.join(" ")),
    }
}
