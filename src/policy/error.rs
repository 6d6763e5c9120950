//! Everything that can be wrong with a policy folder, an engine or a question put to a policy.

use std::path::PathBuf;

/// Why a policy could not be loaded or run. Every message is one line: what, where, which number, what to do.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// For policies that are not read from a folder (tests, oracles): says everything itself.
    #[error("{0}")]
    Message(String),
    /// There is no such folder.
    #[error("policy folder {} does not exist: give a folder that holds manifest.toml", folder.display())]
    FolderMissing {
        /// The folder asked for.
        folder: PathBuf,
    },
    /// A file the folder must hold is not there.
    #[error("{} is missing: copy the whole policy folder again, or name another one", path.display())]
    FileMissing {
        /// The missing file.
        path: PathBuf,
    },
    /// A symlink, directory or device stands where a plain file must be.
    #[error("{} is {found}, only a plain file is accepted: put the file itself there", path.display())]
    NotAPlainFile {
        /// The path.
        path: PathBuf,
        /// What is there instead.
        found: &'static str,
    },
    /// The operating system would not let us read a file.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        reason: String,
    },
    /// A file is above its size limit; nothing of it was read.
    #[error("{} has {bytes} bytes, at most {limit} are accepted: is it the right file?", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The manifest is not TOML, or has missing, unknown or mistyped keys.
    #[error("{} cannot be understood: {reason}", path.display())]
    ManifestSyntax {
        /// The manifest.
        path: PathBuf,
        /// The parser's reason, on one line.
        reason: String,
    },
    /// The manifest has a format number this program does not know.
    #[error("{} has format = {found}, this program reads format = {supported}: export the model again or update pilotage", path.display())]
    FormatVersion {
        /// The manifest.
        path: PathBuf,
        /// The number found.
        found: i64,
        /// The number this program reads.
        supported: i64,
    },
    /// A value in the manifest is impossible, or two do not fit each other.
    #[error("{}: {field}: {reason}", path.display())]
    ManifestValue {
        /// The manifest.
        path: PathBuf,
        /// The key, dotted.
        field: String,
        /// What is wrong, with the numbers.
        reason: String,
    },
    /// A file's bytes are not the ones the manifest was written for.
    #[error("{} has SHA-256 {actual}, the manifest says {expected}: the file is damaged or belongs to another model; copy the folder again", path.display())]
    WrongHash {
        /// The file.
        path: PathBuf,
        /// Hash in the manifest, lower-case hex.
        expected: String,
        /// Hash of the bytes read, lower-case hex.
        actual: String,
    },
    /// The bytes are not an ONNX model (cut off, garbage).
    #[error("{} is not a whole ONNX model: {reason}; export it again", path.display())]
    NotOnnx {
        /// The graph file.
        path: PathBuf,
        /// Where parsing ended.
        reason: String,
    },
    /// A graph keeps weights in another file, which the hash would not cover.
    #[error("{}: tensor '{tensor}' keeps its data in another file; export with all weights inside the .onnx file", path.display())]
    ExternalData {
        /// The graph file.
        path: PathBuf,
        /// Name of the tensor.
        tensor: String,
    },
    /// An engine refuses a graph.
    #[error("{engine} cannot load {}: {reason}", path.display())]
    GraphRefused {
        /// The graph file.
        path: PathBuf,
        /// The engine.
        engine: &'static str,
        /// The engine's reason, on one line.
        reason: String,
    },
    /// A graph's tensor differs from what the manifest declares.
    #[error("{}: {tensor}: the manifest declares {declared}, the graph has {found}; correct the manifest or export again", path.display())]
    TensorMismatch {
        /// The graph file.
        path: PathBuf,
        /// Which tensor, e.g. `input 'context'`.
        tensor: String,
        /// Name or shape declared.
        declared: String,
        /// Name or shape found.
        found: String,
    },
    /// ONNX Runtime was asked for and there is no library.
    #[error(
        "no ONNX Runtime library found ({looked}): run `cargo xtask ort`, give --ort-lib PATH, or use the built-in engine (--engine builtin)"
    )]
    LibraryMissing {
        /// The places looked at.
        looked: String,
    },
    /// The ONNX Runtime library cannot be used.
    #[error("ONNX Runtime library {} cannot be used: {reason}; run `cargo xtask ort` for a tested one, or use --engine builtin", path.display())]
    LibraryUnusable {
        /// The library.
        path: PathBuf,
        /// The loader's reason.
        reason: String,
    },
    /// This program was built without the engine asked for.
    #[error("this program was built without the feature `{feature}`: build with it, or use --engine builtin")]
    EngineNotBuilt {
        /// The cargo feature.
        feature: &'static str,
    },
    /// A graph failed while running.
    #[error("{} failed in {engine}: {reason}", path.display())]
    Run {
        /// The graph file.
        path: PathBuf,
        /// The engine.
        engine: &'static str,
        /// The engine's reason.
        reason: String,
    },
    /// A picture has not the model's size.
    #[error(
        "a picture of {got_width}x{got_height} pixels was given, the model takes {width}x{height}: resize it first"
    )]
    PictureSize {
        /// Width the model takes, pixels.
        width: u32,
        /// Height the model takes, pixels.
        height: u32,
        /// Width given, pixels.
        got_width: u32,
        /// Height given, pixels.
        got_height: u32,
    },
    /// A picture could not be resized.
    #[error("a {width}x{height} picture cannot be resized: {reason}")]
    Resize {
        /// Width of the picture, pixels.
        width: u32,
        /// Height of the picture, pixels.
        height: u32,
        /// The resizer's reason.
        reason: String,
    },
    /// A buffer for normalised pictures has the wrong length.
    #[error("normalised pictures need {expected} numbers, the buffer holds {got}")]
    BufferLength {
        /// Numbers needed.
        expected: usize,
        /// Numbers in the buffer.
        got: usize,
    },
    /// A context has the wrong number of frames.
    #[error("a context of {got} frames was given, the model takes {expected}")]
    ContextLength {
        /// Frames the model takes.
        expected: usize,
        /// Frames given.
        got: usize,
    },
    /// `predict` was called before a successful `observe`.
    #[error("predict needs a context: call observe first, and again after it failed")]
    NothingObserved,
    /// Node features were not made by this model.
    #[error(
        "features of node {index} of the question are not this model's ({reason}): compute them again with this model"
    )]
    ForeignFeatures {
        /// Position in the question.
        index: usize,
        /// What does not fit.
        reason: String,
    },
    /// The folder has no golden values or no `whole` graph, so there is nothing to compare with.
    #[error("{} has no [{section}] section, so its answers cannot be checked: export the model again", path.display())]
    NothingToCompare {
        /// The manifest.
        path: PathBuf,
        /// The missing section.
        section: &'static str,
    },
    /// The golden file has another size than the manifest's counts make.
    #[error("{} has {got} bytes, {expected} follow from the manifest (contexts, goals, then distances and waypoints)", path.display())]
    GoldenLength {
        /// The golden file.
        path: PathBuf,
        /// Bytes that follow from the counts.
        expected: usize,
        /// Bytes in the file.
        got: usize,
    },
    /// A place descriptor is not a finite vector of length one.
    #[error(
        "a place descriptor of {numbers} numbers and length {length} is unusable: it must be finite and of length 1"
    )]
    NotADescriptor {
        /// How many numbers it has.
        numbers: usize,
        /// Its length; not a number where one of its numbers is none.
        length: f32,
    },
    /// A place descriptor has another number of numbers than those it is compared with.
    #[error("a place descriptor of {got} numbers was given, {expected} are needed: compute it with the same model")]
    ForeignDescriptor {
        /// Numbers needed.
        expected: usize,
        /// Numbers given.
        got: usize,
    },
}

/// Folds a library's message onto one line, since many of them span several.
pub(crate) fn one_line(message: &impl std::fmt::Display) -> String {
    let text = message.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
