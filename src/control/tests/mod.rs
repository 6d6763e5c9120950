//! The rules of the controller: what the tests share.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::float_cmp,
    reason = "a test that panics has failed; a mirrored number must be the same number"
)]

use pilotage_gate::{Command, Decision, Faults, Gate, Input, Limits, LimitsConfig, Mode, Monotonic, Permit, Wanted};

use super::*;

mod law;
mod reckoning;

const START: Monotonic = Monotonic(7_000_000_000);
const STEP_M: f32 = 0.1;

fn config() -> ControllerConfig {
    ControllerConfig { smoothing_s: 0.0, ..ControllerConfig::for_robot(0.4, 1.0, STEP_M.into()) }
}

fn later(at: Monotonic, seconds: f64) -> Monotonic {
    Monotonic(at.0 + (seconds * 1e9).round() as u64)
}

/// A plan with the same waypoint everywhere, given in steps.
fn plan_at(x_steps: f32, y_steps: f32, yaw_rad: f32) -> PathPlan {
    let waypoint =
        Waypoint { x_m: x_steps * STEP_M, y_m: y_steps * STEP_M, cos_yaw: yaw_rad.cos(), sin_yaw: yaw_rad.sin() };
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
        .map(|waypoint| Waypoint { y_m: -waypoint.y_m, sin_yaw: -waypoint.sin_yaw, ..*waypoint })
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
        decision: Some(Decision { wanted: Wanted { linear_mps, angular_rps }, evidence_at: START, sequence: 0 }),
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
