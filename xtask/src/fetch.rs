//! What is fetched: always by package name, pinned by hash, into the cache outside the clone.

use crate::process;
use crate::python::{Python, dotted};
use crate::stamp::{digest, file_digest, publish, staging, stamp, stamped};
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The wheels of the ROS 2 peers exist for this Python only.
const PEERS_PYTHON: (u32, u32) = (3, 11);

/// What numpy and onnx are pinned for.
const REFERENCE_PYTHONS: std::ops::RangeInclusive<(u32, u32)> = (3, 10)..=(3, 13);

/// What torch and onnxruntime are pinned for.
const TRAINING_PYTHONS: std::ops::RangeInclusive<(u32, u32)> = (3, 11)..=(3, 13);

/// Succeeds where everything that training and export import is installed.
pub const TRAINING_PROBE: &str = "import matplotlib, numpy, onnx, onnxruntime, PIL, torch";

/// A shared library that is taken out of a pinned wheel.
struct Library {
    title: &'static str,
    /// Below the cache.
    folder: &'static str,
    file: &'static str,
    requirements: &'static str,
    /// Where the wheel keeps it.
    member: &'static str,
    /// Platform tags before `_<processor>`.
    platforms: &'static [&'static str],
    /// Of the library itself, x86_64 then aarch64.
    sha256: [&'static str; 2],
}

const ONNX_RUNTIME: Library = Library {
    title: "ONNX Runtime 1.24.4",
    folder: "ort/1.24.4",
    file: "libonnxruntime.so.1.24.4",
    requirements: include_str!("../requirements/onnxruntime.txt"),
    member: "onnxruntime/capi/libonnxruntime.so.1.24.4",
    platforms: &["manylinux_2_27", "manylinux_2_28"],
    sha256: [
        "2d518e11c7767f9fdc4413bdbeb45acf30db504ff76a82fc19d9238a3f9f6c24",
        "f373ae5fd4d878ed17ebea26e5480bd3d0a15e3bd6bc94b878e6c1b73998d22a",
    ],
};

const LIBCLANG: Library = Library {
    title: "libclang 18.1.1",
    folder: "libclang/18.1.1",
    file: "libclang.so",
    requirements: include_str!("../requirements/libclang.txt"),
    member: "libclang-18.1.1.data/platlib/clang/native/libclang.so",
    platforms: &["manylinux2010", "manylinux2014"],
    sha256: [
        "a8612b1c9a7125701277f63e5616f1d1eb9c91410c4bf195878067868c927f94",
        "87cc443de7278fa112ed50fac8844b1d5c6344f549b8b514e4381f26da006f65",
    ],
};

/// The ONNX Runtime library; the program looks for it at this very place.
pub fn onnx_runtime(workspace: &Workspace) -> Result<PathBuf> {
    library(workspace, &ONNX_RUNTIME)
}

/// A libclang for bindgen.
pub fn libclang(workspace: &Workspace) -> Result<PathBuf> {
    library(workspace, &LIBCLANG)
}

/// The Python of an environment with a real rclpy, Cyclone DDS and a bag writer in it.
pub fn ros_peers(workspace: &Workspace) -> Result<PathBuf> {
    if ARCH != "x86_64" {
        bail!("the ROS 2 peers are wheels for x86_64 only, this is {ARCH}");
    }
    let python = Python::of_version(PEERS_PYTHON).context("the ROS 2 peers are wheels for CPython 3.11 only")?;
    python.environment(
        "ROS 2 peers",
        &workspace.cache.join("ros-peers"),
        include_str!("../requirements/ros-peers.txt"),
        "import rclpy, geometry_msgs.msg, sensor_msgs.msg, nav_msgs.msg, cyclonedds, rosbags",
    )
}

/// The Python of an environment that trains and exports policies: 3.5 GB, most of it torch.
pub fn training(workspace: &Workspace) -> Result<PathBuf> {
    let python = Python::find()?;
    if ARCH != "x86_64" || !TRAINING_PYTHONS.contains(&python.version) {
        bail!(
            "the training environment is pinned for Python {} to {} on x86_64, python3 is {} on {ARCH}; name an environment of your own in PILOTAGE_TRAIN_PYTHON (models/train/requirements.txt)",
            dotted(*TRAINING_PYTHONS.start()),
            dotted(*TRAINING_PYTHONS.end()),
            dotted(python.version)
        );
    }
    python.environment(
        "training",
        &workspace.cache.join("training"),
        include_str!("../requirements/train.txt"),
        TRAINING_PROBE,
    )
}

