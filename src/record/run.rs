//! What a run records: every input of every tick and control step, and what came of it.
//!
//! Frames are kept as the model saw them (lossless), ticks and control steps as JSON lines of their own
//! channels, so that a viewer opens them and [`crate::replay`] can run them again bit for bit.

use std::collections::BTreeMap;

use pilotage_gate::Mode;
use pilotage_graph::Motion;
use serde::{Deserialize, Serialize};

use super::{Item, ItemKind, RecorderSink, encode_rgb8_image};
use crate::context::ContextFrame;
use crate::drive::{ControlOutput, Plan};
use crate::frame::Monotonic;
use crate::navigator::{Answer, Decision};
use crate::pilot::{TickInput, TickOutput};

/// Channel of the frames, `sensor_msgs/msg/Image`, model size.
pub const FRAMES: &str = "/pilotage/frames";
/// Channel of the ticks, JSON.
pub const TICKS: &str = "/pilotage/ticks";
/// Channel of the control steps, JSON.
pub const CONTROL: &str = "/pilotage/control";
/// Name of the metadata record.
pub const METADATA: &str = "pilotage.run";
/// Version of these records.
pub const FORMAT: u32 = 1;

/// An `f32` whose every bit survives JSON: finite numbers as numbers, the rest by their bits.
#[derive(Clone, Copy, Debug)]
pub struct Bits(pub f32);

impl PartialEq for Bits {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Serialize for Bits {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() {
            serializer.serialize_f32(self.0)
        } else {
            serializer.serialize_str(&format!("{:08x}", self.0.to_bits()))
        }
    }
}

impl<'de> Deserialize<'de> for Bits {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(f32),
            Text(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(value) => Ok(Self(value)),
            Either::Text(text) => u32::from_str_radix(&text, 16)
                .map(|bits| Self(f32::from_bits(bits)))
                .map_err(|_| serde::de::Error::custom(format!("{text:?} is no number and no bits of one"))),
        }
    }
}

/// What the robot did since the last tick, as the tick was told.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MotionRecord {
    /// Steps.
    pub advance_steps: Bits,
    /// Whether it moved at all.
    pub moving: bool,
}

/// What the policy said of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerRecord {
    /// The node.
    pub node: u32,
    /// Steps.
    pub distance_steps: Bits,
    /// x, y, cos, sin of each waypoint, model units.
    pub waypoints: Vec<[Bits; 4]>,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// The state machine.
    pub phase: crate::navigator::Phase,
    /// Last remembered place passed.
    pub node: u32,
    /// Steps past it.
    pub offset_steps: Bits,
    /// Share of the belief near its peak.
    pub confidence: Bits,
    /// Spread of the belief, steps.
    pub spread_steps: Bits,
    /// Smallest distance answered for a place that matters, steps.
    pub min_distance_steps: Option<Bits>,
    /// Steps left to the goal.
    pub remaining_steps: Option<Bits>,
    /// The node steered at.
    pub subgoal: Option<u32>,
    /// The node whose waypoints were taken.
    pub chosen: Option<u32>,
}

/// One tick.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TickRecord {
    /// Counts from 1.
    pub tick: u64,
    /// Our clock.
    pub now_ns: u64,
    /// Sequence numbers of the context's frames, oldest first.
    pub context: Vec<u64>,
    /// What the tick was told of the motion.
    pub motion: MotionRecord,
    /// Every answer, in the order asked: the candidate table.
    pub answers: Vec<AnswerRecord>,
    /// The decision.
    pub decision: DecisionRecord,
}

/// One control step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlRecord {
    /// Counts from 1.
    pub step: u64,
    /// Our clock.
    pub now_ns: u64,
    /// `armed` or `disarmed`.
    pub armed: bool,
    /// The tick whose plan was in force.
    pub tick: Option<u64>,
    /// The command.
    pub linear_mps: Bits,
    /// The command.
    pub angular_rps: Bits,
    /// The gate's word.
    pub verdict: String,
}

impl TickRecord {
    /// Of a tick's input and output.
    #[must_use]
    pub fn new(tick: u64, input: &TickInput<'_>, output: &TickOutput) -> Self {
        Self {
            tick,
            now_ns: input.now.0,
            context: input.context.iter().map(|frame| frame.seq).collect(),
            motion: MotionRecord { advance_steps: Bits(input.motion.advance_steps), moving: input.motion.moving },
            answers: output.answers.iter().map(AnswerRecord::new).collect(),
            decision: DecisionRecord::new(&output.decision),
        }
    }

    /// The motion as the tick takes it.
    #[must_use]
    pub fn motion(&self) -> Motion {
        Motion { advance_steps: self.motion.advance_steps.0, moving: self.motion.moving }
    }
}

impl AnswerRecord {
    fn new(answer: &Answer) -> Self {
        let bits = |w: &crate::policy::WaypointUnits| [w.x_units, w.y_units, w.cos_yaw, w.sin_yaw].map(Bits);
        Self {
            node: answer.node.0,
            distance_steps: Bits(answer.prediction.distance_steps),
            waypoints: answer.prediction.waypoints().iter().map(bits).collect(),
        }
    }
}

