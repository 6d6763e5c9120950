//! `pilotage demo`: drive once, map, find the way; with a picture at the end.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use pilotage_sim::{Pose, Split, WorldId};

use super::{Outcome, absolute, load_policy, refuse_existing};
use crate::camera::decode::decode;
use crate::cli::DemoArgs;
use crate::draw::{Canvas, DRIVEN, GOAL, INK, TAUGHT};
use crate::episode::{self, Episode, Track};
use crate::frame::Picture;
use crate::navigator::Phase;
use crate::record::run::{FORMAT, METADATA, RunHeader, RunRecorder};
use crate::record::{Recorder, RecorderOptions};
use crate::runtime::lockstep::Event;
use crate::runtime::with_recorder;

#[allow(clippy::disallowed_methods)] // How long the user waited; nothing depends on it.
pub(super) fn run(args: &DemoArgs) -> Result<Outcome> {
    let began = Instant::now();
    let out = match &args.out {
        Some(out) => out.clone(),
        None => free_folder(),
    };
    refuse_existing(&out, "give another folder with --out, or remove it")?;
    std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;

    let episode = (args.world..args.world + 20)
        .find_map(|index| Episode::of(WorldId { split: Split::Validation, index }))
        .context("none of twenty worlds could be driven; this is a defect, please report it")?;
    let family = episode.world.family().name();
    println!(
        "1 of 3  A person drives a simulated robot once through world {} ({family}): {:.0} s, {:.1} m/s at most.",
        episode.id.index,
        episode.teleop_s(),
        episode.robot.v_max_mps
    );

    let (mut policy, policy_folder) = load_policy(&args.policy, &episode.profile)?;
    let map_folder = out.join("map");
    let (map, report) = episode.build_map(policy.as_mut(), &map_folder)?;
    println!(
        "2 of 3  Of {} frames, {} became places of the map {}.",
        report.frames,
        report.nodes,
        map_folder.display()
    );

    println!(
        "3 of 3  The robot is set down {:.2} m and {:.0} degrees off the start and finds its way with one camera ({}).",
        episode.start.distance_m(&episode.teleop.first().map_or(episode.start, |step| step.pose)),
        (episode.start.yaw_rad - episode.teleop.first().map_or(0.0, |step| step.pose.yaw_rad)).to_degrees(),
        policy.describe()
    );
    let recording = out.join("run.mcap");
    let header = RunHeader {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        map: absolute(&map_folder),
        map_sha256: map.content_sha256().to_string(),
        policy: absolute(&policy_folder),
        policy_sha256: policy.sha256().to_owned(),
        engine: policy.engine().to_string(),
        engine_text: policy.describe(),
        goal: map.map().goal_spec("LAST")?.0,
        start: Some(0),
        profile: episode.profile.clone(),
        navigator: crate::drive::navigator_of(&episode.profile),
    };
    let recorder = Recorder::create(&recording, RecorderOptions { queue: 4096, ..RecorderOptions::default() })?;
    let mut views = Views::default();
    let bar = ProgressBar::new(1000);
    if let Ok(style) = ProgressStyle::with_template("        {bar:40} {percent}% {msg}") {
        bar.set_style(style);
    }
    let total_steps = map.map().route(pilotage_graph::NodeId(0), pilotage_graph::NodeId(header.goal))?.cost_steps();
    let metadata = header.to_metadata()?;
    let (driven, record) = with_recorder(recorder, METADATA, metadata, |handle| {
        let run_recorder = RunRecorder::new(handle);
        episode.drive(policy, map.clone(), Some(&run_recorder), &mut |event| {
            views.note(event);
            if let Event::Tick { output, .. } = event {
                let left = output.decision.remaining_steps.unwrap_or(total_steps);
                bar.set_position((1000.0 * (1.0 - left / total_steps).clamp(0.0, 1.0)) as u64);
                bar.set_message(output.decision.phase.to_string());
            }
        })
    });
    bar.finish_and_clear();
    let drive = driven?;
    let outcome = &drive.outcome;
    let record = record?;
    let picture = out.join("demo.png");
    draw(&picture, &episode, &map, &drive.track, &views, outcome)?;

    let verdict = if outcome.success { "Arrived" } else { "Did NOT arrive" };
    println!(
        "{verdict}: {:.2} m from the goal, {} touch(es), in {:.0} % of the person's time.",
        outcome.error_m,
        outcome.touches,
        100.0 * outcome.time_ratio
    );
    println!("Picture     {}", picture.display());
    println!(
        "Recording   {} ({} records, {} dropped); pilotage replay {} gives the same bits",
        recording.display(),
        record.counts.written,
        record.counts.dropped,
        recording.display()
    );
    println!("Took        {:.1} s", began.elapsed().as_secs_f64());
    Ok(if outcome.success { Outcome::Done } else { Outcome::Negative })
}

