//! The rules of the controller.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::float_cmp,
    reason = "a test that panics has failed; a mirrored number must be the same number"
)]

use std::f64::consts::{FRAC_PI_2, PI};

use pilotage_gate::{
    Command, Decision, Faults, Gate, Input, Limits, LimitsConfig, Mode, Monotonic, Permit, Wanted,
};

use super::*;

const START: Monotonic = Monotonic(7_000_000_000);
const STEP_M: f32 = 0.1;

fn config() -> ControllerConfig {
    ControllerConfig {
        smoothing_s: 0.0,
        ..ControllerConfig::for_robot(0.4, 1.0, STEP_M.into())
    }
}

fn later(at: Monotonic, seconds: f64) -> Monotonic {
    Monotonic(at.0 + (seconds * 1e9).round() as u64)
}

/// A plan with the same waypoint everywhere, given in steps.
fn plan_at(x_steps: f32, y_steps: f32, yaw_rad: f32) -> PathPlan {
    let waypoint = Waypoint {
        x_m: x_steps * STEP_M,
        y_m: y_steps * STEP_M,
        cos_yaw: yaw_rad.cos(),
        sin_yaw: yaw_rad.sin(),
    };
    PathPlan::new(&[waypoint; 5], 0.25, START).unwrap()
}

/// A plan along an arc of the given curvature (1/m) at one step a waypoint.
fn arc_plan(curvature: f64, captured: Monotonic) -> PathPlan {
    let waypoints: Vec<Waypoint> = (1..=5)
        .map(|index| {
            let way_m = f64::from(index) * f64::from(STEP_M);
            let end = Pose2::IDENTITY.driven(1.0, curvature, way_m);
            Waypoint {
                x_m: end.x_m as f32,
                y_m: end.y_m as f32,
                cos_yaw: end.yaw_rad.cos() as f32,
                sin_yaw: end.yaw_rad.sin() as f32,
            }
        })
        .collect();
    PathPlan::new(&waypoints, 0.25, captured).unwrap()
}

fn mirrored(plan: &PathPlan) -> PathPlan {
    let waypoints: Vec<Waypoint> = plan
        .waypoints()
        .iter()
        .map(|waypoint| Waypoint {
            y_m: -waypoint.y_m,
            sin_yaw: -waypoint.sin_yaw,
            ..*waypoint
        })
        .collect();
    PathPlan::new(&waypoints, plan.period_s(), plan.captured()).unwrap()
}

/// A command as only the gate can make it.
fn command(linear_mps: f32, angular_rps: f32) -> Command {
    let limits = Limits::checked(LimitsConfig {
        max_linear_mps: 2.0,
        max_reverse_mps: 2.0,
        max_angular_rps: 3.0,
        linear_accel_mps2: 50.0,
        linear_decel_mps2: 50.0,
        angular_accel_rps2: 100.0,
        ..LimitsConfig::default()
    })
    .unwrap();
    let mut gate = Gate::new(limits);
    let mut input = Input {
        now: START,
        mode: Mode::Armed,
        permit: Permit::Drive,
        decision: Some(Decision {
            wanted: Wanted {
                linear_mps,
                angular_rps,
            },
            evidence_at: START,
            sequence: 0,
        }),
        faults: Faults::NONE,
    };
    let _ = gate.step(&input);
    input.now = later(START, 0.1);
    let command = gate.step(&input).command;
    assert_eq!(command.linear_mps(), linear_mps);
    command
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-6
}

fn wanted(plan: &PathPlan) -> (f64, f64) {
    let wanted = wanted_motion(plan, &config()).unwrap();
    (wanted.linear_mps.into(), wanted.angular_rps.into())
}

#[test]
fn the_law_gives_the_numbers_of_the_recipe() {
    // Computed by the recipe's formula in another language.
    for (x, y, yaw_rad, linear_mps, angular_rps) in [
        (3.0, 0.0, 0.0, 0.4, 0.0),
        (2.0, 0.5, 0.5, 0.266_666_667, 0.522_622_791),
        (0.5, 0.1, 0.8, 0.066_666_667, 0.737_392_466),
        (0.4, -0.3, -0.2, 0.053_333_333, -0.819_734_49),
        (0.02, 0.01, -0.5, 0.002_666_667, -0.629_644_14),
        (4.0, 3.0, 0.0, 0.4, 1.0),
    ] {
        let (linear, angular) = wanted(&plan_at(x, y, yaw_rad));
        assert!(close(linear, linear_mps), "({x}, {y}): {linear}");
        assert!(close(angular, angular_rps), "({x}, {y}): {angular}");
    }
}

