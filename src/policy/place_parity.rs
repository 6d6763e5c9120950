//! Does a place descriptor answer here what it answered where it was made? `pilotage policy check` prints this report.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::ModelImage;
use super::engine::{EngineChoice, choose};
use super::error::PolicyError;
use super::files;
use super::golden::largest_difference;
use super::manifest_place::PlaceFolder;
use super::parity::GOLDEN_TOLERANCE;
use super::place::PlaceDescriber;

/// What one engine answered.
#[derive(Clone, Debug)]
pub struct PlaceEngineParity {
    /// Engine and version.
    pub engine: String,
    /// Largest difference from the golden descriptors, over all numbers.
    pub golden_max_diff: f32,
}

/// What all engines answered.
#[derive(Clone, Debug)]
pub struct PlaceParityReport {
    /// Name of the model.
    pub model: String,
    /// SHA-256 of the manifest.
    pub sha256: String,
    /// Pictures described.
    pub pictures: usize,
    /// One entry per engine that could be used.
    pub engines: Vec<PlaceEngineParity>,
    /// Largest difference between engines; `None` with one engine.
    pub between_engines_max_diff: Option<f32>,
    /// Why an engine could not be used.
    pub left_out: Vec<String>,
}

impl PlaceParityReport {
    /// Whether every difference is within its tolerance. At least one engine answered, or there is no report.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.engines.iter().all(|e| e.golden_max_diff <= GOLDEN_TOLERANCE)
            && self.between_engines_max_diff.is_none_or(|d| d <= GOLDEN_TOLERANCE)
    }
}

impl fmt::Display for PlaceParityReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, sha256, pictures, engines, between_engines_max_diff, left_out } = self;
        writeln!(f, "{model}: a place descriptor, {pictures} golden pictures, manifest SHA-256 {sha256}")?;
        for PlaceEngineParity { engine, golden_max_diff } in engines {
            writeln!(f, "{engine}")?;
            writeln!(f, "  golden values   largest difference {golden_max_diff:.1e} (allowed {GOLDEN_TOLERANCE:.0e})")?;
        }
        if let Some(d) = between_engines_max_diff {
            writeln!(f, "between engines   largest difference {d:.1e} (allowed {GOLDEN_TOLERANCE:.0e})")?;
        }
        for reason in left_out {
            writeln!(f, "left out: {reason}")?;
        }
        writeln!(f, "{}", if self.passes() { "pass" } else { "FAIL" })
    }
}

/// Pictures and what their author's own framework made of them.
struct PlaceGoldenSet {
    pictures: Vec<ModelImage>,
    descriptors: Vec<Vec<f32>>,
}

impl PlaceGoldenSet {
    fn read(folder: &PlaceFolder) -> Result<Self, PolicyError> {
        let manifest = &folder.manifest;
        let Some(golden) = &manifest.golden else {
            return Err(PolicyError::NothingToCompare { path: folder.manifest_path(), section: "golden" });
        };
        let path = folder.path(&golden.file);
        let bytes = files::read_verified(&path, files::MAX_GOLDEN_BYTES, &golden.sha256)?;
        let (width, height) = (manifest.input.width, manifest.input.height);
        let picture = width as usize * height as usize * 3;
        let pixels = golden.pictures * picture;
        let expected = pixels + golden.pictures * manifest.output.descriptor * size_of::<f32>();
        let wrong_length = || PolicyError::GoldenLength { path: path.clone(), expected, got: bytes.len() };
        if bytes.len() != expected {
            return Err(wrong_length());
        }
        let (pixels, numbers) = bytes.split_at_checked(pixels).ok_or_else(wrong_length)?;
        let image = |rgb: &[u8]| ModelImage { width, height, rgb: Arc::from(rgb) };
        let (numbers, _) = numbers.as_chunks::<4>();
        let numbers: Vec<f32> = numbers.iter().map(|b| f32::from_le_bytes(*b)).collect();
        Ok(Self {
            pictures: pixels.chunks_exact(picture).map(image).collect(),
            descriptors: numbers.chunks_exact(manifest.output.descriptor).map(<[f32]>::to_vec).collect(),
        })
    }
}

/// Has every engine describe the golden pictures of a folder.
///
/// # Errors
/// Those of loading and running; [`PolicyError::NothingToCompare`] for a folder without golden values. That
/// ONNX Runtime is missing is an error only when a library was named.
pub fn place_parity(folder: &Path, library: Option<&Path>) -> Result<PlaceParityReport, PolicyError> {
    let folder = PlaceFolder::open(folder)?;
    let golden = PlaceGoldenSet::read(&folder)?;
    let mut report = PlaceParityReport {
        model: folder.manifest.name.clone(),
        sha256: folder.sha256.clone(),
        pictures: golden.pictures.len(),
        engines: Vec::new(),
        between_engines_max_diff: None,
        left_out: Vec::new(),
    };
    let mut of_engines: Vec<Vec<Vec<f32>>> = Vec::new();
    for choice in [EngineChoice::Ort, EngineChoice::Builtin] {
        let chosen = match choose(choice, library) {
            Ok(chosen) => chosen,
            Err(error) if library.is_some() => return Err(error),
            Err(error) => {
                report.left_out.push(error.to_string());
                continue;
            }
        };
        let mut describer = PlaceDescriber::from_folder(&folder, &chosen)?;
        let described = golden.pictures.iter().map(|picture| Ok(describer.describe(picture)?.numbers().to_vec()));
        let described = described.collect::<Result<Vec<_>, PolicyError>>()?;
        let golden_max_diff = largest(&described, &golden.descriptors);
        report.engines.push(PlaceEngineParity { engine: chosen.describe(), golden_max_diff });
        of_engines.push(described);
    }
    if let [first, second] = of_engines.as_slice() {
        report.between_engines_max_diff = Some(largest(first, second));
    }
    Ok(report)
}

fn largest(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    if a.len() != b.len() {
        return f32::INFINITY;
    }
    a.iter().zip(b).fold(0.0, |largest: f32, (x, y)| largest.max(largest_difference(x, y)))
}
