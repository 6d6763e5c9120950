//! The laws of the simulator: same seeds, same bits; what drives, arrives; what is solid, stops.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed expectation is a failed test")]

use std::f64::consts::PI;

use pilotage_sim::{
    Camera, Episode, Expert, Family, Motion, Pose, Projection, RenderError, Rng, Robot, Route, Simulation, Split,
    Teleop, World, WorldId, advance, plan_route, plan_view, render, render_into,
};
use proptest::prelude::*;

fn world(index: u64) -> World {
    World::generate(WorldId { split: Split::Validation, index })
}

/// FNV-1a.
fn hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xCBF2_9CE4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01B3))
}

fn task(index: u64) -> (World, Robot, Route, Rng) {
    let world = world(index);
    let mut rng = Rng::new(index);
    let (robot, route) = (0..6)
        .find_map(|_| {
            let robot = Robot::sample(&mut rng, world.family());
            plan_route(&world, &robot, &mut rng).map(|route| (robot, route))
        })
        .expect("no route for six robots");
    (world, robot, route, rng)
}

fn jittered(world: &World, robot: &Robot, route: &Route, place_m: f64, turn_rad: f64, rng: &mut Rng) -> Pose {
    (0..100)
        .map(|_| route.start().moved(place_m * rng.normal(), place_m * rng.normal(), turn_rad * rng.normal()))
        .find(|p| world.clearance_m(p.x_m, p.y_m) > robot.radius_m + 0.02)
        .expect("no free start")
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let make = || {
        let world = world(2);
        let episode = Episode::generate(&world, 3).unwrap().expect("a route");
        let frames = (0..episode.states.len()).flat_map(|i| episode.frame(i).to_vec());
        let poses = episode.states.iter().flat_map(|s| s.pose.x_m.to_le_bytes());
        (hash(frames), hash(poses), episode.states.len())
    };
    assert_eq!(make(), make());
}

/// Fixed on x86-64; a machine whose arithmetic differs shows up here.
#[test]
fn pictures_have_the_same_bits_on_every_machine() {
    let camera = Robot::preset("wide-view").unwrap().camera;
    let pictures: Vec<u64> = (0..4)
        .map(|index| {
            let world = world(index);
            let [x, y] = world.size_m();
            let pose = Pose { x_m: 0.37 * x, y_m: 0.61 * y, yaw_rad: 0.8 };
            hash(render(&world, &pose, &camera, 85, 64, 1).unwrap())
        })
        .collect();
    assert_eq!(pictures, GOLDEN);
}

const GOLDEN: [u64; 4] =
    [5_503_211_807_929_454_744, 8_219_747_987_964_077_173, 5_458_859_456_783_261_825, 11_746_652_884_341_507_921];

#[test]
fn splits_never_share_a_seed_or_a_place() {
    let splits = [Split::Train, Split::Validation, Split::Test];
    let mut seeds: Vec<u64> =
        splits.iter().flat_map(|&split| (0..5000).map(move |index| WorldId { split, index }.seed())).collect();
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), 15_000);
    let view = |split| plan_view(&World::generate(WorldId { split, index: 0 }), 4).rgb;
    assert_ne!(view(Split::Train), view(Split::Validation));
    assert_ne!(view(Split::Train), view(Split::Test));
}

#[test]
fn families_come_in_turn() {
    let families: Vec<Family> = (0..4).map(|index| WorldId { split: Split::Test, index }.family()).collect();
    assert_eq!(families, Family::ALL);
}

#[test]
fn a_picture_of_no_or_absurd_size_is_refused_before_anything_is_allocated() {
    let (world, camera) = (world(0), Robot::preset("compact").unwrap().camera);
    let pose = Pose { x_m: 2.0, y_m: 2.0, yaw_rad: 0.0 };
    for (w, h, ss) in [(0, 64, 1), (85, 0, 1), (85, 64, 0), (usize::MAX, 64, 1), (4096, 64, 2), (85, 64, usize::MAX)] {
        assert!(matches!(render(&world, &pose, &camera, w, h, ss), Err(RenderError::Size { .. })), "{w} {h} {ss}");
    }
    let mut small = vec![0; 10];
    let refused = render_into(&world, &pose, &camera, 85, 64, 1, &mut small);
    assert_eq!(refused, Err(RenderError::Buffer { needed: 85 * 64 * 3, given: 10 }));
}

