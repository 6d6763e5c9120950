//! `pilotage map`

use std::time::Instant;

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use pilotage_graph::{KeyframeRule, Limits, MapDir};

use super::{Outcome, load_policy, refuse_existing};
use crate::cli::{MapBuildArgs, MapInfoArgs};
use crate::config::Profile;
use crate::ingest::{self, LogOptions};
use crate::mapping::{self, BuildOptions};

#[allow(clippy::disallowed_methods)] // How long the user waited; nothing depends on it.
pub(super) fn build(args: &MapBuildArgs) -> Result<Outcome> {
    if !args.replace {
        refuse_existing(&args.output, "give another folder, or --replace to move it aside")?;
    }
    let options = LogOptions { hz: args.log_args.hz, range: args.log_args.range.clone() };
    let mut log = ingest::open(&args.log, &options)?;
    let info = log.info();
    let (mut policy, folder) = load_policy(&args.policy, &Profile::default())?;
    println!("log         {} ({}), {} frames", info.path.display(), info.kind, info.frames);
    println!("policy      {} at {}", policy.describe(), folder.display());
    let bar = ProgressBar::new(info.frames);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} frames, {msg} places, {eta} left") {
        bar.set_style(style);
    }
    let defaults = KeyframeRule::default();
    let rule = KeyframeRule {
        spacing_steps: args.spacing,
        max_gap_steps: defaults.max_gap_steps.max(args.spacing),
        min_driven_steps: defaults.min_driven_steps.min(args.spacing),
    };
    let began = Instant::now();
    let (map, report) = mapping::build(
        log.as_mut(),
        policy.as_mut(),
        &BuildOptions { rule, replace: args.replace },
        &args.output,
        &mut |done, _, places| {
            bar.set_message(places.to_string());
            bar.set_position(done);
        },
    )?;
    bar.finish_and_clear();
    let took_s = began.elapsed().as_secs_f64();
    for skipped in log.skipped().iter().take(5) {
        println!("skipped     frame {}: {}", skipped.index, skipped.reason);
    }
    if report.skipped > 5 {
        println!("skipped     {} more frames", report.skipped - 5);
    }
    if report.imported {
        println!("imported    {} pictures, each the node of its number", report.nodes);
        match report.would_leave_out.len() {
            0 => println!("            keyframing would have kept every one of them"),
            n => println!(
                "            keyframing would have left out {n} of them: {}",
                list(&report.would_leave_out, 12)
            ),
        }
    } else {
        println!(
            "kept        {} places out of {} frames ({} of them for the way driven, though the policy saw them near)",
            report.nodes, report.frames, report.forced
        );
        println!(
            "drive       {:.1} s driving, {:.1} s standing (left out); the ways cost {:.1} steps in all",
            report.driven_s, report.standing_s, report.cost_steps
        );
        println!(
            "time        {took_s:.2} s, {:.0} times as fast as the drive",
            (report.driven_s + report.standing_s) / took_s.max(1e-9)
        );
    }
    println!("map         {} ({})", args.output.display(), map.content_sha256());
    println!(
        "next        pilotage run {} --goal LAST --replay {} ...   or a camera",
        args.output.display(),
        args.log.display()
    );
    Ok(if report.skipped > 0 { Outcome::WithLosses } else { Outcome::Done })
}

fn list(numbers: &[u32], at_most: usize) -> String {
    let mut text = numbers.iter().take(at_most).map(u32::to_string).collect::<Vec<_>>().join(" ");
    if numbers.len() > at_most {
        text += " ...";
    }
    text
}

pub(super) fn info(args: &MapInfoArgs) -> Result<Outcome> {
    let map = MapDir::open(&args.map, &Limits::default())?;
    let meta = map.meta();
    let graph = map.map();
    println!("map         {} (by {})", args.map.display(), meta.created_by);
    println!("content     {}", map.content_sha256());
    println!("camera      {}x{}", meta.camera.width, meta.camera.height);
    if let Some(policy) = &meta.policy {
        let sha256 = policy.manifest_sha256.to_string();
        println!("built with  {} ({}), {} Hz", policy.name, short(&sha256), policy.rate_hz);
    }
    for session in &meta.sessions {
        println!("session {:<3} {}, {} frames, {} Hz", session.id.0, session.source, session.frames, session.hz);
    }
    let costs: Vec<f32> = graph.edges().map(|edge| edge.cost_steps).collect();
    let total: f32 = costs.iter().sum();
    let longest = costs.iter().copied().fold(0.0_f32, f32::max);
    println!("places      {}", graph.node_count());
    println!("ways        {}, {total:.1} steps in all, the longest {longest:.1}", graph.edge_count());
    for (name, node) in graph.names() {
        println!("named       {name} is node {node}");
    }
    let report = pilotage_graph::check(graph);
    print!("{report}");
    if let Some(svg) = &args.svg {
        refuse_existing(svg, "give another file name")?;
        std::fs::write(svg, pilotage_graph::svg(graph, 1000, None))
            .with_context(|| format!("cannot write {}", svg.display()))?;
        println!("drawn       {}", svg.display());
    }
    Ok(Outcome::Done)
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