/// The full-size reference policy, built by `models/gnm/build_reference.py`.
pub fn gnm_reference(workspace: &Workspace) -> Result<PathBuf> {
    let sources = workspace.root.join("models/gnm");
    let script = sources.join("build_reference.py");
    let requirements = include_str!("../requirements/gnm-reference.txt");
    let folder = workspace.cache.join("gnm-reference");
    let key = reference_key(&sources, requirements)?;
    if stamped(&folder, &key) {
        println!("==> full-size reference policy: in the cache");
        return Ok(folder);
    }
    let python = Python::find()?;
    if !REFERENCE_PYTHONS.contains(&python.version) {
        bail!(
            "building the reference policy needs Python {} to {}, python3 is {}; name another one in PILOTAGE_PYTHON",
            dotted(*REFERENCE_PYTHONS.start()),
            dotted(*REFERENCE_PYTHONS.end()),
            dotted(python.version)
        );
    }
    let tools = python.environment(
        "numpy and onnx",
        &workspace.cache.join("model-tools"),
        requirements,
        "import numpy, onnx",
    )?;
    let staged = staging(&folder)?;
    process::run(
        "full-size reference policy",
        Command::new(tools).env("PYTHONDONTWRITEBYTECODE", "1").arg(&script).arg("--out").arg(&staged),
    )?;
    stamp(&staged, &key)?;
    publish(&staged, &folder)?;
    Ok(folder)
}

/// Changes whenever a script beside the builder does: it may import them.
fn reference_key(sources: &Path, requirements: &str) -> Result<String> {
    let listing =
        fs::read_dir(sources).with_context(|| format!("cannot list {}; is the clone complete?", sources.display()))?;
    let mut scripts = Vec::new();
    for entry in listing {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "py") {
            scripts.push(path);
        }
    }
    scripts.sort();
    let mut parts = vec![requirements.as_bytes().to_vec()];
    for script in scripts {
        parts.push(fs::read(&script).with_context(|| format!("cannot read {}", script.display()))?);
    }
    Ok(digest(&parts))
}

fn library(workspace: &Workspace, library: &Library) -> Result<PathBuf> {
    let sha256 = match ARCH {
        "x86_64" => library.sha256[0],
        "aarch64" => library.sha256[1],
        other => bail!("{}: no wheel is pinned for {other}", library.title),
    };
    let folder = workspace.cache.join(library.folder);
    let file = folder.join(library.file);
    if file.is_file() {
        if file_digest(&file)? == sha256 {
            println!("==> {}: in the cache", library.title);
            return Ok(file);
        }
        println!("    {} is damaged; fetching it again", file.display());
    }
    let python = Python::find()?;
    python.require_pip()?;
    let staged = staging(&folder)?;
    let list = staged.join("requirements.txt");
    fs::write(&list, library.requirements).with_context(|| format!("cannot write {}", list.display()))?;
    let mut download = python.command(&["-m", "pip", "download", "--quiet", "--disable-pip-version-check"]);
    download
        .args(["--no-deps", "--only-binary=:all:", "--require-hashes"])
        // The wheel is chosen for the library in it, whatever Python is doing the fetching.
        .args(["--implementation", "cp", "--python-version", "3.11"]);
    for platform in library.platforms {
        download.args(["--platform", &format!("{platform}_{ARCH}")]);
    }
    download.arg("--requirement").arg(&list).arg("--dest").arg(&staged);
    process::run(&format!("{}: its wheel by pip", library.title), &mut download)?;

    let wheel = only_wheel(&staged)?;
    let unpacked = staged.join("wheel");
    process::run(
        &format!("{}: unpacking", library.title),
        python.command(&["-m", "zipfile", "-e"]).arg(&wheel).arg(&unpacked),
    )?;
    let member = unpacked.join(library.member);
    let found = file_digest(&member)?;
    if found != sha256 {
        bail!("{}: {} has SHA-256 {found}, expected {sha256}", library.title, library.member);
    }
    keep_only(&staged, &member, library.file)?;
    publish(&staged, &folder)?;
    Ok(file)
}

fn only_wheel(folder: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "whl") {
            return Ok(path);
        }
    }
    bail!("pip left no wheel in {}", folder.display())
}

/// The wheel and the rest of its contents are of no use once the library is out.
fn keep_only(folder: &Path, member: &Path, name: &str) -> Result<()> {
    fs::rename(member, folder.join(name))?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        } else if path.file_name().is_some_and(|found| found != name) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
