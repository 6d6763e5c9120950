//! Where things are: the clone, its cargo, and the cache outside it.

use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

/// The clone that xtask works on.
pub struct Workspace {
    pub root: PathBuf,
    /// Fetched things live here, never in the clone: a fresh clone does not fetch again.
    pub cache: PathBuf,
    /// `CI=true`: nothing may be skipped.
    pub ci: bool,
    cargo: OsString,
}

impl Workspace {
    pub fn find() -> Result<Self> {
        // The run-time value comes first: with a target folder shared between clones the
        // compiled-in one may name another clone.
        let package =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package.parent().context("the xtask package has no parent folder")?.to_path_buf();
        Ok(Self {
            root,
            cache: cache_root()?,
            ci: env::var("CI").is_ok_and(|value| value == "true"),
            cargo: env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        })
    }

    /// A cargo command in the clone.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.cargo);
        command.current_dir(&self.root).args(arguments);
        command
    }

    /// Holds the cache against a second xtask until the file is dropped.
    pub fn lock_cache(&self) -> Result<File> {
        fs::create_dir_all(&self.cache).with_context(|| {
            format!(
                "cannot make the cache folder {}; set PILOTAGE_CACHE to a folder that can be written",
                self.cache.display()
            )
        })?;
        let path = self.cache.join("lock");
        let file = File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
        if file.try_lock().is_err() {
            println!("    another xtask is fetching into {}; waiting for it", self.cache.display());
            file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        }
        Ok(file)
    }
}

fn cache_root() -> Result<PathBuf> {
    let named = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let root = if let Some(cache) = named("PILOTAGE_CACHE") {
        cache
    } else if let Some(cache) = named("XDG_CACHE_HOME") {
        cache.join("pilotage")
    } else if let Some(home) = named("HOME") {
        home.join(".cache/pilotage")
    } else {
        bail!("no cache folder: none of PILOTAGE_CACHE, XDG_CACHE_HOME and HOME is set; set PILOTAGE_CACHE");
    };
    // pip and the tests run in other folders; a relative path would mean something else there.
    std::path::absolute(&root).with_context(|| format!("cannot resolve {}", root.display()))
}
