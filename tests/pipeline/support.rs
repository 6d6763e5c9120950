//! What the end-to-end tests share: the program as a child, the policy, one simulated drive, one real map.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use pilotage::episode::Episode;
use pilotage::policy::{EngineChoice, Policy};
use pilotage::record::run::{CONTROL, ControlRecord, FRAMES, TICKS, TickRecord};
use pilotage::record::{Entry, ReadLimits, RecordingReader};
use pilotage_graph::{Limits, MapDir};
use pilotage_sim::{Split, WorldId};

use crate::common;

/// An empty folder for one test, inside the target folder, so that a failed run can be looked at.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pipeline").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub(crate) fn policy_folder() -> PathBuf {
    let folder = common::shipped_policy();
    assert!(folder.join("manifest.toml").is_file(), "no policy at {}", folder.display());
    folder
}

pub(crate) fn load_policy(folder: &Path) -> Box<dyn Policy> {
    let engine: EngineChoice = "builtin".parse().unwrap();
    pilotage::policy::load(folder, engine, None).unwrap()
}

pub(crate) fn policy() -> Box<dyn Policy> {
    load_policy(&policy_folder())
}

/// What a child said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// The numbers of the output line that begins with `word`, in order.
    pub(crate) fn numbers(&self, word: &str) -> Vec<f64> {
        let line = self.stdout.lines().find(|line| line.starts_with(word));
        let line = line.unwrap_or_else(|| panic!("no line {word:?} in {}", self.stdout));
        line.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'))
            .filter_map(|part| part.trim_end_matches('.').parse().ok())
            .collect()
    }

    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// The program, deaf to the environment of whoever runs the tests.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pilotage"));
    for name in ["PILOTAGE_LOG", "RUST_LOG", "ROS_DOMAIN_ID", "ROS_LOCALHOST_ONLY", "ROS_AUTOMATIC_DISCOVERY_RANGE"] {
        command.env_remove(name);
    }
    command.env_remove("ROS_STATIC_PEERS").stdin(Stdio::null());
    command
}

pub(crate) fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Adds the policy under test on the engine that every machine has.
pub(crate) fn with_policy(command: &mut Command) -> &mut Command {
    command.args(["--engine", "builtin", "--policy"]).arg(policy_folder())
}

/// The real log, or `None` after saying that the test is skipped.
pub(crate) fn tub_or_skip() -> Option<PathBuf> {
    let tub = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/donkeycar_tub");
    if tub.join("manifest.json").is_file() {
        return Some(tub);
    }
    common::skip("no ../shared/data/donkeycar_tub on this machine");
    None
}

/// The map of the real log's first lap, built once by the program.
pub(crate) fn tub_map(tub: &Path) -> &'static Path {
    static MAP: OnceLock<PathBuf> = OnceLock::new();
    MAP.get_or_init(|| {
        let map = scratch("tub").join("map");
        let mut command = program();
        command.args(["map", "build", "--hz", "20", "--range", "0..500", "-o"]).arg(&map).arg(tub);
        let said = said(with_policy(&mut command)).expect_code(0);
        println!("tub map: {}", said.stdout.lines().find(|line| line.starts_with("kept")).unwrap());
        map
    })
}

/// A short simulated drive: 12.5 s through an office.
pub(crate) fn episode() -> &'static Episode {
    static EPISODE: OnceLock<Episode> = OnceLock::new();
    EPISODE.get_or_init(|| Episode::of(WorldId { split: Split::Validation, index: 5 }).unwrap())
}

/// Its map, built once; opened anew for each caller.
pub(crate) fn episode_map() -> MapDir {
    MapDir::open(episode_map_path(), &Limits::default()).unwrap()
}

pub(crate) fn episode_map_path() -> &'static Path {
    static MAP: OnceLock<PathBuf> = OnceLock::new();
    MAP.get_or_init(|| {
        let path = scratch("episode").join("map");
        episode().build_map(policy().as_mut(), &path).unwrap();
        path
    })
}

/// The pictures of that drive as the program writes them, at 8 Hz.
pub(crate) fn episode_pictures() -> &'static Path {
    static PICTURES: OnceLock<PathBuf> = OnceLock::new();
    PICTURES.get_or_init(|| {
        let folder = scratch("pictures").join("drive");
        said(program().args(["sim", "record", "validation:5", "-o"]).arg(&folder)).expect_code(0);
        // The poses beside them are a test's of their own.
        std::fs::remove_file(folder.join(pilotage::export::TRAJ_DATA)).unwrap();
        folder
    })
}

/// Files of a folder, sorted.
pub(crate) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A recording's records, read apart from `pilotage::replay`.
#[derive(Default)]
pub(crate) struct Records {
    pub(crate) ticks: Vec<TickRecord>,
    pub(crate) controls: Vec<ControlRecord>,
}

pub(crate) fn records(path: &Path) -> Records {
    let mut reader = RecordingReader::open(path, ReadLimits::default()).unwrap();
    let mut records = Records::default();
    while let Some(entry) = reader.next().unwrap() {
        let Entry::Item(item) = entry else { continue };
        match &*item.channel {
            TICKS => records.ticks.push(serde_json::from_slice(&item.data).unwrap()),
            CONTROL => records.controls.push(serde_json::from_slice(&item.data).unwrap()),
            FRAMES => {}
            other => panic!("a channel {other}"),
        }
    }
    records
}

/// Copies a folder of plain files.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in files_in(from) {
        std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}

/// A copy of the policy whose manifest names another model, so that its hash is another one.
pub(crate) fn renamed_policy(to: &Path) -> PathBuf {
    copy_folder(&policy_folder(), to);
    let manifest = to.join("manifest.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let name = text.lines().find(|line| line.starts_with("name = ")).unwrap();
    std::fs::write(&manifest, text.replace(name, "name = \"another-model\"")).unwrap();
    to.to_owned()
}
