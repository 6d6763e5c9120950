//! What the robot did since the picture, and how plans take over from each other.

use std::f64::consts::{FRAC_PI_2, PI};

use super::*;

#[test]
fn a_plan_is_seen_from_where_the_robot_is_now() {
    // Half a metre forward, then a quarter turn to the left.
    let motion = Motion::NONE.driven(0.5, 0.0, 1.0).driven(0.0, FRAC_PI_2, 1.0);
    let plan = PathPlan::new(&[Waypoint { x_m: 1.0, y_m: 0.25, cos_yaw: 1.0, sin_yaw: 0.0 }], 0.25, START).unwrap();
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
    let pieces = (0..1000).fold(Pose2::IDENTITY, |pose, _| pose.driven(0.5, 2.0 * PI / 10.0, 0.005));
    assert!(close(pieces.x_m, half.x_m) && close(pieces.y_m, half.y_m));
    // No seam where the arc becomes straight.
    for tiny in [1e-7, 1e-8, 1e-9, 1e-10, -1e-8] {
        let straight = Pose2::IDENTITY.driven(1.0, tiny, 1.0);
        assert!(close(straight.x_m, 1.0) && close(straight.y_m, 0.0));
        assert_eq!(straight.yaw_rad, tiny);
    }
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
    let slow = ControllerConfig { speed_divisor: 8.0, ..config() };
    let linear = wanted_motion(&advance(&plan, &back), &slow).unwrap().linear_mps;
    assert!(close(linear.into(), 0.4 * 4.0 / 8.0));
}

#[test]
fn motion_is_reckoned_from_the_commands_sent_since_the_picture() {
    let mut controller = Controller::new(config()).unwrap();
    assert_eq!(controller.motion_since(START, later(START, 1.0)), Some(Motion::NONE));
    controller.sent(START, &command(0.5, 0.0));
    controller.sent(later(START, 0.4), &command(0.0, 1.0));
    controller.sent(later(START, 0.9), &Command::ZERO);
    let now = later(START, 1.4);
    for (since_s, expected) in [
        (0.0, Motion::NONE.driven(0.5, 0.0, 0.4).driven(0.0, 1.0, 0.5)),
        (0.1, Motion::NONE.driven(0.5, 0.0, 0.3).driven(0.0, 1.0, 0.5)),
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
    let smooth = ControllerConfig { smoothing_s: 0.05, ..config() };
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
            Waypoint { x_m: x_m as f32, y_m: y_m as f32, cos_yaw: cos_yaw as f32, sin_yaw: sin_yaw as f32 }
        })
        .collect();
    PathPlan::new(&waypoints, 0.25, now).unwrap()
}

#[test]
fn late_plans_are_followed_as_well_as_prompt_ones() {
    let prompt_m = off_the_circle_m(0.0, true);
    let late_m = off_the_circle_m(0.4, true);
    let late_unreckoned_m = off_the_circle_m(0.4, false);
    assert!(prompt_m < 0.02, "{prompt_m}");
    assert!(late_m < prompt_m + 0.002, "{prompt_m} {late_m}");
    assert!(late_m * 4.0 < late_unreckoned_m, "{late_m} {late_unreckoned_m}");
}

#[test]
fn a_robot_that_obeys_late_is_steered_from_where_it_will_be() {
    let late = ControllerConfig { latency_s: 0.2, ..config() };
    let mut obeys_late = Controller::new(late).unwrap();
    let mut obeys_at_once = Controller::new(config()).unwrap();
    let mut now = START;
    for turn_rps in [0.5, 0.25, -0.25, 0.5, 0.75, 0.25, 0.5, -0.5, 0.25, 0.5] {
        let command = command(0.5, turn_rps);
        obeys_late.sent(now, &command);
        obeys_at_once.sent(now, &command);
        now = later(now, 0.05);
    }
    // At the time of the picture it was doing what it had been told a latency before; all told since is still to come.
    let picture = Monotonic(now.0 - 100_000_000);
    let earlier = Monotonic(picture.0 - 200_000_000);
    let wanted = obeys_late.step(now, Some(&arc_plan(0.5, picture)));
    assert!(wanted.is_some());
    assert_eq!(wanted, obeys_at_once.step(now, Some(&arc_plan(0.5, earlier))));
    assert_ne!(wanted, obeys_at_once.step(now, Some(&arc_plan(0.5, picture))));
}
