//! A contact sheet of the worlds, with people, in several lights.
//!
//! `cargo run -p pilotage-sim --example worlds -- OUT.png [SEED] [COLUMNS] [WIDTH]`: a row per family;
//! in a row the same places by turns in the light that the world was built in and in other lights.

#[path = "../src/bin/pilotage-sim-data/png.rs"]
mod png;

use std::process::ExitCode;

use pilotage_sim::{Family, Light, Mover, Rng, Robot, Route, Split, Surroundings, World, WorldId, plan_route, render};

fn main() -> ExitCode {
    match draw() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("worlds: {message}");
            ExitCode::FAILURE
        }
    }
}

fn draw() -> Result<(), String> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| -> Result<usize, String> {
        words.get(at).map_or(Ok(default), |w| w.parse().map_err(|_| format!("`{w}` is not a number")))
    };
    let out = words.first().ok_or("give the file to write")?;
    let (seed, columns, wide) = (number(1, 0)?, number(2, 6)?.clamp(1, 40), number(3, 160)?.clamp(16, 1024));
    let high = wide * 3 / 4;
    let (stride, rows) = (columns * (wide + 2), Family::ALL.len());
    let mut sheet = vec![255; stride * rows * (high + 2) * 3];
    for row in 0..rows {
        for column in 0..columns {
            let index = (row + rows * (seed * columns + column / 2)) as u64;
            let picture = look(WorldId { split: Split::Train, index }, column, wide, high)?;
            for (y, line) in picture.chunks_exact(wide * 3).enumerate() {
                let at = ((row * (high + 2) + y) * stride + column * (wide + 2)) * 3;
                sheet[at..at + line.len()].copy_from_slice(line);
            }
        }
    }
    png::write(out.as_ref(), stride, rows * (high + 2), &sheet)
}

fn look(id: WorldId, column: usize, wide: usize, high: usize) -> Result<Vec<u8>, String> {
    let world = World::generate(id);
    let mut rng = Rng::new(id.seed() ^ 5);
    let (robot, route) = task(&world, &mut rng).ok_or("no robot fits")?;
    let pose = route.at(route.length_m() * (0.2 + 0.1 * (column % 5) as f64));
    let mut movers = Vec::new();
    for k in 0..3 {
        let place = route.at(route.length_m() * (0.2 + 0.1 * (column % 5) as f64) + 2.0 + 1.7 * f64::from(k));
        let aside = place.moved(0.0, rng.range(-0.6, 0.6), 0.0);
        let look = rng.below(256) as u8;
        let height_m = if look % 8 < 5 { rng.range(1.5, 1.9) } else { rng.range(0.4, 1.0) };
        movers.push(Mover { centre: [aside.x_m, aside.y_m], radius_m: 0.26, height_m, look });
    }
    let light = if column.is_multiple_of(2) { Light::default() } else { Light::sample(&mut rng) };
    let around = Surroundings::new(&world, &movers).with_light(light);
    render(around, &pose, &robot.camera, wide, high, 2).map_err(|e| e.to_string())
}

fn task(world: &World, rng: &mut Rng) -> Option<(Robot, Route)> {
    (0..8).find_map(|_| {
        let robot = Robot::sample(rng, world.family());
        plan_route(world, &robot, rng).map(|route| (robot, route))
    })
}
