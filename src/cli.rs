//! The command line as typed: clap types and nothing else. What they mean is in `cmd/`.

mod places;
mod sim;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use places::RecallArgs;
pub use sim::{SimCommand, SimProfileArgs, SimRecordArgs, SimRobotArgs, SimRunArgs};

/// Drive a place once, then find the way by one camera.
#[derive(Debug, Parser)]
#[command(name = "pilotage", version, about, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant)] // There is one of it in a process.
pub enum Command {
    /// A simulated robot is driven once through a building and then finds its way alone.
    Demo(DemoArgs),
    /// Build and look at maps.
    #[command(subcommand)]
    Map(MapCommand),
    /// Drive: camera (or log, or simulator) to velocity commands.
    Run(RunArgs),
    /// Run a recording again through the same tick and name the first difference.
    Replay(ReplayArgs),
    /// Closed-loop episodes in simulated worlds that training never saw, beside replaying the commands blindly.
    Eval(EvalArgs),
    /// Simulated worlds and robots.
    #[command(subcommand)]
    Sim(SimCommand),
    /// Policies.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Make training data of logs.
    #[command(subcommand)]
    Export(ExportCommand),
    /// What this machine has: engines, models, ROS settings.
    Doctor(DoctorArgs),
}

/// Which model on which engine.
#[derive(Debug, Clone, Default, Args)]
pub struct PolicyArgs {
    /// Policy folder (with manifest.toml); the shipped gnm-sim if left out.
    #[arg(long, value_name = "FOLDER")]
    pub policy: Option<PathBuf>,
    /// auto, ort (ONNX Runtime) or builtin (pure Rust).
    #[arg(long, value_name = "ENGINE")]
    pub engine: Option<String>,
    /// The ONNX Runtime library, where it is not found by itself.
    #[arg(long, value_name = "FILE")]
    pub ort_lib: Option<PathBuf>,
}

/// How to read a log.
#[derive(Debug, Clone, Default, Args)]
pub struct LogArgs {
    /// Frames per second of the log, where its stamps are missing or wrong.
    #[arg(long)]
    pub hz: Option<f64>,
    /// Frames to read, e.g. 0..500.
    #[arg(long, value_name = "A..B", value_parser = parse_range)]
    pub range: Option<std::ops::Range<u64>>,
}

fn parse_range(text: &str) -> Result<std::ops::Range<u64>, String> {
    let (first, last) = text.split_once("..").ok_or("write it as FIRST..END, e.g. 0..500")?;
    let number = |part: &str| part.trim().parse::<u64>().map_err(|error| format!("{part:?}: {error}"));
    let range = number(first)?..number(last)?;
    if range.is_empty() { Err(format!("{text} holds no frame")) } else { Ok(range) }
}

/// `pilotage demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Which simulated building.
    #[arg(long, default_value_t = 1)]
    pub world: u64,
    /// Folder for the map, the recording and the picture; must not exist yet. Left out: pilotage-demo, or
    /// pilotage-demo-2 and so on where that is taken.
    #[arg(long, short, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Model and engine.
    #[command(flatten)]
    pub policy: PolicyArgs,
}

/// `pilotage map`.
#[derive(Debug, Subcommand)]
pub enum MapCommand {
    /// Build a map from a teleop log (donkeycar tub, image folder) or import a numbered topomap folder.
    Build(MapBuildArgs),
    /// What a map holds.
    Info(MapInfoArgs),
}

/// `pilotage map build`.
#[derive(Debug, Args)]
pub struct MapBuildArgs {
    /// The log.
    pub log: PathBuf,
    /// The map's folder; must not exist yet.
    #[arg(long, short, value_name = "MAP")]
    pub output: PathBuf,
    /// How to read the log.
    #[command(flatten)]
    pub log_args: LogArgs,
    /// Keep a frame when the policy says it is this many steps from the last one kept.
    #[arg(long, default_value_t = 2.0, value_name = "STEPS")]
    pub spacing: f32,
    /// Move an existing map aside (it becomes MAP.old-N).
    #[arg(long)]
    pub replace: bool,
    /// Model and engine.
    #[command(flatten)]
    pub policy: PolicyArgs,
}

