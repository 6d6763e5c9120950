//! ONNX Runtime through `ort`, from a shared library found at run time.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::{Session as OrtSession, SessionInputValue};
use ort::value::{Outlet as OrtOutlet, TensorElementType, TensorRef, ValueType};

use super::engine::{Answer, Engine, Feed, Outlet, Session};
use super::error::{PolicyError, one_line};
use super::manifest::TensorDecl;

/// The tested version, which `cargo xtask ort` fetches.
const VERSION: &str = "1.24.4";

/// ONNX Runtime takes one environment per process, ever, so it lives here; `ort` keeps the library as
/// long. A failed attempt leaves it empty, so that another path can be tried.
static LOADED: Mutex<Option<Ort>> = Mutex::new(None);

/// A loaded library and its environment.
#[derive(Clone)]
pub(crate) struct Ort {
    path: PathBuf,
    environment: Environment,
}

impl Ort {
    /// Opens the library: the caller's, or the first found of those in [`places`].
    pub(crate) fn open(library: Option<&Path>) -> Result<Self, PolicyError> {
        let path = find(library)?;
        // The lock is held while loading: two loads at once would make two environments. A panic of
        // the loader cannot leave the slot half-written, so poison is of no consequence.
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ort) = loaded.as_ref() {
            if library.is_some() && ort.path != path {
                let reason = format!("this process already uses {}, and only one can be loaded", ort.path.display());
                return Err(PolicyError::LibraryUnusable { path, reason });
            }
            return Ok(ort.clone());
        }
        let unusable = |reason: String| PolicyError::LibraryUnusable { path: path.clone(), reason };
        // Every other way into `ort` panics without a library; this one returns an error.
        let builder = ort::init_from(&path).map_err(|e| unusable(one_line(&e)))?;
        let environment =
            builder.with_name("pilotage").with_telemetry(false).build().map_err(|e| unusable(one_line(&e)))?;
        // What goes wrong comes back as an error; the library's own lines would say it twice.
        environment.set_log_level(LogLevel::Fatal);
        let ort = Self { path, environment };
        *loaded = Some(ort.clone());
        Ok(ort)
    }
}

/// Where a library is looked for when the caller names none.
fn places() -> Vec<PathBuf> {
    let file = format!("libonnxruntime.so.{VERSION}");
    let mut places = Vec::new();
    places.extend(std::env::var_os("ORT_DYLIB_PATH").filter(|v| !v.is_empty()).map(PathBuf::from));
    if let Some(beside) = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf)) {
        places.push(beside.join(&file));
        places.push(beside.join("libonnxruntime.so"));
    }
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .filter(|v| !v.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    places.extend(cache.map(|cache| cache.join("pilotage/ort").join(VERSION).join(&file)));
    places
}

fn find(library: Option<&Path>) -> Result<PathBuf, PolicyError> {
    let places = library.map_or_else(places, |path| vec![path.to_path_buf()]);
    // Made absolute with links resolved, for two spellings of one library are no conflict, and a
    // bare name would be searched for in the loader's path.
    let found = places.iter().find_map(|place| place.canonicalize().ok().filter(|p| p.is_file()));
    found.ok_or_else(|| PolicyError::LibraryMissing {
        looked: places.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", "),
    })
}

impl Engine for Ort {
    fn name(&self) -> &'static str {
        "ONNX Runtime"
    }

    fn describe(&self) -> String {
        let name = self.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let version = name.split_once(".so.").map_or("of unknown version", |(_, version)| version).to_string();
        format!("ONNX Runtime {version} from {}", self.path.display())
    }

    fn load(&self, bytes: Vec<u8>) -> Result<Box<dyn Session>, String> {
        let build = || -> ort::Result<OrtSession> {
            // One thread and no spinning: with more, a busy robot waits many times longer for the same work.
            OrtSession::builder(&self.environment)?
                .with_intra_threads(1)?
                .with_inter_threads(1)?
                .with_intra_op_spinning(false)?
                .commit_from_memory(&bytes)
        };
        build().map(|session| Box::new(OnnxSession { session }) as Box<dyn Session>).map_err(|e| one_line(&e))
    }
}

struct OnnxSession {
    session: OrtSession,
}

fn outlets(found: &[OrtOutlet]) -> Vec<Outlet> {
    found
        .iter()
        .map(|outlet| {
            let (shape, is_f32) = match outlet.dtype() {
                ValueType::Tensor { ty, shape, .. } => (Some(shape.to_vec()), *ty == TensorElementType::Float32),
                _ => (None, false),
            };
            Outlet { name: outlet.name().to_string(), shape, is_f32: Some(is_f32) }
        })
        .collect()
}

impl Session for OnnxSession {
    fn inputs(&self) -> Vec<Outlet> {
        outlets(self.session.inputs())
    }

    fn outputs(&self) -> Vec<Outlet> {
        outlets(self.session.outputs())
    }

    fn run(&mut self, inputs: &[Feed<'_>], outputs: &[TensorDecl]) -> Result<Vec<Answer>, String> {
        let mut values: Vec<(&str, SessionInputValue<'_>)> = Vec::with_capacity(inputs.len());
        for feed in inputs {
            let view = TensorRef::from_array_view((feed.shape.to_vec(), feed.numbers)).map_err(|e| one_line(&e))?;
            values.push((feed.name, view.into()));
        }
        let found = self.session.run(values).map_err(|e| one_line(&e))?;
        let mut answers = Vec::with_capacity(outputs.len());
        for tensor in outputs {
            let value = found.get(&tensor.name).ok_or_else(|| format!("output '{}' is missing", tensor.name))?;
            let (shape, numbers) = value.try_extract_tensor::<f32>().map_err(|e| one_line(&e))?;
            let shape = shape.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
            answers.push(Answer { shape, numbers: numbers.to_vec() });
        }
        Ok(answers)
    }
}
