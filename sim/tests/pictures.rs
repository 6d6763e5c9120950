//! The laws of pictures: who hides whom, and what light may change.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed expectation is a failed test")]

use pilotage_sim::{
    Camera, Light, Mover, Pose, Projection, Rng, Robot, Split, Surroundings, World, WorldId, plan_route, render,
};
use proptest::prelude::*;

const WIDE: usize = 96;
const HIGH: usize = 72;

fn world(index: u64) -> World {
    World::generate(WorldId { split: Split::Validation, index })
}

fn camera() -> Camera {
    Camera {
        height_m: 0.5,
        pitch_rad: 0.0,
        forward_offset_m: 0.0,
        hfov_rad: 1.4,
        projection: Projection::Pinhole,
        exposure: 1.0,
        distortion: 0.0,
        roll_rad: 0.0,
    }
}

fn picture(world: &World, movers: &[Mover], pose: &Pose) -> Vec<u8> {
    render(Surroundings::new(world, movers), pose, &camera(), WIDE, HIGH, 1).unwrap()
}

/// A place that looks along `room_m` metres of empty floor, and how far it sees.
fn lookout(world: &World, room_m: f64) -> Pose {
    let mut rng = Rng::new(9);
    let [x, y] = world.size_m();
    (0..20_000)
        .map(|_| Pose { x_m: rng.range(0.0, x), y_m: rng.range(0.0, y), yaw_rad: rng.range(-3.1, 3.1) })
        .find(|p| {
            (0..=(room_m * 10.0) as usize).all(|i| {
                let at = p.moved(i as f64 * 0.1, 0.0, 0.0);
                world.clearance_m(at.x_m, at.y_m) > 0.45
            })
        })
        .expect("no such view")
}

fn ahead(pose: &Pose, forward_m: f64, left_m: f64, radius_m: f64, height_m: f64, look: u8) -> Mover {
    let at = pose.moved(forward_m, left_m, 0.0);
    Mover { centre: [at.x_m, at.y_m], radius_m, height_m, look }
}

/// (column, row) of every pixel that differs.
fn changed(a: &[u8], b: &[u8]) -> Vec<(usize, usize)> {
    let pixels = a.chunks_exact(3).zip(b.chunks_exact(3)).enumerate();
    pixels.filter(|(_, (a, b))| a != b).map(|(i, _)| (i % WIDE, i / WIDE)).collect()
}

#[test]
fn a_mover_hides_what_is_behind_it_and_nothing_in_front() {
    for index in 0..4 {
        let world = world(index);
        let pose = lookout(&world, 3.4);
        let empty = picture(&world, &[], &pose);
        let drum = ahead(&pose, 1.5, 0.0, 0.4, 1.2, 5);
        let behind = ahead(&pose, 3.0, 0.0, 0.25, 0.9, 6);
        let alone = picture(&world, &[drum], &pose);
        assert!(changed(&empty, &alone).len() > 500, "world {index}: no drum to be seen");
        assert_eq!(alone, picture(&world, &[drum, behind], &pose), "world {index}: seen through a drum");
        assert_eq!(alone, picture(&world, &[behind, drum], &pose), "world {index}: the order mattered");
        let far = picture(&world, &[behind], &pose);
        assert!(changed(&empty, &far).len() > 30, "world {index}: no cone to be seen");
    }
}

#[test]
fn nobody_is_seen_through_a_wall() {
    for index in [0, 1, 3] {
        let world = world(index);
        let pose = lookout(&world, 1.0);
        // Somewhere ahead is the wall around everything; beyond it walks somebody.
        let outside = ahead(&pose, 60.0, 0.0, 0.4, 1.8, 0);
        assert_eq!(picture(&world, &[], &pose), picture(&world, &[outside], &pose), "world {index}");
    }
}

