//! Why a log gives no data set.

use std::path::{Path, PathBuf};

use crate::ingest::IngestError;
use crate::record::RecordError;

/// Why an export ends without a data set. Nothing is left behind then.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log cannot be read.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The recording cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The file system refused.
    #[error("{}: {detail}", path.display())]
    Io {
        /// What was read or written.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// The output is there already.
    #[error("{} exists already and is not overwritten; give another folder", path.display())]
    Exists {
        /// The output.
        path: PathBuf,
    },
    /// Where the robot was is in no part of the log.
    #[error("{}: where the robot was is not known ({why}); the pictures alone are exported with --images-only (no waypoints can be learned from them)", path.display())]
    NoPoses {
        /// The log.
        path: PathBuf,
        /// What was looked for.
        why: String,
    },
    /// The log has a driver's commands, but not in metres.
    #[error(
        "{}: the log has throttle and steering only, in units of its own; to reckon where the robot was give --full-speed (metres a second at throttle 1) and --turning-radius (metres, of the circle at full lock): measure both, an RC car has about 2.5 and 0.85; or export the pictures alone with --images-only", path.display()
    )]
    NoScale {
        /// The log.
        path: PathBuf,
    },
    /// Fewer frames a second than the data set is to have.
    #[error("{}: {hz:.2} frames a second, the data set needs {rate_hz}; record faster", path.display())]
    TooSlow {
        /// The log.
        path: PathBuf,
        /// Its rate, hertz.
        hz: f64,
        /// The data set's rate, hertz.
        rate_hz: f64,
    },
    /// A file of poses that does not fit.
    #[error("{}: {detail}", path.display())]
    TrajData {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// Nothing came out.
    #[error("no trajectory came out: {0}")]
    Nothing(String),
    /// An option that makes no sense.
    #[error("{0}")]
    Option(String),
    /// A picture that cannot be encoded.
    #[error("a picture of {width}x{height} pixels could not be encoded: {detail}")]
    Picture {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// What the encoder said.
        detail: String,
    },
}

impl ExportError {
    pub(super) fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), detail: error.to_string() }
    }
}
