//! `manifest.toml`: what a policy folder holds, checked before any graph is read.
//!
//! The manifest holds the SHA-256 of every other file, so its own hash names the whole model.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::ModelSpec;
use super::error::{PolicyError, one_line};
use super::files;
use super::onnx_scan::{self, Finding};

/// The manifest format this program reads.
const FORMAT: i64 = 1;
/// Name of the manifest in its folder.
const FILE_NAME: &str = "manifest.toml";
/// Numbers of one waypoint: x, y, cos, sin.
pub(crate) const VALUES_PER_WAYPOINT: usize = 4;

/// A manifest as written, with every rule of [`Manifest::read`] held.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    #[serde(rename = "format")]
    _format: i64,
    pub(crate) name: String,
    #[serde(rename = "family")]
    _family: String,
    #[serde(rename = "licence")]
    _licence: String,
    pub(crate) input: Input,
    pub(crate) output: Output,
    pub(crate) graphs: Graphs,
    pub(crate) golden: Option<Golden>,
}

/// What pictures the model takes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) context_frames: usize,
    pub(crate) rate_hz: f64,
    pub(crate) resize: String,
    pub(crate) mean: [f32; 3],
    pub(crate) std: [f32; 3],
}

/// What the model answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Output {
    pub(crate) waypoints: usize,
    pub(crate) values_per_waypoint: usize,
    pub(crate) max_distance_steps: f32,
}

/// The graphs of the GNM contract.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Graphs {
    pub(crate) tick: GraphDecl,
    pub(crate) node: GraphDecl,
    pub(crate) candidate: GraphDecl,
    /// Only the oracle of the parity tests.
    pub(crate) whole: Option<GraphDecl>,
}

/// One graph file and its tensors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GraphDecl {
    pub(crate) file: String,
    pub(crate) sha256: String,
    pub(crate) inputs: Vec<TensorDecl>,
    pub(crate) outputs: Vec<TensorDecl>,
}

/// A named f32 tensor; a leading `-1` is the batch.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TensorDecl {
    pub(crate) name: String,
    pub(crate) shape: Vec<i64>,
}

/// Golden inputs and outputs, see [`super::golden`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Golden {
    pub(crate) file: String,
    pub(crate) sha256: String,
    pub(crate) contexts: usize,
    pub(crate) goals: usize,
}

impl TensorDecl {
    /// Whether the leading dimension is the batch.
    pub(crate) fn is_batched(&self) -> bool {
        self.shape.first() == Some(&-1)
    }

    /// The shape with the batch filled in.
    pub(crate) fn shape_for(&self, batch: usize) -> Vec<usize> {
        self.shape.iter().map(|&d| usize::try_from(d).unwrap_or(batch)).collect()
    }

    /// Numbers of one batch item; 0 only for shapes that validation refuses.
    pub(crate) fn numbers(&self) -> usize {
        self.shape_for(1).iter().try_fold(1usize, |n, &d| n.checked_mul(d)).unwrap_or(0)
    }
}

/// What one family of models writes into its manifest.
pub(crate) trait Contents: DeserializeOwned {
    /// The family's name in manifests.
    const FAMILY: &'static str;

    /// The first rule that does not hold: key and reason.
    fn fault(&self) -> Option<(String, String)>;
}

impl Contents for Manifest {
    const FAMILY: &'static str = "gnm";

    fn fault(&self) -> Option<(String, String)> {
        Self::fault(self)
    }
}

/// A model folder whose manifest was read and found sound.
#[derive(Debug)]
pub(crate) struct ModelFolder<M> {
    folder: PathBuf,
    pub(crate) manifest: M,
    /// SHA-256 of the manifest file, lower-case hex.
    pub(crate) sha256: String,
}

/// The folder of a policy.
pub(crate) type PolicyFolder = ModelFolder<Manifest>;

