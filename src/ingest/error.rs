//! What can be wrong with a log as a whole.

use std::path::PathBuf;

use super::{HZ_LIMITS, MAX_FRAMES};

/// Why a log cannot be used. A single bad frame is not among the reasons: it is skipped.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The file system refused.
    #[error("{}: {detail}", path.display())]
    Io {
        /// What was to be read.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// The path is no log of a known kind.
    #[error("{}: not a log we read: {detail}; a donkeycar tub (manifest.json) or a folder of .png/.jpg pictures is", path.display())]
    Unknown {
        /// The path as given.
        path: PathBuf,
        /// What was found there.
        detail: String,
    },
    /// A log without frames.
    #[error("{}: the log is empty: {detail}", path.display())]
    Empty {
        /// The path as given.
        path: PathBuf,
        /// What was looked for.
        detail: String,
    },
    /// The log's own table of contents cannot be read.
    #[error("{}: {detail}", path.display())]
    Malformed {
        /// The file that is wrong.
        path: PathBuf,
        /// What is wrong with it and what to do.
        detail: String,
    },
    /// A name in the log points out of the log's folder.
    #[error("{}: the log names {name:?}, which is not a plain file name inside its folder; it is not read", path.display())]
    Escapes {
        /// The path as given.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// More frames than [`MAX_FRAMES`].
    #[error("{}: more than {MAX_FRAMES} frames in one log; split it", path.display())]
    TooManyFrames {
        /// The path as given.
        path: PathBuf,
    },
    /// The range has no elements.
    #[error("range {start}..{end} is empty; give the first frame and the one after the last")]
    EmptyRange {
        /// First frame asked for.
        start: u64,
        /// One past the last frame asked for.
        end: u64,
    },
    /// The range is not within the log.
    #[error("{}: range {start}..{end} is outside the log, which has frames {first} to {last}; the widest range is {first}..{}", path.display(), last.saturating_add(1))]
    Range {
        /// The path as given.
        path: PathBuf,
        /// First frame asked for.
        start: u64,
        /// One past the last frame asked for.
        end: u64,
        /// First frame there is.
        first: u64,
        /// Last frame there is.
        last: u64,
    },
    /// The given rate makes no sense.
    #[error("--hz {hz} is not accepted ({} to {} frames a second)", HZ_LIMITS.0, HZ_LIMITS.1)]
    Rate {
        /// The rate as given, hertz.
        hz: f64,
    },
    /// The stamps cannot be used and the caller needs them.
    #[error("{}: {why}: pass the rate it was recorded at, for example --hz 20", path.display())]
    Stamps {
        /// The path as given.
        path: PathBuf,
        /// What is wrong with the stamps.
        why: String,
    },
    /// Every frame was skipped.
    #[error("{}: none of {skipped} frames can be used; the first, frame {index}: {reason}", path.display())]
    NothingUsable {
        /// The path as given.
        path: PathBuf,
        /// Frames skipped.
        skipped: usize,
        /// The first one's number.
        index: u64,
        /// The first one's reason.
        reason: String,
    },
}

/// Longest reason kept for a skipped frame, bytes: a hostile log must not fill the memory with them.
const MAX_REASON_BYTES: usize = 240;

pub(super) fn shortened(mut reason: String) -> String {
    if reason.len() > MAX_REASON_BYTES {
        let cut = (0..=MAX_REASON_BYTES).rev().find(|&i| reason.is_char_boundary(i)).unwrap_or(0);
        reason.truncate(cut);
        reason.push_str("...");
    }
    reason
}
