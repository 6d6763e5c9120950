//! What can be wrong with a map on disk.

use crate::{MapError, NodeId, Sha256};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A map that cannot be read or written. Every message names the path, the numbers, and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file system said no.
    #[error("cannot {action} {}: {source}; check that the path exists, that its disk has room and that it may be used", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// There is no map at the path.
    #[error("there is no map at {}: {why}; make one with `map build`", path.display())]
    NotAMap {
        /// The path.
        path: PathBuf,
        /// What is missing.
        why: &'static str,
    },
    /// Something is there already.
    #[error("{} exists already and is not overwritten; choose another path, or replace it on purpose (the old map is kept beside it)", path.display())]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// A path that no map can be written to.
    #[error("{} cannot hold a map: {why}", path.display())]
    BadPath {
        /// The path.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
    /// A map of another format.
    #[error("{} has format {found}, this program reads format {supported}; update the program or build the map again", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: i64,
        /// What is read here.
        supported: i64,
    },
    /// A file that is not what was written.
    #[error("{} was damaged or changed: its checksum is {found}, it should be {expected}; restore it from a copy or build the map again", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: Sha256,
        /// What it is.
        found: Sha256,
    },
    /// `map.toml` does not end with its seal.
    #[error("{} was cut off or changed: it does not end with its seal; restore it from a copy or build the map again", path.display())]
    Seal {
        /// The file.
        path: PathBuf,
    },
    /// A file of another length than was written.
    #[error("{} has {found} bytes, it should have {expected}; restore it from a copy or build the map again", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// What it should have.
        expected: u64,
        /// What it has.
        found: u64,
    },
    /// More of something than may be believed.
    #[error("{}: {found} {what}, at most {limit} are allowed; raise the limit if this map is trusted", path.display())]
    TooMuch {
        /// The file.
        path: PathBuf,
        /// Of what.
        what: &'static str,
        /// How much there is.
        found: u64,
        /// How much there may be.
        limit: u64,
    },
    /// A link, a device or a folder where a file should be, or the other way round.
    #[error("{} is {found}, a map takes {wanted} there; replace it", path.display())]
    WrongKind {
        /// The path.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// A file that cannot be parsed.
    #[error("cannot understand {}: {why}; restore it from a copy or build the map again", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
    /// `map.toml` and the graph disagree.
    #[error("{}: {found} {what} in the graph, map.toml says {expected}; restore both from one copy", path.display())]
    Count {
        /// The graph file.
        path: PathBuf,
        /// Of what.
        what: &'static str,
        /// How many map.toml says.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// A graph that no map can hold.
    #[error("{}: {source}", path.display())]
    Map {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        source: MapError,
    },
    /// A node of a session that the map does not list.
    #[error("{}: node {node} is of session {session}, which is not among the {sessions} sessions listed; list it", path.display())]
    UnknownSession {
        /// The file or folder.
        path: PathBuf,
        /// The node.
        node: NodeId,
        /// The session's number.
        session: u32,
        /// How many are listed.
        sessions: usize,
    },
    /// A number in `map.toml` that cannot be.
    #[error("{}: {field} is {value}; it must be {rule}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The field.
        field: &'static str,
        /// What it says.
        value: String,
        /// What it may say.
        rule: &'static str,
    },
    /// A node without pictures, or not in the map.
    #[error("there is no picture of node {node} in {}; `map info` lists the nodes", path.display())]
    NoPicture {
        /// The map.
        path: PathBuf,
        /// The node.
        node: NodeId,
    },
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn map(path: &Path) -> impl Fn(MapError) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Map { path: path.clone(), source }
    }
}
