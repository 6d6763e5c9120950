//! The laws of robots: what commands become, what cameras and range finders make of a world.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed expectation is a failed test")]

use std::f64::consts::TAU;

use pilotage_sim::{
    Camera, Expert, Family, Motion, Mover, Pose, Ranges, RenderError, Rng, Robot, RobotKind, Route, ScanSpec,
    SensorEffects, Simulation, Slip, Split, Surroundings, World, WorldId, plan_route, render,
};

fn world(index: u64) -> World {
    World::generate(WorldId { split: Split::Validation, index })
}

fn preset(kind: RobotKind) -> Robot {
    Robot::preset(kind.name()).expect("every kind has a preset")
}

/// A free place to stand, and a direction with at least 1.5 m of free way.
fn open_place(world: &World, radius_m: f64) -> Pose {
    let [x, y] = world.size_m();
    (0..4000)
        .map(|i| Pose {
            x_m: x * f64::from(i % 61) / 61.0,
            y_m: y * f64::from(i / 61) / 61.0,
            yaw_rad: f64::from(i) * 0.7,
        })
        .find(|p| {
            (0..=20).all(|k| {
                let q = p.moved(0.1 * f64::from(k), 0.0, 0.0);
                world.clearance_field_m(q.x_m, q.y_m) > radius_m + 0.2
            })
        })
        .expect("room somewhere")
}

fn routed(kind: RobotKind, index: u64) -> (World, Robot, Route, Rng) {
    let world = world(index);
    let mut rng = Rng::new(index ^ 40);
    let (robot, route) = (0..6)
        .find_map(|_| {
            let robot = kind.sample(&mut rng, world.family());
            plan_route(&world, &robot, &mut rng).map(|route| (robot, route))
        })
        .expect("a route");
    (world, robot, route, rng)
}

#[test]
fn every_kind_is_found_by_its_name_and_has_a_preset_of_its_kind() {
    for kind in RobotKind::ALL {
        assert_eq!(RobotKind::from_name(kind.name()), Some(kind));
        assert_eq!(preset(kind).kind, kind);
        assert!(Robot::PRESETS.contains(&kind.name()));
        assert_ne!(RobotKind::TRAINING.contains(&kind), RobotKind::HELD_OUT.contains(&kind));
    }
    assert_eq!(RobotKind::from_name("toaster"), None);
    assert!(Robot::preset("toaster").is_none());
}

#[test]
fn sampled_robots_lie_in_the_ranges_of_a_training_kind_that_suits_the_place() {
    for family in Family::ALL {
        let mut rng = Rng::new(5);
        let mut kinds = Vec::new();
        for _ in 0..300 {
            let robot = Robot::sample(&mut rng, family);
            assert!(RobotKind::TRAINING.contains(&robot.kind) && robot.kind.suits(family));
            let ranges = robot.kind.ranges();
            let within = |value: f64, (least, most): (f64, f64)| value >= least - 1e-9 && value <= most + 1e-9;
            assert!(within(robot.camera.height_m, ranges.height_m), "{robot:?}");
            assert!(within(robot.camera.hfov_rad * 360.0 / TAU, ranges.fov_deg), "{robot:?}");
            assert!(within(robot.latency_s, ranges.latency_s), "{robot:?}");
            assert!(within(robot.min_turn_radius_m, ranges.turn_radius_m), "{robot:?}");
            assert_eq!(robot.gait.stride_hz > 0.0, robot.kind == RobotKind::Legged, "{robot:?}");
            kinds.push(robot.kind);
        }
        for kind in RobotKind::TRAINING {
            assert_eq!(kinds.contains(&kind), kind.suits(family), "{} in {}", kind.name(), family.name());
        }
    }
}

/// The figures of a kind by name; speeds and radii of all places together.
fn figures(ranges: &Ranges) -> Vec<(&'static str, (f64, f64))> {
    vec![
        ("turn rate", ranges.w_rps),
        ("acceleration", ranges.v_accel_share),
        ("height", ranges.height_m),
        ("pitch", ranges.pitch_deg),
        ("field of view", ranges.fov_deg),
        ("latency", ranges.latency_s),
        ("gait", ranges.gait),
    ]
}

