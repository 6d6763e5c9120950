//! From a log to a map: which frames become places, and what the ways between them cost.
//!
//! The policy is asked forwards: from the context that ended at the last kept frame, how far is the new frame?
//! (Asked the other way the goal lies behind the robot and the answer is always "far".) Ways cost the time driven;
//! standstill is left out. A numbered folder without a rate is *imported* instead: every picture stays the node of
//! its number.

mod strip;

use std::collections::VecDeque;
use std::path::Path;

use pilotage_graph::store::{CameraInfo, NodeDraft, PolicyInfo, SessionInfo, WriteOptions};
use pilotage_graph::{
    Edge, Evidence, KeyframeRule, Keyframer, MapDir, MapMeta, MapWriter, NodeId, SessionId, StoreError, Verdict,
};

use crate::frame::RawFrame;
use crate::ingest::{IngestError, LogInfo, LogKind, LogReader};
use crate::policy::{self, ModelImage, Policy, PolicyError};

/// Two frames whose model images differ by less than this on average (of 255) show a robot that stands.
const STANDSTILL_DIFFERENCE: f32 = 0.6;
/// Frames nearer than this to the last one looked at are passed over: 20 a second are plenty to choose places from.
const LOOK_EVERY_S: f64 = 0.045;
/// A hole in the log longer than this counts as standing, seconds.
const PAUSE_S: f64 = 2.0;
/// What an imported way costs when the policy has no opinion, steps: the reference tool takes a picture a second.
const IMPORTED_COST_STEPS: f32 = 4.0;

/// How to build.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// Which frames to keep.
    pub rule: KeyframeRule,
    /// Move an existing map aside instead of refusing.
    pub replace: bool,
}

/// Why a map could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The log.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The map's folder.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The spacing rule.
    #[error("--spacing cannot be used: {0}")]
    Rule(String),
    /// The log gave too little.
    #[error("{path} gave only {nodes} place(s) out of {frames} frames; a map needs two (did the robot move?)")]
    TooShort {
        /// The log.
        path: String,
        /// Places.
        nodes: usize,
        /// Frames read.
        frames: u64,
    },
    /// A picture could not be encoded.
    #[error("frame {seq} cannot be stored: {reason}")]
    Encode {
        /// Frame.
        seq: u64,
        /// Why.
        reason: String,
    },
}

/// What was built.
#[derive(Clone, Debug, PartialEq)]
pub struct BuildReport {
    /// Frames read.
    pub frames: u64,
    /// Frames that could not be used.
    pub skipped: usize,
    /// Places kept.
    pub nodes: usize,
    /// Places kept because of the way driven, although the policy saw them near.
    pub forced: usize,
    /// Seconds of the drive spent standing; no way costs them.
    pub standing_s: f64,
    /// Seconds of the drive.
    pub driven_s: f64,
    /// Sum of the ways' costs, steps.
    pub cost_steps: f32,
    /// Imported: places that keyframing would have left out.
    pub would_leave_out: Vec<u32>,
    /// Whether the pictures were imported one by one.
    pub imported: bool,
    /// Log frame number of each node, in order.
    pub node_frames: Vec<u64>,
}

/// Builds a map of a log.
///
/// # Errors
/// [`BuildError`]; nothing is left behind then and an existing map stays as it was.
pub fn build(
    log: &mut dyn LogReader,
    policy: &mut dyn Policy,
    options: &BuildOptions,
    output: &Path,
    progress: &mut dyn FnMut(u64, u64, usize),
) -> Result<(MapDir, BuildReport), BuildError> {
    let info = log.info();
    let import = info.kind == LogKind::NumberedFolder && info.hz.is_none();
    if !import {
        info.require_stamps()?;
    }
    let mut builder = Builder::new(policy, options, output, import)?;
    let mut frames = 0;
    while let Some(raw) = log.next()? {
        frames += 1;
        builder.offer(&raw)?;
        progress(frames, info.frames, builder.kept.len());
    }
    builder.keep_last()?;
    builder.finish(&info, frames, log.skipped().len())
}

/// A frame near enough to the present to be part of a context.
struct Recent {
    raw: RawFrame,
    image: ModelImage,
    at_s: f64,
}

struct Kept {
    frame: u64,
}

