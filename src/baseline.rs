//! What Pilotage is compared with, on the same robot, in the same worlds, from the same starts:
//!
//! | method | sees | knows | steers by |
//! |---|---|---|---|
//! | [`Reference`] | the camera | a place each second of the taught drive | our weights under the published stack's rules |
//! | [`Visual`] | the camera | a place each second of it, and the speed there | how far the remembered picture is shifted |
//! | the same, repeating | the camera | four places a second, and the commands there | those commands, corrected by that shift |
//! | [`replay`] | nothing | the taught commands | those commands |
//! | [`oracle`] | the simulator's truth | the way and all obstacles | the expert that taught |
//!
//! The first three look through the runtime's own intake (ages, sampling, resizing) and their commands pass the same
//! gate with the same limits; what is theirs is only what happens between. The last two bound the protocol from below
//! and above: replay shows that nobody arrives without looking, the oracle that one can arrive at all.

mod privileged;
mod reference;
mod visual;

use pilotage_gate::{self as gate, Faults, Gate, Mode, Permit, StopReason, Wanted};

use crate::drive::limits_of;
use crate::episode::{Drive, Episode, TickNote};
use crate::frame::Monotonic;
use crate::navigator::Phase;
use crate::runtime::lockstep::Plant as _;
use crate::runtime::{CONTROL_RATE_HZ, Intake, Intaken, Snapshot};

pub use privileged::{oracle, replay};
pub use reference::{Reference, ReferenceRules};
pub use visual::{Visual, VisualRules};

/// What a method wants after it has looked.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruling {
    /// The motion until it looks again.
    pub wanted: Wanted,
    /// Whether it says that it has arrived.
    pub arrived: bool,
    /// Where it believes to be, policy steps along the taught drive.
    pub believed_steps: f64,
    /// Where it steers at, policy steps along the taught drive.
    pub subgoal_steps: f64,
    /// The waypoint, model units, where it steers by one.
    pub waypoint_units: Option<[f32; 2]>,
    /// Its distance answer for the place it believes in, steps.
    pub nearest_steps: Option<f32>,
}

/// A method that looks at the policy's rate.
pub trait Method {
    /// Looks at a full context.
    ///
    /// # Errors
    /// When its model fails.
    fn look(&mut self, snapshot: &Snapshot) -> anyhow::Result<Ruling>;
}

/// Lockstep starts here, as the runtime's does.
const START_NS: u64 = 10_000_000_000;

/// Drives an episode by a method, in lockstep: frames and control steps in the runtime's order.
///
/// # Errors
/// When the method, the camera or the profile fails.
pub fn drive(
    episode: &Episode,
    spec: &crate::policy::ModelSpec,
    camera_hz: f64,
    method: &mut dyn Method,
) -> anyhow::Result<Drive> {
    let mut probe = episode.probe(camera_hz);
    let mut intake = Intake::new(spec, &episode.profile, None);
    let mut gate = Gate::new(limits_of(&episode.profile)?);
    let period_ns = (1e9 / CONTROL_RATE_HZ) as u64;
    let limit_ns = (episode.limit_s(spec.rate_hz, spec.context_frames) * 1e9) as u64;
    let mut next_control_ns = 0_u64;
    let mut ruling: Option<(Ruling, Monotonic)> = None;
    let mut notes: Vec<TickNote> = Vec::new();
    let mut sequence = 0;
    let mut declared_s = None;
    while let Some(frame_ns) = probe.next_frame_ns() {
        let now_ns = frame_ns.min(next_control_ns);
        if now_ns > limit_ns {
            break;
        }
        let now = Monotonic(START_NS + now_ns);
        if frame_ns <= next_control_ns {
            let raw = probe.frame()?;
            if let Intaken::Full(snapshot) = intake.accept(&raw, now)? {
                let evidence_at = snapshot.frames.last().map_or(now, |frame| frame.evidence_at);
                let mut told = method.look(&snapshot)?;
                // Arrival once declared stands: the published controller stops and ends there.
                told.arrived |= ruling.as_ref().is_some_and(|(before, _)| before.arrived);
                sequence += 1;
                notes.push(note(now_ns, &told));
                ruling = Some((told, evidence_at));
            }
            continue;
        }
        let arrived = ruling.as_ref().is_some_and(|(ruling, _)| ruling.arrived);
        let permit = match &ruling {
            None => Permit::Stop(StopReason::Waiting),
            Some(_) if arrived => Permit::Stop(StopReason::Arrived),
            Some(_) => Permit::Drive,
        };
        let decision = ruling.as_ref().map(|(ruling, evidence_at)| {
            let stand = Wanted { linear_mps: 0.0, angular_rps: 0.0 };
            let wanted = if arrived { stand } else { ruling.wanted };
            gate::Decision { wanted, evidence_at: *evidence_at, sequence }
        });
        let output = gate.step(&gate::Input { now, mode: Mode::Armed, permit, decision, faults: Faults::NONE });
        let command = output.command;
        if let Some(note) = notes.last_mut() {
            note.command = [command.linear_mps(), command.angular_rps()];
        }
        probe.drive(&command, now_ns, now_ns + period_ns);
        next_control_ns = now_ns + period_ns;
        if arrived && command.is_zero() {
            declared_s = Some(now_ns as f64 * 1e-9);
            break;
        }
    }
    let phase = if declared_s.is_some() { Phase::Arrived } else { Phase::Driving };
    let track = probe.into_track();
    let outcome = episode.judge(&track, &notes, declared_s, Some(phase));
    Ok(Drive { outcome, track, notes, policy: None })
}

fn note(now_ns: u64, ruling: &Ruling) -> TickNote {
    TickNote {
        t_s: now_ns as f64 * 1e-9,
        believed_steps: Some(ruling.believed_steps),
        phase: if ruling.arrived { Phase::Arrived } else { Phase::Driving },
        subgoal_steps: Some(ruling.subgoal_steps),
        waypoint_units: ruling.waypoint_units,
        nearest_steps: ruling.nearest_steps,
        command: [0.0; 2],
    }
}
