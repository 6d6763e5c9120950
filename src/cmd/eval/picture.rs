//! One episode from above: the taught way, the robot's own drive coloured by what it believed, and where it touched.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::draw::{Canvas, Colour, DRIVEN, GOAL, INK, TAUGHT};
use crate::episode::{Drive, Episode};
use crate::frame::Picture;
use crate::navigator::Phase;

/// The colour of a stretch that was driven in a phase.
fn colour(phase: Phase) -> Colour {
    match phase {
        Phase::Driving | Phase::Waiting => DRIVEN,
        Phase::Localising => [200, 150, 20],
        Phase::Lost => [150, 40, 160],
        Phase::Arrived => GOAL,
        Phase::NoRoute => INK,
    }
}

/// Draws an episode.
pub(super) fn draw(episode: &Episode, drive: &Drive, path: &Path) -> Result<()> {
    let size_m = episode.world.size_m();
    let px_per_m = (800.0 / size_m[0].max(size_m[1])).clamp(4.0, 60.0) as u32;
    let plan = pilotage_sim::plan_view(&episode.world, px_per_m);
    let picture = Picture::from_rgb8(plan.width as u32, plan.height as u32, plan.rgb.clone())?;
    let mut canvas = Canvas::new((plan.width as u32 + 8).max(640), plan.height as u32 + 64);
    canvas.picture(4, 24, &picture, 1);
    let on_plan = |pose: &pilotage_sim::Pose| {
        let (x, y) = plan.world_to_px(pose.x_m, pose.y_m);
        (x as f64 + 4.0, y as f64 + 24.0)
    };
    canvas.path(&episode.teleop.iter().map(|step| on_plan(&step.pose)).collect::<Vec<_>>(), TAUGHT, 5);
    let phase_at = |t_s: f64| {
        let notes = drive.notes.iter().take_while(|note| note.t_s <= t_s + 1e-6);
        notes.last().map_or(Phase::Waiting, |note| note.phase)
    };
    for (a, b) in drive.track.samples.iter().zip(drive.track.samples.iter().skip(1)) {
        canvas.path(&[on_plan(&a.pose), on_plan(&b.pose)], colour(phase_at(a.t_s)), 2);
    }
    canvas.disc(on_plan(&episode.start), 5, DRIVEN);
    canvas.disc(on_plan(&episode.goal()), 5, GOAL);
    for contact in &drive.track.contacts {
        canvas.cross(on_plan(&contact.pose), 6, INK);
    }
    let outcome = &drive.outcome;
    let head = format!(
        "{}:{} {} {}: {:.2} m off, {} touches",
        episode.id.split.name(),
        episode.id.index,
        episode.robot.kind.name(),
        if outcome.success { "arrived" } else { outcome.cause.name() },
        outcome.error_m,
        outcome.touches
    );
    canvas.text(4, 5, &head, INK);
    let legend = plan.height as i32 + 32;
    let mut x = 4;
    for (text, colour) in [
        ("taught", TAUGHT),
        ("driving", DRIVEN),
        ("localising", colour(Phase::Localising)),
        ("lost", colour(Phase::Lost)),
        ("x touched", INK),
    ] {
        let y = f64::from(legend) + 7.0;
        canvas.path(&[(f64::from(x), y), (f64::from(x) + 20.0, y)], colour, 4);
        canvas.text(x + 26, legend, text, INK);
        x += 48 + 7 * text.len() as i32;
    }
    canvas.save(path).with_context(|| format!("cannot write {}", path.display()))
}
