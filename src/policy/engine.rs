//! The one place where it is decided which inference engine runs the graphs, and what an engine must do.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::engine_rten::Rten;
use super::error::PolicyError;
use super::manifest::{Contents, GraphDecl, ModelFolder, TensorDecl};

/// Which engine to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineChoice {
    /// ONNX Runtime when a library is found, else the built-in engine.
    #[default]
    Auto,
    /// ONNX Runtime; an error when there is no library.
    Ort,
    /// The built-in pure-Rust engine, which needs nothing installed.
    Builtin,
}

impl fmt::Display for EngineChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Ort => "ort",
            Self::Builtin => "builtin",
        })
    }
}

impl FromStr for EngineChoice {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        match text {
            "auto" => Ok(Self::Auto),
            "ort" => Ok(Self::Ort),
            "builtin" => Ok(Self::Builtin),
            _ => Err(PolicyError::Message(format!("engine {text:?} is not known: use auto, ort or builtin"))),
        }
    }
}

/// A tensor as an engine sees it in a graph; `None` where the engine does not know.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) name: String,
    /// Sizes, -1 for one that is known only at run time.
    pub(crate) shape: Option<Vec<i64>>,
    pub(crate) is_f32: Option<bool>,
}

/// An input of one run.
pub(crate) struct Feed<'a> {
    pub(crate) name: &'a str,
    pub(crate) shape: &'a [usize],
    pub(crate) numbers: &'a [f32],
}

/// An output of one run.
pub(crate) struct Answer {
    pub(crate) shape: Vec<usize>,
    pub(crate) numbers: Vec<f32>,
}