#[test]
fn held_out_kinds_lie_outside_all_training_ranges_in_at_least_two_figures() {
    for held_out in RobotKind::HELD_OUT {
        let outside: Vec<&str> = figures(&held_out.ranges())
            .into_iter()
            .enumerate()
            .filter(|(i, (_, (least, most)))| {
                RobotKind::TRAINING.iter().all(|kind| {
                    let (low, high) = figures(&kind.ranges())[*i].1;
                    *most < low || *least > high
                })
            })
            .map(|(_, (name, _))| name)
            .collect();
        assert!(outside.len() >= 2, "{}: only {outside:?}", held_out.name());
    }
}

#[test]
fn held_out_kinds_can_be_driven_to_the_goal() {
    for kind in RobotKind::HELD_OUT {
        for index in [2, 3, 7] {
            let (world, robot, route, _) = routed(kind, index);
            let expert = Expert::new(&world, &robot, &route);
            let mut simulation = Simulation::new(&world, robot, route.start(), index);
            let (mut progress, mut touched) = (0.0, false);
            for _ in 0..600 {
                progress = expert.progress_m(&simulation.pose(), progress);
                if progress >= route.length_m() {
                    break;
                }
                let (v, w) = expert.command(&simulation.pose(), progress);
                touched |= simulation.step(v, w, 0.25).contact;
            }
            assert!(progress >= route.length_m() && !touched, "{} in world {index}", kind.name());
        }
    }
}

#[test]
fn a_command_takes_effect_exactly_after_the_latency() {
    let world = world(2);
    let sure = Robot { v_accel_mps2: 1e9, w_accel_rps2: 1e9, ..preset(RobotKind::Compact) };
    let start = open_place(&world, sure.radius_m);
    for (latency_s, dt_s) in [(0.0, 0.25), (0.1, 0.25), (0.15, 0.05), (0.3, 0.25)] {
        let robot = Robot { latency_s, ..sure };
        let mut simulation = Simulation::new(&world, robot, start, 1);
        let mut moved = 0.0;
        while simulation.time_s() < 1.0 - 1e-9 {
            moved += simulation.step(0.4, 0.0, dt_s).travelled_m;
        }
        assert!((moved - 0.4 * (1.0 - latency_s)).abs() < 1e-6, "{latency_s} s in steps of {dt_s} s: {moved} m");
        // And it goes on for as long after the stop.
        let after: f64 = (0..(0.5 / dt_s) as usize).map(|_| simulation.step(0.0, 0.0, dt_s).travelled_m).sum();
        assert!((after - 0.4 * latency_s).abs() < 1e-6, "{latency_s} s: {after} m after the stop");
    }
}

#[test]
fn slip_keeps_its_share_of_the_way_and_pushes_the_rover_out_of_curves() {
    let world = world(2);
    let robot = |slip| Robot { slip, v_accel_mps2: 1e9, w_accel_rps2: 1e9, latency_s: 0.0, ..preset(RobotKind::Rover) };
    let start = open_place(&world, 0.8);
    let drive = |robot: Robot, v: f64, w: f64| {
        let mut simulation = Simulation::new(&world, robot, start, 3);
        for _ in 0..4 {
            assert!(!simulation.step(v, w, 0.25).contact);
        }
        start.relative(&simulation.pose())
    };
    let (forward, _, _) = drive(robot(Slip { v_grip: 0.8, ..Slip::NONE }), 0.5, 0.0);
    assert!((forward - 0.4).abs() < 1e-6, "{forward}");
    let (_, _, turned) = drive(robot(Slip { w_grip: 0.7, ..Slip::NONE }), 0.0, 1.0);
    assert!((turned - 0.7).abs() < 1e-6, "{turned}");
    let (_, left, _) = drive(robot(Slip::NONE), 0.8, 0.8);
    let (_, drifting, _) = drive(robot(Slip { lateral_s: 0.1, ..Slip::NONE }), 0.8, 0.8);
    assert!(drifting < left - 0.03, "to the left {drifting} with slip, {left} without");
    let noisy = |seed| {
        let slip = Slip { sigma: 0.1, ..Slip::NONE };
        let mut simulation = Simulation::new(&world, robot(slip), start, seed);
        simulation.step(0.5, 0.3, 1.0);
        simulation.pose()
    };
    assert_eq!(noisy(1), noisy(1));
    assert_ne!(noisy(1), noisy(2));
}

