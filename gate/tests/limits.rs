//! Limits are refused before they can do harm, and the refusal says what to change.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "a test that panics has failed; exact numbers are the point"
)]

use pilotage_gate::{Limits, LimitsConfig, LimitsError};

type Field = (&'static str, fn(&mut LimitsConfig, f64), f64, f64);

/// Name, how to set it, lowest and highest value. The other fields are chosen so that the bounds
/// of one can be tried alone.
const FIELDS: [Field; 9] = [
    ("max_linear_mps", |c, v| c.max_linear_mps = v as f32, 0.001, 10.0),
    ("max_reverse_mps", |c, v| c.max_reverse_mps = v as f32, 0.0, 10.0),
    ("max_angular_rps", |c, v| c.max_angular_rps = v as f32, 0.001, 10.0),
    ("linear_accel_mps2", |c, v| c.linear_accel_mps2 = v as f32, 0.001, 50.0),
    ("linear_decel_mps2", |c, v| c.linear_decel_mps2 = v as f32, 0.001, 50.0),
    ("angular_accel_rps2", |c, v| c.angular_accel_rps2 = v as f32, 0.001, 100.0),
    ("max_age_s", |c, v| c.max_age_s = v, 0.001, 0.5),
    ("min_period_s", |c, v| c.min_period_s = v, 0.000_1, 0.25),
    ("max_period_s", |c, v| c.max_period_s = v, 0.002, 0.25),
];

/// Slow enough for the lowest deceleration, or strong enough for the highest speed.
fn base(field: &str) -> LimitsConfig {
    let mut config = LimitsConfig {
        max_period_s: 0.25,
        min_period_s: 0.002,
        linear_decel_mps2: 50.0,
        angular_accel_rps2: 100.0,
        ..LimitsConfig::default()
    };
    if field == "linear_decel_mps2" {
        config.max_linear_mps = 0.001;
        config.max_reverse_mps = 0.001;
    }
    if field == "angular_accel_rps2" {
        config.max_angular_rps = 0.001;
    }
    config
}

fn refused(field: &str, set: fn(&mut LimitsConfig, f64), value: f64) -> bool {
    let mut config = base(field);
    set(&mut config, value);
    match Limits::checked(config) {
        Ok(_) => false,
        Err(LimitsError::OutOfBounds { field: named, .. }) => {
            assert_eq!(named, field, "{value}");
            true
        }
        Err(other) => panic!("{field} = {value}: {other}"),
    }
}

#[test]
fn the_defaults_are_accepted() {
    let limits = Limits::checked(LimitsConfig::default()).unwrap();
    assert_eq!(limits.config(), &LimitsConfig::default());
    assert_eq!(limits.max_age_ns(), 450_000_000);
}

#[test]
fn every_field_is_accepted_on_its_bounds_and_refused_beyond_them() {
    for (field, set, lowest, highest) in FIELDS {
        let up = f64::from(highest as f32).max(highest) * 1.000_001;
        let down = if lowest == 0.0 { -1e-6 } else { lowest * 0.999_999 };
        assert!(!refused(field, set, lowest), "{field} = {lowest}");
        assert!(!refused(field, set, highest), "{field} = {highest}");
        assert!(refused(field, set, up), "{field} = {up}");
        assert!(refused(field, set, down), "{field} = {down}");
    }
}

#[test]
fn every_field_is_refused_when_not_finite_or_negative() {
    for (field, set, _, _) in FIELDS {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e30] {
            assert!(refused(field, set, value), "{field} = {value}");
        }
    }
}

#[test]
fn a_ramp_that_takes_too_long_is_refused() {
    let at = |max_linear_mps, max_reverse_mps, linear_decel_mps2| {
        Limits::checked(LimitsConfig { max_linear_mps, max_reverse_mps, linear_decel_mps2, ..LimitsConfig::default() })
    };
    assert!(at(1.0, 0.0, 0.5).is_ok());
    let too_long = LimitsError::RampTooLong { field: "linear_decel_mps2", value: 0.4375, lowest: 0.5 };
    assert_eq!(at(1.0, 0.0, 0.4375), Err(too_long));
    assert_eq!(at(0.5, 1.0, 0.4375), Err(too_long));
    let turning =
        Limits::checked(LimitsConfig { max_angular_rps: 2.0, angular_accel_rps2: 0.9375, ..LimitsConfig::default() });
    assert_eq!(turning, Err(LimitsError::RampTooLong { field: "angular_accel_rps2", value: 0.9375, lowest: 1.0 }));
}

#[test]
fn the_longest_ramp_is_that_of_the_slower_rate_from_full_speed() {
    let at = |max_linear_mps, max_reverse_mps, angular_accel_rps2| {
        Limits::checked(LimitsConfig {
            max_linear_mps,
            max_reverse_mps,
            linear_decel_mps2: 2.0,
            max_angular_rps: 1.0,
            angular_accel_rps2,
            ..LimitsConfig::default()
        })
        .unwrap()
        .longest_ramp_s()
    };
    assert_eq!(at(1.0, 0.5, 8.0), 0.5);
    assert_eq!(at(0.5, 1.5, 8.0), 0.75);
    assert_eq!(at(0.5, 0.0, 1.0), 1.0);
}

#[test]
fn a_refusal_names_field_and_value_and_what_would_do() {
    let text = |change: fn(&mut LimitsConfig)| {
        let mut config = LimitsConfig::default();
        change(&mut config);
        Limits::checked(config).unwrap_err().to_string()
    };
    assert_eq!(text(|c| c.max_linear_mps = 11.3), "max_linear_mps = 11.3: set a number from 0.001 to 10");
    assert_eq!(text(|c| c.max_age_s = 0.6), "max_age_s = 0.6: set a number from 0.001 to 0.5");
    assert_eq!(text(|c| c.max_reverse_mps = f32::NAN), "max_reverse_mps = NaN: set a number from 0 to 10");
    assert_eq!(
        text(|c| c.linear_decel_mps2 = 0.1),
        "linear_decel_mps2 = 0.1: stopping from full speed would take longer than 2 s; set at \
         least 0.2 or lower the top speed"
    );
}