/// The family a folder's manifest names; empty where it names none.
pub(crate) fn family(folder: &Path) -> Result<String, PolicyError> {
    let (path, bytes) = manifest_bytes(folder)?;
    let table = table(&path, &bytes)?;
    Ok(table.get("family").and_then(toml::Value::as_str).unwrap_or_default().to_string())
}

fn manifest_bytes(folder: &Path) -> Result<(PathBuf, Vec<u8>), PolicyError> {
    if !folder.is_dir() {
        return Err(PolicyError::FolderMissing { folder: folder.to_path_buf() });
    }
    let path = folder.join(FILE_NAME);
    let bytes = files::read_limited(&path, files::MAX_MANIFEST_BYTES)?;
    Ok((path, bytes))
}

fn syntax(path: &Path, error: &dyn std::fmt::Display) -> PolicyError {
    PolicyError::ManifestSyntax { path: path.to_path_buf(), reason: one_line(&error) }
}

fn table(path: &Path, bytes: &[u8]) -> Result<toml::Table, PolicyError> {
    let text = std::str::from_utf8(bytes).map_err(|e| syntax(path, &e))?;
    toml::from_str(text).map_err(|e| syntax(path, &e))
}

impl<M: Contents> ModelFolder<M> {
    /// Reads and checks the manifest of a folder. Graph files are not touched yet.
    pub(crate) fn open(folder: &Path) -> Result<Self, PolicyError> {
        let (path, bytes) = manifest_bytes(folder)?;
        let sha256 = files::sha256_hex(&bytes);
        Ok(Self { folder: folder.to_path_buf(), manifest: parse(&path, &bytes)?, sha256 })
    }

    /// Path of a file of the folder; names were checked to be plain.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// Path of the manifest.
    pub(crate) fn manifest_path(&self) -> PathBuf {
        self.path(FILE_NAME)
    }

    /// Bytes of a graph: right hash, a whole ONNX file, no data elsewhere.
    pub(crate) fn graph_bytes(&self, graph: &GraphDecl) -> Result<Vec<u8>, PolicyError> {
        let path = self.path(&graph.file);
        let bytes = files::read_verified(&path, files::MAX_GRAPH_BYTES, &graph.sha256)?;
        onnx_scan::scan(&bytes).map_err(|finding| match finding {
            Finding::Broken(reason) => PolicyError::NotOnnx { path, reason },
            Finding::External(tensor) => PolicyError::ExternalData { path, tensor },
        })?;
        Ok(bytes)
    }
}

impl PolicyFolder {
    /// What the runtime needs to know of the model.
    pub(crate) fn spec(&self) -> ModelSpec {
        let Manifest { name, input, output, .. } = &self.manifest;
        ModelSpec {
            name: name.clone(),
            width: input.width,
            height: input.height,
            context_frames: input.context_frames,
            rate_hz: input.rate_hz,
            waypoints: output.waypoints,
            max_distance_steps: output.max_distance_steps,
        }
    }
}