#[test]
fn a_legged_camera_moves_while_it_walks_and_rests_while_it_stands() {
    let robot = preset(RobotKind::Legged);
    let pose = Pose { x_m: 3.0, y_m: 3.0, yaw_rad: 0.4 };
    let walking = Motion { pose, v_mps: robot.v_max_mps, w_rps: 0.0 };
    let views: Vec<(Pose, Camera)> = (0..64).map(|i| robot.view(&walking, f64::from(i) * 0.03)).collect();
    let spread = |of: &dyn Fn(&(Pose, Camera)) -> f64| {
        let values = views.iter().map(of);
        values.clone().fold(f64::MIN, f64::max) - values.fold(f64::MAX, f64::min)
    };
    assert!(spread(&|v| v.1.height_m) > robot.gait.bob_m);
    assert!(spread(&|v| v.1.pitch_rad) > robot.gait.pitch_rad);
    assert!(spread(&|v| v.1.roll_rad) > robot.gait.roll_rad);
    assert!(spread(&|v| v.0.yaw_rad) > robot.gait.yaw_rad);
    assert!(spread(&|v| pose.relative(&v.0).1) > robot.gait.sway_m);
    let standing = Motion { pose, ..Motion::default() };
    assert!((0..64).all(|i| robot.view(&standing, f64::from(i) * 0.03) == (pose, robot.camera)));
    let wheels = preset(RobotKind::Compact);
    assert_eq!(wheels.view(&walking, 0.4), (pose, wheels.camera));
}

#[test]
fn a_rolled_camera_tilts_the_picture_about_its_middle() {
    let world = world(2);
    let camera = Camera { roll_rad: 0.1, ..preset(RobotKind::Compact).camera };
    let pose = open_place(&world, 0.5);
    let level = render(&world, &pose, &Camera { roll_rad: 0.0, ..camera }, 200, 150, 1).unwrap();
    let rolled = render(&world, &pose, &camera, 200, 150, 1).unwrap();
    let column = |picture: &[u8], x: usize, down: usize| -> Vec<u8> {
        (20..110).flat_map(|y| picture[((y + down) * 200 + x) * 3..((y + down) * 200 + x) * 3 + 3].to_vec()).collect()
    };
    let difference = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
    // Right side down: at the right edge the world goes up by 0.1 x 99 pixels.
    let there = column(&rolled, 199, 0);
    let (same, off) = (difference(&there, &column(&level, 199, 10)), difference(&there, &column(&level, 199, 0)));
    assert!(same * 3 < off, "{same} against {off}");
    let middle = difference(&column(&rolled, 100, 0), &column(&level, 100, 0));
    assert!(middle * 5 < off, "{middle} in the middle, {off} at the edge");
}

#[test]
fn a_barrel_keeps_the_field_of_view_and_magnifies_the_middle() {
    let plain = preset(RobotKind::Car).camera;
    let barrel = Camera { distortion: 0.25, ..plain };
    let ratio = barrel.focal_px(200) / plain.focal_px(200);
    assert!((ratio - 1.0 / 0.75).abs() < 1e-9, "{ratio}");
    let world = world(1);
    let pose = open_place(&world, 0.4);
    let picture = |camera: &Camera| render(&world, &pose, camera, 201, 3, 1).unwrap();
    let (a, b) = (picture(&plain), picture(&barrel));
    let pixel = |picture: &[u8], x: usize| picture[(201 + x) * 3..(201 + x) * 3 + 3].to_vec();
    assert_eq!(pixel(&a, 100), pixel(&b, 100), "the middle looks the same way");
    assert_ne!(a, b);
}