#[test]
fn a_wall_looks_the_same_from_the_left_half_and_the_right_half_of_the_lens() {
    // Turning by an angle moves a far point by focal x tan(angle): the projection's scale and sign.
    let world = world(1);
    let camera = Camera {
        height_m: 0.6,
        pitch_rad: 0.0,
        forward_offset_m: 0.0,
        hfov_rad: 2.0,
        projection: Projection::Cylindrical,
        exposure: 1.0,
        distortion: 0.0,
        roll_rad: 0.0,
    };
    let [x, y] = world.size_m();
    let free = (0..400)
        .map(|i| ((i % 20) as f64 / 20.0 * x, (i / 20) as f64 / 20.0 * y))
        .find(|p| world.clearance_m(p.0, p.1) > 0.5)
        .unwrap();
    let look = |yaw_rad| {
        let pose = Pose { x_m: free.0, y_m: free.1, yaw_rad };
        render(&world, &pose, &camera, 200, 40, 1).unwrap()
    };
    // 200 columns over 2 rad: turning left by 0.1 rad shifts the picture 10 columns to the right.
    let (before, after) = (look(0.3), look(0.4));
    let column = |picture: &[u8], cx: usize| -> Vec<u8> {
        (0..40).flat_map(|row| picture[(row * 200 + cx) * 3..(row * 200 + cx) * 3 + 3].to_vec()).collect()
    };
    let same = (0..190).filter(|&cx| column(&before, cx) == column(&after, cx + 10)).count();
    let unmoved = (0..190).filter(|&cx| column(&before, cx) == column(&after, cx)).count();
    assert!(same > 60 && same > 4 * unmoved.max(1), "{same} columns moved as they should, {unmoved} stood still");
}

#[test]
fn routes_keep_their_room_and_the_joystick_drive_touches_nothing() {
    for index in 0..8 {
        let (world, robot, route, _) = task(index);
        for p in route.points() {
            assert!(world.clearance_m(p[0], p[1]) >= robot.radius_m + pilotage_sim::LEAST_ROOM_M, "world {index}");
        }
        for rate_hz in [4.0, 30.0] {
            let drive = Teleop::drive(&world, &robot, &route, rate_hz);
            assert!(drive.iter().all(|s| !s.contact), "world {index} at {rate_hz} Hz");
            let end = drive.last().unwrap().pose;
            assert!(end.distance_m(&route.goal()) < 0.5, "world {index} at {rate_hz} Hz ends at {end:?}");
        }
    }
}

#[test]
fn the_expert_arrives_from_jittered_starts_without_contact() {
    let (mut good, mut all) = (0, 0);
    for index in 0..20 {
        let (world, robot, route, mut rng) = task(index);
        for _ in 0..2 {
            let pose = jittered(&world, &robot, &route, 0.2, 0.35, &mut rng);
            let expert = Expert::new(&world, &robot, &route);
            let mut motion = Motion { pose, ..Motion::default() };
            let (mut progress, mut touched, mut steps) = (0.0, false, 0);
            while progress < route.length_m() && steps < 400 {
                let (v, w) = expert.command(&motion.pose, progress);
                touched |= advance(&world, &robot, &mut motion, v, w, 0.25).contact;
                progress = expert.progress_m(&motion.pose, progress);
                steps += 1;
            }
            all += 1;
            good += usize::from(!touched && motion.pose.distance_m(&route.goal()) < 0.6);
        }
    }
    assert_eq!(all, 40);
    assert!(good >= 38, "{good} of 40");
}

#[test]
fn replaying_the_commands_blindly_from_a_perturbed_start_mostly_fails() {
    let (mut good, mut all) = (0, 0);
    for index in 0..16 {
        let (world, robot, route, mut rng) = task(index);
        let drive = Teleop::drive(&world, &robot, &route, 4.0);
        for _ in 0..4 {
            let pose = jittered(&world, &robot, &route, 0.12, 0.2, &mut rng);
            let mut motion = Motion { pose, ..Motion::default() };
            let mut touched = false;
            for step in &drive {
                touched |= advance(&world, &robot, &mut motion, step.v_mps, step.w_rps, 0.25).contact;
            }
            let tolerance_m = f64::max(0.6, 3.0 * robot.step_length_m());
            all += 1;
            good += usize::from(!touched && motion.pose.distance_m(&route.goal()) < tolerance_m);
        }
    }
    assert!(good * 100 <= all * 35, "{good} of {all} blind replays arrive");
}

#[test]
fn the_distance_to_a_frame_k_ahead_on_the_clean_drive_is_k() {
    for index in 0..4 {
        let episode = Episode::generate(&world(index), 11).unwrap().expect("a route");
        let clean = episode.drives[0].clone();
        assert!(clean.len() > 22, "world {index}");
        for i in clean.clone().step_by(3) {
            for k in 1..=19 {
                if i + k < clean.end {
                    let d = episode.distance_steps(i, i + k);
                    assert!((d - k as f32).abs() <= 0.5, "world {index}: {d} steps for {k} frames");
                }
            }
            if i >= clean.start + 3 && episode.states[i].progress_m - episode.states[i - 3].progress_m > 0.3 {
                assert!(episode.distance_steps(i, i - 3) >= 20.0, "a passed frame is not ahead");
            }
        }
    }
}