/// `pilotage map info`.
#[derive(Debug, Args)]
pub struct MapInfoArgs {
    /// The map's folder.
    pub map: PathBuf,
    /// Also draw the graph into this SVG file.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// `pilotage run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The map's folder.
    pub map: PathBuf,
    /// Where to: LAST, a node's number or its name.
    #[arg(long)]
    pub goal: String,
    /// Where the robot stands, if you know (a node's number or name); otherwise it looks around the whole map.
    #[arg(long)]
    pub start: Option<String>,
    /// The robot's profile.
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// Frames from a log instead of a camera; publishes on `<cmd_vel>_dry_run` unless --publish is given.
    #[arg(long, value_name = "LOG", group = "source")]
    pub replay: Option<PathBuf>,
    /// Frames from a simulated robot, e.g. test:7 (the map must be of that world); also publishes on
    /// `<cmd_vel>_dry_run` unless --publish is given.
    #[arg(long, value_name = "WORLD", group = "source")]
    pub sim: Option<String>,
    /// Frames from a camera: index or device path.
    #[arg(long, value_name = "DEVICE", group = "source")]
    pub camera: Option<String>,
    /// Frames from a ROS image topic.
    #[arg(long, value_name = "TOPIC", group = "source")]
    pub image_topic: Option<String>,
    /// The image topic carries `CompressedImage`.
    #[arg(long, requires = "image_topic")]
    pub compressed: bool,
    /// How to read the log.
    #[command(flatten)]
    pub log_args: LogArgs,
    /// A replayed log or the simulator publishes on the real command topic. Make sure no robot listens.
    #[arg(long)]
    pub publish: bool,
    /// A live camera publishes on `<cmd_vel>_dry_run`.
    #[arg(long)]
    pub dry_run: bool,
    /// No ROS at all: commands go nowhere (or to the simulated robot).
    #[arg(long)]
    pub no_ros: bool,
    /// Time moves by the log's or the simulator's stamps, as fast as possible; implies --no-ros.
    #[arg(long)]
    pub lockstep: bool,
    /// Record everything needed to replay the run bit for bit.
    #[arg(long, value_name = "RUN.mcap")]
    pub record: Option<PathBuf>,
    /// At the goal, stand there and go on running.
    #[arg(long)]
    pub stay: bool,
    /// End after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub r#for: Option<f64>,
    /// With --replay of a closed course: frames per lap; prints how well the run was localised by order of frames.
    #[arg(long, value_name = "FRAMES", requires = "replay")]
    pub lap: Option<u64>,
    /// With --lap: a table `frame,lap_one_frame,...` of where each frame of the later lap truly was, instead of
    /// the order of frames (laps are never driven at quite the same pace).
    #[arg(long, value_name = "CSV", requires = "lap")]
    pub truth: Option<PathBuf>,
    /// Model and engine.
    #[command(flatten)]
    pub policy: PolicyArgs,
}

/// `pilotage replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The recording.
    pub recording: PathBuf,
    /// The map, where it has moved.
    #[arg(long, value_name = "MAP")]
    pub map: Option<PathBuf>,
    /// The policy folder, where it has moved.
    #[arg(long, value_name = "FOLDER")]
    pub policy: Option<PathBuf>,
    /// The ONNX Runtime library, where it is not found by itself.
    #[arg(long, value_name = "FILE")]
    pub ort_lib: Option<PathBuf>,
}

