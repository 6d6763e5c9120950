//! The place descriptor: one picture in, a vector of length one out. Views of one place point the same way, whatever
//! the light and the robot; the search over a whole map is [`super::PlaceIndex`].

use std::path::Path;
use std::sync::Arc;

use super::ModelImage;
use super::engine::{Chosen, EngineChoice, Graph, choose};
use super::error::PolicyError;
use super::manifest::{self, Contents};
use super::manifest_place::{PlaceFolder, PlaceManifest};
use super::preprocess::{check_size, normalise};

/// Most numbers a descriptor may have.
pub const MAX_DESCRIPTOR: usize = 512;

/// How far from 1 the length of a graph's answer may be; what is nearer is scaled to 1.
const LENGTH_TOLERANCE: f32 = 1e-2;

/// A place's direction: finite numbers, together of length one.
#[derive(Clone, Debug, PartialEq)]
pub struct Descriptor(Arc<[f32]>);

impl Descriptor {
    /// Takes numbers whose length is 1 within 1 %, and scales them to it.
    ///
    /// # Errors
    /// [`PolicyError::NotADescriptor`] for none or more than [`MAX_DESCRIPTOR`] numbers, numbers that are not
    /// finite, and another length.
    pub fn new(mut numbers: Vec<f32>) -> Result<Self, PolicyError> {
        let length = numbers.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
        let unusable = || PolicyError::NotADescriptor { numbers: numbers.len(), length: length as f32 };
        // Not a number fails every comparison, so it is asked for what it must be.
        let fits = (length - 1.0).abs() <= f64::from(LENGTH_TOLERANCE);
        if !fits || !(1..=MAX_DESCRIPTOR).contains(&numbers.len()) {
            return Err(unusable());
        }
        for number in &mut numbers {
            *number = (f64::from(*number) / length) as f32;
        }
        Ok(Self(numbers.into()))
    }

    /// The numbers.
    #[must_use]
    pub fn numbers(&self) -> &[f32] {
        &self.0
    }

    /// Cosine of the angle between two descriptors, -1 to 1.
    ///
    /// # Errors
    /// [`PolicyError::ForeignDescriptor`] when they have different numbers of numbers.
    pub fn similarity(&self, other: &Self) -> Result<f32, PolicyError> {
        if self.0.len() != other.0.len() {
            return Err(PolicyError::ForeignDescriptor { expected: self.0.len(), got: other.0.len() });
        }
        Ok(cosine(&self.0, &other.0))
    }
}

/// Dot product of two unit vectors, clamped: rounding may carry it a little beyond 1. Always summed in the same
/// order, in sixteen lanes that a compiler turns into vector instructions.
pub(super) fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    let mut lanes = [0.0f32; 16];
    for (a, b) in a.iter().zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    (lanes.iter().sum::<f32>() + rest).clamp(-1.0, 1.0)
}

/// What the runtime needs to know of a place descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceSpec {
    /// Name, e.g. `place-sim`.
    pub name: String,
    /// Input width in pixels.
    pub width: u32,
    /// Input height in pixels.
    pub height: u32,
    /// Numbers of a descriptor.
    pub descriptor: usize,
}

/// A loaded place descriptor. Same picture, same bits.
pub struct PlaceDescriber {
    spec: PlaceSpec,
    sha256: String,
    describe: String,
    mean: [f32; 3],
    std: [f32; 3],
    graph: Graph,
    numbers: Vec<f32>,
}

/// Whether a folder's manifest says that it holds a place descriptor.
///
/// # Errors
/// When there is no manifest or it cannot be read.
pub fn is_place_folder(folder: &Path) -> Result<bool, PolicyError> {
    Ok(manifest::family(folder)? == PlaceManifest::FAMILY)
}

impl PlaceDescriber {
    /// Loads a folder with the engine asked for (see [`super::load`]): manifest and hashes checked, the graph run once.
    ///
    /// # Errors
    /// See [`PolicyError`]; every message says what is wrong, in which file, and what to do.
    pub fn load(folder: &Path, engine: EngineChoice, library: Option<&Path>) -> Result<Self, PolicyError> {
        Self::from_folder(&PlaceFolder::open(folder)?, &choose(engine, library)?)
    }

    pub(super) fn from_folder(folder: &PlaceFolder, chosen: &Chosen) -> Result<Self, PolicyError> {
        let PlaceManifest { name, input, output, graphs, .. } = &folder.manifest;
        let spec =
            PlaceSpec { name: name.clone(), width: input.width, height: input.height, descriptor: output.descriptor };
        let mut describer = Self {
            describe: format!("{name}, {}", chosen.describe()),
            sha256: folder.sha256.clone(),
            mean: input.mean,
            std: input.std,
            graph: Graph::load(folder, &graphs.place, chosen.engine.as_ref())?,
            numbers: Vec::new(),
            spec,
        };
        // A shape that the engine could not tell beforehand is found now and not on the first frame.
        let (width, height) = (input.width, input.height);
        let grey = ModelImage { width, height, rgb: vec![128; width as usize * height as usize * 3].into() };
        describer.describe(&grey)?;
        Ok(describer)
    }

    /// What the manifest says of the model.
    #[must_use]
    pub fn spec(&self) -> &PlaceSpec {
        &self.spec
    }

    /// SHA-256 of the manifest file, which holds the hash of the graph: the model's identity.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// One line for reports: model name, engine and its version.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.describe
    }

    /// Describes the place a picture shows.
    ///
    /// # Errors
    /// When the picture has another size than the manifest says, the engine fails, or its answer is no descriptor.
    pub fn describe(&mut self, picture: &ModelImage) -> Result<Descriptor, PolicyError> {
        check_size(picture, self.spec.width, self.spec.height)?;
        self.numbers.resize(picture.rgb.len(), 0.0);
        normalise(std::slice::from_ref(picture), self.mean, self.std, &mut self.numbers)?;
        let mut outputs = self.graph.run(1, &[&self.numbers])?;
        Descriptor::new(outputs.pop().unwrap_or_default())
    }
}
