//! The control step: the latest decision becomes a command, through controller and gate.
//!
//! Pure like the tick: time comes in, a [`Command`] goes out. Only the gate can make one that is not zero.

use pilotage_gate::{self as gate, Command, Gate, Limits, Mode, Permit, StopReason, Verdict};

use crate::config::Profile;
use crate::control::{Controller, ControllerConfig, PathPlan, Waypoint};
use crate::frame::Monotonic;
use crate::navigator::{Decision, Phase};

/// A decision as control needs it: in metres, with its evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Number of the tick that decided it.
    pub tick: u64,
    /// When the picture behind it was taken, on our clock.
    pub evidence_at: Monotonic,
    /// What the navigator permits.
    pub permit: Permit,
    /// Where to go, metres in the robot's frame at `evidence_at`; `None` stands still.
    pub path: Option<PathPlan>,
}

impl Plan {
    /// Turns model units into metres: the one place where this happens.
    #[must_use]
    pub fn from_decision(tick: u64, decision: &Decision, step_length_m: f32, period_s: f32) -> Self {
        let path = decision.chosen.as_ref().and_then(|chosen| {
            let waypoints = chosen.waypoints().iter().map(|w| Waypoint {
                x_m: w.x_units * step_length_m,
                y_m: w.y_units * step_length_m,
                cos_yaw: w.cos_yaw,
                sin_yaw: w.sin_yaw,
            });
            PathPlan::new(waypoints, period_s, decision.evidence_at)
        });
        Self { tick, evidence_at: decision.evidence_at, permit: permit_of(decision.phase), path }
    }
}

fn permit_of(phase: Phase) -> Permit {
    match phase {
        Phase::Driving => Permit::Drive,
        Phase::Waiting | Phase::Localising => Permit::Stop(StopReason::Waiting),
        Phase::Arrived => Permit::Stop(StopReason::Arrived),
        Phase::Lost => Permit::Stop(StopReason::Lost),
        Phase::NoRoute => Permit::Stop(StopReason::NoRoute),
    }
}

/// What a control step gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ControlOutput {
    /// What goes to the robot.
    pub command: Command,
    /// Why.
    pub verdict: Verdict,
}

/// Controller and gate of one robot.
#[derive(Debug)]
pub struct DriveLoop {
    controller: Controller,
    gate: Gate,
}

impl DriveLoop {
    /// A control loop for a robot.
    ///
    /// # Errors
    /// When the gate refuses the limits.
    pub fn new(profile: &Profile, model_rate_hz: f64) -> Result<Self, gate::LimitsError> {
        let drive = &profile.drive;
        let limits = Limits {
            max_linear_mps: drive.max_linear_mps,
            max_reverse_mps: drive.max_reverse_mps,
            max_angular_rps: drive.max_angular_rps,
            linear_accel_mps2: drive.linear_accel_mps2,
            linear_decel_mps2: drive.linear_decel_mps2,
            angular_accel_rps2: drive.angular_accel_rps2,
            max_age_s: profile.safety.max_age_s,
            ..Limits::default()
        };
        let controller = Controller::new(ControllerConfig {
            cruise_mps: drive.cruise_mps,
            max_linear_mps: drive.max_linear_mps,
            max_angular_rps: drive.max_angular_rps,
            min_turning_radius_m: drive.min_turning_radius_m,
            step_length_m: profile.step_length_m(model_rate_hz),
            ..ControllerConfig::default()
        });
        Ok(Self { controller, gate: Gate::new(limits.checked()?) })
    }

    /// One control step.
    pub fn step(&mut self, now: Monotonic, mode: Mode, plan: Option<&Plan>) -> ControlOutput {
        let path = plan.and_then(|plan| plan.path.as_ref());
        let wanted = self.controller.step(now, path);
        let decision = plan.and_then(|plan| {
            let wanted = wanted?;
            Some(gate::Decision { wanted, evidence_at: plan.evidence_at, sequence: plan.tick })
        });
        let permit = plan.map_or(Permit::Stop(StopReason::Waiting), |plan| plan.permit);
        let output = self.gate.step(&gate::Input { now, mode, permit, decision, ..gate::Input::default() });
        self.controller.sent(now, output.command.linear_mps(), output.command.angular_rps());
        ControlOutput { command: output.command, verdict: output.verdict }
    }
}
