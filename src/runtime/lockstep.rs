//! Lockstep: time moves by the stamps of a log or the simulator, as fast as the processor allows.

use pilotage_gate::{Command, Mode};
use pilotage_graph::Motion;

use super::{CONTROL_RATE_HZ, ControlLoop, DriveMeter, Intake, Intaken, Snapshot, TickLoop, motion_of_log};
use crate::camera::{FrameSource, Next, SourceError};
use crate::config::Profile;
use crate::drive::{ControlOutput, Plan};
use crate::frame::{Monotonic, RawFrame};
use crate::pilot::{PilotError, TickOutput};

/// Lockstep starts here, so that ages before the first frame do not underflow.
const START_NS: u64 = 10_000_000_000;

/// What lockstep drives: something with frames at known times, which may obey commands.
pub trait Plant {
    /// Nanoseconds after the start at which the next frame is due; `None` when there is none any more.
    fn next_frame_ns(&mut self) -> Option<u64>;

    /// The frame that is due.
    ///
    /// # Errors
    /// When the source fails.
    fn frame(&mut self) -> Result<RawFrame, SourceError>;

    /// Lets the command act from `from_ns` to `to_ns`.
    fn drive(&mut self, command: &Command, from_ns: u64, to_ns: u64);

    /// Whether commands move it; a log goes its way whatever is commanded.
    fn obeys(&self) -> bool;

    /// Why there are no more frames, where it is not simply the end.
    fn failure(&mut self) -> Option<SourceError> {
        None
    }
}

/// A log as a plant: frames by their stamps, commands go nowhere.
pub struct LogPlant {
    source: Box<dyn FrameSource>,
    ahead: Option<RawFrame>,
    first_ns: Option<i64>,
    ended: bool,
    failure: Option<SourceError>,
    /// Bad frames met, for the report.
    pub bad_frames: u64,
}

impl LogPlant {
    /// Over any source that does not wait for a clock.
    #[must_use]
    pub fn new(source: Box<dyn FrameSource>) -> Self {
        Self { source, ahead: None, first_ns: None, ended: false, failure: None, bad_frames: 0 }
    }

    fn fill(&mut self) {
        while self.ahead.is_none() && !self.ended {
            match self.source.next(std::time::Duration::ZERO) {
                Ok(Next::Frame(frame)) => {
                    self.first_ns.get_or_insert(frame.captured.0);
                    self.ahead = Some(frame);
                }
                Ok(Next::Nothing | Next::End) => self.ended = true,
                Err(SourceError::BadFrame { seq, reason }) => {
                    tracing::warn!(frame = seq, reason, "skipped a frame");
                    self.bad_frames += 1;
                }
                Err(error) => {
                    self.ended = true;
                    self.failure = Some(error);
                }
            }
        }
    }
}

impl Plant for LogPlant {
    fn next_frame_ns(&mut self) -> Option<u64> {
        self.fill();
        let frame = self.ahead.as_ref()?;
        Some(u64::try_from(frame.captured.0.saturating_sub(self.first_ns.unwrap_or(0))).unwrap_or(0))
    }

    fn frame(&mut self) -> Result<RawFrame, SourceError> {
        self.fill();
        self.ahead.take().ok_or_else(|| SourceError::Stream("the log has ended".into()))
    }

    fn drive(&mut self, _command: &Command, _from_ns: u64, _to_ns: u64) {}

    fn obeys(&self) -> bool {
        false
    }

    fn failure(&mut self) -> Option<SourceError> {
        self.failure.take()
    }
}

/// What happened, for whoever looks on.
pub enum Event<'a> {
    /// A frame came that did not fill the context.
    Filling(usize, usize),
    /// A tick ran.
    Tick {
        /// The newest frame.
        frame: &'a RawFrame,
        /// The context.
        snapshot: &'a Snapshot,
        /// What the tick gave.
        output: &'a TickOutput,
    },
    /// A control step ran.
    Control {
        /// Nanoseconds since the start.
        at_ns: u64,
        /// What went out.
        output: &'a ControlOutput,
    },
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    On,
    /// Stop after this event.
    Stop,
}

/// Why a lockstep run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// There were no more frames.
    NoMoreFrames,
    /// The onlooker said so.
    Stopped,
    /// The time was up.
    TimeUp,
}

/// Runs until the frames end, the onlooker stops it, or `limit_s` have passed in the plant's time.
///
/// # Errors
/// When the policy, the map or the source fails.
pub fn run(
    plant: &mut dyn Plant,
    intake: &mut Intake,
    ticks: &mut TickLoop,
    control: &mut ControlLoop,
    profile: &Profile,
    limit_s: f64,
    onlooker: &mut dyn FnMut(Event<'_>) -> Flow,
) -> Result<Ended, PilotError> {
    let control_period_ns = (1e9 / CONTROL_RATE_HZ) as u64;
    let limit_ns = (limit_s * 1e9) as u64;
    let spec = ticks.pilot().policy().spec().clone();
    let step_length_m = profile.step_length_m(spec.rate_hz);
    let period_s = (1.0 / spec.rate_hz) as f32;
    let mut next_control_ns = 0_u64;
    let mut plan: Option<Plan> = None;
    let mut meter = DriveMeter::default();
    let mut meter_at_tick = meter;
    let mut last_evidence = None;
    loop {
        let frame_ns = plant.next_frame_ns();
        let Some(now_ns) = frame_ns.map(|frame_ns| frame_ns.min(next_control_ns)) else {
            return plant.failure().map_or(Ok(Ended::NoMoreFrames), |error| Err(error.into()));
        };
        if now_ns > limit_ns {
            return Ok(Ended::TimeUp);
        }
        let now = Monotonic(START_NS + now_ns);
        // A frame that is due at the same time as a control step comes first: the step may use its decision.
        if frame_ns.is_some_and(|frame_ns| frame_ns <= next_control_ns) {
            let raw = plant.frame()?;
            let flow = match intake.accept(&raw, now)? {
                Intaken::NotSampled => Flow::On,
                Intaken::Filling(have, want) => onlooker(Event::Filling(have, want)),
                Intaken::Full(snapshot) => {
                    let motion: Motion = if plant.obeys() {
                        meter.motion_since(meter_at_tick, step_length_m, profile.drive.max_angular_rps, period_s)
                    } else {
                        motion_of_log(&snapshot, &mut last_evidence, spec.rate_hz)
                    };
                    meter_at_tick = meter;
                    let (output, new_plan) = ticks.tick(now, &snapshot, motion)?;
                    plan = Some(new_plan);
                    onlooker(Event::Tick { frame: &raw, snapshot: &snapshot, output: &output })
                }
            };
            if flow == Flow::Stop {
                return Ok(Ended::Stopped);
            }
            continue;
        }
        let output = control.step(now, Mode::Armed, plan.as_ref());
        let command = &output.command;
        meter.add(command.linear_mps(), command.angular_rps(), 1.0 / CONTROL_RATE_HZ);
        plant.drive(command, now_ns, now_ns + control_period_ns);
        next_control_ns = now_ns + control_period_ns;
        if onlooker(Event::Control { at_ns: now_ns, output: &output }) == Flow::Stop {
            return Ok(Ended::Stopped);
        }
    }
}
