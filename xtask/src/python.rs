//! The host's Python: finding one, and virtual environments from pinned requirements.

use crate::process;
use crate::stamp::{digest, publish, staging, stamp, stamped};
use anyhow::{Context, Result, bail};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest Python that pip's options used here are known to work with.
const OLDEST: Version = (3, 9);

/// Major and minor version.
pub type Version = (u32, u32);

/// A Python interpreter that answered.
#[derive(Clone, Debug)]
pub struct Python {
    pub path: PathBuf,
    pub version: Version,
    pub machine: String,
}

impl Python {
    /// `$PILOTAGE_PYTHON`, else `python3`.
    pub fn find() -> Result<Self> {
        if let Some(named) = env::var_os("PILOTAGE_PYTHON").filter(|value| !value.is_empty()) {
            let path = PathBuf::from(named);
            return Self::at(&path)
                .with_context(|| format!("PILOTAGE_PYTHON names {}, which is not a working Python", path.display()));
        }
        let python = Self::at(Path::new("python3"))
            .context("no python3 found; install Python 3 with pip, or name one in PILOTAGE_PYTHON")?;
        if python.version < OLDEST {
            bail!(
                "python3 is {}, {} or newer is needed; name another one in PILOTAGE_PYTHON",
                dotted(python.version),
                dotted(OLDEST)
            );
        }
        Ok(python)
    }

    /// A Python of exactly this version: the usual one, or `pythonX.Y` beside it.
    pub fn of_version(version: Version) -> Result<Self> {
        let usual = Self::find()?;
        if usual.version == version {
            return Ok(usual);
        }
        let name = format!("python{}", dotted(version));
        Self::at(Path::new(&name)).filter(|python| python.version == version).with_context(|| {
            format!(
                "needs Python {}; python3 here is {}, and no {name} was found (or name one in PILOTAGE_PYTHON)",
                dotted(version),
                dotted(usual.version)
            )
        })
    }

    fn at(path: &Path) -> Option<Self> {
        let script = "import sys, platform; print(*sys.version_info[:2], platform.machine())";
        let answer = process::ask(Command::new(path).args(["-c", script]))?;
        let mut words = answer.split_whitespace();
        Some(Self {
            path: path.to_path_buf(),
            version: (words.next()?.parse().ok()?, words.next()?.parse().ok()?),
            machine: words.next()?.to_owned(),
        })
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(arguments);
        command
    }

    /// Fails with the remedy when this Python has no pip.
    pub fn require_pip(&self) -> Result<()> {
        process::ask(&mut self.command(&["-m", "pip", "--version"])).map(|_| ()).with_context(|| {
            format!("{} has no pip; on Debian and Ubuntu: apt install python3-pip", self.path.display())
        })
    }

    /// A virtual environment at `folder` holding exactly the pinned `requirements`; kept when its stamp
    /// says that it was made from them and `probe` still runs.
    pub fn environment(&self, title: &str, folder: &Path, requirements: &str, probe: &str) -> Result<PathBuf> {
        let interpreter = |folder: &Path| folder.join("bin/python");
        let key = digest(&[requirements, &dotted(self.version), &self.machine]);
        let works = |folder: &Path| process::ask(Command::new(interpreter(folder)).args(["-c", probe])).is_some();
        if stamped(folder, &key) && works(folder) {
            println!("==> {title}: in the cache");
            return Ok(interpreter(folder));
        }
        self.require_pip()?;
        let staged = staging(folder)?;
        // Without pip inside, Debian's separate python3-venv package is not needed, and the host's pip
        // fills the environment from outside.
        process::run(
            &format!("{title}: a virtual environment"),
            self.command(&["-m", "venv", "--without-pip"]).arg(&staged),
        )?;
        let list = staged.join("requirements.txt");
        fs::write(&list, requirements).with_context(|| format!("cannot write {}", list.display()))?;
        process::run(
            &format!("{title}: pinned packages by pip"),
            self.command(&["-m", "pip", "--python"])
                .arg(interpreter(&staged))
                .args(["install", "--quiet", "--disable-pip-version-check", "--no-deps"])
                .args(["--only-binary=:all:", "--require-hashes", "--requirement"])
                .arg(&list),
        )
        .context("pip 22.3 or newer is needed, and a way to its packages")?;
        if !works(&staged) {
            bail!("{title}: the packages are installed, but this fails in {}: {probe}", staged.display());
        }
        stamp(&staged, &key)?;
        publish(&staged, folder)?;
        Ok(interpreter(folder))
    }
}

/// `3.11`.
pub fn dotted((major, minor): Version) -> String {
    format!("{major}.{minor}")
}