struct Builder<'a> {
    policy: &'a mut dyn Policy,
    writer: MapWriter,
    edges: Vec<Edge>,
    keyframer: Keyframer,
    import: bool,
    period_s: f64,
    context_frames: usize,
    recent: VecDeque<Recent>,
    driven_since_kept_s: f64,
    standing_s: f64,
    driven_s: f64,
    forced: usize,
    would_leave_out: Vec<u32>,
    cost_steps: f32,
    kept: Vec<Kept>,
    size: Option<(u32, u32)>,
}

impl<'a> Builder<'a> {
    fn new(
        policy: &'a mut dyn Policy,
        options: &BuildOptions,
        output: &Path,
        import: bool,
    ) -> Result<Self, BuildError> {
        let keyframer = Keyframer::new(options.rule).map_err(|error| BuildError::Rule(error.to_string()))?;
        let writer =
            MapWriter::create_with(output, WriteOptions { replace: options.replace, ..WriteOptions::default() })?;
        let spec = policy.spec().clone();
        Ok(Self {
            policy,
            writer,
            edges: Vec::new(),
            keyframer,
            import,
            period_s: 1.0 / spec.rate_hz,
            context_frames: spec.context_frames,
            recent: VecDeque::new(),
            driven_since_kept_s: 0.0,
            standing_s: 0.0,
            driven_s: 0.0,
            forced: 0,
            would_leave_out: Vec::new(),
            cost_steps: 0.0,
            kept: Vec::new(),
            size: None,
        })
    }

    fn offer(&mut self, raw: &RawFrame) -> Result<(), BuildError> {
        self.size.get_or_insert((raw.picture.width(), raw.picture.height()));
        let at_s = if self.import { raw.seq as f64 * self.period_s } else { raw.captured.0 as f64 * 1e-9 };
        if self.recent.back().is_some_and(|last| at_s - last.at_s < LOOK_EVERY_S) {
            return Ok(());
        }
        let image = policy::resize(&raw.picture, self.policy.spec())?;
        let stands = self.account(raw, &image, at_s);
        self.recent.push_back(Recent { raw: raw.clone(), image, at_s });
        let span_s = self.period_s * self.context_frames as f64;
        while self.recent.len() > 1 && self.recent.front().is_some_and(|oldest| at_s - oldest.at_s > span_s) {
            self.recent.pop_front();
        }
        // What is seen while standing asks for no place: it would only confirm the view before it.
        if stands { Ok(()) } else { self.judge() }
    }

    /// Books the time since the last frame as driven or standing, and says whether it was standing.
    fn account(&mut self, raw: &RawFrame, image: &ModelImage, at_s: f64) -> bool {
        let Some(last) = self.recent.back() else { return false };
        let dt_s = (at_s - last.at_s).max(0.0);
        let standing = match raw.teleop {
            Some(teleop) => teleop.speed.abs() <= 1e-3,
            None => mean_difference(&last.image, image) < STANDSTILL_DIFFERENCE,
        };
        // A recorder that was paused: nobody knows what was driven meanwhile, and no way may cost minutes.
        let paused = dt_s > PAUSE_S;
        let stands = (standing || paused) && !self.import;
        if stands {
            self.standing_s += dt_s;
        } else {
            self.driven_s += dt_s;
            self.driven_since_kept_s += dt_s;
        }
        stands
    }

    fn judge(&mut self) -> Result<(), BuildError> {
        let predicted = match (self.kept.is_empty(), self.recent.back()) {
            (false, Some(newest)) => {
                let features = self.policy.remember(&newest.image)?;
                let answers = self.policy.predict(&[&features])?;
                answers.first().map_or(f32::NAN, |answer| answer.distance_steps)
            }
            _ => 0.0,
        };
        let driven_steps = if self.import { f32::NAN } else { (self.driven_since_kept_s / self.period_s) as f32 };
        let verdict = self.keyframer.offer(predicted, driven_steps);
        if self.import {
            if verdict == Verdict::Skip {
                self.would_leave_out.push(self.kept.len() as u32);
            }
            let cost = if predicted.is_finite() { predicted.clamp(1.0, 8.0) } else { IMPORTED_COST_STEPS };
            return self.keep(cost);
        }
        match verdict {
            Verdict::First => self.keep(0.0),
            Verdict::Keep { cost_steps, forced } => {
                self.forced += usize::from(forced);
                self.keep(cost_steps)
            }
            Verdict::Skip => Ok(()),
        }
    }

