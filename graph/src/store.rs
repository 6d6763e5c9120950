//! Maps on disk: a directory that a person can open, and that a power cut leaves old or new.
//!
//! ```text
//! office/
//!   map.toml                  what it is and what it was made with; sealed by a checksum of itself
//!   graph.json                nodes and edges; map.toml holds its size and checksum
//!   nodes/000042.jpg          the goal picture of node 42, as it came
//!   nodes/000042.context.jpg  the frames that led to it, side by side
//! ```
//!
//! Everything is read as untrusted: sizes before allocation, checksums before parsing, no path that leaves the folder,
//! no links. Pictures stay on disk until asked for. This module and its parts are the only ones that touch files.

mod dir;
mod error;
mod fault;
mod files;
mod format;
mod limits;
mod meta;
mod swap;
mod write;

#[cfg(test)]
mod crash_tests;

pub use dir::MapDir;
pub use error::StoreError;
pub use limits::Limits;
pub use meta::{CameraInfo, FORMAT, MapMeta, PolicyInfo, SessionInfo};
pub use write::{MapWriter, NodeDraft, WriteOptions};