#[test]
fn a_path_straight_ahead_is_driven_straight_at_full_speed() {
    assert_eq!(wanted(&arc_plan(0.0, START)), (f64::from(0.4f32), 0.0));
}

#[test]
fn a_mirrored_plan_gives_the_mirrored_motion() {
    let plans = [
        plan_at(2.0, 0.5, 0.5),
        plan_at(-1.0, 0.7, 2.0),
        plan_at(0.1, 0.02, -1.0),
        arc_plan(0.8, START),
    ];
    for plan in plans {
        let left = wanted_motion(&plan, &config()).unwrap();
        let right = wanted_motion(&mirrored(&plan), &config()).unwrap();
        assert_ne!(left.angular_rps, 0.0);
        assert_eq!(left.linear_mps.to_bits(), right.linear_mps.to_bits());
        assert_eq!(left.angular_rps, -right.angular_rps);
        let turned = |angular_rps| Motion::NONE.driven(0.3, angular_rps, 0.4);
        let left = wanted(&advance(&plan, &turned(0.9)));
        let right = wanted(&advance(&mirrored(&plan), &turned(-0.9)));
        assert_eq!(left, (right.0, -right.1));
    }
}

#[test]
fn a_waypoint_aside_or_behind_turns_the_robot_towards_it_without_driving() {
    for (y, side) in [(0.5, 1.0), (-0.5, -1.0)] {
        for x in [0.0, -0.1, -2.0, -5.0] {
            assert_eq!(wanted(&plan_at(x, y, 0.0)), (0.0, side), "({x}, {y})");
        }
    }
}

#[test]
fn a_tiny_waypoint_turns_the_robot_to_its_heading() {
    for yaw_rad in [0.6f32, -0.6] {
        let (linear, angular) = wanted(&plan_at(0.0, 0.0, yaw_rad));
        assert_eq!(linear, 0.0);
        assert!(close(angular, f64::from(yaw_rad) / 0.75));
    }
}

#[test]
fn a_number_that_is_not_finite_or_absurd_makes_no_plan() {
    let good = Waypoint {
        x_m: 0.1,
        y_m: 0.0,
        cos_yaw: 1.0,
        sin_yaw: 0.0,
    };
    let spoil: [fn(&mut Waypoint, f32); 4] = [
        |waypoint, bad| waypoint.x_m = bad,
        |waypoint, bad| waypoint.y_m = bad,
        |waypoint, bad| waypoint.cos_yaw = bad,
        |waypoint, bad| waypoint.sin_yaw = bad,
    ];
    for (field, spoil) in spoil.into_iter().enumerate() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -100.1] {
            let mut waypoints = [good; 5];
            spoil(&mut waypoints[3], bad);
            let plan = PathPlan::new(&waypoints, 0.25, START);
            // A heading need not have length one.
            let allowed = field >= 2 && bad.is_finite();
            match plan {
                Ok(_) => assert!(allowed, "field {field} = {bad}"),
                Err(error) => {
                    assert!(matches!(error, ControlError::Waypoint { index: 3, .. }));
                    assert!(error.to_string().starts_with("waypoint 3 is ("));
                }
            }
        }
    }
    assert!(PathPlan::new(&[good], 0.25, START).is_ok());
    for (count, waypoints) in [(0, vec![]), (9, vec![good; 9])] {
        let refused = PathPlan::new(&waypoints, 0.25, START);
        assert_eq!(refused, Err(ControlError::Count { count }));
    }
    for period_s in [f32::NAN, f32::INFINITY, 0.0, -0.25] {
        assert!(PathPlan::new(&[good], period_s, START).is_err());
    }
}

