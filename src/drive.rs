//! The control step: the latest decision becomes a command, through controller and gate.
//!
//! Pure like the tick: time comes in, a [`Command`] goes out. Only the gate can make one that is not zero.

use pilotage_gate::{
    self as gate, Command, Faults, Gate, Limits, LimitsConfig, LimitsError, Mode, Permit, StopReason, Verdict, Wanted,
};

use crate::config::Profile;
use crate::control::{ControlError, Controller, ControllerConfig, PathPlan, Waypoint};
use crate::frame::Monotonic;
use crate::navigator::{Decision, NavigatorConfig, Phase};

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
            let waypoints: Vec<Waypoint> = chosen
                .waypoints()
                .iter()
                .map(|w| Waypoint {
                    x_m: w.x_units * step_length_m,
                    y_m: w.y_units * step_length_m,
                    cos_yaw: w.cos_yaw,
                    sin_yaw: w.sin_yaw,
                })
                .collect();
            PathPlan::new(&waypoints, period_s, decision.evidence_at)
                .inspect_err(|error| tracing::warn!(%error, tick, "this decision is no path: standing still"))
                .ok()
        });
        Self { tick, evidence_at: decision.evidence_at, permit: permit_of(decision), path }
    }
}

fn permit_of(decision: &Decision) -> Permit {
    match decision.phase {
        Phase::Driving => Permit::Drive,
        // Turning on the spot to look around, where the profile lets it.
        Phase::Lost if decision.chosen.is_some() => Permit::Drive,
        Phase::Waiting | Phase::Localising => Permit::Stop(StopReason::Waiting),
        Phase::Arrived => Permit::Stop(StopReason::Arrived),
        Phase::Lost => Permit::Stop(StopReason::Lost),
        Phase::NoRoute => Permit::Stop(StopReason::NoRoute),
    }
}

/// Why a robot's profile gives no control loop.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The gate refuses the limits.
    #[error("the profile's limits: {0}")]
    Limits(LimitsError),
    /// The controller refuses its numbers.
    #[error("the profile's drive: {0}")]
    Control(ControlError),
}

/// The gate's limits of a robot.
///
/// # Errors
/// When the gate refuses a number of the profile.
pub fn limits_of(profile: &Profile) -> Result<Limits, DriveError> {
    let drive = &profile.drive;
    let limits = LimitsConfig {
        max_linear_mps: drive.max_linear_mps,
        max_reverse_mps: drive.max_reverse_mps,
        max_angular_rps: drive.max_angular_rps,
        linear_accel_mps2: drive.linear_accel_mps2,
        linear_decel_mps2: drive.linear_decel_mps2,
        angular_accel_rps2: drive.angular_accel_rps2,
        // Through the shortest decimal, so that 0.45 does not become 0.449999988.
        max_age_s: profile.safety.max_age_s.to_string().parse().unwrap_or(f64::NAN),
        ..LimitsConfig::default()
    };
    Limits::checked(limits).map_err(DriveError::Limits)
}

/// The controller's numbers for a robot and a policy of the given rate.
#[must_use]
pub fn controller_of(profile: &Profile, model_rate_hz: f64) -> ControllerConfig {
    let drive = &profile.drive;
    let for_robot = ControllerConfig::for_robot(
        f64::from(drive.cruise_mps),
        f64::from(drive.max_angular_rps),
        f64::from(profile.step_length_m(model_rate_hz)),
    );
    ControllerConfig {
        min_turning_radius_m: f64::from(drive.min_turning_radius_m),
        latency_s: f64::from(drive.latency_s),
        ..for_robot
    }
}

/// How far a lost robot is told to turn on, radians: about half of the turn rate that most robots have.
const LOOK_TURN_RAD: f32 = 0.5;

/// The navigator's numbers for a robot.
#[must_use]
pub fn navigator_of(profile: &Profile) -> NavigatorConfig {
    let search_turn_rad = if profile.drive.turn_to_look { LOOK_TURN_RAD } else { 0.0 };
    NavigatorConfig { search_turn_rad, ..NavigatorConfig::default() }
}

/// What a control step gave.
#[derive(Debug, PartialEq)]
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
    /// When gate or controller refuse a number of the profile.
    pub fn new(profile: &Profile, model_rate_hz: f64) -> Result<Self, DriveError> {
        Self::with_controller(profile, controller_of(profile, model_rate_hz))
    }

    /// The same with other numbers for the controller than the profile's own.
    ///
    /// # Errors
    /// When gate or controller refuse a number.
    pub fn with_controller(profile: &Profile, config: ControllerConfig) -> Result<Self, DriveError> {
        let controller = Controller::new(config).map_err(DriveError::Control)?;
        Ok(Self { controller, gate: Gate::new(limits_of(profile)?) })
    }

    /// One control step.
    pub fn step(&mut self, now: Monotonic, mode: Mode, plan: Option<&Plan>) -> ControlOutput {
        let path = plan.and_then(|plan| plan.path.as_ref());
        let wanted = self.controller.step(now, path);
        let decision = plan.and_then(|plan| {
            // A stop on purpose is a fresh decision too: with it the gate slows down instead of cutting off.
            let standing = matches!(plan.permit, Permit::Stop(_));
            let wanted = if standing { Wanted { linear_mps: 0.0, angular_rps: 0.0 } } else { wanted? };
            Some(gate::Decision { wanted, evidence_at: plan.evidence_at, sequence: plan.tick })
        });
        let permit = plan.map_or(Permit::Stop(StopReason::Waiting), |plan| plan.permit);
        let output = self.gate.step(&gate::Input { now, mode, permit, decision, faults: Faults::NONE });
        self.controller.sent(now, &output.command);
        ControlOutput { command: output.command, verdict: output.verdict }
    }
}
