//! The learned model behind one trait: pictures in, temporal distances and waypoints out.

mod engine;
#[cfg(feature = "ort")]
mod engine_ort;
mod engine_rten;
mod error;
mod files;
mod gnm;
mod golden;
mod manifest;
mod manifest_place;
mod manifest_rules;
mod onnx_scan;
mod parity;
mod place;
mod place_index;
mod place_parity;
mod preprocess;

use std::path::Path;
use std::sync::Arc;

pub use engine::EngineChoice;
pub use error::PolicyError;
pub use parity::{EngineParity, GOLDEN_TOLERANCE, ParityReport, SPLIT_TOLERANCE, Whole, parity};
pub use place::{Descriptor, MAX_DESCRIPTOR, PlaceDescriber, PlaceSpec, is_place_folder};
pub use place_index::{PlaceIndex, PlaceMatch};
pub use place_parity::{PlaceEngineParity, PlaceParityReport, place_parity};
pub use preprocess::{normalise, resize, resize_to};

/// Most waypoints of any family we carry (GNM and ViNT 5, NoMaD 8).
pub const MAX_WAYPOINTS: usize = 8;

/// A picture exactly as the model sees it: resized to the manifest's size, RGB8, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelImage {
    /// Width in pixels (85 for GNM).
    pub width: u32,
    /// Height in pixels (64 for GNM).
    pub height: u32,
    /// `width * height * 3` bytes.
    pub rgb: Arc<[u8]>,
}

/// One waypoint in *model units* (one unit is what this robot travels in one step), from where the newest
/// picture was taken: `x` forward, `y` left, heading as cosine and sine relative to the present heading.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct WaypointUnits {
    /// Forward, model units.
    pub x_units: f32,
    /// Left, model units.
    pub y_units: f32,
    /// Cosine of the heading change.
    pub cos_yaw: f32,
    /// Sine of the heading change.
    pub sin_yaw: f32,
}

/// What the policy says of one goal image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Temporal distance in steps of the model's period; a plain linear output that may be below 0 or
    /// above the training maximum. May be non-finite when the model misbehaves: callers check.
    pub distance_steps: f32,
    /// Waypoints; the first `len` entries count.
    pub waypoints: [WaypointUnits; MAX_WAYPOINTS],
    /// Number of waypoints.
    pub len: usize,
}

impl Prediction {
    /// The waypoints that count.
    #[must_use]
    pub fn waypoints(&self) -> &[WaypointUnits] {
        self.waypoints.get(..self.len).unwrap_or(&self.waypoints)
    }
}

/// What a policy keeps of one goal image (the `node` graph's outputs), opaque to everybody else.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeFeatures(pub(crate) Arc<[Vec<f32>]>);

impl NodeFeatures {
    /// For a policy of your own: whatever `predict` will need of the goal image again.
    #[must_use]
    pub fn new(tensors: Vec<Vec<f32>>) -> Self {
        Self(tensors.into())
    }

    /// What was kept.
    #[must_use]
    pub fn tensors(&self) -> &[Vec<f32>] {
        &self.0
    }
}

/// A learned policy. Same inputs, same bits.
pub trait Policy: Send {
    /// What the manifest says of the model.
    fn spec(&self) -> &ModelSpec;

    /// SHA-256 of the manifest file, which holds the hashes of all graphs: the model's identity.
    fn sha256(&self) -> &str;

    /// One line for reports: model name, engine and its version.
    fn describe(&self) -> String;

    /// The engine that runs it, for recordings; `Auto` where it is none of ours.
    fn engine(&self) -> EngineChoice {
        EngineChoice::Auto
    }

    /// Computes the features of a goal image once.
    ///
    /// # Errors
    /// When the picture has another size than the manifest says, or the engine fails.
    fn remember(&mut self, goal: &ModelImage) -> Result<NodeFeatures, PolicyError>;

    /// Takes in the context, oldest frame first; `predict` refers to it.
    ///
    /// # Errors
    /// When the number of frames or a size is not the manifest's, or the engine fails.
    fn observe(&mut self, context: &[ModelImage]) -> Result<(), PolicyError>;

    /// Asks about nodes, in order. The answer has the same length.
    ///
    /// # Errors
    /// When nothing was observed yet, features come from another model, or the engine fails.
    fn predict(&mut self, nodes: &[&NodeFeatures]) -> Result<Vec<Prediction>, PolicyError>;
}

/// What the runtime needs to know of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSpec {
    /// Name, e.g. `gnm-sim`.
    pub name: String,
    /// Input width in pixels.
    pub width: u32,
    /// Input height in pixels.
    pub height: u32,
    /// Frames of a context, the newest included.
    pub context_frames: usize,
    /// Sampling rate of the context, hertz.
    pub rate_hz: f64,
    /// Waypoints in a prediction.
    pub waypoints: usize,
    /// The largest distance label of the training, steps (20 for GNM).
    pub max_distance_steps: f32,
}

/// Loads a policy folder: manifest checked, every file's hash checked, every graph run once.
///
/// `library` names an ONNX Runtime library; without it the usual places are searched (`ORT_DYLIB_PATH`,
/// beside the executable, the set-up folder in the user's cache).
///
/// # Errors
/// See [`PolicyError`]; every message says what is wrong, in which file, and what to do.
pub fn load(folder: &Path, engine: EngineChoice, library: Option<&Path>) -> Result<Box<dyn Policy>, PolicyError> {
    Ok(Box::new(gnm::GraphPolicy::load(folder, engine, library)?))
}
