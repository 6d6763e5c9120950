//! `pilotage eval`: closed-loop episodes beside replaying the commands blindly, paired world by world.

use std::io::Write as _;
use std::time::Instant;

use anyhow::{Context as _, Result};
use indicatif::ProgressBar;
use pilotage_sim::{Split, WorldId};
use serde::Serialize;

use super::{Outcome, load_policy, refuse_existing};
use crate::cli::EvalArgs;
use crate::draw::{Canvas, DRIVEN, GOAL, INK, TAUGHT};
use crate::episode::{self, Episode};
use crate::frame::Picture;
use crate::runtime::parallel::map_indexed;

#[derive(Serialize)]
struct Row {
    world: String,
    family: &'static str,
    teleop_s: f64,
    places: usize,
    ours: episode::Outcome,
    blind: episode::Outcome,
}

#[allow(clippy::disallowed_methods)] // How long the user waited; nothing depends on it.
pub(super) fn run(args: &EvalArgs) -> Result<Outcome> {
    let split = Split::from_name(&args.split)
        .with_context(|| format!("there is no split {:?}; choose train, validation or test", args.split))?;
    if let Some(json) = &args.json {
        refuse_existing(json, "give another file name")?;
    }
    if let Some(folder) = &args.pictures {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let began = Instant::now();
    let (policy, folder) = load_policy(&args.policy, &crate::config::Profile::default())?;
    println!("policy      {} at {}", policy.describe(), folder.display());
    println!(
        "worlds      {}:{} and on, {} episodes; start off by N(0, {} m), N(0, {} rad)",
        split.name(),
        args.first,
        args.episodes,
        episode::START_SIGMA_M,
        episode::START_SIGMA_RAD
    );
    drop(policy);
    let bar = ProgressBar::new(args.episodes as u64);
    let scratch = std::env::temp_dir().join(format!("pilotage-eval-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
    let rows: Vec<Result<Option<Row>>> = map_indexed(args.episodes, args.threads, |index| {
        let row = one(args, WorldId { split, index: args.first + index as u64 }, &scratch.join(index.to_string()));
        bar.inc(1);
        row
    });
    bar.finish_and_clear();
    std::fs::remove_dir_all(&scratch).ok();
    let rows: Vec<Option<Row>> = rows.into_iter().collect::<Result<_>>()?;
    let left_out = rows.iter().filter(|row| row.is_none()).count();
    let rows: Vec<Row> = rows.into_iter().flatten().collect();
    anyhow::ensure!(!rows.is_empty(), "none of the {} worlds could be driven", args.episodes);
    if let Some(json) = &args.json {
        let mut file = std::fs::File::create_new(json).with_context(|| format!("cannot make {}", json.display()))?;
        for row in &rows {
            writeln!(file, "{}", serde_json::to_string(row)?)
                .with_context(|| format!("cannot write {}", json.display()))?;
        }
    }
    table(&rows);
    if left_out > 0 {
        println!(
            "left out    {left_out} worlds without a way that the teleoperator can drive without touching something"
        );
    }
    println!("took        {:.0} s", began.elapsed().as_secs_f64());
    Ok(Outcome::Done)
}

fn one(args: &EvalArgs, id: WorldId, scratch: &std::path::Path) -> Result<Option<Row>> {
    let Some(episode) = Episode::of(id) else { return Ok(None) };
    let (mut policy, _) = load_policy(&args.policy, &episode.profile)?;
    let (map, report) = episode.build_map(policy.as_mut(), scratch)?;
    let (ours, track) = episode.drive(policy, map, None, &mut |_| {})?;
    std::fs::remove_dir_all(scratch).with_context(|| format!("cannot remove {}", scratch.display()))?;
    let blind = episode.replay_blindly();
    let name = format!("{}:{}", id.split.name(), id.index);
    if let Some(folder) = &args.pictures
        && !ours.success
    {
        draw(&episode, &track, &ours, &folder.join(format!("{}-{}.png", id.split.name(), id.index)))?;
    }
    Ok(Some(Row {
        world: name,
        family: episode.world.family().name(),
        teleop_s: episode.teleop_s(),
        places: report.nodes,
        ours,
        blind,
    }))
}

fn table(rows: &[Row]) {
    println!();
    println!(
        "{:<22}{:>9}{:>10}{:>10}{:>12}{:>10}{:>8}",
        "", "success", "(+- SE)", "arrived", "touches/run", "progress", "time"
    );
    let ours: Vec<&episode::Outcome> = rows.iter().map(|row| &row.ours).collect();
    let blind: Vec<&episode::Outcome> = rows.iter().map(|row| &row.blind).collect();
    line("pilotage", &ours);
    line("open-loop replay", &blind);
    let mut families: Vec<&str> = rows.iter().map(|row| row.family).collect();
    families.sort_unstable();
    families.dedup();
    for family in families {
        let ours: Vec<&episode::Outcome> =
            rows.iter().filter(|row| row.family == family).map(|row| &row.ours).collect();
        line(&format!("  {family} ({})", ours.len()), &ours);
    }
    println!();
    println!(
        "success     arrival declared by the runtime, within max(0.6 m, 0.75 s of cruise) of the goal, nothing touched"
    );
    println!(
        "episodes    {}, {:.1} s of teleoperation and {:.0} places on average",
        rows.len(),
        rows.iter().map(|row| row.teleop_s).sum::<f64>() / rows.len() as f64,
        rows.iter().map(|row| row.places as f64).sum::<f64>() / rows.len() as f64
    );
    for row in rows.iter().filter(|row| !row.ours.success) {
        println!(
            "failed      {} ({}): {}, {:.2} m off, {} touches, {:.0} % of the way",
            row.world,
            row.family,
            row.ours.end_phase.as_deref().unwrap_or("-"),
            row.ours.error_m,
            row.ours.touches,
            100.0 * row.ours.progress
        );
    }
}

fn line(name: &str, outcomes: &[&episode::Outcome]) {
    let n = outcomes.len() as f64;
    let mean = |value: &dyn Fn(&episode::Outcome) -> f64| outcomes.iter().map(|o| value(o)).sum::<f64>() / n;
    let success = mean(&|o| f64::from(u8::from(o.success)));
    let standard_error = (success * (1.0 - success) / n).sqrt();
    println!(
        "{name:<22}{:>7.1} %{:>10.1}{:>8.1} %{:>12.2}{:>10.2}{:>8.2}",
        100.0 * success,
        100.0 * standard_error,
        100.0 * mean(&|o| f64::from(u8::from(o.arrived))),
        mean(&|o| o.touches as f64),
        mean(&|o| o.progress),
        mean(&|o| o.time_ratio)
    );
}

fn draw(
    episode: &Episode,
    track: &[pilotage_sim::Pose],
    outcome: &episode::Outcome,
    path: &std::path::Path,
) -> Result<()> {
    let size_m = episode.world.size_m();
    let px_per_m = (800.0 / size_m[0].max(size_m[1])).clamp(4.0, 60.0) as u32;
    let plan = pilotage_sim::plan_view(&episode.world, px_per_m);
    let picture = Picture::from_rgb8(plan.width as u32, plan.height as u32, plan.rgb.clone())?;
    let mut canvas = Canvas::new(plan.width as u32 + 8, plan.height as u32 + 28);
    canvas.picture(4, 24, &picture, 1);
    let on_plan = |pose: &pilotage_sim::Pose| {
        let (x, y) = plan.world_to_px(pose.x_m, pose.y_m);
        (x as f64 + 4.0, y as f64 + 24.0)
    };
    canvas.path(&episode.teleop.iter().map(|step| on_plan(&step.pose)).collect::<Vec<_>>(), TAUGHT, 4);
    canvas.path(&track.iter().map(on_plan).collect::<Vec<_>>(), DRIVEN, 2);
    canvas.disc(on_plan(&episode.start), 5, DRIVEN);
    canvas.disc(on_plan(&episode.goal()), 5, GOAL);
    let end = outcome.end_phase.as_deref().unwrap_or("-");
    canvas.text(
        4,
        5,
        &format!(
            "{}:{} {} {:.2} m off, {} touches",
            episode.id.split.name(),
            episode.id.index,
            end,
            outcome.error_m,
            outcome.touches
        ),
        INK,
    );
    canvas.save(path).with_context(|| format!("cannot write {}", path.display()))
}
