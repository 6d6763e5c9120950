//! `cargo xtask demo` and `cargo xtask build`.

use crate::camera::Bindgen;
use crate::process::{self, seconds};
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::time::Instant;

/// Builds what the tests use too, and shows a simulated robot finding its way.
pub fn demo(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    println!(
        "Building Pilotage. The first time this compiles its dependencies: minutes, and cargo reports progress below."
    );
    process::run("build", &mut workspace.cargo(&["build", "--package", "pilotage"]))?;
    let started = Instant::now();
    let mut command = workspace.cargo(&["run", "--quiet", "--package", "pilotage", "--", "demo"]);
    // Inherits the terminal: the demo may be interrupted, and may ask for its width.
    let status = command.args(arguments).status().context("cannot run cargo")?;
    println!("==> demo: {} after {}", if status.success() { "done" } else { "FAILED" }, seconds(started.elapsed()));
    if !status.success() {
        bail!("pilotage demo ended with {status}");
    }
    Ok(())
}

/// Builds the binary that goes on a robot.
pub fn robot_binary(workspace: &Workspace) -> Result<()> {
    let bindgen = {
        let _lock = workspace.lock_cache()?;
        Bindgen::find(workspace).context("the camera feature needs libclang at build time")?
    };
    let mut command = workspace.cargo(&["build", "--release", "--package", "pilotage", "--features", "camera"]);
    bindgen.apply(&mut command);
    process::run("robot binary, with cameras", &mut command)?;
    println!("The binary is target/release/pilotage (below $CARGO_TARGET_DIR where that is set).");
    Ok(())
}
