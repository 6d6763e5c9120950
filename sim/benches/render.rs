//! How fast the simulator is on one thread: `cargo bench -p pilotage-sim`.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a bench times itself and prints what it saw")]

use std::time::Instant;

use pilotage_sim::{
    Family, HEIGHT, Motion, Mover, Rng, Robot, RobotKind, Route, ScanSpec, SensorEffects, Split, Surroundings, WIDTH,
    World, WorldId, plan_route, render_into,
};

/// Places along the route at which pictures are taken.
const PLACES: u32 = 24;

/// Calls a second: with every place at its best of many rounds, which is what the machine does when
/// nobody else is at it, and the mean of all.
fn rate(mut once: impl FnMut(u32)) -> (f64, f64) {
    const ROUNDS: u32 = 24;
    let mut best_s = [f64::MAX; PLACES as usize];
    let mut sum_s = 0.0;
    for _ in 0..ROUNDS {
        for (place, best_s) in best_s.iter_mut().enumerate() {
            let started = Instant::now();
            once(place as u32);
            let time_s = started.elapsed().as_secs_f64();
            *best_s = best_s.min(time_s);
            sum_s += time_s;
        }
    }
    (f64::from(PLACES) / best_s.iter().sum::<f64>(), f64::from(PLACES * ROUNDS) / sum_s)
}

fn line(what: &str, (best, mean): (f64, f64)) {
    println!("  {what:44} {best:8.0} /s best, {mean:8.0} /s mean");
}

fn crowd(route: &Route) -> Vec<Mover> {
    let mover = |k: u8| {
        let at = route.at(route.length_m() * f64::from(k) / 6.0).moved(0.0, 0.6, 0.0);
        Mover { centre: [at.x_m, at.y_m], radius_m: 0.22, height_m: 1.7, look: k }
    };
    (0..6).map(mover).collect()
}

fn measure(world: &World, robot: &Robot, route: &Route) {
    let motion = |i: u32| Motion {
        pose: route.at(route.length_m() * f64::from(i) / f64::from(PLACES)),
        v_mps: robot.v_max_mps,
        w_rps: 0.6,
    };
    let mut out = vec![0; WIDTH * HEIGHT * 3];
    for supersample in [1, 2] {
        let took = rate(|i| {
            let made = render_into(world, &motion(i).pose, &robot.camera, WIDTH, HEIGHT, supersample, &mut out);
            assert_eq!(made, Ok(()));
        });
        line(&format!("85x64, {supersample} sample(s) a side"), took);
    }
    let effects = SensorEffects {
        drift: [0.1, 0.2, 0.3],
        auto_exposure: 0.4,
        vignette: 0.2,
        shutter_s: 0.03,
        noise: 5.0,
        bands: [0.1, 2.0, 3.0],
        soft: 0.5,
        coarse: 4,
        ..SensorEffects::none()
    };
    let size = [WIDTH, HEIGHT, 1];
    line(
        "85x64, 1 sample, all effects",
        rate(|i| {
            let made = effects.picture_into(world, robot, &motion(i), f64::from(i), size, &mut out);
            assert_eq!(made, Ok(()));
        }),
    );
    let movers = crowd(route);
    let around = Surroundings::new(world, &movers);
    let usual = SensorEffects::sample(&mut Rng::new(3), 0.6);
    line(
        "85x64, 1 sample, a usual sensor, 6 movers",
        rate(|i| {
            let made = usual.picture_into(around, robot, &motion(i), f64::from(i), size, &mut out);
            assert_eq!(made, Ok(()));
        }),
    );
    let spec = ScanSpec::default();
    let mut rng = Rng::new(1);
    line(
        "scans of 360 beams, 6 movers",
        rate(|i| {
            assert_eq!(spec.scan(around, &motion(i).pose, &mut rng).len(), 360);
        }),
    );
}

fn main() {
    for (index, kind) in [(0, RobotKind::Compact), (1, RobotKind::Tall), (2, RobotKind::Car), (3, RobotKind::WideView)]
    {
        let world = World::generate(WorldId { split: Split::Validation, index });
        let mut rng = Rng::new(7);
        let found = (0..8).find_map(|_| {
            let robot = kind.sample(&mut rng, world.family());
            plan_route(&world, &robot, &mut rng).map(|route| (robot, route))
        });
        println!("{}, {}:", Family::ALL[index as usize].name(), kind.name());
        match found {
            Some((robot, route)) => measure(&world, &robot, &route),
            None => println!("  no route"),
        }
    }
}
