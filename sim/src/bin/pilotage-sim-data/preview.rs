//! Pictures for people: a look at every family, and at one training batch.

use std::path::{Path, PathBuf};

use pilotage_sim::{
    Batch, BatchSize, CONTEXT, Episode, Expert, FRAME_BYTES, HEIGHT, Rng, RobotKind, STEP_S, SensorEffects, Simulation,
    Split, Teleop, WIDTH, World, WorldId, plan_route, plan_view, render,
};

use crate::arguments::Arguments;
use crate::png;

/// Pictures pasted side by side in rows.
struct Sheet {
    columns: usize,
    width: usize,
    height: usize,
    tiles: Vec<Vec<u8>>,
}

impl Sheet {
    fn write(&self, path: &Path) -> Result<(), String> {
        let rows = self.tiles.len().div_ceil(self.columns);
        let stride = self.columns * (self.width + 2) * 3;
        let mut rgb = vec![255; stride * rows * (self.height + 2)];
        for (i, tile) in self.tiles.iter().enumerate() {
            let (cx, cy) = (i % self.columns, i / self.columns);
            for (y, line) in tile.chunks_exact(self.width * 3).enumerate() {
                let at = (cy * (self.height + 2) + y) * stride + cx * (self.width + 2) * 3;
                rgb[at..at + line.len()].copy_from_slice(line);
            }
        }
        png::write(path, self.columns * (self.width + 2), rows * (self.height + 2), &rgb)
    }
}

pub(crate) fn run(mut arguments: Arguments) -> Result<(), String> {
    let out: PathBuf = arguments.text("out").ok_or("--out DIR is missing")?.into();
    let seed: u64 = arguments.number("seed", 0)?;
    arguments.finish()?;
    std::fs::create_dir_all(&out).map_err(|e| format!("cannot make {}: {e}", out.display()))?;
    let mut episodes = Vec::new();
    for family in 0..4 {
        let id = WorldId { split: Split::Validation, index: seed * 4 + family };
        let world = World::generate(id);
        let name = id.family().name();
        let mut view = plan_view(&world, 24);
        let mut sheet = Sheet { columns: 4, width: 320, height: 240, tiles: Vec::new() };
        for part in 0..3u64 {
            let Some(episode) = Episode::generate(&world, seed + part).map_err(|e| e.to_string())? else {
                continue;
            };
            let colours = [[220, 30, 30], [30, 90, 220], [20, 150, 40]];
            let colour = colours[part as usize];
            view.path(episode.route.points().iter().copied(), 1, colour);
            for drive in episode.drives.iter().skip(1) {
                let places = episode.states[drive.clone()].iter().map(|s| [s.pose.x_m, s.pose.y_m]);
                view.path(places, 0, colour);
            }
            view.dot(episode.route.start().x_m, episode.route.start().y_m, 5, [0, 0, 0]);
            view.dot(episode.route.goal().x_m, episode.route.goal().y_m, 5, colour);
            let drive = Teleop::drive(&world, &episode.robot, &episode.route, 4.0);
            for i in 0..4 {
                let step = drive[i * (drive.len() - 1) / 3];
                let picture = render(&world, &step.pose, &episode.robot.camera, 320, 240, 2);
                sheet.tiles.push(picture.map_err(|e| e.to_string())?);
            }
            episodes.push(episode);
        }
        sheet.write(&out.join(format!("{name}-view.png")))?;
        png::write(&out.join(format!("{name}-plan.png")), view.width, view.height, &view.rgb)?;
    }
    for family in 0..4 {
        let id = WorldId { split: Split::Validation, index: seed * 4 + family };
        kinds(&out, &World::generate(id), seed)?;
    }
    batch(&out, &episodes, seed)
}

/// A row for every kind of robot that suits the world: what its camera sees, gait and sensor
/// included, half a second apart on its way along one route.
fn kinds(out: &Path, world: &World, seed: u64) -> Result<(), String> {
    let (columns, width, height) = (7, 255, 192);
    let mut sheet = Sheet { columns, width, height, tiles: Vec::new() };
    for kind in RobotKind::ALL.into_iter().filter(|kind| kind.suits(world.family())) {
        let mut rng = Rng::new(seed ^ world.id().seed() ^ (kind as u64) << 32);
        let robot = kind.sample(&mut rng, world.family());
        let Some(route) = plan_route(world, &robot, &mut rng) else {
            eprintln!("{}: no route for a {}", world.family().name(), kind.name());
            continue;
        };
        let effects = SensorEffects::sample(&mut rng, 1.0);
        eprintln!(
            "{} {}: {:.2?}\n   {:.2?}\n   {effects:.2?}",
            world.family().name(),
            kind.name(),
            robot.camera,
            robot.gait
        );
        let expert = Expert::new(world, &robot, &route);
        let mut simulation = Simulation::new(world, robot, route.start(), seed).with_effects(effects);
        let mut progress = 0.0;
        for step in 0..columns * 2 + 4 {
            progress = expert.progress_m(&simulation.pose(), progress);
            let (v, w) = expert.command(&simulation.pose(), progress);
            simulation.step(v, w, STEP_S);
            if step >= 4 && step % 2 == 0 {
                sheet.tiles.push(simulation.picture(width, height).map_err(|e| e.to_string())?);
            }
        }
    }
    sheet.write(&out.join(format!("{}-robots.png", world.family().name())))
}

/// One batch as the net sees it: a row per anchor (oldest to newest), then the block's goals.
fn batch(out: &Path, episodes: &[Episode], seed: u64) -> Result<(), String> {
    let size = BatchSize { blocks: episodes.len(), anchors: 2, goals: 4 };
    let mut batch = Batch::new(size);
    let mut rng = Rng::new(seed);
    let mut sheet = Sheet { columns: CONTEXT + 4, width: WIDTH, height: HEIGHT, tiles: Vec::new() };
    for (block, path) in episodes.iter().enumerate() {
        let other = &episodes[(block + episodes.len() / 2) % episodes.len()];
        batch.fill(block, path, other, &mut rng, true);
        for a in 0..2 {
            let frames = batch.obs.chunks_exact(FRAME_BYTES).skip((block * 2 + a) * CONTEXT).take(CONTEXT);
            sheet.tiles.extend(frames.map(<[u8]>::to_vec));
            let goals = batch.goal.chunks_exact(FRAME_BYTES).skip(block * 4).take(4);
            sheet.tiles.extend(goals.map(<[u8]>::to_vec));
            let at = (block * 2 + a) * 4;
            eprintln!("block {block} anchor {a}: steps to the goals {:.1?}", &batch.dist[at..at + 4]);
        }
    }
    sheet.write(&out.join("batch.png"))
}