/// A loaded graph. Same inputs, same bits. Errors are the engine's own words.
pub(crate) trait Session: Send {
    /// The graph's inputs as the engine sees them.
    fn inputs(&self) -> Vec<Outlet>;
    /// The graph's outputs as the engine sees them.
    fn outputs(&self) -> Vec<Outlet>;
    /// Runs the graph; answers in the order of `outputs`.
    fn run(&mut self, inputs: &[Feed<'_>], outputs: &[TensorDecl]) -> Result<Vec<Answer>, String>;
}

/// An inference engine.
pub(crate) trait Engine {
    /// Short name for error messages.
    fn name(&self) -> &'static str;
    /// Name, version and where it came from, for reports.
    fn describe(&self) -> String;
    /// Makes a session of an ONNX file's bytes; the error is the engine's own words.
    fn load(&self, bytes: Vec<u8>) -> Result<Box<dyn Session>, String>;
}

/// An engine and the reason for it.
pub(crate) struct Chosen {
    pub(crate) engine: Box<dyn Engine>,
    /// Never `Auto`.
    pub(crate) kind: EngineChoice,
    reason: String,
}

impl Chosen {
    /// Engine, version and, where it was not asked for, why it was taken.
    pub(crate) fn describe(&self) -> String {
        let Self { engine, reason, .. } = self;
        if reason.is_empty() { engine.describe() } else { format!("{} ({reason})", engine.describe()) }
    }
}

/// Finds the engine asked for. A library named by the caller must work: falling back silently would
/// hide a typing error behind a slower engine.
pub(crate) fn choose(choice: EngineChoice, library: Option<&Path>) -> Result<Chosen, PolicyError> {
    let builtin = |reason: String| Chosen { engine: Box::new(Rten::new()), kind: EngineChoice::Builtin, reason };
    let ort = |engine| Chosen { engine, kind: EngineChoice::Ort, reason: String::new() };
    match choice {
        EngineChoice::Builtin => Ok(builtin(String::new())),
        EngineChoice::Ort => Ok(ort(onnx_runtime(library)?)),
        EngineChoice::Auto => match onnx_runtime(library) {
            Ok(engine) => Ok(ort(engine)),
            Err(error) if library.is_some() => Err(error),
            Err(PolicyError::LibraryMissing { .. }) => Ok(builtin("no ONNX Runtime library found".to_string())),
            Err(error) => Ok(builtin(error.to_string())),
        },
    }
}

#[cfg(feature = "ort")]
fn onnx_runtime(library: Option<&Path>) -> Result<Box<dyn Engine>, PolicyError> {
    Ok(Box::new(super::engine_ort::Ort::open(library)?))
}

#[cfg(not(feature = "ort"))]
fn onnx_runtime(_: Option<&Path>) -> Result<Box<dyn Engine>, PolicyError> {
    Err(PolicyError::EngineNotBuilt { feature: "ort" })
}

/// A loaded graph that holds engine and manifest to each other.
pub(crate) struct Graph {
    path: PathBuf,
    engine: &'static str,
    decl: GraphDecl,
    session: Box<dyn Session>,
}

impl Graph {
    /// Loads a graph of a folder and compares its tensors with the declared ones.
    pub(crate) fn load<M: Contents>(
        folder: &ModelFolder<M>,
        decl: &GraphDecl,
        engine: &dyn Engine,
    ) -> Result<Self, PolicyError> {
        let path = folder.path(&decl.file);
        let session = engine.load(folder.graph_bytes(decl)?).map_err(|reason| PolicyError::GraphRefused {
            path: path.clone(),
            engine: engine.name(),
            reason,
        })?;
        let graph = Self { path, engine: engine.name(), decl: decl.clone(), session };
        graph.compare("input", &graph.decl.inputs, &graph.session.inputs())?;
        graph.compare("output", &graph.decl.outputs, &graph.session.outputs())?;
        Ok(graph)
    }

    /// Declared inputs.
    pub(crate) fn inputs(&self) -> &[TensorDecl] {
        &self.decl.inputs
    }

    /// Declared outputs.
    pub(crate) fn outputs(&self) -> &[TensorDecl] {
        &self.decl.outputs
    }

    /// Runs the graph on inputs in declared order; answers in declared order, each of its declared shape.
    pub(crate) fn run(&mut self, batch: usize, inputs: &[&[f32]]) -> Result<Vec<Vec<f32>>, PolicyError> {
        let failed = |reason: String| PolicyError::Run { path: self.path.clone(), engine: self.engine, reason };
        let shapes: Vec<Vec<usize>> = self.decl.inputs.iter().map(|t| t.shape_for(batch)).collect();
        let mut feeds = Vec::with_capacity(shapes.len());
        for ((tensor, shape), numbers) in self.decl.inputs.iter().zip(&shapes).zip(inputs) {
            let expected = shape.iter().product::<usize>();
            if numbers.len() != expected {
                let reason = format!("input '{}' needs {expected} numbers, got {}", tensor.name, numbers.len());
                return Err(failed(reason));
            }
            feeds.push(Feed { name: &tensor.name, shape, numbers });
        }
        if feeds.len() != shapes.len() {
            return Err(failed(format!("{} inputs needed, got {}", shapes.len(), feeds.len())));
        }
        let answers = self.session.run(&feeds, &self.decl.outputs).map_err(failed)?;
        let mut out = Vec::with_capacity(answers.len());
        for (tensor, answer) in self.decl.outputs.iter().zip(answers) {
            let declared = tensor.shape_for(batch);
            if declared != answer.shape || answer.numbers.len() != declared.iter().product::<usize>() {
                return Err(self.mismatch("output", &tensor.name, &declared, format!("shape {:?}", answer.shape)));
            }
            out.push(answer.numbers);
        }
        Ok(out)
    }

    fn compare(&self, kind: &str, declared: &[TensorDecl], found: &[Outlet]) -> Result<(), PolicyError> {
        for tensor in declared {
            let Some(outlet) = found.iter().find(|o| o.name == tensor.name) else {
                let names: Vec<&str> = found.iter().map(|o| o.name.as_str()).collect();
                return Err(self.mismatch(kind, &tensor.name, &tensor.shape, format!("only {names:?}")));
            };
            if outlet.is_f32 == Some(false) {
                return Err(self.mismatch(kind, &tensor.name, &tensor.shape, "another type than f32".to_string()));
            }
            if let Some(shape) = outlet.shape.as_ref().filter(|shape| !fits(&tensor.shape, shape)) {
                return Err(self.mismatch(kind, &tensor.name, &tensor.shape, format!("shape {shape:?}")));
            }
        }
        match found.iter().find(|o| kind == "input" && !declared.iter().any(|t| t.name == o.name)) {
            Some(extra) => Err(self.mismatch(kind, &extra.name, &[0i64; 0], "it".to_string())),
            None => Ok(()),
        }
    }

    fn mismatch(&self, kind: &str, name: &str, declared: &[impl fmt::Debug], found: String) -> PolicyError {
        let declared = if declared.is_empty() { "nothing".to_string() } else { format!("shape {declared:?}") };
        PolicyError::TensorMismatch { path: self.path.clone(), tensor: format!("{kind} '{name}'"), declared, found }
    }
}

/// Whether a declared shape can run in a graph: a batch needs an open size, a number the same or an open one.
fn fits(declared: &[i64], found: &[i64]) -> bool {
    declared.len() == found.len() && declared.iter().zip(found).all(|(d, f)| *f < 0 || d == f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declared_batch_does_not_fit_a_fixed_size() {
        assert!(fits(&[-1, 3], &[-1, 3]));
        assert!(fits(&[1, 3], &[-1, 3]));
        assert!(!fits(&[-1, 3], &[1, 3]));
        assert!(!fits(&[1, 3], &[1, 4]));
        assert!(!fits(&[1, 3], &[1, 3, 1]));
    }

    #[test]
    fn engine_names_read_back_as_they_print() {
        for choice in [EngineChoice::Auto, EngineChoice::Ort, EngineChoice::Builtin] {
            assert_eq!(choice.to_string().parse::<EngineChoice>().unwrap(), choice);
        }
        assert!("tensorrt".parse::<EngineChoice>().is_err());
    }
}
