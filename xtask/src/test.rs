//! `cargo xtask test`: every check there is, one table, one last line.

use crate::camera::Bindgen;
use crate::fetch;
use crate::libtest::Reader;
use crate::models;
use crate::process::{self, seconds};
use crate::python::Python;
use crate::workspace::Workspace;
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// What to test.
pub struct Selection {
    /// Also check every policy folder with the built program, and what trains policies.
    pub models: bool,
    /// Only tests with this in their name, and none of the other checks.
    pub filter: Option<String>,
}

/// What the tests need beyond the clone; a missing part is told once, here, and its tests skip.
struct Supplies {
    bindgen: Option<Bindgen>,
    ros_python: Option<PathBuf>,
    gnm_reference: Option<PathBuf>,
}

enum Verdict {
    Passed,
    Failed,
    Skipped,
}

/// The rows of the table, and what is said above it.
#[derive(Default)]
pub struct Report {
    rows: Vec<(String, String, Duration)>,
    passed: usize,
    failed: usize,
    skipped: usize,
    remarks: Vec<String>,
}

/// Runs the checks; whether all passed, and under `CI=true` none was skipped.
pub fn test(workspace: &Workspace, selection: &Selection) -> Result<bool> {
    let started = Instant::now();
    let mut report = Report::default();
    let supplies = fetch_supplies(workspace, &mut report)?;
    if selection.filter.is_none() {
        static_checks(workspace, &supplies, &mut report);
    }
    cargo_test(workspace, &supplies, selection.filter.as_deref(), &mut report);
    if selection.filter.is_none() {
        other_builds(workspace, &supplies, &mut report);
        packaging(workspace, &mut report);
        models::data_sets(workspace, supplies.ros_python.as_deref(), &mut report);
    }
    if selection.models {
        models::policies(workspace, supplies.gnm_reference.as_deref(), &mut report);
        models::training(workspace, &mut report);
    }
    Ok(report.close(workspace.ci, started.elapsed()))
}

/// Fetches all of it: `cargo xtask setup`.
pub fn setup(workspace: &Workspace) -> Result<()> {
    let mut report = Report::default();
    fetch_supplies(workspace, &mut report)?;
    for remark in &report.remarks {
        println!("{remark}");
    }
    if report.remarks.is_empty() {
        println!("Everything is in {}.", workspace.cache.display());
        return Ok(());
    }
    bail!("{} of the fetched things are missing; the reasons are above", report.remarks.len())
}

fn fetch_supplies(workspace: &Workspace, report: &mut Report) -> Result<Supplies> {
    println!("Fetched things are kept in {}.", workspace.cache.display());
    let _lock = workspace.lock_cache()?;
    report.fetched("ONNX Runtime", || fetch::onnx_runtime(workspace));
    Ok(Supplies {
        bindgen: report.fetched("libclang", || Bindgen::find(workspace)),
        ros_python: report.fetched("ROS 2 peers", || fetch::ros_peers(workspace)),
        gnm_reference: report.fetched("reference policy", || fetch::gnm_reference(workspace)),
    })
}

fn static_checks(workspace: &Workspace, supplies: &Supplies, report: &mut Report) {
    report.check("fmt", &mut workspace.cargo(&["fmt", "--all", "--check"]));
    let mut clippy = workspace.cargo(&["clippy", "--workspace", "--all-targets"]);
    // With every feature at once the camera code is checked in the same pass.
    with_all_features(&mut clippy, supplies);
    clippy.args(["--", "--deny", "warnings"]);
    report.check("clippy", &mut clippy);
    if supplies.bindgen.is_none() {
        report.skip("clippy of the camera feature", "no libclang");
    }
}

fn cargo_test(workspace: &Workspace, supplies: &Supplies, filter: Option<&str>, report: &mut Report) {
    let started = Instant::now();
    let mut command = workspace.cargo(&["test", "--workspace", "--no-fail-fast", "--"]);
    // The skip lines of tests that libtest counts as passed are shown with this only.
    command.arg("--show-output").args(filter);
    // The tests find the library where a user's program finds it.
    command.env_remove("ORT_DYLIB_PATH").env("PILOTAGE_CACHE", &workspace.cache);
    set_or_remove(&mut command, "PILOTAGE_ROS_PYTHON", supplies.ros_python.as_deref());
    set_or_remove(&mut command, "PILOTAGE_GNM_REFERENCE", supplies.gnm_reference.as_deref());
    let mut reader = Reader::default();
    let outcome = process::run_reading("cargo test", &mut command, |line| reader.line(line));
    let counts = reader.finish(outcome.is_ok());
    report.passed += counts.passed;
    report.failed += counts.failed;
    report.skipped += counts.skipped;
    report.remarks.extend(counts.failures.iter().map(|name| format!("FAILED   {name}")));
    report.remarks.extend(counts.skips.iter().map(|skip| format!("skipped  {skip}")));
    let sum = format!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped);
    report.rows.push(("cargo test".to_owned(), sum, started.elapsed()));
}

