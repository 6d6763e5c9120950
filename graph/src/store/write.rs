//! Writing a new map beside its place, and moving it there when it is whole.

use super::dir::{GRAPH_FILE, HEADER_FILE, MapDir, counts};
use super::fault::Fault;
use super::files::{exists, split, sync, write_new};
use super::format::{GraphRef, Header, check_nodes, graph_to_bytes};
use super::swap::{is_taken, put_in_place};
use super::{Limits, MapMeta, StoreError};
use crate::{Edge, Node, NodeId, PoseHint, SessionId, Sha256, StoredFile, TopoMap, View};
use std::fs;
use std::path::{Path, PathBuf};

/// How to write a map.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// Move a map that is there already aside, to `<name>.old-N`, instead of refusing. Nothing is ever deleted.
    pub replace: bool,
    /// What may be written; the same as may be read.
    pub limits: Limits,
}

/// A place to be stored; its number comes from the order of adding.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeDraft {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The drive it comes from.
    pub session: SessionId,
    /// When it was seen, by the recording's clock, in nanoseconds.
    pub stamp_ns: u64,
    /// Where it was in the session's odometry.
    pub pose_hint: Option<PoseHint>,
    /// How many frames the context strip holds.
    pub context_frames: u32,
}

/// A map under construction in `.<name>.tmp-<process>` beside its place. Dropped unfinished, it removes that folder.
#[derive(Debug)]
pub struct MapWriter {
    path: PathBuf,
    folder: PathBuf,
    options: WriteOptions,
    map: TopoMap,
    files: Vec<PathBuf>,
    next_id: u32,
    done: bool,
    fault: Fault,
}

impl MapWriter {
    /// Begins a map that must not exist yet.
    ///
    /// # Errors
    /// [`StoreError`] when something is at the path already, or nothing can be written beside it.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::create_with(path, WriteOptions::default())
    }

    /// Begins a map.
    ///
    /// # Errors
    /// As [`create`](Self::create); with `replace`, an existing path is no error.
    pub fn create_with(path: impl AsRef<Path>, options: WriteOptions) -> Result<Self, StoreError> {
        Self::begin(path.as_ref(), options, Fault::default())
    }

    pub(super) fn begin(path: &Path, options: WriteOptions, mut fault: Fault) -> Result<Self, StoreError> {
        let (parent, name) = split(path)?;
        if !options.replace && is_taken(path)? {
            return Err(StoreError::Exists { path: path.to_owned() });
        }
        let folder = free_folder(&parent, &name)?;
        let io = |path: &Path| StoreError::io("create the folder", path);
        fault.step().and_then(|()| fs::create_dir(&folder)).map_err(io(&folder))?;
        let mut writer = Self {
            path: path.to_owned(),
            folder,
            options,
            map: TopoMap::new(),
            files: Vec::new(),
            next_id: 0,
            done: false,
            fault,
        };
        let nodes = writer.folder.join("nodes");
        writer.fault.step().and_then(|()| fs::create_dir(&nodes)).map_err(io(&nodes))?;
        Ok(writer)
    }

    /// Stores a place with its goal picture, encoded as `extension` (`jpg` or `png`) says, and its context strip, a JPEG.
    ///
    /// # Errors
    /// [`StoreError`] for a picture that is too long or of another kind, a bad name, a full disk.
    pub fn add_node(
        &mut self,
        draft: NodeDraft,
        extension: &str,
        goal: &[u8],
        context: &[u8],
    ) -> Result<NodeId, StoreError> {
        if !matches!(extension, "jpg" | "png") {
            let value = extension.escape_debug().take(80).collect();
            let rule = "jpg or png";
            return Err(StoreError::Value { path: self.path.clone(), field: "picture extension", value, rule });
        }
        let limit = self.options.limits.max_nodes;
        if u64::from(self.next_id) >= limit {
            let found = u64::from(self.next_id) + 1;
            return Err(StoreError::TooMuch { path: self.path.clone(), what: "nodes", found, limit });
        }
        let id = NodeId(self.next_id);
        let goal = self.store(format!("nodes/{:06}.{extension}", id.0), goal)?;
        let context = self.store(format!("nodes/{:06}.context.jpg", id.0), context)?;
        let NodeDraft { name, session, stamp_ns, pose_hint, context_frames } = draft;
        let view = View { session, stamp_ns, goal, context, context_frames };
        let node = Node { id, name, session, stamp_ns, pose_hint, views: vec![view] };
        self.map.add_node(node).map_err(StoreError::map(&self.path))?;
        self.next_id += 1;
        Ok(id)
    }

    /// Joins the places, flushes everything to the disk, and moves the map to its place.
    ///
    /// # Errors
    /// [`StoreError`]; what was at the path is then still there, and nothing of the new map is left.
    pub fn finish(mut self, meta: MapMeta, edges: &[Edge]) -> Result<MapDir, StoreError> {
        let MapWriter { path, folder, .. } = &self;
        let (path, folder) = (path.clone(), folder.clone());
        for &edge in edges {
            self.map.add_edge(edge).map_err(StoreError::map(&path))?;
        }
        let header_path = folder.join(HEADER_FILE);
        meta.validate(&header_path, &self.options.limits)?;
        check_nodes(&self.map, &meta, &header_path, &self.options.limits)?;
        let bytes = graph_to_bytes(&self.map, &folder)?;
        let graph = GraphRef { file: GRAPH_FILE.to_owned(), bytes: bytes.len() as u64, sha256: Sha256::of(&bytes) };
        let header = Header { counts: counts(&self.map), graph, meta };
        let text = header.to_text(&header_path)?;
        self.write(GRAPH_FILE, &bytes)?;
        self.write(HEADER_FILE, text.as_bytes())?;
        // All at once at the end: flushing each picture on its own makes building many times slower on an SD card.
        for file in &self.files {
            sync(file, &mut self.fault)?;
        }
        sync(&folder.join("nodes"), &mut self.fault)?;
        sync(&folder, &mut self.fault)?;
        put_in_place(&folder, &path, self.options.replace, &mut self.fault)?;
        self.done = true;
        MapDir::open(&path, &self.options.limits)
    }

    fn store(&mut self, file: String, bytes: &[u8]) -> Result<StoredFile, StoreError> {
        let limit = self.options.limits.max_picture_bytes;
        let found = bytes.len() as u64;
        if found > limit {
            let path = self.path.join(file);
            return Err(StoreError::TooMuch { path, what: "bytes of picture", found, limit });
        }
        self.write(&file, bytes)?;
        StoredFile::new(file, Sha256::of(bytes), found).map_err(StoreError::map(&self.path))
    }

    fn write(&mut self, file: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.folder.join(file);
        write_new(&path, bytes, &mut self.fault)?;
        self.files.push(path);
        Ok(())
    }
}

impl Drop for MapWriter {
    fn drop(&mut self) {
        if !self.done && !self.fault.is_off() {
            // Nobody is left to tell; what stays is a hidden folder that no reader looks at.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A name that no other writer holds: this process may write several maps, and a crashed one may have had its number.
fn free_folder(parent: &Path, name: &str) -> Result<PathBuf, StoreError> {
    let process = std::process::id();
    for turn in 0..1000 {
        let suffix = if turn == 0 { String::new() } else { format!("-{turn}") };
        let folder = parent.join(format!(".{name}.tmp-{process}{suffix}"));
        if !exists(&folder)? {
            return Ok(folder);
        }
    }
    Err(StoreError::BadPath { path: parent.join(name), why: "1000 unfinished maps lie beside it; remove them" })
}