/// `pilotage-demo`, or the first `pilotage-demo-N` that is free.
fn free_folder() -> PathBuf {
    let named = |n: u32| PathBuf::from(if n == 1 { "pilotage-demo".to_owned() } else { format!("pilotage-demo-{n}") });
    (1..1000).map(named).find(|folder| !folder.exists()).unwrap_or_else(|| named(1))
}

/// Camera pictures of the drive, spread evenly, with the subgoal steered at.
#[derive(Default)]
struct Views {
    taken: Vec<(f64, Picture, Option<pilotage_graph::NodeId>)>,
}

impl Views {
    fn note(&mut self, event: &Event<'_>) {
        if let Event::Tick { frame, output, .. } = event
            && matches!(output.decision.phase, Phase::Driving | Phase::Arrived)
        {
            self.taken.push((frame.captured.0 as f64 * 1e-9, frame.picture.clone(), output.decision.subgoal));
        }
    }

    fn spread(&self, count: usize) -> impl Iterator<Item = &(f64, Picture, Option<pilotage_graph::NodeId>)> {
        let last = self.taken.len().saturating_sub(1);
        (0..count).filter_map(move |index| self.taken.get(index * last / count.saturating_sub(1).max(1)))
    }
}

/// Left the world from above with both drives, right what the robot saw and what it steered at.
fn draw(
    path: &Path,
    episode: &Episode,
    map: &pilotage_graph::MapDir,
    track: &Track,
    views: &Views,
    outcome: &episode::Outcome,
) -> Result<()> {
    const VIEWS: usize = 5;
    let size_m = episode.world.size_m();
    let px_per_m = (860.0 / size_m[0].max(size_m[1])).clamp(4.0, 60.0) as u32;
    let plan = pilotage_sim::plan_view(&episode.world, px_per_m);
    let plan_picture = Picture::from_rgb8(plan.width as u32, plan.height as u32, plan.rgb.clone())?;
    let left = plan.width as u32 + 24;
    let height = (plan.height as u32 + 84).max(40 + VIEWS as u32 * 148);
    let mut canvas = Canvas::new(left + 2 * 160 + 36, height);
    canvas.picture(12, 36, &plan_picture, 1);
    let on_plan = |pose: &Pose| {
        let (x, y) = plan.world_to_px(pose.x_m, pose.y_m);
        (x as f64 + 12.0, y as f64 + 36.0)
    };
    let taught: Vec<(f64, f64)> = episode.teleop.iter().map(|step| on_plan(&step.pose)).collect();
    let driven: Vec<(f64, f64)> = track.poses().map(on_plan).collect();
    canvas.path(&taught, TAUGHT, 5);
    canvas.path(&driven, DRIVEN, 2);
    let radius = |metres: f64| (metres * f64::from(px_per_m)).round().max(3.0) as u32;
    canvas.disc(on_plan(&episode.start), radius(episode.robot.radius_m), DRIVEN);
    canvas.disc(on_plan(&episode.goal()), radius(0.12), GOAL);
    let title = format!(
        "world {}:{} ({})   {} places   {}   {:.2} m from the goal   {} touches",
        episode.id.split.name(),
        episode.id.index,
        episode.world.family().name(),
        map.map().node_count(),
        if outcome.success { "ARRIVED" } else { "did not arrive" },
        outcome.error_m,
        outcome.touches
    );
    canvas.text(12, 10, &title, INK);
    let legend = plan.height as i32 + 44;
    canvas.path(&[(12.0, f64::from(legend + 7)), (40.0, f64::from(legend + 7))], TAUGHT, 5);
    canvas.text(48, legend, "driven once by a person", INK);
    canvas.path(&[(240.0, f64::from(legend + 7)), (268.0, f64::from(legend + 7))], DRIVEN, 2);
    canvas.text(276, legend, "found by the robot (dot: its start)", INK);
    canvas.disc((546.0, f64::from(legend + 7)), 5, GOAL);
    canvas.text(558, legend, "goal", INK);
    canvas.text(left as i32, 10, "what it sees", INK);
    canvas.text(left as i32 + 172, 10, "steering at", INK);
    for (row, (t_s, picture, subgoal)) in views.spread(VIEWS).enumerate() {
        let y = 30 + row as u32 * 148;
        canvas.picture(left, y, picture, 1);
        canvas.text(left as i32, y as i32 + 122, &format!("{t_s:.1} s"), INK);
        if let Some(node) = subgoal {
            let bytes = map.read_goal(*node)?;
            let goal = decode(&bytes)?;
            canvas.picture(left + 172, y, &goal, 1);
            canvas.text(left as i32 + 172, y as i32 + 122, &format!("place {}", node.0), INK);
        } else {
            canvas.text(left as i32 + 172, y as i32 + 52, "(arrived)", INK);
        }
    }
    canvas.save(path).with_context(|| format!("cannot write {}", path.display()))
}