fn other_builds(workspace: &Workspace, supplies: &Supplies, report: &mut Report) {
    report.check(
        "small build (no default features)",
        &mut workspace.cargo(&["clippy", "--package", "pilotage", "--no-default-features", "--", "--deny", "warnings"]),
    );
    let mut doc = workspace.cargo(&["doc", "--workspace", "--no-deps"]);
    with_all_features(&mut doc, supplies);
    doc.env("RUSTDOCFLAGS", "--deny warnings");
    report.check("doc", &mut doc);
}

/// Files that no compiler reads.
fn packaging(workspace: &Workspace, report: &mut Report) {
    let Ok(python) = Python::find() else {
        report.skip("package.xml and launch files", "no Python 3");
        return;
    };
    let script = "import ast, pathlib, sys, xml.dom.minidom\n\
                  root = pathlib.Path(sys.argv[1])\n\
                  xml.dom.minidom.parse(str(root / 'package.xml'))\n\
                  for path in sorted(root.glob('launch/**/*.py')):\n    ast.parse(path.read_text(), str(path))\n";
    report.check("package.xml and launch files", python.command(&["-c", script]).arg(&workspace.root));
    // Older systemd has no `udevadm verify`: nothing to run there, so nothing to count.
    if process::ask(Command::new("udevadm").args(["verify", "--help"])).is_some() {
        report.check(
            "udev rules",
            Command::new("udevadm").args(["verify", "--no-style"]).arg(workspace.root.join("udev")),
        );
    }
}

fn with_all_features(command: &mut Command, supplies: &Supplies) {
    if let Some(bindgen) = &supplies.bindgen {
        command.arg("--all-features");
        bindgen.apply(command);
    }
}

/// A value left over from the caller's shell would be tested instead of the pinned one.
fn set_or_remove(command: &mut Command, name: &str, value: Option<&Path>) {
    match value {
        Some(value) => command.env(name, value),
        None => command.env_remove(name),
    };
}

impl Report {
    /// Runs a command as one row.
    pub fn check(&mut self, title: &str, command: &mut Command) {
        let started = Instant::now();
        let verdict = match process::run(title, command) {
            Ok(()) => Verdict::Passed,
            Err(error) => {
                self.remarks.push(format!("FAILED   {error:#}"));
                Verdict::Failed
            }
        };
        self.add(title, &verdict, started.elapsed());
    }

    /// A thing fetched is no test; a thing missing is a test that could not be run.
    pub fn fetched<T>(&mut self, title: &str, fetch: impl FnOnce() -> Result<T>) -> Option<T> {
        let started = Instant::now();
        match fetch() {
            Ok(thing) => {
                self.rows.push((format!("setup: {title}"), "there".to_owned(), started.elapsed()));
                Some(thing)
            }
            Err(error) => {
                println!("    missing: {title}: {error:#}");
                self.remarks.push(format!("missing  {title}: {error:#}"));
                self.add(&format!("setup: {title}"), &Verdict::Skipped, started.elapsed());
                None
            }
        }
    }

    /// A row of what could not be run.
    pub fn skip(&mut self, title: &str, reason: &str) {
        self.remarks.push(format!("skipped  {title}: {reason}"));
        self.add(title, &Verdict::Skipped, Duration::ZERO);
    }

    fn add(&mut self, title: &str, verdict: &Verdict, took: Duration) {
        let (count, word) = match verdict {
            Verdict::Passed => (&mut self.passed, "passed"),
            Verdict::Failed => (&mut self.failed, "FAILED"),
            Verdict::Skipped => (&mut self.skipped, "skipped"),
        };
        *count += 1;
        self.rows.push((title.to_owned(), word.to_owned(), took));
    }

    /// Prints the table and the last line; whether all is well.
    fn close(mut self, ci: bool, took: Duration) -> bool {
        println!();
        for remark in &self.remarks {
            println!("{remark}");
        }
        if ci && self.skipped > 0 {
            println!("CI=true: nothing may be skipped, so {} skipped count as failed", self.skipped);
            self.failed += self.skipped;
            self.skipped = 0;
        }
        println!();
        for (title, outcome, took) in &self.rows {
            println!("{title:<36} {outcome:<34} {:>12}", seconds(*took));
        }
        println!("{:<36} {:<34} {:>12}", "all", "", seconds(took));
        println!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped);
        // A filter that matches nothing must not look like success.
        self.failed == 0 && self.passed > 0
    }
}
