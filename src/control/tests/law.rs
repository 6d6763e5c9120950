//! From a plan in the present robot frame to a motion.

use super::*;

#[test]
fn the_law_gives_the_numbers_of_the_recipe() {
    // Computed by the recipe's formula in another language.
    for (x, y, yaw_rad, linear_mps, angular_rps) in [
        (3.0, 0.0, 0.0, 0.4, 0.0),
        (2.0, 0.5, 0.5, 0.266_666_667, 0.522_621_148),
        (0.5, 0.1, 0.8, 0.066_666_667, 0.737_496_332),
        (0.4, -0.3, -0.2, 0.053_333_333, -0.819_734_516),
        (0.02, 0.01, -0.5, 0.002_666_667, -0.629_642_265),
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
    let plans = [plan_at(2.0, 0.5, 0.5), plan_at(-1.0, 0.7, 2.0), plan_at(0.1, 0.02, -1.0), arc_plan(0.8, START)];
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
    let good = Waypoint { x_m: 0.1, y_m: 0.0, cos_yaw: 1.0, sin_yaw: 0.0 };
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
        assert!(matches!(refused, Err(ControlError::NotFinite { .. })), "{index}: {refused:?}");
        assert!(Controller::new(config).is_err());
    }
}

#[test]
fn every_number_of_the_configuration_has_bounds_and_the_refusal_names_it() {
    type Set = fn(&mut ControllerConfig, f64);
    let fields: [(&str, Set, f64, f64); 8] = [
        ("turn_gain", |c, v| c.turn_gain = v, 0.01, 100.0),
        ("turn_time_s", |c, v| c.turn_time_s = v, 0.01, 10.0),
        ("speed_divisor", |c, v| c.speed_divisor = v, 0.01, 100.0),
        ("max_linear_mps", |c, v| c.max_linear_mps = v, 0.001, 10.0),
        ("max_angular_rps", |c, v| c.max_angular_rps = v, 0.001, 10.0),
        ("min_turning_radius_m", |c, v| c.min_turning_radius_m = v, 0.0, 20.0),
        ("step_length_m", |c, v| c.step_length_m = v, 0.001, 10.0),
        ("smoothing_s", |c, v| c.smoothing_s = v, 0.0, 1.0),
    ];
    for (field, set, lowest, highest) in fields {
        for (value, accepted) in
            [(lowest, true), (highest, true), (lowest - 1e-6, false), (highest + 1e-6, false), (f64::NAN, false)]
        {
            let mut config = config();
            set(&mut config, value);
            match config.checked() {
                Ok(_) => assert!(accepted, "{field} = {value}"),
                Err(error) => {
                    assert!(!accepted, "{field} = {value}: {error}");
                    assert!(error.to_string().starts_with(&format!("controller {field} = ")));
                }
            }
        }
    }
    let with_index = |waypoint_index| ControllerConfig { waypoint_index, ..config() };
    assert!(with_index(7).checked().is_ok());
    assert!(with_index(8).checked().is_err());
}

#[test]
fn a_car_never_gets_a_turn_tighter_than_its_circle() {
    let car = ControllerConfig { min_turning_radius_m: 0.8, ..config() };
    for (x, y, yaw_rad) in
        [(3.0f32, 2.0f32, 0.5f32), (1.0, -1.0, 0.0), (0.1, 0.0, 1.0), (-1.0, 0.5, 0.0), (0.0, 0.0, -1.0)]
    {
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
    let first = ControllerConfig { waypoint_index: 1, ..config() };
    let at_last = wanted_motion(&short, &first);
    assert_eq!(wanted_motion(&short, &config()), at_last);
}
