//! The runtime: threads, rates and clocks around the pure parts.
//!
//! The parts themselves are the same in both clocks: [`Intake`] (frame to context), [`TickLoop`] (context to
//! decision) and [`ControlLoop`] (decision to command). [`lockstep`] calls them in order and lets time move by the
//! stamps of a log or the simulator, as fast as the processor allows; [`realtime`] gives each a thread of its own.
//! This folder is the only place that reads the clock, sleeps or spawns threads.
//!
//! | thread | waits for | owns | when it fails |
//! |---|---|---|---|
//! | `camera` | the source | source, intake | the error is kept and ends the run; the gate has stopped the robot by then |
//! | `policy` | the newest full context | pilot | the same |
//! | `control` | its period, woken early by a decision | controller, gate, sink | the run ends after zero commands |
//! | `record` | its bounded queue | the file | said once; the run goes on |

pub mod lockstep;
pub mod parallel;
pub mod realtime;
mod recording;
pub mod robot;
mod slot;

pub use recording::with_recorder;
pub use slot::Slot;

use pilotage_gate::Mode;
use pilotage_graph::Motion;

use crate::age::AgeReckoner;
use crate::config::Profile;
use crate::context::{Context, ContextFrame, Due};
use crate::drive::{ControlOutput, DriveLoop, Plan};
use crate::frame::{Monotonic, RawFrame, Teleop};
use crate::pilot::{Pilot, PilotError, TickInput, TickOutput};
use crate::policy::{self, ModelSpec};
use crate::record::run::RunRecorder;

/// Control steps per second.
pub const CONTROL_RATE_HZ: f64 = 20.0;

/// A full context, ready for a tick.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Oldest first.
    pub frames: Vec<ContextFrame>,
    /// What the log says of the driver's command at the newest frame.
    pub teleop: Option<Teleop>,
}

/// What became of a frame.
#[derive(Clone, Debug)]
pub enum Intaken {
    /// It lies between two grid points of the model's rate.
    NotSampled,
    /// Sampled, but the context is not full yet: so many of so many.
    Filling(usize, usize),
    /// Sampled, and the context is full.
    Full(Snapshot),
}

/// Frame to context: age, sampling, resizing. Owned by the camera thread, so that a slow policy loses no frame.
pub struct Intake {
    reckoner: AgeReckoner,
    context: Context,
    spec: ModelSpec,
    recorder: Option<RunRecorder>,
}

impl Intake {
    /// For a model and a robot.
    #[must_use]
    pub fn new(spec: &ModelSpec, profile: &Profile, recorder: Option<RunRecorder>) -> Self {
        let latency_ns = (f64::from(profile.camera.latency_s) * 1e9) as u64;
        Self {
            reckoner: AgeReckoner::new(latency_ns),
            context: Context::new(spec.context_frames, spec.rate_hz),
            spec: spec.clone(),
            recorder,
        }
    }

    /// Takes a frame in.
    ///
    /// # Errors
    /// When the picture cannot be resized.
    pub fn accept(&mut self, raw: &RawFrame, received: Monotonic) -> Result<Intaken, PilotError> {
        let (evidence_at, event) = self.reckoner.reckon(raw.captured, received);
        if let Some(event) = event {
            tracing::warn!(?event, "the source's clock stepped; ages are reckoned on our own clock and stay right");
        }
        let due = self.context.offer(evidence_at);
        if due == Due::No {
            return Ok(Intaken::NotSampled);
        }
        if due == Due::YesAfterGap {
            tracing::info!(frame = raw.seq, "a gap in the pictures emptied the context");
        }
        let image = policy::resize(&raw.picture, &self.spec)?;
        let frame = ContextFrame { seq: raw.seq, evidence_at, image };
        if let Some(recorder) = &self.recorder {
            recorder.frame(&frame, received);
        }
        self.context.push(frame, due);
        if !self.context.is_full() {
            return Ok(Intaken::Filling(self.context.len(), self.spec.context_frames));
        }
        Ok(Intaken::Full(Snapshot { frames: self.context.frames().cloned().collect(), teleop: raw.teleop }))
    }
}

/// How far the robot was told to go, summed up; the tick's motion is the difference of two readings.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DriveMeter {
    /// Commanded forward way, metres.
    pub linear_m: f64,
    /// Commanded turning, radians, both directions added up.
    pub turned_rad: f64,
}

