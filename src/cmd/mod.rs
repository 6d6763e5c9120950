//! One file per verb; results go to stdout, diagnostics to stderr.
#![allow(clippy::print_stdout)] // What these verbs are for.

mod assess;
mod demo;
mod doctor;
mod eval;
mod export;
mod map;
mod places;
mod policy;
mod replay;
mod run;
mod sim;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cli::{Cli, Command, PolicyArgs};
use crate::config::Profile;
use crate::policy::{EngineChoice, Policy};

/// How a verb ended, as far as it did its work at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 0.
    Done,
    /// The work was done, but something was lost or left out: exit code 3.
    WithLosses,
    /// The work was done and the answer is no (a replay that differs, a goal not reached): exit code 4.
    Negative,
}

impl Outcome {
    /// The process's exit code; 1 is an error and 2 a wrong command line.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::WithLosses => 3,
            Self::Negative => 4,
        }
    }
}

/// Runs a parsed command line.
///
/// # Errors
/// Whatever went wrong, as one chain of causes.
pub fn dispatch(cli: Cli) -> Result<Outcome> {
    match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Map(crate::cli::MapCommand::Build(args)) => map::build(&args),
        Command::Map(crate::cli::MapCommand::Info(args)) => map::info(&args),
        Command::Run(args) => run::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Sim(command) => sim::dispatch(&command),
        Command::Policy(crate::cli::PolicyCommand::Check { folder, ort_lib }) => {
            policy::check(folder.as_deref(), ort_lib.as_deref())
        }
        Command::Policy(crate::cli::PolicyCommand::Recall(args)) => places::run(&args),
        Command::Export(crate::cli::ExportCommand::Dataset(args)) => export::dataset(&args),
        Command::Doctor(args) => doctor::run(&args),
    }
}

/// The shipped policy: `$PILOTAGE_MODELS`, beside the program, in `../share/pilotage/models`, or in the source tree.
pub(crate) fn shipped_policy() -> Result<PathBuf> {
    shipped_model("gnm-sim")
}

/// The shipped model called `name`, looked for as in [`shipped_policy`].
pub(crate) fn shipped_model(name: &str) -> Result<PathBuf> {
    let mut tried = Vec::new();
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
    let candidates = [
        std::env::var_os("PILOTAGE_MODELS").map(PathBuf::from),
        beside.as_ref().map(|folder| folder.join("models")),
        beside.as_ref().map(|folder| folder.join("../share/pilotage/models")),
        Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models")),
    ];
    for folder in candidates.into_iter().flatten() {
        let policy = folder.join(name);
        if policy.join("manifest.toml").is_file() {
            return Ok(policy);
        }
        tried.push(policy.display().to_string());
    }
    anyhow::bail!(
        "the shipped {name} is nowhere (looked at {}); set PILOTAGE_MODELS or give its folder",
        tried.join(", ")
    )
}

/// Folder and engine by command line, then profile, then default.
pub(crate) fn load_policy(args: &PolicyArgs, profile: &Profile) -> Result<(Box<dyn Policy>, PathBuf)> {
    let folder = match &args.policy {
        Some(folder) => folder.clone(),
        None if !profile.policy.folder.is_empty() => PathBuf::from(&profile.policy.folder),
        None => shipped_policy()?,
    };
    let name = args.engine.as_deref().unwrap_or(&profile.policy.engine);
    let engine: EngineChoice = name.parse()?;
    let policy = crate::policy::load(&folder, engine, args.ort_lib.as_deref())?;
    Ok((policy, folder))
}

/// For recordings: a path that still leads there from another folder.
pub(crate) fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// A new folder or file must not be there yet.
pub(crate) fn refuse_existing(path: &Path, advice: &str) -> Result<()> {
    anyhow::ensure!(!path.exists(), "{} exists already and is not overwritten; {advice}", path.display());
    Ok(())
}