#[test]
fn numbers_that_nobody_checked_make_an_error_and_not_a_motion() {
    let spoil: [fn(&mut ControllerConfig); 5] = [
        |config| config.turn_gain = f64::NAN,
        |config| config.turn_time_s = 0.0,
        |config| config.speed_divisor = f64::NAN,
        |config| config.max_linear_mps = f64::INFINITY,
        |config| config.max_angular_rps = f64::NAN,
    ];
    for (index, spoil) in spoil.into_iter().enumerate() {
        let mut config = config();
        spoil(&mut config);
        let refused = wanted_motion(&plan_at(2.0, 0.5, 0.0), &config);
        assert!(
            matches!(refused, Err(ControlError::NotFinite { .. })),
            "{index}: {refused:?}"
        );
        assert!(Controller::new(config).is_err());
    }
}

#[test]
fn every_number_of_the_configuration_has_bounds_and_the_refusal_names_it() {
    let fields: [(&str, fn(&mut ControllerConfig, f64), f64, f64); 8] = [
        ("turn_gain", |c, v| c.turn_gain = v, 0.01, 100.0),
        ("turn_time_s", |c, v| c.turn_time_s = v, 0.01, 10.0),
        ("speed_divisor", |c, v| c.speed_divisor = v, 0.01, 100.0),
        ("max_linear_mps", |c, v| c.max_linear_mps = v, 0.001, 10.0),
        ("max_angular_rps", |c, v| c.max_angular_rps = v, 0.001, 10.0),
        (
            "min_turning_radius_m",
            |c, v| c.min_turning_radius_m = v,
            0.0,
            20.0,
        ),
        ("step_length_m", |c, v| c.step_length_m = v, 0.001, 10.0),
        ("smoothing_s", |c, v| c.smoothing_s = v, 0.0, 1.0),
    ];
    for (field, set, lowest, highest) in fields {
        for (value, accepted) in [
            (lowest, true),
            (highest, true),
            (lowest - 1e-6, false),
            (highest + 1e-6, false),
            (f64::NAN, false),
        ] {
            let mut config = config();
            set(&mut config, value);
            match config.checked() {
                Ok(_) => assert!(accepted, "{field} = {value}"),
                Err(error) => {
                    assert!(!accepted, "{field} = {value}: {error}");
                    assert!(
                        error
                            .to_string()
                            .starts_with(&format!("controller {field} = "))
                    );
                }
            }
        }
    }
    let with_index = |waypoint_index| ControllerConfig {
        waypoint_index,
        ..config()
    };
    assert!(with_index(7).checked().is_ok());
    assert!(with_index(8).checked().is_err());
}

#[test]
fn a_plan_is_seen_from_where_the_robot_is_now() {
    // Half a metre forward, then a quarter turn to the left.
    let motion = Motion::NONE
        .driven(0.5, 0.0, 1.0)
        .driven(0.0, FRAC_PI_2, 1.0);
    let plan = PathPlan::new(
        &[Waypoint {
            x_m: 1.0,
            y_m: 0.25,
            cos_yaw: 1.0,
            sin_yaw: 0.0,
        }],
        0.25,
        START,
    )
    .unwrap();
    let moved = advance(&plan, &motion);
    let seen = moved.waypoints()[0];
    // What lay half a metre ahead and a quarter to the left is now on the right, a little ahead.
    assert!(close(seen.x_m.into(), 0.25));
    assert!(close(seen.y_m.into(), -0.5));
    assert!(close(seen.cos_yaw.into(), 0.0));
    assert!(close(seen.sin_yaw.into(), -1.0));
    assert_eq!(moved.captured(), START);
    assert!(close(moved.travelled_m(), 0.5));
}