impl DriveMeter {
    /// Adds a command that was in force for `dt_s`.
    pub fn add(&mut self, linear_mps: f32, angular_rps: f32, dt_s: f64) {
        self.linear_m += f64::from(linear_mps.max(0.0)) * dt_s;
        self.turned_rad += f64::from(angular_rps.abs()) * dt_s;
    }

    /// The motion since an earlier reading, for the belief: steps on the way, where turning counts as
    /// progress too (a recorded turn on the spot takes time).
    #[must_use]
    pub fn motion_since(&self, earlier: Self, step_length_m: f32, max_angular_rps: f32, period_s: f32) -> Motion {
        let forward = (self.linear_m - earlier.linear_m) as f32 / step_length_m.max(1e-3);
        let turning = (self.turned_rad - earlier.turned_rad) as f32 / (max_angular_rps * period_s).max(1e-3);
        let advance_steps = forward.max(0.6 * turning.min(1.0)).min(3.0);
        Motion { advance_steps, moving: advance_steps > 0.05 }
    }
}

/// What a log itself says of the motion since the last tick: a step for each period at the pace it was recorded at,
/// none where the driver stood.
#[must_use]
pub fn motion_of_log(snapshot: &Snapshot, last_evidence: &mut Option<Monotonic>, rate_hz: f64) -> Motion {
    let moving = snapshot.teleop.is_none_or(|teleop| teleop.speed.abs() > 1e-3);
    let now = snapshot.frames.last().map(|frame| frame.evidence_at);
    // Whole periods: the jitter of receipts must not make two runs of one log differ.
    let periods = match (now, *last_evidence) {
        (Some(now), Some(last)) => (now.0.saturating_sub(last.0) as f64 * 1e-9 * rate_hz).round().clamp(1.0, 8.0),
        _ => 1.0,
    };
    *last_evidence = now;
    Motion { advance_steps: if moving { periods as f32 } else { 0.0 }, moving }
}

/// Context to decision. Owned by the policy thread.
pub struct TickLoop {
    pilot: Pilot,
    recorder: Option<RunRecorder>,
    ticks: u64,
    step_length_m: f32,
    period_s: f32,
}

impl TickLoop {
    /// For a pilot and a robot.
    #[must_use]
    pub fn new(pilot: Pilot, profile: &Profile, recorder: Option<RunRecorder>) -> Self {
        let rate_hz = pilot.policy().spec().rate_hz;
        let step_length_m = profile.step_length_m(rate_hz);
        Self { pilot, recorder, ticks: 0, step_length_m, period_s: (1.0 / rate_hz) as f32 }
    }

    /// The pilot inside.
    pub fn pilot(&mut self) -> &mut Pilot {
        &mut self.pilot
    }

    /// The pilot itself, to take it apart.
    #[must_use]
    pub fn into_pilot(self) -> Pilot {
        self.pilot
    }

    /// One tick, and what control makes of it.
    ///
    /// # Errors
    /// When the policy or the map fails.
    pub fn tick(
        &mut self,
        now: Monotonic,
        snapshot: &Snapshot,
        motion: Motion,
    ) -> Result<(TickOutput, Plan), PilotError> {
        let input = TickInput { now, context: &snapshot.frames, motion };
        let output = self.pilot.tick(&input)?;
        self.ticks += 1;
        if let Some(recorder) = &self.recorder {
            recorder.tick(self.ticks, &input, &output);
        }
        let plan = Plan::from_decision(self.ticks, &output.decision, self.step_length_m, self.period_s);
        Ok((output, plan))
    }
}

/// Decision to command. Owned by the control thread.
pub struct ControlLoop {
    drive: DriveLoop,
    recorder: Option<RunRecorder>,
    steps: u64,
}

impl ControlLoop {
    /// For a robot's control loop.
    #[must_use]
    pub fn new(drive: DriveLoop, recorder: Option<RunRecorder>) -> Self {
        Self { drive, recorder, steps: 0 }
    }

    /// One control step.
    pub fn step(&mut self, now: Monotonic, mode: Mode, plan: Option<&Plan>) -> ControlOutput {
        let output = self.drive.step(now, mode, plan);
        self.steps += 1;
        if let Some(recorder) = &self.recorder {
            recorder.control(self.steps, now, mode, plan, &output);
        }
        output
    }
}
