//! What the `camera` feature needs at build time: bindgen loads a libclang.

use crate::fetch;
use crate::process;
use crate::workspace::Workspace;
use anyhow::Result;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The environment for a cargo command with `--features camera`.
pub struct Bindgen {
    variables: Vec<(&'static str, String)>,
}

impl Bindgen {
    /// `$LIBCLANG_PATH`, the system's libclang, or the one of the pinned wheel.
    pub fn find(workspace: &Workspace) -> Result<Self> {
        if env::var_os("LIBCLANG_PATH").is_some() || system_has_libclang() {
            return Ok(Self { variables: Vec::new() });
        }
        let library = fetch::libclang(workspace)?;
        let folder = library.parent().unwrap_or(&library).display().to_string();
        let mut variables = vec![("LIBCLANG_PATH", folder)];
        // The wheel has the library without clang's own headers (stddef.h and so on); the C compiler's serve.
        if let Some(headers) = compiler_headers() {
            let mut arguments = env::var("BINDGEN_EXTRA_CLANG_ARGS").unwrap_or_default();
            arguments.push_str(&format!(" -I{}", headers.display()));
            variables.push(("BINDGEN_EXTRA_CLANG_ARGS", arguments.trim().to_owned()));
        }
        Ok(Self { variables })
    }

    pub fn apply(&self, command: &mut Command) {
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }
}

fn system_has_libclang() -> bool {
    process::ask(Command::new("llvm-config").arg("--libdir"))
        .is_some_and(|folder| Path::new(&folder).join("libclang.so").exists())
}

fn compiler_headers() -> Option<PathBuf> {
    let answer = process::ask(Command::new("cc").arg("-print-file-name=include"))?;
    let folder = PathBuf::from(answer);
    folder.join("stddef.h").is_file().then_some(folder)
}
