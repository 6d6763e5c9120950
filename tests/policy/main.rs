//! The policy contract, held against golden values, between engines, and against bad folders.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

mod answers;
mod bad_folders;
mod place_index;
mod places;
mod preprocessing;
mod questions;

use std::fs;
use std::path::Path;

use pilotage::policy::{self, EngineChoice, Policy, PolicyError};
use sha2::{Digest, Sha256};

const BOTH: [EngineChoice; 2] = [EngineChoice::Ort, EngineChoice::Builtin];

fn load(folder: &Path, engine: EngineChoice) -> Result<Box<dyn Policy>, PolicyError> {
    policy::load(folder, engine, None)
}

/// The engines that can run here. ONNX Runtime may be missing on a fresh machine, which is said.
fn engines() -> Vec<EngineChoice> {
    match load(&common::shipped_policy(), EngineChoice::Ort) {
        Err(PolicyError::LibraryMissing { .. } | PolicyError::EngineNotBuilt { .. }) => {
            common::skip("ONNX Runtime is not there, only the built-in engine is checked: run `cargo xtask ort`");
            vec![EngineChoice::Builtin]
        }
        _ => BOTH.to_vec(),
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// A copy of a policy folder that a test may spoil.
struct Copy(tempfile::TempDir);

impl Copy {
    fn of(folder: &Path) -> Self {
        let copy = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
        }
        Self(copy)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn manifest(&self) -> toml::Table {
        toml::from_str(&fs::read_to_string(self.path().join("manifest.toml")).unwrap()).unwrap()
    }

    fn write(&self, manifest: &toml::Table) {
        fs::write(self.path().join("manifest.toml"), toml::to_string(manifest).unwrap()).unwrap();
    }

    /// Name and bytes of the file of a section (`golden`, or a graph's name).
    fn file(&self, section: &str) -> (String, Vec<u8>) {
        let mut manifest = self.manifest();
        let name = entry(&mut manifest, section)["file"].as_str().unwrap().to_string();
        let bytes = fs::read(self.path().join(&name)).unwrap();
        (name, bytes)
    }

    /// Writes other bytes and their right hash, as someone would who makes a bad model in good faith.
    fn replace(&self, section: &str, file: &str, bytes: &[u8]) {
        fs::write(self.path().join(file), bytes).unwrap();
        let mut manifest = self.manifest();
        entry(&mut manifest, section)["sha256"] = hex(bytes).into();
        self.write(&manifest);
    }
}

fn entry<'a>(manifest: &'a mut toml::Table, section: &str) -> &'a mut toml::Value {
    if section == "golden" { &mut manifest["golden"] } else { &mut manifest["graphs"][section] }
}

#[cfg(feature = "ort")]
#[test]
fn a_library_that_is_not_there_is_an_error_even_for_auto() {
    for engine in [EngineChoice::Ort, EngineChoice::Auto] {
        let library = Path::new("/nonexistent/libonnxruntime.so");
        let error = policy::load(&common::shipped_policy(), engine, Some(library)).err().unwrap();
        assert!(matches!(error, PolicyError::LibraryMissing { .. }), "{error}");
        assert!(error.to_string().contains("/nonexistent/libonnxruntime.so"), "{error}");
    }
}

#[cfg(feature = "ort")]
#[test]
fn a_file_that_is_no_library_is_an_error_and_not_a_panic() {
    let text = tempfile::NamedTempFile::new().unwrap();
    fs::write(text.path(), "not a library").unwrap();
    let error = policy::load(&common::shipped_policy(), EngineChoice::Ort, Some(text.path())).err().unwrap();
    assert!(matches!(error, PolicyError::LibraryUnusable { .. }), "{error}");
}

#[test]
fn the_report_says_which_engine_runs() {
    let builtin = load(&common::shipped_policy(), EngineChoice::Builtin).unwrap().describe();
    assert!(builtin.contains("rten"), "{builtin}");
    let auto = load(&common::shipped_policy(), EngineChoice::Auto).unwrap().describe();
    assert!(auto.contains("ONNX Runtime"), "it names the engine, or why that one is not used: {auto}");
}