#[test]
fn a_mover_stands_where_it_is_said_to_stand() {
    let world = world(1);
    let pose = lookout(&world, 3.4);
    let empty = picture(&world, &[], &pose);
    let focal = camera().focal_px(WIDE);
    for (left, look) in [(0.0, 5), (0.3, 0), (-0.3, 3)] {
        let seen = changed(&empty, &picture(&world, &[ahead(&pose, 2.5, left, 0.25, 0.8, look)], &pose));
        let bounds = |at: fn(&(usize, usize)) -> usize| {
            (seen.iter().map(at).min().unwrap() as f64, 1.0 + seen.iter().map(at).max().unwrap() as f64)
        };
        let (columns, rows) = (bounds(|p| p.0), bounds(|p| p.1));
        let middle = 0.5 * WIDE as f64 - left / 2.5 * focal;
        let half = 0.25 / 2.25 * focal;
        assert!(columns.0 >= middle - half - 1.5 && columns.1 <= middle + half + 1.5, "look {look}: {columns:?}");
        // The eye is at 0.5 m: the feet at the near rim of the footprint at lowest.
        let (head, feet) = (0.5 * HIGH as f64 - 0.3 / 2.25 * focal, 0.5 * HIGH as f64 + 0.5 / 2.25 * focal);
        assert!(rows.0 >= head - 1.5 && rows.0 <= head + 4.0, "look {look}: {rows:?}, head at {head}");
        assert!(rows.1 <= feet + 1.5 && rows.1 >= feet - 6.0, "look {look}: {rows:?}, feet at {feet}");
    }
}

#[test]
fn light_changes_pictures_but_not_geometry() {
    for index in 0..4 {
        let world = world(index);
        let pose = lookout(&world, 1.0);
        let plain = Surroundings::new(&world, &[]);
        let evening = plain.with_light(Light { ambient: 0.5, tint: [1.1, 1.0, 0.8], ..Light::default() });
        let show = |around| render(around, &pose, &camera(), WIDE, HIGH, 1).unwrap();
        let (day, dusk) = (show(plain), show(evening));
        let sum = |picture: &[u8]| picture.iter().map(|b| u64::from(*b)).sum::<u64>();
        assert!(sum(&dusk) * 10 < sum(&day) * 7, "world {index}: it did not get darker");
        assert_eq!(day, render(&world, &pose, &camera(), WIDE, HIGH, 1).unwrap(), "world {index}");
        for i in 0..50 {
            let at = pose.moved(f64::from(i) * 0.1, 0.0, 0.0);
            let same = plain.clearance_m(at.x_m, at.y_m).to_bits() == evening.clearance_m(at.x_m, at.y_m).to_bits();
            assert!(same, "world {index}: light moved a wall");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rendering_survives_any_mover_and_any_light(
        x in -5.0..30.0f64, y in -5.0..30.0f64, yaw in -7.0..7.0f64, height in -1.0..70.0f64, pitch in -2.0..2.0f64,
        family in 0u64..4, seed: u64, ambient in -1.0..1e9f64, strength in -1.0..2.0f64, odd in 0usize..6,
    ) {
        let world = world(family);
        let mut rng = Rng::new(seed);
        let pose = Pose { x_m: x, y_m: y, yaw_rad: yaw };
        let mut movers: Vec<Mover> = (0..8)
            .map(|look| {
                let (forward, left) = (rng.range(-1.0, 4.0), rng.range(-1.5, 1.5));
                ahead(&pose, forward, left, rng.range(0.0, 0.6), rng.range(-0.2, 2.2), look)
            })
            .collect();
        let strange = [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e300, 1e-300][odd];
        movers.push(Mover { centre: [strange, 1.0], radius_m: 0.3, height_m: 1.7, look: 3 });
        movers.push(Mover { centre: [x, y], radius_m: strange, height_m: strange, look: 200 });
        let light = Light { ambient, sun_azimuth_rad: strange, sun_strength: strength, tint: [1.0, strange, 0.5] };
        let camera = Camera { height_m: height, pitch_rad: pitch, ..camera() };
        let around = Surroundings::new(&world, &movers).with_light(light);
        prop_assert_eq!(render(around, &pose, &camera, 40, 30, 1).unwrap().len(), 40 * 30 * 3);
    }
}

#[test]
fn the_same_movers_in_the_same_light_give_the_same_bits() {
    let world = world(2);
    let mut rng = Rng::new(4);
    let robot = Robot::sample(&mut rng, world.family());
    let route = plan_route(&world, &robot, &mut rng).unwrap();
    let pose = route.start();
    let movers: Vec<Mover> =
        (0..8).map(|look| ahead(&pose, 1.5 + 0.3 * f64::from(look), 0.1, 0.3, 1.7, look)).collect();
    let make = || {
        let light = Light::sample(&mut Rng::new(3));
        render(Surroundings::new(&world, &movers).with_light(light), &pose, &robot.camera, WIDE, HIGH, 2).unwrap()
    };
    assert_eq!(make(), make());
}
