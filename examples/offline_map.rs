//! A map without a robot: build it from a log, then ask it for a way.
//!
//! Run it: `cargo run --example offline_map -- LOG HZ MAP`, for example with a folder of pictures taken 8 times a
//! second. Without arguments it maps a simulated drive and throws the map away. `PILOTAGE_MODELS` names another
//! folder of policies than `models/`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use pilotage::episode::{Episode, default_rule};
use pilotage::ingest::{self, LogOptions, LogReader};
use pilotage::mapping::{self, BuildOptions};
use pilotage::policy::{self, EngineChoice};
use pilotage_graph::{MapDir, NodeId};
use pilotage_sim::{Split, WorldId};

fn build(log: &mut dyn LogReader, output: &Path) -> anyhow::Result<MapDir> {
    // The built-in engine is always there; `auto` would take ONNX Runtime where it is found.
    let engine: EngineChoice = "builtin".parse()?;
    let here = || Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let models = std::env::var_os("PILOTAGE_MODELS").map_or_else(here, PathBuf::from);
    let mut policy = policy::load(&models.join("gnm-sim"), engine, None)?;
    let options = BuildOptions { rule: default_rule(), replace: false };
    let (map, report) = mapping::build(log, policy.as_mut(), &options, output, &mut |_, _, _| {})?;
    for skipped in log.skipped() {
        eprintln!("skipped frame {}: {}", skipped.index, skipped.reason);
    }
    eprintln!("{} places out of {} frames, {:.1} s driven", report.nodes, report.frames, report.driven_s);
    Ok(map)
}

/// Prints the way from the first place to the last, place by place.
#[allow(clippy::print_stdout)]
fn print_way(map: &MapDir) -> anyhow::Result<()> {
    let goal = map.map().goal_spec("LAST")?;
    let way = map.map().route(NodeId(0), goal)?;
    println!("{:>8} {:>14} {:>14}", "place", "seen at (s)", "way so far");
    for (node, cost_so_far_steps) in way.legs() {
        let stamp_s = map.map().node(node).map_or(0.0, |node| node.stamp_ns as f64 * 1e-9);
        println!("{:>8} {stamp_s:>14.2} {cost_so_far_steps:>8.1} steps", node.0);
    }
    println!("{:.1} steps of the model in all", way.cost_steps());
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [log, hz, output] => {
            let hz = hz.parse().with_context(|| format!("HZ is {hz:?}: give the log's frames per second"))?;
            let mut log = ingest::open(Path::new(log), &LogOptions { hz: Some(hz), range: None })?;
            print_way(&build(log.as_mut(), &PathBuf::from(output))?)
        }
        [] => {
            let world = WorldId { split: Split::Validation, index: 5 };
            let episode = Episode::of(world).context("this world cannot be driven")?;
            let output = std::env::temp_dir().join(format!("pilotage-offline-map-{}", std::process::id()));
            let map = build(&mut episode.log(), &output)?;
            print_way(&map)?;
            std::fs::remove_dir_all(&output).with_context(|| format!("cannot remove {}", output.display()))
        }
        _ => anyhow::bail!("give LOG, HZ and MAP, or nothing"),
    }
}
