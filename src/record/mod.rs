//! Logs out: the flight recorder's container, an MCAP file that Foxglove opens as it is.
//!
//! Written by a worker on a thread of its own behind a bounded queue: the path from camera to
//! command never waits for a disk, what does not fit is dropped and counted. Read back within
//! limits, also when the writer was killed and the file has no end.

mod image;
mod reader;
pub mod run;
mod schema;
mod wire;
mod writer;

use std::path::PathBuf;

pub use image::{
    CdrError, RosCompressedImage, RosImage, decode_compressed_image, decode_image, encode_compressed_image,
    encode_rgb8_image,
};
pub use reader::{Attachment, Ending, Entry, ReadItem, ReadLimits, RecordingReader};
pub use writer::{Counts, Recorder, RecorderOptions, RecorderReport, RecorderSink, RecorderWorker, Sent};

/// How the bytes of an item are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// A JSON object, UTF-8.
    Json,
    /// `sensor_msgs/msg/Image` in CDR, see [`encode_rgb8_image`].
    RosImage,
    /// `sensor_msgs/msg/CompressedImage` in CDR, see [`encode_compressed_image`].
    RosCompressedImage,
}

/// One thing to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Name of the channel, e.g. `/pilotage/tick`.
    pub channel: &'static str,
    /// How `data` is to be understood.
    pub kind: ItemKind,
    /// When it was recorded, nanoseconds.
    pub log_time_ns: u64,
    /// When it was made, nanoseconds on the same clock.
    pub publish_time_ns: u64,
    /// The bytes.
    pub data: Vec<u8>,
}

/// Why a recording cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file is there already; recordings are never overwritten.
    #[error("{}: exists already; recordings are not overwritten, choose another name or move it away", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("{}: {detail}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// The options make no recording possible.
    #[error("recorder options: {0}")]
    Options(String),
    /// Not a recording.
    #[error("{}: not an MCAP recording: {detail}", path.display())]
    NotARecording {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// A recording that this build cannot read.
    #[error("{}: byte {at_byte}: a chunk is compressed with `{compression}`; decompress it first: mcap compress --compression none", path.display())]
    Compressed {
        /// The file.
        path: PathBuf,
        /// Where the chunk starts.
        at_byte: u64,
        /// The compression's name.
        compression: String,
    },
}

#[cfg(test)]
mod tests;