#[test]
fn effects_give_the_same_bits_twice_and_none_change_nothing() {
    let world = world(3);
    let robot = preset(RobotKind::Legged);
    let pose = open_place(&world, 0.4);
    let motion = Motion { pose, v_mps: 0.3, w_rps: 0.9 };
    for (width, height) in [(85, 64), (160, 120), (1, 1), (3, 50)] {
        let effects = SensorEffects::sample(&mut Rng::new(8), 1.5);
        let shot = |t_s| effects.picture(&world, &robot, &motion, t_s, width, height).unwrap();
        assert_eq!(shot(0.5), shot(0.5));
        assert_eq!(shot(0.5).len(), width * height * 3);
    }
    let shot = |effects: &SensorEffects, t_s| effects.picture(&world, &robot, &motion, t_s, 85, 64).unwrap();
    let sensors: Vec<Vec<u8>> =
        (0..6).map(|seed| shot(&SensorEffects::sample(&mut Rng::new(seed), 1.0), 1.0)).collect();
    assert!(sensors.windows(2).all(|pair| pair[0] != pair[1]), "different sensors see differently");
    let (at, camera) = robot.view(&motion, 1.0);
    let bare = render(&world, &at, &camera, 85, 64, 2).unwrap();
    assert_eq!(shot(&SensorEffects::none(), 1.0), bare);
    assert_eq!(shot(&SensorEffects::sample(&mut Rng::new(2), 0.0), 1.0), bare, "strength 0 is a perfect sensor");
    assert!(matches!(effects_of_size(&world, &robot, 0), Err(RenderError::Size { .. })));
    assert!(matches!(effects_of_size(&world, &robot, usize::MAX), Err(RenderError::Size { .. })));
    let mut odd = vec![7; 100];
    SensorEffects::sample(&mut Rng::new(1), 1.0).apply(&mut odd, 85, 64, &motion, &camera, 0.0);
    assert_eq!(odd, vec![7; 100], "a buffer of another size is left alone");
}

fn effects_of_size(world: &World, robot: &Robot, side: usize) -> Result<Vec<u8>, RenderError> {
    SensorEffects::none().picture(world, robot, &Motion::default(), 0.0, side, 64)
}

#[test]
fn turning_blurs_along_the_rows_and_standing_does_not() {
    let world = world(0);
    let robot = preset(RobotKind::Compact);
    let pose = open_place(&world, 0.4);
    let effects = SensorEffects { shutter_s: 0.04, ..SensorEffects::none() };
    let roughness = |w_rps: f64| {
        let motion = Motion { pose, v_mps: 0.0, w_rps };
        let picture = effects.picture(&world, &robot, &motion, 0.0, 160, 120).unwrap();
        picture
            .chunks_exact(160 * 3)
            .flat_map(|row| row.iter().zip(&row[3..]).map(|(a, b)| u64::from(a.abs_diff(*b))))
            .sum::<u64>()
    };
    assert!(roughness(1.4) * 10 < roughness(0.0) * 8, "{} turning, {} standing", roughness(1.4), roughness(0.0));
}

#[test]
fn a_scan_agrees_with_the_clearance_to_a_centimetre() {
    let spec = ScanSpec { beams: 720, noise_sigma_m: 0.0, dropout: 0.0, range_min_m: 0.0, ..ScanSpec::default() };
    for index in 0..4 {
        let world = world(index);
        let mut rng = Rng::new(index);
        let [x, y] = world.size_m();
        let mut compared = 0;
        for _ in 0..200 {
            let pose = Pose { x_m: rng.range(0.0, x), y_m: rng.range(0.0, y), yaw_rad: rng.range(-3.0, 3.0) };
            let clearance = world.clearance_m(pose.x_m, pose.y_m);
            let around = Surroundings::from(&world);
            let scan = spec.scan(around, &pose, &mut Rng::new(1));
            assert_eq!(scan.len(), 720);
            for (beam, range) in scan.iter().enumerate().step_by(40) {
                let Some(range) = range.is_finite().then_some(f64::from(*range)) else { continue };
                let (sin, cos) = (pose.yaw_rad + spec.angle_rad(beam)).sin_cos();
                let at = |t: f64| world.clearance_m(pose.x_m + cos * t, pose.y_m + sin * t);
                assert!(at(range) < 0.01, "world {index}: {} m left at the end of a beam", at(range));
                if clearance > 0.0 {
                    assert!(at(range * 0.5) > -0.01 && at(range * 0.9) > -0.01, "world {index}: a beam through a wall");
                }
            }
            if clearance > 0.05 && clearance < 0.55 {
                let nearest = f64::from(scan.iter().copied().fold(f32::INFINITY, f32::min));
                assert!((nearest - clearance).abs() < 0.01, "world {index}: {nearest} against {clearance}");
                compared += 1;
            }
        }
        assert!(compared > 15, "world {index}: {compared} places");
    }
}

