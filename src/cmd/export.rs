//! `pilotage export`

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};

use super::Outcome;
use crate::cli::ExportDatasetArgs;
use crate::export::{self, ExportOptions, TeleopScale};
use crate::ingest::LogOptions;

pub(super) fn dataset(args: &ExportDatasetArgs) -> Result<Outcome> {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => {
            let name = args.output.file_name().context("give the data set a --name")?;
            name.to_string_lossy().into_owned()
        }
    };
    let scale = match (args.full_speed, args.turning_radius) {
        (Some(full_speed_mps), Some(turning_radius_m)) => Some(TeleopScale { full_speed_mps, turning_radius_m }),
        _ => None,
    };
    let options = ExportOptions {
        name,
        rate_hz: args.rate,
        fit: args.pictures.parse().map_err(|error| anyhow::anyhow!("--pictures: {error}"))?,
        images_only: args.images_only,
        scale,
        cut_s: args.cut,
        seed: args.seed,
    };
    let log_options = LogOptions { hz: args.log_args.hz, range: args.log_args.range.clone() };
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} frames, {msg} pictures, {eta} left") {
        bar.set_style(style);
    }
    let result = export::dataset(&args.logs, &log_options, &options, &args.output, &mut |progress| {
        bar.set_length(progress.of);
        bar.set_message(progress.pictures.to_string());
        bar.set_position(progress.frames);
    });
    bar.finish_and_clear();
    let report = result?;
    for (log, poses) in &report.logs {
        println!("log         {log}: poses {poses}");
    }
    let train = report.trajectories.iter().filter(|trajectory| trajectory.train).count();
    println!(
        "written     {} pictures in {} trajectories ({train} to train, {} to test) out of {} frames",
        report.pictures(),
        report.trajectories.len(),
        report.trajectories.len() - train,
        report.frames
    );
    if report.not_ahead > 0 {
        println!(
            "left out    {} pictures: the robot stood, went backwards, or its pose was not known",
            report.not_ahead
        );
    }
    if report.in_short_ones > 0 {
        println!(
            "left out    {} pictures in trajectories shorter than {} pictures",
            report.in_short_ones,
            export::MIN_PICTURES
        );
    }
    if let Some(first) = &report.first_skipped {
        println!("skipped     {} frames that cannot be used; the first, {first}", report.skipped);
    }
    if train == report.trajectories.len() {
        println!(
            "note        nothing is left to test with: give more logs, or --cut 15 to make several trajectories of one"
        );
    }
    let sum = |part: fn(&export::Written) -> Option<f64>| report.trajectories.iter().filter_map(part).sum::<f64>();
    if report.mean_step_m.is_some() {
        let (way_m, turned_deg) = (sum(|t| t.length_m), sum(|t| t.turned_rad).to_degrees());
        println!("way         {way_m:.1} m, turned {turned_deg:.0} degrees in all (a lap to the left is 360)");
    }
    match report.mean_step_m {
        Some(step_m) => println!("spacing     {step_m:.4} m between pictures (metric_waypoint_spacing)"),
        None => println!("note        no poses: nothing can be learned of where to go"),
    }
    println!("data set    {}", args.output.join(&options.name).display());
    Ok(if report.skipped > 0 { Outcome::WithLosses } else { Outcome::Done })
}
