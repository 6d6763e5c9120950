//! The checks of policies and of what trains them.

use crate::fetch;
use crate::process;
use crate::python::Python;
use crate::test::Report;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names an interpreter that has everything in `models/train/requirements.txt`, in place of fetching 3.5 GB.
const TRAIN_PYTHON: &str = "PILOTAGE_TRAIN_PYTHON";

/// Policy folders, as the built program sees them.
pub fn policies(workspace: &Workspace, gnm_reference: Option<&Path>, report: &mut Report) {
    let mut folders = gnm_reference.iter().map(|folder| folder.to_path_buf()).collect::<Vec<_>>();
    if let Ok(listing) = std::fs::read_dir(workspace.root.join("models")) {
        folders.extend(listing.flatten().map(|entry| entry.path()));
    }
    folders.retain(|folder| folder.join("manifest.toml").is_file());
    folders.sort();
    if folders.is_empty() {
        report.skip("policies", "no folder with a manifest.toml in models/");
    }
    for folder in folders {
        let mut command = workspace.cargo(&["run", "--quiet", "--package", "pilotage", "--", "policy", "check"]);
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
        report.check(&format!("policy {name}"), command.arg(&folder));
    }
}

/// The readers of other people's data sets: their pickles must never be executed. Needs numpy, not torch.
pub fn data_sets(workspace: &Workspace, ros_python: Option<&Path>, report: &mut Report) {
    const TITLE: &str = "pickles of data sets are not run";
    let usual = Python::find().ok().map(|python| python.path);
    let candidates = [ros_python.map(Path::to_path_buf), named(TRAIN_PYTHON), usual];
    let has_numpy = |python: &PathBuf| process::ask(Command::new(python).args(["-c", "import numpy"])).is_some();
    match candidates.into_iter().flatten().find(has_numpy) {
        Some(python) => report.check(TITLE, &mut unit_tests(workspace, &python, &["test_pickle", "test_gnm_folders"])),
        None => report.skip(TITLE, "no Python with numpy"),
    }
}

/// What trains: its unit tests, and the whole of it in small.
pub fn training(workspace: &Workspace, report: &mut Report) {
    let Some(python) = report.fetched("training (torch, 3.5 GB)", || train_python(workspace)) else {
        return;
    };
    report.check("training: unit tests", &mut unit_tests(workspace, &python, &["discover", "-p", "test_*.py"]));
    let places = ["discover", "-s", "place", "-t", "place", "-p", "test_*.py"];
    report.check("training of places: unit tests", &mut unit_tests(workspace, &python, &places));
    let pipeline = workspace.root.join("models/train/pipeline.py");
    if pipeline.is_file() {
        smoke(workspace, &python, &pipeline, report);
    }
}

/// The whole recipe in small, and what the program says of the folder that it leaves.
fn smoke(workspace: &Workspace, python: &Path, pipeline: &Path, report: &mut Report) {
    let out = workspace.root.join("target/training-smoke");
    // It would go on where an earlier one ended.
    if out.exists()
        && let Err(error) = std::fs::remove_dir_all(&out)
    {
        report.skip("training: all of it in small", &format!("{} cannot be removed: {error}", out.display()));
        return;
    }
    let mut command = in_training(workspace, python);
    report.check("training: all of it in small", command.arg(pipeline).arg("--smoke").arg("--out").arg(&out));
    let mut check = workspace.cargo(&["run", "--quiet", "--package", "pilotage", "--", "policy", "check"]);
    report.check("policy trained in small", check.arg(out.join("export-final")));
}

fn train_python(workspace: &Workspace) -> Result<PathBuf> {
    let Some(python) = named(TRAIN_PYTHON) else {
        let _lock = workspace.lock_cache()?;
        return fetch::training(workspace);
    };
    process::ask(Command::new(&python).args(["-c", fetch::TRAINING_PROBE]))
        .with_context(|| {
            format!("{TRAIN_PYTHON} names {}, where this fails: {}", python.display(), fetch::TRAINING_PROBE)
        })
        .map(|_| python)
}

fn unit_tests(workspace: &Workspace, python: &Path, tests: &[&str]) -> Command {
    let mut command = in_training(workspace, python);
    command.args(["-m", "unittest"]).args(tests);
    command
}

/// One thread, as training itself has it, and no traces in the clone.
fn in_training(workspace: &Workspace, python: &Path) -> Command {
    let mut command = Command::new(python);
    command.current_dir(workspace.root.join("models/train"));
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("OMP_NUM_THREADS", "1");
    command
}

fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}
