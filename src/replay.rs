//! Runs a recording again through the same tick and control step, and names the first difference.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pilotage_gate::Mode;
use pilotage_graph::{MapDir, NodeId, Start};
use serde_json::Value;

use crate::context::ContextFrame;
use crate::drive::{DriveLoop, Plan};
use crate::frame::Monotonic;
use crate::pilot::{Pilot, TickInput};
use crate::policy::{self, EngineChoice, ModelImage, Policy};
use crate::record::run::{CONTROL, ControlRecord, FRAMES, METADATA, RunHeader, TICKS, TickRecord};
use crate::record::{Ending, Entry, ReadLimits, RecordingReader, decode_image};

/// Why a recording cannot be replayed at all.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file.
    #[error(transparent)]
    Record(#[from] crate::record::RecordError),
    /// The file is no run of ours.
    #[error("{path} is not a recording of `pilotage run --record`: {reason}")]
    NotARun {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Map or policy is another one than when it was recorded.
    #[error(
        "the {what} at {path} is not the one of the recording (recorded {recorded}, found {found}); give the right one with --{flag}"
    )]
    Another {
        /// `map` or `policy`.
        what: &'static str,
        /// Where it was looked for.
        path: String,
        /// Hash in the recording.
        recorded: String,
        /// Hash found.
        found: String,
        /// The command line flag.
        flag: &'static str,
    },
    /// The map.
    #[error(transparent)]
    Map(#[from] pilotage_graph::StoreError),
    /// The policy.
    #[error(transparent)]
    Policy(#[from] crate::policy::PolicyError),
    /// The tick.
    #[error(transparent)]
    Pilot(#[from] crate::pilot::PilotError),
    /// The gate.
    #[error("the recorded profile cannot be used: {0}")]
    Limits(String),
}

/// What may be given in place of what the recording says.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Where the map lies now.
    pub map: Option<PathBuf>,
    /// Where the policy lies now.
    pub policy: Option<PathBuf>,
    /// The ONNX Runtime library.
    pub ort_lib: Option<PathBuf>,
}

/// The first place where the replay went another way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `tick 12` or `control step 60 (tick 12)`.
    pub at: String,
    /// Path of the field.
    pub field: String,
    /// The recorded value.
    pub recorded: String,
    /// The replayed value.
    pub replayed: String,
}

/// What a replay found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Ticks run again.
    pub ticks: u64,
    /// Control steps run again.
    pub controls: u64,
    /// Where the recording has a hole (a full queue dropped a record): nothing after it can be compared.
    pub hole: Option<String>,
    /// The first difference.
    pub difference: Option<Difference>,
    /// What the reader had to leave out, if the file ends early.
    pub truncated: Option<String>,
}

/// Replays a recording. `change` may alter the recorded header (a test of "a changed constant is caught").
///
/// # Errors
/// When the recording, its map or its policy cannot be used.
pub fn replay(path: &Path, overrides: &Overrides, change: impl FnOnce(&mut RunHeader)) -> Result<Report, ReplayError> {
    let mut recording = RecordingReader::open(path, ReadLimits::default())?;
    let not_a_run = |reason: String| ReplayError::NotARun { path: path.to_owned(), reason };
    let mut header = read_header(&mut recording)?.map_err(not_a_run)?;
    let (policy, map) = open_parts(&header, overrides)?;
    change(&mut header);
    let start = header.start.map_or(Start::Unknown, |node| Start::At(NodeId(node)));
    let mut pilot = Pilot::new(policy, map, header.navigator.clone(), NodeId(header.goal), start)?;
    let rate_hz = pilot.policy().spec().rate_hz;
    let step_length_m = header.profile.step_length_m(rate_hz);
    let mut drive = DriveLoop::new(&header.profile, rate_hz).map_err(|error| ReplayError::Limits(error.to_string()))?;

    let mut report = Report::default();
    let mut frames: BTreeMap<u64, ContextFrame> = BTreeMap::new();
    let mut plans: BTreeMap<u64, Plan> = BTreeMap::new();
    let mut waiting_controls: Vec<ControlRecord> = Vec::new();
    while let Some(entry) = recording.next()? {
        if report.hole.is_some() {
            break;
        }
        let Entry::Item(item) = entry else { continue };
        match &*item.channel {
            FRAMES => {
                let frame = frame_of(&item.data, item.publish_time_ns).map_err(not_a_run)?;
                frames.insert(frame.seq, frame);
                // Contexts look back a few frames; a long recording must not fill the memory.
                while frames.len() > 512 {
                    frames.pop_first();
                }
            }
            TICKS => {
                let recorded: TickRecord =
                    serde_json::from_slice(&item.data).map_err(|error| not_a_run(error.to_string()))?;
                let context: Vec<ContextFrame> =
                    recorded.context.iter().filter_map(|seq| frames.get(seq).cloned()).collect();
                if recorded.tick != report.ticks + 1 {
                    report.hole = Some(format!("tick {} is missing", report.ticks + 1));
                    break;
                }
                if context.len() != recorded.context.len() {
                    report.hole = Some(format!("a frame of tick {} is missing", recorded.tick));
                    break;
                }
                let input = TickInput { now: Monotonic(recorded.now_ns), context: &context, motion: recorded.motion() };
                let output = pilot.tick(&input)?;
                report.ticks += 1;
                let replayed = TickRecord::new(recorded.tick, &input, &output);
                plans.insert(
                    recorded.tick,
                    Plan::from_decision(recorded.tick, &output.decision, step_length_m, (1.0 / rate_hz) as f32),
                );
                if report.difference.is_none() {
                    report.difference = first_difference(&format!("tick {}", recorded.tick), &recorded, &replayed);
                }
                // A control step may have been written before the tick it rests on: two threads, one file.
                for control in std::mem::take(&mut waiting_controls) {
                    step_control(control, &mut drive, &mut plans, &mut waiting_controls, &mut report);
                }
            }
            CONTROL => {
                let recorded: ControlRecord =
                    serde_json::from_slice(&item.data).map_err(|error| not_a_run(error.to_string()))?;
                if waiting_controls.is_empty() {
                    step_control(recorded, &mut drive, &mut plans, &mut waiting_controls, &mut report);
                } else {
                    waiting_controls.push(recorded);
                }
            }
            _ => {}
        }
    }
    if let (Some(control), None) = (waiting_controls.first(), &report.hole) {
        report.hole = control.tick.map(|tick| format!("tick {tick} is missing"));
    }
    report.truncated = match recording.ending() {
        None | Some(Ending::Complete) => None,
        Some(Ending::Truncated { lost_bytes, .. }) => {
            Some(format!("just stops (a killed writer?); {lost_bytes} bytes at its end cannot be read"))
        }
        Some(Ending::Damaged { at_byte, lost_bytes, reason }) => {
            Some(format!("is damaged at byte {at_byte} ({reason}); {lost_bytes} bytes were left out"))
        }
    };
    Ok(report)
}