    /// The end of the drive is a place of its own: people say `--goal LAST`.
    fn keep_last(&mut self) -> Result<(), BuildError> {
        let newest = self.recent.back().map(|newest| newest.raw.seq);
        let last_kept = self.kept.last().map(|kept| kept.frame);
        let driven_steps = (self.driven_since_kept_s / self.period_s) as f32;
        if !self.import && newest != last_kept && driven_steps >= 0.5 {
            self.keep(driven_steps)?;
        }
        Ok(())
    }

    fn keep(&mut self, cost_steps: f32) -> Result<(), BuildError> {
        let images: Vec<usize> = self.context_indices();
        let Some(newest) = self.recent.back() else { return Ok(()) };
        let seq = newest.raw.seq;
        let (goal, extension) = strip::goal_bytes(&newest.raw).map_err(|reason| BuildError::Encode { seq, reason })?;
        let pictures = images.iter().filter_map(|&index| self.recent.get(index)).map(|recent| &recent.raw.picture);
        let context = strip::encode(pictures).map_err(|reason| BuildError::Encode { seq, reason })?;
        let draft = NodeDraft {
            name: None,
            session: SessionId(0),
            stamp_ns: u64::try_from(newest.raw.captured.0).unwrap_or(0),
            pose_hint: None,
            context_frames: images.len() as u32,
        };
        let node = self.writer.add_node(draft, extension, &goal, &context)?;
        if node.0 > 0 {
            self.edges.push(Edge::new(NodeId(node.0 - 1), node, cost_steps, Evidence::Driven));
            self.cost_steps += cost_steps;
        }
        let context: Vec<ModelImage> =
            images.iter().filter_map(|&index| self.recent.get(index)).map(|recent| recent.image.clone()).collect();
        self.policy.observe(&context)?;
        self.kept.push(Kept { frame: seq });
        self.driven_since_kept_s = 0.0;
        Ok(())
    }

    /// Indices into `recent` of the frames nearest to the model's grid, oldest first, the newest last. Where the
    /// drive has not begun yet, or an imported picture has no history, the oldest is repeated: a robot that stood.
    fn context_indices(&self) -> Vec<usize> {
        let newest = self.recent.len().saturating_sub(1);
        let Some(now_s) = self.recent.get(newest).map(|recent| recent.at_s) else { return Vec::new() };
        (0..self.context_frames)
            .rev()
            .map(|back| {
                if self.import {
                    return newest;
                }
                let wanted_s = now_s - back as f64 * self.period_s;
                let distance = |index: &usize| {
                    self.recent.get(*index).map_or(f64::INFINITY, |recent| (recent.at_s - wanted_s).abs())
                };
                (0..self.recent.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(newest)
            })
            .collect()
    }

    fn finish(self, info: &LogInfo, frames: u64, skipped: usize) -> Result<(MapDir, BuildReport), BuildError> {
        let report = BuildReport {
            frames,
            skipped,
            nodes: self.kept.len(),
            forced: self.forced,
            standing_s: self.standing_s,
            driven_s: self.driven_s,
            cost_steps: self.cost_steps,
            would_leave_out: self.would_leave_out,
            imported: self.import,
            node_frames: self.kept.iter().map(|kept| kept.frame).collect(),
        };
        if report.nodes < 2 {
            let path = info.path.display().to_string();
            return Err(BuildError::TooShort { path, nodes: report.nodes, frames });
        }
        let (width, height) = self.size.unwrap_or((0, 0));
        let spec = self.policy.spec();
        let manifest_sha256 =
            self.policy.sha256().parse().map_err(|error: pilotage_graph::MapError| {
                BuildError::Rule(format!("the policy's own hash: {error}"))
            })?;
        let meta = MapMeta {
            created_by: concat!("pilotage ", env!("CARGO_PKG_VERSION")).to_owned(),
            camera: CameraInfo { width, height },
            policy: Some(PolicyInfo { name: spec.name.clone(), manifest_sha256, rate_hz: spec.rate_hz as f32 }),
            sessions: vec![SessionInfo {
                id: SessionId(0),
                source: info.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
                frames,
                hz: info.hz.unwrap_or(spec.rate_hz) as f32,
            }],
        };
        let map = self.writer.finish(meta, &self.edges)?;
        Ok((map, report))
    }
}

fn mean_difference(a: &ModelImage, b: &ModelImage) -> f32 {
    let sum: u64 = a.rgb.iter().zip(b.rgb.iter()).map(|(&a, &b)| u64::from(a.abs_diff(b))).sum();
    sum as f32 / a.rgb.len().max(1) as f32
}
