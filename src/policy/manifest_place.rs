//! The manifest of a place descriptor's folder: one graph, `place`, from a picture to a unit vector.

use serde::Deserialize;

use super::manifest::{Contents, GraphDecl, ModelFolder};
use super::manifest_rules::{fault_in_file, fault_in_tensors, first_broken, name_rule, picture_rules};
use super::place::MAX_DESCRIPTOR;

/// The folder of a place descriptor.
pub(crate) type PlaceFolder = ModelFolder<PlaceManifest>;

/// A manifest as written, with every rule held.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceManifest {
    #[serde(rename = "format")]
    _format: i64,
    pub(crate) name: String,
    #[serde(rename = "family")]
    _family: String,
    #[serde(rename = "licence")]
    _licence: String,
    pub(crate) input: PlaceInput,
    pub(crate) output: PlaceOutput,
    pub(crate) graphs: PlaceGraphs,
    pub(crate) golden: Option<PlaceGolden>,
}

/// What pictures the model takes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceInput {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) resize: String,
    pub(crate) mean: [f32; 3],
    pub(crate) std: [f32; 3],
}

/// What the model answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceOutput {
    /// Numbers of a descriptor.
    pub(crate) descriptor: usize,
}

/// The one graph.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceGraphs {
    pub(crate) place: GraphDecl,
}

/// Golden pictures and descriptors: `pictures` x RGB8, row-major, then as little-endian f32 their descriptors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceGolden {
    pub(crate) file: String,
    pub(crate) sha256: String,
    pub(crate) pictures: usize,
}

impl Contents for PlaceManifest {
    const FAMILY: &'static str = "place";

    fn fault(&self) -> Option<(String, String)> {
        let Self { name, input, output, graphs, golden, .. } = self;
        let pictures = picture_rules(input.width, input.height, &input.resize, input.mean, input.std);
        let length = (
            (1..=MAX_DESCRIPTOR).contains(&output.descriptor),
            "output.descriptor",
            format!("{} numbers, 1 to {MAX_DESCRIPTOR} are possible", output.descriptor),
        );
        let count = golden.as_ref().map_or(1, |g| g.pictures);
        let golden_count =
            ((1..=64).contains(&count), "golden.pictures", format!("{count} pictures, 1 to 64 are possible"));
        let place = &graphs.place;
        first_broken(pictures.into_iter().chain([name_rule(name), length, golden_count]))
            .or_else(|| fault_in_file("graphs.place", &place.file, &place.sha256))
            .or_else(|| golden.as_ref().and_then(|g| fault_in_file("golden", &g.file, &g.sha256)))
            .or_else(|| self.fault_in_graph())
    }
}

impl PlaceManifest {
    fn fault_in_graph(&self) -> Option<(String, String)> {
        let place = &self.graphs.place;
        let numbers = i64::try_from(self.output.descriptor).unwrap_or(0);
        let frame = vec![-1, 3, i64::from(self.input.height), i64::from(self.input.width)];
        for (part, tensors, name, shape) in
            [("inputs", &place.inputs, "frame", frame), ("outputs", &place.outputs, "descriptor", vec![-1, numbers])]
        {
            if let Some(reason) = fault_in_tensors(tensors) {
                return Some((format!("graphs.place.{part}"), reason));
            }
            if tensors.len() != 1 || tensors.iter().any(|t| t.name != name || t.shape != shape) {
                let reason = format!("must be one tensor '{name}' of shape {shape:?}");
                return Some((format!("graphs.place.{part}"), reason));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::error::PolicyError;
    use super::super::manifest::parse;
    use super::*;

    fn text() -> String {
        let hash = "0".repeat(64);
        format!(
            "format = 1\nname = \"p\"\nfamily = \"place\"\nlicence = \"MIT\"\n\
             [input]\nwidth = 85\nheight = 64\nresize = \"pillow-bicubic\"\n\
             mean = [0.5, 0.5, 0.5]\nstd = [0.2, 0.2, 0.2]\n[output]\ndescriptor = 128\n\
             [graphs.place]\nfile = \"place.onnx\"\nsha256 = \"{hash}\"\n\
             inputs = [{{ name = \"frame\", shape = [-1, 3, 64, 85] }}]\n\
             outputs = [{{ name = \"descriptor\", shape = [-1, 128] }}]\n\
             [golden]\nfile = \"golden.bin\"\nsha256 = \"{hash}\"\npictures = 4\n"
        )
    }

    fn read(text: &str) -> Result<PlaceManifest, PolicyError> {
        parse(Path::new("m/manifest.toml"), text.as_bytes())
    }

    #[test]
    fn a_sound_manifest_of_a_place_descriptor_is_read() {
        assert_eq!(read(&text()).unwrap().output.descriptor, 128);
    }

    #[test]
    fn each_impossible_value_is_refused_with_its_key() {
        for (from, to, said) in [
            ("width = 85", "width = 4", "input.width"),
            ("descriptor = 128", "descriptor = 513", "output.descriptor"),
            ("descriptor = 128", "descriptor = 0", "output.descriptor"),
            ("place.onnx", "../place.onnx", "graphs.place.file"),
            ("golden.bin", "/etc/passwd", "golden.file"),
            ("pictures = 4", "pictures = 0", "golden.pictures"),
            ("name = \"frame\"", "name = \"goal\"", "graphs.place.inputs"),
            ("shape = [-1, 128]", "shape = [-1, 64]", "graphs.place.outputs"),
            ("shape = [-1, 3, 64, 85]", "shape = [-1, 3, 64, 64]", "graphs.place.inputs"),
            ("family = \"place\"", "family = \"gnm\"", "family"),
            ("width = 85", "width = 85\ncrop = true", "crop"),
        ] {
            let error = read(&text().replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(said), "{to}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