#[test]
fn a_scan_sees_movers_has_noise_of_its_own_and_tells_nothing_beyond_its_range() {
    let world = world(2);
    let robot = preset(RobotKind::Compact);
    let start = open_place(&world, robot.radius_m);
    let mut simulation = Simulation::new(&world, robot, start, 5);
    let spec = ScanSpec { beams: 1, fov_rad: 0.0, noise_sigma_m: 0.0, dropout: 0.0, ..ScanSpec::default() };
    let ahead = start.moved(1.0, 0.0, 0.0);
    let person = Mover { centre: [ahead.x_m, ahead.y_m], radius_m: 0.25, height_m: 1.7, look: 0 };
    simulation.set_movers(vec![person]);
    assert!((simulation.scan(&spec)[0] - 0.75).abs() < 0.01);
    simulation.set_movers(vec![Mover { height_m: 0.1, ..person }]);
    assert!(simulation.scan(&spec)[0] > 1.0, "what is lower than the scan plane is not seen");
    simulation.set_movers(vec![person]);
    assert!(simulation.scan(&ScanSpec { range_max_m: 0.5, ..spec })[0].is_infinite());
    let noisy = ScanSpec { beams: 200, dropout: 0.2, noise_sigma_m: 0.02, ..ScanSpec::default() };
    let (first, second) = (simulation.scan(&noisy), simulation.scan(&noisy));
    assert_ne!(first, second);
    assert!(first.iter().filter(|r| r.is_infinite()).count() > 10);
    assert_eq!(
        Simulation::new(&world, robot, start, 5).scan(&noisy),
        Simulation::new(&world, robot, start, 5).scan(&noisy)
    );
}

#[test]
fn a_robot_stops_at_a_mover_and_reports_the_contact() {
    let world = world(2);
    let robot = Robot { latency_s: 0.0, ..preset(RobotKind::Compact) };
    let start = open_place(&world, robot.radius_m);
    let ahead = start.moved(0.8, 0.0, 0.0);
    let mut simulation = Simulation::new(&world, robot, start, 5);
    simulation.set_movers(vec![Mover { centre: [ahead.x_m, ahead.y_m], radius_m: 0.2, height_m: 1.7, look: 0 }]);
    let touched = (0..20).any(|_| simulation.step(0.4, 0.0, 0.25).contact);
    let gap = simulation.pose().distance_m(&ahead) - 0.2 - robot.radius_m;
    assert!(touched && (-1e-9..0.05).contains(&gap), "{gap}");
}

#[test]
fn the_expert_goes_round_those_who_stand_in_the_way() {
    let (mut arrived, mut touched, mut all) = (0, 0, 0);
    for index in 0..16 {
        let kind = if index % 2 == 0 { RobotKind::Compact } else { RobotKind::Legged };
        let (world, robot, route, _) = routed(kind, index);
        // A person on the way, two thirds along, where it can be passed.
        let spot = (0..40)
            .map(|k| route.at(route.length_m() * (0.35 + 0.01 * f64::from(k))))
            .find(|p| world.clearance_field_m(p.x_m, p.y_m) > 2.0 * robot.radius_m + 0.5);
        let Some(spot) = spot else { continue };
        let person = [Mover { centre: [spot.x_m, spot.y_m], radius_m: 0.2, height_m: 1.7, look: 1 }];
        let around = Surroundings::new(&world, &person);
        let expert = Expert::new(around, &robot, &route);
        let mut motion = Motion { pose: route.start(), ..Motion::default() };
        let (mut progress, mut contact) = (0.0, false);
        for _ in 0..600 {
            progress = expert.progress_m(&motion.pose, progress);
            if progress >= route.length_m() {
                break;
            }
            let (v, w) = expert.command(&motion.pose, progress);
            contact |= pilotage_sim::advance(around, &robot, &mut motion, v, w, 0.25).contact;
        }
        all += 1;
        arrived += usize::from(progress >= route.length_m());
        touched += usize::from(contact);
    }
    assert!(all >= 6, "{all} places where a person can be passed");
    assert!(arrived + 1 >= all && touched <= 1, "{arrived} of {all} arrived, {touched} touched");
}
