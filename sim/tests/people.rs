//! The laws of crowds: a pure function of time, never in a wall, always a way round.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed expectation is a failed test")]

use pilotage_sim::{Crowd, CrowdSpec, Mover, Rng, Robot, Route, Split, World, WorldId, plan_route};

fn world(index: u64) -> World {
    World::generate(WorldId { split: Split::Validation, index })
}

fn task(world: &World, seed: u64) -> (Robot, Route) {
    let mut rng = Rng::new(seed);
    (0..8)
        .find_map(|_| {
            let robot = Robot::sample(&mut rng, world.family());
            plan_route(world, &robot, &mut rng).map(|route| (robot, route))
        })
        .expect("no route")
}

fn bits(movers: &[Mover]) -> Vec<u64> {
    movers.iter().flat_map(|m| [m.centre[0].to_bits(), m.centre[1].to_bits(), m.radius_m.to_bits()]).collect()
}

fn times() -> impl Iterator<Item = f64> {
    (0..400).map(|i| f64::from(i) * 0.37)
}

#[test]
fn a_crowd_is_a_pure_function_of_time() {
    let world = world(5);
    let (crowd, again) = (Crowd::sample(&world, 3, 6), Crowd::sample(&world, 3, 6));
    assert_eq!(crowd, again);
    assert_ne!(bits(&crowd.at(0.0)), bits(&Crowd::sample(&world, 4, 6).at(0.0)));
    let forwards: Vec<_> = times().map(|t| bits(&crowd.at(t))).collect();
    let mut backwards: Vec<_> = times().collect::<Vec<_>>().into_iter().rev().map(|t| bits(&again.at(t))).collect();
    backwards.reverse();
    assert_eq!(forwards, backwards);
    for odd in [f64::NAN, f64::INFINITY, -3.0, 1e18] {
        assert!(crowd.at(odd).iter().all(|m| m.centre.iter().all(|c| c.is_finite())));
    }
}

#[test]
fn walkers_never_stand_in_a_wall_and_never_jump() {
    let mut walkers = 0;
    for index in 0..12 {
        let world = world(index);
        let crowd = Crowd::sample(&world, index, 5);
        walkers += crowd.len();
        let mut before = crowd.at(0.0);
        let mut moved = vec![0.0; crowd.len()];
        for i in 1..600 {
            let now = crowd.at(f64::from(i) * 0.1);
            for (k, (a, b)) in before.iter().zip(&now).enumerate() {
                let way = (a.centre[0] - b.centre[0]).hypot(a.centre[1] - b.centre[1]);
                assert!(way <= 0.12 + 1e-9, "world {index}: {way} m in 0.1 s");
                moved[k] += way;
                let room = world.clearance_m(b.centre[0], b.centre[1]) - b.radius_m;
                assert!(room > 0.0, "world {index}: {room} m from a wall");
            }
            before = now;
        }
        assert!(moved.iter().all(|way| *way > 60.0 * 0.3 * 0.4), "world {index}: {moved:?} m in a minute");
    }
    assert!(walkers >= 50, "{walkers} of 60 wanted");
}

#[test]
fn a_crowd_near_a_route_meets_it_but_leaves_its_start_alone() {
    let (mut met, mut all) = (0, 0);
    for index in 0..16 {
        let world = world(index);
        let (robot, route) = task(&world, index);
        let spec = CrowdSpec { passage_m: 2.0 * robot.radius_m + 0.3, ..CrowdSpec::default() };
        let crowd = Crowd::near_route(&world, route.points(), 1.5, index, &spec);
        assert_eq!(crowd, Crowd::near_route(&world, route.points(), 1.5, index, &spec));
        all += spec.crossing + spec.following + spec.standing;
        met += crowd.len();
        let start = route.start();
        for t in times() {
            for m in crowd.at(t) {
                let far = (m.centre[0] - start.x_m).hypot(m.centre[1] - start.y_m);
                assert!(far - m.radius_m >= 1.4, "world {index}: {far} m from the start");
                assert!(world.clearance_m(m.centre[0], m.centre[1]) >= m.radius_m - 0.03, "world {index}: in a wall");
            }
        }
    }
    assert!(met * 10 >= all * 7, "{met} of {all} found a place");
}

/// Flood fill from start to goal for a robot half as wide as the passage allows.
fn reachable(world: &World, movers: &[Mover], route: &Route, radius_m: f64) -> bool {
    const CELL_M: f64 = 0.05;
    let [wide, high] = world.size_m();
    let (columns, rows) = ((wide / CELL_M) as i64 + 1, (high / CELL_M) as i64 + 1);
    let around = pilotage_sim::Surroundings::new(world, movers);
    let cell = |x: f64, y: f64| ((x / CELL_M).round() as i64, (y / CELL_M).round() as i64);
    let goal = cell(route.goal().x_m, route.goal().y_m);
    let start = cell(route.start().x_m, route.start().y_m);
    let mut seen = vec![false; (columns * rows) as usize];
    let mut stack = vec![start];
    while let Some((x, y)) = stack.pop() {
        if (x - goal.0).abs() + (y - goal.1).abs() <= 4 {
            return true;
        }
        if x < 0 || y < 0 || x >= columns || y >= rows || std::mem::replace(&mut seen[(y * columns + x) as usize], true)
        {
            continue;
        }
        if around.clearance_m(x as f64 * CELL_M, y as f64 * CELL_M) >= radius_m {
            stack.extend([(x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)]);
        }
    }
    false
}

#[test]
fn what_stands_near_a_route_leaves_a_way_round() {
    let mut standing = 0;
    for index in 0..24 {
        let world = world(index);
        let (robot, route) = task(&world, index);
        let passage_m = 2.0 * robot.radius_m + 0.3;
        let spec = CrowdSpec { crossing: 0, following: 0, standing: 4, passage_m, ..CrowdSpec::default() };
        let movers = Crowd::near_route(&world, route.points(), 1.0, index, &spec).at(0.0);
        standing += movers.len();
        assert!(reachable(&world, &movers, &route, robot.radius_m + 0.02), "world {index}: no way left");
    }
    assert!(standing >= 60, "only {standing} things found a place");
}