/// `pilotage eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// train, validation or test. Never tune on test.
    #[arg(long, default_value = "test")]
    pub split: String,
    /// Number of episodes that count; worlds that the teleoperator cannot drive are left out and replaced.
    #[arg(long, default_value_t = 100)]
    pub episodes: usize,
    /// Index of the first world.
    #[arg(long, default_value_t = 0)]
    pub first: u64,
    /// What is compared: ours, reference (our weights under the published rules), visual (picture matching), replay
    /// (blind), oracle; and repeat (picture matching that also knows the driver's commands).
    #[arg(long, value_delimiter = ',', default_value = "ours,reference,visual,replay,oracle")]
    pub methods: Vec<String>,
    /// Which robots: all (three of five trained ones), seen, unseen, any (whatever the world's seed gives), or names.
    #[arg(long, value_delimiter = ',', default_value = "all")]
    pub robots: Vec<String>,
    /// What light and camera do differently on the second drive: none, mild or strong.
    #[arg(long, default_value = "mild")]
    pub effects: String,
    /// People walk and boxes stand near the way that the map does not know.
    #[arg(long)]
    pub movers: bool,
    /// Threads; the figures do not depend on it.
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// A number of the navigator or the controller for `ours`, e.g. lookahead_steps=4, localizer.arrive_ticks=3,
    /// controller.speed_divisor=4. Repeatable.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub settings: Vec<String>,
    /// Another method: ours with other numbers, as in --set, several in one text separated by spaces. Repeatable.
    #[arg(long, value_name = "NAME=VALUE ...")]
    pub also: Vec<String>,
    /// Write each finished episode as a JSON line, and go on from what is there.
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
    /// Write a row for each episode and method.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Draw the successes with their intervals (.svg or .png).
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
    /// Draw each failed episode of `ours` into this folder.
    #[arg(long, value_name = "FOLDER")]
    pub pictures: Option<PathBuf>,
    /// Instead of all that: drive the episode of this index and print a line per tick.
    #[arg(long, value_name = "INDEX")]
    pub trace: Option<u64>,
    /// Model and engine.
    #[command(flatten)]
    pub policy: PolicyArgs,
}

/// `pilotage policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Hashes, shapes, golden answers, and whether the engines agree.
    Check {
        /// The policy's folder; the shipped one if left out.
        folder: Option<PathBuf>,
        /// The ONNX Runtime library, where it is not found by itself.
        #[arg(long, value_name = "FILE")]
        ort_lib: Option<PathBuf>,
    },
    /// How often a place descriptor finds the right place of a map, beside plain image correlation.
    Recall(RecallArgs),
}

/// `pilotage export`.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// A data set of the GNM kind: folders of JPEG at 4 Hz with the robot's poses, split into train and test.
    Dataset(ExportDatasetArgs),
}

/// `pilotage export dataset`.
#[derive(Debug, Args)]
pub struct ExportDatasetArgs {
    /// The logs: donkeycar tubs, image folders with traj_data.json (as `sim record` writes them), recordings (.mcap).
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<PathBuf>,
    /// The folder for the data set and its split; must not exist yet.
    #[arg(long, short, value_name = "FOLDER")]
    pub output: PathBuf,
    /// How to read the logs.
    #[command(flatten)]
    pub log_args: LogArgs,
    /// The data set's name; the folder's if left out.
    #[arg(long)]
    pub name: Option<String>,
    /// Pictures a second of the data set.
    #[arg(long, default_value_t = crate::export::RATE_HZ, value_name = "HZ")]
    pub rate: f64,
    /// crop (to 4:3 about the centre, then 160x120), squeeze (the whole picture, 160x120) or keep.
    #[arg(long, default_value = "crop", value_name = "HOW")]
    pub pictures: String,
    /// Leave the poses out, where they are not known.
    #[arg(long)]
    pub images_only: bool,
    /// Of a tub's robot: metres a second at throttle 1.
    #[arg(long, value_name = "MPS", requires = "turning_radius")]
    pub full_speed: Option<f64>,
    /// Of a tub's robot: radius in metres of the circle it drives at full lock.
    #[arg(long, value_name = "M", requires = "full_speed")]
    pub turning_radius: Option<f64>,
    /// Cut trajectories that are longer into pieces of this many seconds, so that one log gives some to test with.
    #[arg(long, value_name = "SECONDS")]
    pub cut: Option<f64>,
    /// Which trajectories are for testing follows from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// `pilotage doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Model and engine.
    #[command(flatten)]
    pub policy: PolicyArgs,
}