#[test]
fn an_arc_closes_after_a_full_turn_and_does_not_depend_on_its_pieces() {
    let once = Pose2::IDENTITY.driven(0.5, 2.0 * PI / 10.0, 10.0);
    assert!(close(once.x_m, 0.0) && close(once.y_m, 0.0));
    assert!(close(once.yaw_rad, 2.0 * PI));
    let half = Pose2::IDENTITY.driven(0.5, 2.0 * PI / 10.0, 5.0);
    // The far side of a circle of radius v/w, to the left.
    assert!(close(half.x_m, 0.0) && close(half.y_m, 2.0 * 0.5 * 10.0 / (2.0 * PI)));
    let pieces = (0..1000).fold(Pose2::IDENTITY, |pose, _| {
        pose.driven(0.5, 2.0 * PI / 10.0, 0.005)
    });
    assert!(close(pieces.x_m, half.x_m) && close(pieces.y_m, half.y_m));
    // No seam where the arc becomes straight.
    for tiny in [1e-7, 1e-8, 1e-9, 1e-10, -1e-8] {
        let straight = Pose2::IDENTITY.driven(1.0, tiny, 1.0);
        assert!(close(straight.x_m, 1.0) && close(straight.y_m, 0.0));
        assert_eq!(straight.yaw_rad, tiny);
    }
}

#[test]
fn a_car_never_gets_a_turn_tighter_than_its_circle() {
    let car = ControllerConfig {
        min_turning_radius_m: 0.8,
        ..config()
    };
    for (x, y, yaw_rad) in [
        (3.0f32, 2.0f32, 0.5f32),
        (1.0, -1.0, 0.0),
        (0.1, 0.0, 1.0),
        (-1.0, 0.5, 0.0),
        (0.0, 0.0, -1.0),
    ] {
        let wanted = wanted_motion(&plan_at(x, y, yaw_rad), &car).unwrap();
        assert!(wanted.angular_rps.abs() <= wanted.linear_mps / 0.8 + 1e-6);
    }
    // The same where the circle is what limits, and where it does not.
    let tight = wanted_motion(&plan_at(3.0, 3.0, 0.0), &car).unwrap();
    assert!(close(tight.angular_rps.into(), 0.4 / 0.8));
    let wide = wanted_motion(&plan_at(3.0, 0.1, 0.0), &car).unwrap();
    let free = wanted_motion(&plan_at(3.0, 0.1, 0.0), &config()).unwrap();
    assert_eq!(wide, free);
}

#[test]
fn a_short_plan_is_steered_at_its_last_waypoint() {
    let waypoints = arc_plan(0.5, START).waypoints()[..2].to_vec();
    let short = PathPlan::new(&waypoints, 0.25, START).unwrap();
    let first = ControllerConfig {
        waypoint_index: 1,
        ..config()
    };
    let at_last = wanted_motion(&short, &first);
    assert_eq!(wanted_motion(&short, &config()), at_last);
}

#[test]
fn the_look_ahead_moves_along_the_path_with_the_robot() {
    let plan = arc_plan(0.0, START);
    for travelled_s in [0.0, 0.1, 0.25, 0.4] {
        let motion = Motion::NONE.driven(0.4, 0.0, travelled_s);
        let (linear, _) = wanted(&advance(&plan, &motion));
        assert!(close(linear, 0.4), "after {travelled_s} s: {linear}");
    }
    // Beyond the end of the path there is nothing more to aim at.
    let near_end = Motion::NONE.driven(0.4, 0.0, 1.0);
    let (linear, _) = wanted(&advance(&plan, &near_end));
    assert!(close(linear, 0.4 / 3.0));
    // Backwards is not along the path.
    let back = Motion::NONE.driven(-0.4, 0.0, 0.25);
    assert!(close(advance(&plan, &back).travelled_m(), -0.1));
    let plan = arc_plan(0.0, START);
    let slow = ControllerConfig {
        speed_divisor: 8.0,
        ..config()
    };
    let linear = wanted_motion(&advance(&plan, &back), &slow)
        .unwrap()
        .linear_mps;
    assert!(close(linear.into(), 0.4 * 4.0 / 8.0));
}