fn step_control(
    recorded: ControlRecord,
    drive: &mut DriveLoop,
    plans: &mut BTreeMap<u64, Plan>,
    waiting: &mut Vec<ControlRecord>,
    report: &mut Report,
) {
    if report.hole.is_some() {
        return;
    }
    if !waiting.is_empty() || recorded.tick.is_some_and(|tick| !plans.contains_key(&tick)) {
        waiting.push(recorded);
        return;
    }
    if recorded.step != report.controls + 1 {
        report.hole = Some(format!("control step {} is missing", report.controls + 1));
        return;
    }
    let plan = recorded.tick.and_then(|tick| plans.get(&tick));
    let mode = if recorded.armed { Mode::Armed } else { Mode::Disarmed };
    let now = Monotonic(recorded.now_ns);
    let output = drive.step(now, mode, plan);
    report.controls += 1;
    let replayed = ControlRecord::new(recorded.step, now, mode, plan, &output);
    if report.difference.is_none() {
        let at = match recorded.tick {
            Some(tick) => format!("control step {} (tick {tick})", report.controls),
            None => format!("control step {}", report.controls),
        };
        report.difference = first_difference(&at, &recorded, &replayed);
    }
    if let Some(tick) = recorded.tick {
        plans.retain(|&kept, _| kept >= tick);
    }
}

/// Reads on until the header. The inner error says why the file is no run.
fn read_header(recording: &mut RecordingReader) -> Result<Result<RunHeader, String>, ReplayError> {
    while let Some(entry) = recording.next()? {
        match entry {
            Entry::Metadata { name, pairs } if name == METADATA => return Ok(RunHeader::from_metadata(&pairs)),
            Entry::Item(_) => break,
            _ => {}
        }
    }
    Ok(Err(format!("it does not begin with a metadata record {METADATA:?}")))
}

fn open_parts(header: &RunHeader, overrides: &Overrides) -> Result<(Box<dyn Policy>, MapDir), ReplayError> {
    let map_path = overrides.map.clone().unwrap_or_else(|| PathBuf::from(&header.map));
    let map = MapDir::open(&map_path, &pilotage_graph::Limits::default())?;
    let found = map.content_sha256().to_string();
    if found != header.map_sha256 {
        return Err(ReplayError::Another {
            what: "map",
            path: map_path.display().to_string(),
            recorded: header.map_sha256.clone(),
            found,
            flag: "map",
        });
    }
    let policy_path = overrides.policy.clone().unwrap_or_else(|| PathBuf::from(&header.policy));
    let engine: EngineChoice = header.engine.parse()?;
    let policy = policy::load(&policy_path, engine, overrides.ort_lib.as_deref())?;
    if policy.sha256() != header.policy_sha256 {
        return Err(ReplayError::Another {
            what: "policy",
            path: policy_path.display().to_string(),
            recorded: header.policy_sha256.clone(),
            found: policy.sha256().to_owned(),
            flag: "policy",
        });
    }
    Ok((policy, map))
}

fn frame_of(data: &[u8], evidence_ns: u64) -> Result<ContextFrame, String> {
    let message = decode_image(data).map_err(|error| error.to_string())?;
    let seq = message.frame_id.parse().map_err(|_| format!("frame id {:?} is no number", message.frame_id))?;
    let picture = message.picture().map_err(|error| error.to_string())?;
    let image = ModelImage { width: picture.width(), height: picture.height(), rgb: picture.shared() };
    Ok(ContextFrame { seq, evidence_at: Monotonic(evidence_ns), image })
}

/// The first field in which two records differ, by name.
fn first_difference<T: serde::Serialize>(at: &str, recorded: &T, replayed: &T) -> Option<Difference> {
    let (recorded, replayed) = (serde_json::to_value(recorded).ok()?, serde_json::to_value(replayed).ok()?);
    let (field, recorded, replayed) = walk("", &recorded, &replayed)?;
    Some(Difference { at: at.to_owned(), field, recorded, replayed })
}

fn walk(path: &str, a: &Value, b: &Value) -> Option<(String, String, String)> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
            a.iter().find_map(|(key, value)| walk(&format!("{path}.{key}"), value, b.get(key).unwrap_or(&Value::Null)))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(index, (a, b))| walk(&format!("{path}[{index}]"), a, b))
        }
        _ if a == b => None,
        _ => Some((path.trim_start_matches('.').to_owned(), a.to_string(), b.to_string())),
    }
}
