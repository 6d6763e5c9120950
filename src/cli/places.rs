//! The options of `pilotage policy recall`.

use std::path::PathBuf;

use clap::Args;

/// `pilotage policy recall`.
#[derive(Debug, Args)]
pub struct RecallArgs {
    /// The place descriptor's folder; the shipped place-sim if left out.
    pub folder: Option<PathBuf>,
    /// train, validation or test.
    #[arg(long, default_value = "test")]
    pub split: String,
    /// Number of worlds.
    #[arg(long, default_value_t = 120)]
    pub worlds: usize,
    /// Index of the first world.
    #[arg(long, default_value_t = 0)]
    pub first: u64,
    /// Worlds that are also put into one map together.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub pool: u16,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// Also write the counts of every world as a JSON line.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Instead of worlds: a log of a closed course driven twice.
    #[arg(long, value_name = "LOG", requires = "truth", requires = "lap")]
    pub log: Option<PathBuf>,
    /// With --log: a table `frame,lap_one_frame,...` of where each frame of lap two truly was.
    #[arg(long, value_name = "CSV", requires = "log")]
    pub truth: Option<PathBuf>,
    /// With --log: frames a lap.
    #[arg(long, value_name = "FRAMES", requires = "log")]
    pub lap: Option<u64>,
    /// With --log: every which frame of lap one is a place of the map.
    #[arg(long, value_name = "FRAMES", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub every: u64,
    /// With --log: how many frames off still counts as right.
    #[arg(long, value_name = "FRAMES", default_value_t = 20)]
    pub within: u64,
    /// auto, ort (ONNX Runtime) or builtin (pure Rust).
    #[arg(long, value_name = "ENGINE", default_value = "auto")]
    pub engine: String,
    /// The ONNX Runtime library, where it is not found by itself.
    #[arg(long, value_name = "FILE")]
    pub ort_lib: Option<PathBuf>,
}