#[test]
fn waypoints_are_what_the_expert_then_drives() {
    let episode = Episode::generate(&world(3), 2).unwrap().expect("a route");
    let unit = episode.robot.step_length_m();
    let clean = episode.drives[0].clone();
    let (i, end) = (clean.start + 8, clean.end);
    assert!(i + 5 < end);
    for k in 0..5 {
        let (x, y, turn) = episode.states[i].pose.relative(&episode.states[i + k + 1].pose);
        let w = episode.states[i].waypoints[k];
        let wanted = [x / unit, y / unit, turn.cos(), turn.sin()];
        for (have, want) in w.iter().zip(wanted) {
            assert!((f64::from(*have) - want).abs() < 1e-4, "waypoint {k}: {w:?}, wanted {wanted:?}");
        }
    }
}

#[test]
fn odometry_starts_at_zero_and_follows_the_true_way_within_its_error() {
    let (world, robot, route, _) = task(4);
    let start = route.start();
    let mut simulation = Simulation::new(&world, robot, start, 1);
    assert_eq!(simulation.odometry().pose, Pose::default());
    let expert = Expert::new(&world, &robot, &route);
    let mut progress = 0.0;
    for _ in 0..24 {
        let (v, w) = expert.command(&simulation.pose(), progress);
        simulation.step(v, w, 0.25);
        progress = expert.progress_m(&simulation.pose(), progress);
    }
    let (x, y, _) = start.relative(&simulation.pose());
    let told = simulation.odometry().pose;
    assert!((simulation.time_s() - 6.0).abs() < 1e-9);
    assert!(x.hypot(y) > 0.5);
    assert!((told.x_m - x).hypot(told.y_m - y) < 0.1 * x.hypot(y) + 0.02, "{told:?} against {x} {y}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rendering_survives_any_pose(
        x in -50.0..80.0f64, y in -50.0..80.0f64, yaw in -20.0..20.0f64,
        height in -1.0..70.0f64, pitch in -2.0..2.0f64, hfov in 0.0..7.0f64, wide: bool, family in 0u64..4,
        distortion in -1.0..1.0f64, roll in -1.0..1.0f64,
    ) {
        let projection = if wide { Projection::Cylindrical } else { Projection::Pinhole };
        let camera = Camera { height_m: height, pitch_rad: pitch, forward_offset_m: 0.1, hfov_rad: hfov, projection, exposure: 1.1, distortion, roll_rad: roll };
        let picture = render(&world(family), &Pose { x_m: x, y_m: y, yaw_rad: yaw }, &camera, 40, 30, 1).unwrap();
        prop_assert_eq!(picture.len(), 40 * 30 * 3);
    }

    #[test]
    fn no_command_takes_a_robot_into_or_through_anything(seed in 0u64..1_000_000, index in 0u64..8) {
        let (world, robot, route, _) = task(index);
        let mut rng = Rng::new(seed);
        let mut simulation = Simulation::new(&world, robot, route.start(), seed).with_actuator_noise(0.2, 0.2);
        for _ in 0..60 {
            let (v, w) = (rng.range(-3.0, 3.0), rng.range(-3.0, 3.0));
            for _ in 0..rng.between(1, 6) {
                simulation.step(v, w, 0.25);
                let p = simulation.pose();
                prop_assert!(world.clearance_m(p.x_m, p.y_m) >= robot.radius_m - 1e-9);
            }
        }
        // Every world is closed: straight on, something stops the robot.
        let stopped = (0..800).any(|_| simulation.step(robot.v_max_mps, 0.0, 0.25).contact);
        let p = simulation.pose();
        prop_assert!(stopped && world.clearance_m(p.x_m, p.y_m) >= robot.radius_m - 1e-9);
    }

    #[test]
    fn a_car_never_turns_tighter_than_it_can(seed in 0u64..1_000_000) {
        let world = world(2);
        let robot = Robot::preset("car").unwrap();
        let mut rng = Rng::new(seed);
        let start = (0..1000)
            .map(|_| Pose { x_m: rng.range(0.0, 30.0), y_m: rng.range(0.0, 30.0), yaw_rad: rng.range(-PI, PI) })
            .find(|p| world.clearance_m(p.x_m, p.y_m) > 0.5)
            .unwrap();
        let mut motion = Motion { pose: start, ..Motion::default() };
        let still = advance(&world, &robot, &mut motion, 0.0, 1.6, 1.0);
        prop_assert!(still.turned_rad.abs() < 1e-12, "turned on the spot");
        for _ in 0..40 {
            advance(&world, &robot, &mut motion, rng.range(-1.2, 1.2), rng.range(-1.6, 1.6), 0.05);
            prop_assert!(motion.w_rps.abs() * robot.min_turn_radius_m <= motion.v_mps.abs() + 1e-9);
        }
    }
}