#[test]
fn motion_is_reckoned_from_the_commands_sent_since_the_picture() {
    let mut controller = Controller::new(config()).unwrap();
    assert_eq!(
        controller.motion_since(START, later(START, 1.0)),
        Some(Motion::NONE)
    );
    controller.sent(START, &command(0.5, 0.0));
    controller.sent(later(START, 0.4), &command(0.0, 1.0));
    controller.sent(later(START, 0.9), &Command::ZERO);
    let now = later(START, 1.4);
    for (since_s, expected) in [
        (
            0.0,
            Motion::NONE.driven(0.5, 0.0, 0.4).driven(0.0, 1.0, 0.5),
        ),
        (
            0.1,
            Motion::NONE.driven(0.5, 0.0, 0.3).driven(0.0, 1.0, 0.5),
        ),
        (0.4, Motion::NONE.driven(0.0, 1.0, 0.5)),
        (0.6, Motion::NONE.driven(0.0, 1.0, 0.3)),
        (0.9, Motion::NONE),
        (1.4, Motion::NONE),
    ] {
        let motion = controller.motion_since(later(START, since_s), now).unwrap();
        assert!(close(motion.pose.x_m, expected.pose.x_m), "{since_s}");
        assert!(close(motion.pose.yaw_rad, expected.pose.yaw_rad));
        assert!(close(motion.travelled_m, expected.travelled_m));
    }
    // Before the first command the robot stood.
    let before = controller.motion_since(Monotonic(0), now).unwrap();
    assert!(close(before.travelled_m, 0.2));
    // Only up to the moment asked for.
    let early = controller.motion_since(START, later(START, 0.2)).unwrap();
    assert!(close(early.travelled_m, 0.1));
    assert_eq!(controller.motion_since(now, START), Some(Motion::NONE));
}

#[test]
fn what_is_no_longer_remembered_is_not_made_up() {
    let mut controller = Controller::new(config()).unwrap();
    for index in 0..300u64 {
        let linear_mps = if index % 2 == 0 { 0.5 } else { 0.25 };
        let at = Monotonic(START.0 + index * 1_000_000);
        controller.sent(at, &command(linear_mps, 0.0));
    }
    let now = Monotonic(START.0 + 300_000_000);
    let oldest = Monotonic(START.0 + (300 - 128) * 1_000_000);
    let whole = controller.motion_since(oldest, now).unwrap();
    assert!(close(whole.travelled_m, 64.0 * (0.0005 + 0.00025)));
    assert_eq!(controller.motion_since(Monotonic(oldest.0 - 1), now), None);
    let plan = arc_plan(0.0, START);
    assert_eq!(controller.step(now, Some(&plan)), None);
}

#[test]
fn the_same_command_again_takes_no_room() {
    let mut controller = Controller::new(config()).unwrap();
    for index in 0..1000u64 {
        controller.sent(Monotonic(START.0 + index * 1_000_000), &command(0.5, 0.25));
    }
    let motion = controller.motion_since(START, later(START, 1.0)).unwrap();
    assert!(close(motion.travelled_m, 0.5));
    assert!(close(motion.pose.yaw_rad, 0.25));
}

#[test]
fn a_clock_that_went_back_empties_the_memory() {
    let mut controller = Controller::new(config()).unwrap();
    controller.sent(later(START, 1.0), &command(0.5, 0.0));
    controller.sent(START, &command(0.25, 0.0));
    let now = later(START, 0.2);
    let motion = controller.motion_since(START, now).unwrap();
    assert!(close(motion.travelled_m, 0.05));
    assert_eq!(controller.motion_since(Monotonic(START.0 - 1), now), None);
}

#[test]
fn without_a_plan_there_is_nothing_to_want() {
    let mut controller = Controller::new(config()).unwrap();
    assert_eq!(controller.step(START, None), None);
    let plan = arc_plan(0.0, START);
    assert!(controller.step(START, Some(&plan)).is_some());
    assert_eq!(controller.step(later(START, 0.05), None), None);
}

#[test]
fn a_plan_from_the_future_is_left_to_the_gate() {
    let mut controller = Controller::new(config()).unwrap();
    controller.sent(START, &command(0.5, 0.0));
    let ahead = arc_plan(0.5, later(START, 3.0));
    let expected = wanted_motion(&ahead, &config()).unwrap();
    assert_eq!(controller.step(START, Some(&ahead)), Some(expected));
}

