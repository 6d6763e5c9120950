//! Golden inputs and outputs of a model: what its author's own framework answered.
//!
//! The file is, without a header: `contexts` x `context_frames` pictures (RGB8, row-major, oldest frame
//! first), `goals` pictures, then as little-endian f32 the distances `[contexts, goals]` and the
//! waypoints `[contexts, goals, waypoints, 4]`.

use std::sync::Arc;

use super::error::PolicyError;
use super::files;
use super::manifest::{PolicyFolder, VALUES_PER_WAYPOINT};
use super::{ModelImage, Prediction};

/// A model's golden file, read.
pub(crate) struct GoldenSet {
    /// Contexts, each oldest frame first.
    pub(crate) contexts: Vec<Vec<ModelImage>>,
    pub(crate) goals: Vec<ModelImage>,
    /// Numbers of every pair, context by context: the distance and the waypoints' numbers.
    pub(crate) answers: Vec<Vec<f32>>,
}

impl GoldenSet {
    /// Reads the golden file of a folder.
    pub(crate) fn read(folder: &PolicyFolder) -> Result<Self, PolicyError> {
        let manifest = &folder.manifest;
        let Some(golden) = &manifest.golden else {
            return Err(PolicyError::NothingToCompare { path: folder.manifest_path(), section: "golden" });
        };
        let path = folder.path(&golden.file);
        let bytes = files::read_verified(&path, files::MAX_GOLDEN_BYTES, &golden.sha256)?;
        let (width, height) = (manifest.input.width, manifest.input.height);
        let picture = width as usize * height as usize * 3;
        let frames = manifest.input.context_frames;
        let pictures = (golden.contexts * frames + golden.goals) * picture;
        let pairs = golden.contexts * golden.goals;
        let per_pair = manifest.output.waypoints * VALUES_PER_WAYPOINT;
        let expected = pictures + pairs * (1 + per_pair) * size_of::<f32>();
        let wrong_length = || PolicyError::GoldenLength { path: path.clone(), expected, got: bytes.len() };
        if bytes.len() != expected {
            return Err(wrong_length());
        }
        let (pixels, numbers) = bytes.split_at_checked(pictures).ok_or_else(wrong_length)?;
        let mut images = pixels.chunks_exact(picture).map(|rgb| ModelImage { width, height, rgb: Arc::from(rgb) });
        let contexts = (0..golden.contexts).map(|_| images.by_ref().take(frames).collect()).collect();
        let goals = images.collect();
        let (numbers, _) = numbers.as_chunks::<4>();
        let numbers: Vec<f32> = numbers.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let (distances, waypoints) = numbers.split_at_checked(pairs).ok_or_else(wrong_length)?;
        let answers = distances
            .iter()
            .zip(waypoints.chunks_exact(per_pair))
            .map(|(distance, waypoints)| [&[*distance], waypoints].concat())
            .collect();
        Ok(Self { contexts, goals, answers })
    }
}

/// A prediction's numbers in the order of the golden file.
pub(crate) fn numbers(prediction: &Prediction) -> Vec<f32> {
    let waypoints = prediction.waypoints().iter();
    let mut out = vec![prediction.distance_steps];
    out.extend(waypoints.flat_map(|w| [w.x_units, w.y_units, w.cos_yaw, w.sin_yaw]));
    out
}

/// Largest difference of two answers; a number that is not finite, or a missing one, counts as infinite.
pub(crate) fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    if a.len() != b.len() {
        return f32::INFINITY;
    }
    a.iter().zip(b).fold(0.0, |largest: f32, (x, y)| {
        let difference = (x - y).abs();
        if difference.is_nan() { f32::INFINITY } else { largest.max(difference) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_a_number_never_counts_as_agreement() {
        assert!(largest_difference(&[1.0, 2.0], &[1.0, 2.5]) > 0.4);
        assert!(largest_difference(&[f32::NAN], &[f32::NAN]).is_infinite());
        assert!(largest_difference(&[f32::NAN, 0.0], &[0.0, 0.0]).is_infinite());
        assert!(largest_difference(&[], &[0.0]).is_infinite());
    }
}
