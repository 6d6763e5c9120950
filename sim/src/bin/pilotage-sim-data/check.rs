//! Figures that say whether the simulator is fit for its purpose.

use std::time::Instant;

use pilotage_sim::{
    Batch, BatchSize, CrowdSpec, Episode, Expert, HEIGHT, MAX_STEPS, Motion, Pose, Recipe, Rng, Robot, Route, Split,
    Teleop, WIDTH, World, WorldId, advance, plan_route, render_into,
};

use crate::arguments::Arguments;
use crate::kinds;

pub(crate) fn episodes(mut arguments: Arguments) -> Result<(), String> {
    let count: u64 = arguments.number("count", 20)?;
    let split = arguments.split(Split::Train)?;
    let seed: u64 = arguments.number("seed", 0)?;
    let robots = arguments.robots()?;
    let effects = arguments.number("effects", 1.0)?;
    let crowd = arguments.flag("movers").then(CrowdSpec::default);
    arguments.finish()?;
    let recipe = Recipe { robots: &robots, crowd, effects };
    let started = Instant::now();
    let (mut frames, mut made, mut contacts, mut drives, mut arrived) = (0, 0, 0, 0, 0);
    for index in 0..count {
        let world = World::generate(WorldId { split, index: (seed << 32) + index });
        if let Some(episode) = Episode::generate_with(&world, index, &recipe).map_err(|e| e.to_string())? {
            frames += episode.states.len();
            made += 1;
            contacts += episode.states.iter().filter(|s| s.contact).count();
            drives += episode.drives.len();
            let ends = episode.drives.iter().filter_map(|d| episode.states.get(d.end - 1));
            arrived += ends.filter(|s| f64::from(s.progress_m) >= episode.route.length_m() - 0.01).count();
        }
    }
    let time_s = started.elapsed().as_secs_f64();
    eprintln!("{made} of {count} episodes, {frames} frames in {time_s:.2} s: {:.0} frames/s", frames as f64 / time_s);
    let share = 100.0 * contacts as f64 / f64::max(frames as f64, 1.0);
    eprintln!("{arrived} of {drives} drives arrive, {share:.2} % of the states are in contact");
    Ok(())
}

#[derive(Default)]
struct Tally {
    routes: usize,
    none: usize,
    length_m: f64,
    steps: usize,
    turning_rad: f64,
    least_room_m: f64,
    teleop_contact: usize,
    jittered: usize,
    jittered_good: usize,
    replayed: usize,
    replayed_good: usize,
    plan_s: f64,
    world_s: f64,
    worlds: usize,
}

pub(crate) fn run(mut arguments: Arguments) -> Result<(), String> {
    let routes: u64 = arguments.number("routes", 24)?;
    let seed: u64 = arguments.number("seed", 0)?;
    arguments.finish()?;
    let mut paths = Vec::new();
    eprintln!(
        "family     routes none  length  steps  turning  least room  teleop touches  expert from jitter  blind replay  world ms  plan ms"
    );
    for family in 0..4 {
        let mut tally = Tally { least_room_m: f64::MAX, ..Tally::default() };
        let mut frames = (0, 0.0);
        for number in 0..routes {
            let id = WorldId { split: Split::Validation, index: (seed * routes + number) * 4 + family };
            let started = Instant::now();
            let world = World::generate(id);
            tally.world_s += started.elapsed().as_secs_f64();
            tally.worlds += 1;
            let mut rng = Rng::new(id.seed() ^ 7);
            let robot = Robot::sample(&mut rng, world.family());
            let started = Instant::now();
            let route = plan_route(&world, &robot, &mut rng);
            tally.plan_s += started.elapsed().as_secs_f64();
            match route {
                Some(route) => {
                    measure(&world, &robot, &route, &mut rng, &mut tally);
                    let (count, time_s) = speed(&world, &robot, &route)?;
                    frames = (frames.0 + count, frames.1 + time_s);
                }
                None => tally.none += 1,
            }
            if number < 6
                && let Some(episode) = Episode::generate(&world, number).map_err(|e| e.to_string())?
            {
                paths.push(episode);
            }
        }
        let n = tally.routes.max(1) as f64;
        eprintln!(
            "{:10} {:6} {:4} {:6.1} m {:6.1} {:5.1} rad {:8.2} m {:14.1} % {:17.1} % {:11.1} % {:9.1} {:8.1}   {:.0} frames/s",
            pilotage_sim::Family::ALL[family as usize].name(),
            tally.routes,
            tally.none,
            tally.length_m / n,
            tally.steps as f64 / n,
            tally.turning_rad / n,
            tally.least_room_m,
            100.0 * tally.teleop_contact as f64 / n,
            100.0 * tally.jittered_good as f64 / tally.jittered.max(1) as f64,
            100.0 * tally.replayed_good as f64 / tally.replayed.max(1) as f64,
            1000.0 * tally.world_s / tally.worlds.max(1) as f64,
            1000.0 * tally.plan_s / tally.worlds.max(1) as f64,
            f64::from(frames.0) / f64::max(frames.1, 1e-9),
        );
    }
    labels(&paths);
    kinds::run(routes, seed);
    Ok(())
}