/// Reads a manifest of one family.
pub(crate) fn parse<M: Contents>(path: &Path, bytes: &[u8]) -> Result<M, PolicyError> {
    // Number and family are read on their own first: a manifest of another format should be told so, not
    // get a complaint about the first key that differs.
    let table = table(path, bytes)?;
    let found = table.get("format").and_then(toml::Value::as_integer).unwrap_or(0);
    if found != FORMAT {
        return Err(PolicyError::FormatVersion { path: path.to_path_buf(), found, supported: FORMAT });
    }
    let refused = |field: String, reason| PolicyError::ManifestValue { path: path.to_path_buf(), field, reason };
    let family = table.get("family").and_then(toml::Value::as_str).unwrap_or(M::FAMILY);
    if family != M::FAMILY {
        let reason = format!("{family:?} is of no use here, a model of family {:?} is needed", M::FAMILY);
        return Err(refused("family".to_string(), reason));
    }
    let manifest = M::deserialize(table).map_err(|e| syntax(path, &e))?;
    match manifest.fault() {
        None => Ok(manifest),
        Some((field, reason)) => Err(refused(field, reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> String {
        let hash = "0".repeat(64);
        let graph = |name: &str, inputs: &str, outputs: &str| {
            format!(
                "[graphs.{name}]\nfile = \"{name}.onnx\"\nsha256 = \"{hash}\"\ninputs = [{inputs}]\noutputs = [{outputs}]\n"
            )
        };
        let t = |name: &str, shape: &str| format!("{{ name = \"{name}\", shape = [{shape}] }}, ");
        let answers = t("distance", "-1, 1") + &t("waypoints", "-1, 5, 4");
        let head = "format = 1\nname = \"m\"\nfamily = \"gnm\"\nlicence = \"MIT\"\n\
            [input]\nwidth = 85\nheight = 64\ncontext_frames = 6\nrate_hz = 4.0\nresize = \"pillow-bicubic\"\n\
            mean = [0.5, 0.5, 0.5]\nstd = [0.2, 0.2, 0.2]\n\
            [output]\nwaypoints = 5\nvalues_per_waypoint = 4\nmax_distance_steps = 20.0\n";
        [
            head.to_string(),
            graph("tick", &t("context", "1, 18, 64, 85"), &t("seen", "1, 32")),
            graph("node", &t("goal", "-1, 3, 64, 85"), &t("place", "-1, 7")),
            graph("candidate", &(t("seen", "1, 32") + &t("place", "-1, 7")), &answers),
            graph("whole", &(t("context", "-1, 18, 64, 85") + &t("goal", "-1, 3, 64, 85")), &answers),
        ]
        .concat()
    }

    fn parse(text: &str) -> Result<Manifest, PolicyError> {
        super::parse(Path::new("m/manifest.toml"), text.as_bytes())
    }

    #[test]
    fn a_sound_manifest_is_read() {
        let manifest = parse(&text()).unwrap();
        assert_eq!(manifest.input.context_frames, 6);
        assert_eq!(manifest.graphs.candidate.inputs[1].shape_for(3), [3, 7]);
    }

    #[test]
    fn each_impossible_value_is_refused_with_its_key() {
        let hash = "0".repeat(64);
        for (from, to, said) in [
            ("width = 85", "width = 100000", "input.width"),
            ("context_frames = 6", "context_frames = 0", "input.context_frames"),
            ("rate_hz = 4.0", "rate_hz = nan", "input.rate_hz"),
            ("std = [0.2, 0.2, 0.2]", "std = [0.2, 0.0, 0.2]", "input.std"),
            ("resize = \"pillow-bicubic\"", "resize = \"nearest\"", "input.resize"),
            ("waypoints = 5", "waypoints = 9", "output.waypoints"),
            ("family = \"gnm\"", "family = \"vint\"", "family"),
            ("tick.onnx", "../tick.onnx", "graphs.tick.file"),
            ("tick.onnx", "/etc/passwd", "graphs.tick.file"),
            (hash.as_str(), "00", "graphs.tick.sha256"),
            ("shape = [1, 32]", "shape = [1, 1000000, 1000000]", "graphs.tick.outputs"),
            ("shape = [-1, 7]", "shape = [7, -1]", "graphs.node.outputs"),
            ("shape = [1, 18, 64, 85]", "shape = [1, 15, 64, 85]", "graphs.tick.inputs"),
            ("name = \"place\"", "name = \"seen\"", "graphs.node.outputs"),
            ("shape = [-1, 5, 4]", "shape = [-1, 5, 2]", "graphs.candidate.outputs"),
        ] {
            let error = parse(&text().replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(said), "{to}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let error = parse(&text().replacen("width = 85", "width = 85\ncrop = true", 1)).unwrap_err();
        assert!(matches!(error, PolicyError::ManifestSyntax { .. }));
        assert!(error.to_string().contains("crop"), "{error}");
    }

    #[test]
    fn another_format_is_named_before_its_keys_are_complained_about() {
        let error = parse("format = 2\nnew_key = 1\n").unwrap_err();
        assert!(matches!(error, PolicyError::FormatVersion { found: 2, .. }), "{error}");
    }
}