#[test]
fn a_new_plan_takes_over_smoothly_and_a_first_one_at_once() {
    let smooth = ControllerConfig {
        smoothing_s: 0.05,
        ..config()
    };
    let mut controller = Controller::new(smooth).unwrap();
    let straight = plan_at(3.0, 0.0, 0.0);
    let left = plan_at(3.0, 0.9, 0.0);
    let target = wanted_motion(&left, &smooth).unwrap().angular_rps;
    let first = controller.step(START, Some(&straight)).unwrap();
    assert_eq!(first.angular_rps, 0.0);
    let mut before = 0.0;
    for step in 1..=4 {
        let now = later(START, f64::from(step) * 0.05);
        let angular_rps = controller.step(now, Some(&left)).unwrap().angular_rps;
        let share = 1.0 - (-f64::from(step)).exp();
        assert!(close(angular_rps.into(), f64::from(target) * share));
        assert!(angular_rps > before && angular_rps < target);
        before = angular_rps;
    }
    // Smoothing does not reach over a pause.
    assert_eq!(controller.step(later(START, 0.25), None), None);
    let again = controller.step(later(START, 0.3), Some(&left)).unwrap();
    assert_eq!(again.angular_rps, target);
    let mut unsmoothed = Controller::new(config()).unwrap();
    let _ = unsmoothed.step(START, Some(&straight));
    let at_once = unsmoothed.step(later(START, 0.05), Some(&left)).unwrap();
    assert_eq!(at_once.angular_rps, target);
}

/// Greatest distance from a circle of one metre that is followed for 12 s by plans that are
/// `latency_s` late, with and without telling the controller what was sent.
fn off_the_circle_m(latency_s: f64, reckon: bool) -> f64 {
    const TICK_S: f64 = 0.05;
    let mut controller = Controller::new(config()).unwrap();
    let mut robot = Pose2::IDENTITY;
    let mut plans: Vec<(f64, PathPlan)> = Vec::new();
    let mut worst_m = 0.0f64;
    for tick in 0..240 {
        let now_s = f64::from(tick) * TICK_S;
        let now = later(START, now_s);
        if tick % 5 == 0 {
            plans.push((now_s + latency_s, circle_seen_from(&robot, now)));
        }
        let newest = plans.iter().rfind(|(ready_s, _)| *ready_s <= now_s);
        let wanted = controller.step(now, newest.map(|(_, plan)| plan));
        let sent = wanted.map_or(Command::ZERO, |w| command(w.linear_mps, w.angular_rps));
        if reckon {
            controller.sent(now, &sent);
        }
        robot = robot.driven(sent.linear_mps().into(), sent.angular_rps().into(), TICK_S);
        // The circle's centre lies one metre to the left of the start.
        worst_m = worst_m.max((robot.x_m.hypot(robot.y_m - 1.0) - 1.0).abs());
    }
    assert!(robot.yaw_rad > 3.0, "it went round: {}", robot.yaw_rad);
    worst_m
}

fn circle_seen_from(robot: &Pose2, now: Monotonic) -> PathPlan {
    let angle_rad = robot.x_m.atan2(1.0 - robot.y_m);
    let waypoints: Vec<Waypoint> = (1..=5)
        .map(|index| {
            let ahead_rad = angle_rad + f64::from(index) * f64::from(STEP_M);
            let (x_m, y_m) = robot.sees_point(ahead_rad.sin(), 1.0 - ahead_rad.cos());
            let (cos_yaw, sin_yaw) = robot.sees_direction(ahead_rad.cos(), ahead_rad.sin());
            Waypoint {
                x_m: x_m as f32,
                y_m: y_m as f32,
                cos_yaw: cos_yaw as f32,
                sin_yaw: sin_yaw as f32,
            }
        })
        .collect();
    PathPlan::new(&waypoints, 0.25, now).unwrap()
}

#[test]
fn late_plans_are_followed_as_well_as_prompt_ones() {
    let prompt_m = off_the_circle_m(0.0, true);
    let late_m = off_the_circle_m(0.2, true);
    let late_unreckoned_m = off_the_circle_m(0.2, false);
    assert!(late_m < prompt_m + 0.02, "{prompt_m} {late_m}");
    assert!(
        late_m * 1.5 < late_unreckoned_m,
        "{late_m} {late_unreckoned_m}"
    );
}