impl DecisionRecord {
    fn new(decision: &Decision) -> Self {
        Self {
            phase: decision.phase,
            node: decision.node.0,
            offset_steps: Bits(decision.offset_steps),
            confidence: Bits(decision.confidence),
            spread_steps: Bits(decision.spread_steps),
            min_distance_steps: decision.min_distance_steps.map(Bits),
            remaining_steps: decision.remaining_steps.map(Bits),
            subgoal: decision.subgoal.map(|node| node.0),
            chosen: decision.chosen.map(|candidate| candidate.node.0),
        }
    }
}

impl ControlRecord {
    /// Of a control step.
    #[must_use]
    pub fn new(step: u64, now: Monotonic, mode: Mode, plan: Option<&Plan>, output: &ControlOutput) -> Self {
        Self {
            step,
            now_ns: now.0,
            armed: mode == Mode::Armed,
            tick: plan.map(|plan| plan.tick),
            linear_mps: Bits(output.command.linear_mps()),
            angular_rps: Bits(output.command.angular_rps()),
            verdict: output.verdict.to_string(),
        }
    }
}

/// What must be the same for a replay to mean anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunHeader {
    /// [`FORMAT`].
    pub format: u32,
    /// Version of the program.
    pub program: String,
    /// Where the map lay.
    pub map: String,
    /// The map's content.
    pub map_sha256: String,
    /// Where the policy lay.
    pub policy: String,
    /// The policy's manifest.
    pub policy_sha256: String,
    /// `ort` or `builtin`.
    pub engine: String,
    /// Engine and version, for people.
    pub engine_text: String,
    /// Goal node.
    pub goal: u32,
    /// Start node, where it was known.
    pub start: Option<u32>,
    /// The robot.
    pub profile: crate::config::Profile,
    /// The navigator's numbers.
    pub navigator: crate::navigator::NavigatorConfig,
}

impl RunHeader {
    /// As MCAP metadata: one JSON text.
    ///
    /// # Errors
    /// Never in practice; a number that JSON cannot hold.
    pub fn to_metadata(&self) -> Result<BTreeMap<String, String>, serde_json::Error> {
        Ok(BTreeMap::from([("json".to_owned(), serde_json::to_string(self)?)]))
    }

    /// From MCAP metadata.
    ///
    /// # Errors
    /// When the recording was not made by a run of this format.
    pub fn from_metadata(metadata: &BTreeMap<String, String>) -> Result<Self, String> {
        let text = metadata.get("json").ok_or("its metadata has no field \"json\"")?;
        let header: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if header.format != FORMAT {
            return Err(format!("it has run format {}, this program reads {FORMAT}", header.format));
        }
        Ok(header)
    }
}

/// The recording end that the runtime's threads hold: never blocks, counts what the queue had no room for.
#[derive(Clone)]
pub struct RunRecorder(RecorderSink);

impl RunRecorder {
    /// On an open recorder.
    #[must_use]
    pub fn new(handle: RecorderSink) -> Self {
        Self(handle)
    }

    /// A frame that entered the context.
    pub fn frame(&self, frame: &ContextFrame, received: Monotonic) {
        let image = &frame.image;
        let stamp_ns = i64::try_from(frame.evidence_at.0).unwrap_or(i64::MAX);
        match encode_rgb8_image(stamp_ns, &frame.seq.to_string(), image.width, image.height, &image.rgb) {
            Ok(data) => {
                let (log_time_ns, publish_time_ns) = (received.0, frame.evidence_at.0);
                self.0.send(Item { channel: FRAMES, kind: ItemKind::RosImage, log_time_ns, publish_time_ns, data });
            }
            Err(error) => tracing::error!(%error, "a frame could not be recorded"),
        }
    }

    /// A tick.
    pub fn tick(&self, tick: u64, input: &TickInput<'_>, output: &TickOutput) {
        self.json(TICKS, input.now, &TickRecord::new(tick, input, output));
    }

    /// A control step.
    pub fn control(&self, step: u64, now: Monotonic, mode: Mode, plan: Option<&Plan>, output: &ControlOutput) {
        self.json(CONTROL, now, &ControlRecord::new(step, now, mode, plan, output));
    }

    fn json(&self, channel: &'static str, now: Monotonic, record: &impl Serialize) {
        match serde_json::to_vec(record) {
            Ok(data) => {
                let kind = ItemKind::Json;
                self.0.send(Item { channel, kind, log_time_ns: now.0, publish_time_ns: now.0, data });
            }
            Err(error) => tracing::error!(%error, channel, "a record could not be written"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_a_number_survives_json() {
        let patterns = [0x0000_0000_u32, 0x8000_0000, 0x0000_0001, 0x7f80_0000, 0xff80_0000, 0x7fc0_1234, 0x3dcc_cccd];
        for bits in patterns.into_iter().chain((0..2000).map(|i: u32| i.wrapping_mul(2_654_435_761))) {
            let text = serde_json::to_string(&Bits(f32::from_bits(bits))).unwrap();
            let back: Bits = serde_json::from_str(&text).unwrap();
            assert_eq!(back.0.to_bits(), bits, "{text}");
        }
    }
}