fn speed(world: &World, robot: &Robot, route: &Route) -> Result<(u32, f64), String> {
    let mut buffer = vec![0; WIDTH * HEIGHT * 3];
    let mut best_s = f64::MAX;
    // The fastest of several short runs: what the machine does when nobody else is at it.
    for _ in 0..8 {
        let started = Instant::now();
        for i in 0..16 {
            let pose = route.at(route.length_m() * f64::from(i) / 16.0);
            render_into(world, &pose, &robot.camera, WIDTH, HEIGHT, 1, &mut buffer).map_err(|e| e.to_string())?;
        }
        best_s = best_s.min(started.elapsed().as_secs_f64());
    }
    Ok((16, best_s))
}

fn measure(world: &World, robot: &Robot, route: &Route, rng: &mut Rng, tally: &mut Tally) {
    tally.routes += 1;
    tally.length_m += route.length_m();
    tally.turning_rad += route.turning_rad();
    for point in route.points() {
        let room = world.clearance_m(point[0], point[1]) - robot.radius_m;
        tally.least_room_m = tally.least_room_m.min(room);
    }
    let drive = Teleop::drive(world, robot, route, 4.0);
    tally.steps += drive.len() - 1;
    tally.teleop_contact += usize::from(drive.iter().any(|s| s.contact));
    for _ in 0..4 {
        let start = jittered(world, robot, route, 0.2, 0.35, rng);
        tally.jittered += 1;
        tally.jittered_good += usize::from(expert_arrives(world, robot, route, start));
        let start = jittered(world, robot, route, 0.12, 0.2, rng);
        let mut motion = Motion { pose: start, ..Motion::default() };
        let mut touched = false;
        for step in &drive {
            touched |= advance(world, robot, &mut motion, step.v_mps, step.w_rps, 0.25).contact;
        }
        let tolerance = f64::max(0.6, 3.0 * robot.step_length_m());
        tally.replayed += 1;
        tally.replayed_good += usize::from(!touched && motion.pose.distance_m(&route.goal()) < tolerance);
    }
}

/// A free start near that of the route.
pub(crate) fn jittered(
    world: &World,
    robot: &Robot,
    route: &Route,
    place_m: f64,
    turn_rad: f64,
    rng: &mut Rng,
) -> Pose {
    for _ in 0..50 {
        let pose = route.start().moved(place_m * rng.normal(), place_m * rng.normal(), turn_rad * rng.normal());
        if world.clearance_m(pose.x_m, pose.y_m) > robot.radius_m + 0.02 {
            return pose;
        }
    }
    route.start()
}

fn expert_arrives(world: &World, robot: &Robot, route: &Route, start: Pose) -> bool {
    let expert = Expert::new(world, robot, route);
    let mut motion = Motion { pose: start, ..Motion::default() };
    let mut progress = 0.0;
    for _ in 0..(route.length_m() / robot.step_length_m() * 2.0) as usize + 40 {
        progress = expert.progress_m(&motion.pose, progress);
        if progress >= route.length_m() {
            return motion.pose.distance_m(&route.goal()) < 0.6;
        }
        let (v, w) = expert.command(&motion.pose, progress);
        if advance(world, robot, &mut motion, v, w, 0.25).contact {
            return false;
        }
    }
    false
}

fn labels(paths: &[Episode]) {
    if paths.len() < 2 {
        eprintln!("too few paths for the label mix");
        return;
    }
    let size = BatchSize { blocks: 16, anchors: 4, goals: 4 };
    let mut batch = Batch::new(size);
    let mut rng = Rng::new(5);
    let mut bins = [0usize; MAX_STEPS + 1];
    let (mut pairs, mut turning, mut anchors) = (0, 0, 0);
    let (mut stage_s, rounds) = (0.0, 30);
    for _ in 0..rounds {
        let started = Instant::now();
        for block in 0..size.blocks {
            let (a, b) = (rng.below(paths.len()), rng.below(paths.len()));
            let (Some(path), Some(other)) = (paths.get(a), paths.get(b)) else {
                continue;
            };
            batch.fill(block, path, other, &mut rng, true);
        }
        stage_s += started.elapsed().as_secs_f64();
        for d in &batch.dist {
            bins[(*d as usize).min(MAX_STEPS)] += 1;
            pairs += 1;
        }
        for act in batch.act.chunks_exact(20) {
            anchors += 1;
            turning += usize::from(act[9].abs() > 0.2 || act[11].abs() > 0.15);
        }
    }
    let share: Vec<String> = bins.iter().map(|b| format!("{:.1}", 100.0 * *b as f64 / pairs as f64)).collect();
    eprintln!("labels, % of pairs at 0, 1 .. 20 steps: {}", share.join(" "));
    eprintln!("turning anchors: {:.0} %", 100.0 * turning as f64 / anchors as f64);
    eprintln!("assembling a batch of 16 x (4 x 6 + 4) frames: {:.1} ms", 1000.0 * stage_s / f64::from(rounds));
    let contact = paths.iter().flat_map(|p| &p.states).filter(|s| s.contact).count();
    let states: usize = paths.iter().map(|p| p.states.len()).sum();
    eprintln!("states in contact: {:.2} % of {states}", 100.0 * contact as f64 / states as f64);
}
