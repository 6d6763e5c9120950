//! A map on disk, opened.

use super::fault::Fault;
use super::files::{check_folder, exists, file_bytes, read_file, remove, rename, sync, write_new};
use super::format::{Counts, GraphRef, Header, check_nodes, graph_from_bytes, graph_to_bytes};
use super::swap::stand_in;
use super::{Limits, MapMeta, StoreError};
use crate::{NodeId, Sha256, StoredFile, TopoMap, View};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(super) const HEADER_FILE: &str = "map.toml";
pub(super) const GRAPH_FILE: &str = "graph.json";

/// A map whose graph is in memory and whose pictures are read when asked for.
#[derive(Debug, Clone)]
pub struct MapDir {
    root: PathBuf,
    header: Header,
    map: TopoMap,
    content: Sha256,
    limits: Limits,
}

impl MapDir {
    /// Opens a map and checks everything but the pictures' bytes, which are checked when read.
    ///
    /// # Errors
    /// [`StoreError`] for whatever is missing, too large, changed, or no map; nothing is repaired or changed.
    pub fn open(path: impl AsRef<Path>, limits: &Limits) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let root = match std::fs::metadata(path) {
            Ok(_) => path.to_owned(),
            Err(error) => match stand_in(path)? {
                Some(old) => old,
                None if error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(StoreError::NotAMap { path: path.to_owned(), why: "nothing is there" });
                }
                None => return Err(StoreError::io("open", path)(error)),
            },
        };
        let header_path = root.join(HEADER_FILE);
        if !root.is_dir() || !exists(&header_path)? {
            return Err(StoreError::NotAMap { path: root, why: "it is no folder with a map.toml" });
        }
        let header_bytes = read_file(&header_path, limits.max_toml_bytes)?;
        let header = Header::from_bytes(&header_bytes, &header_path, limits)?;
        let map = read_graph(&root, &header, limits)?;
        let mut content = header_bytes;
        content.extend_from_slice(header.graph.sha256.as_bytes());
        Ok(Self { root, header, map, content: Sha256::of(&content), limits: limits.clone() })
    }

    /// Where it lies. After a replacement that was cut short this is the old map's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Places and ways.
    #[must_use]
    pub fn map(&self) -> &TopoMap {
        &self.map
    }

    /// What it was made from and with.
    #[must_use]
    pub fn meta(&self) -> &MapMeta {
        &self.header.meta
    }

    /// A checksum that changes with anything in the map, its pictures included; it binds runs to maps.
    #[must_use]
    pub fn content_sha256(&self) -> Sha256 {
        self.content
    }

    /// The goal picture of a node's first view, as it was stored (JPEG or PNG), read now and checked.
    ///
    /// # Errors
    /// [`StoreError`] when there is none, or it is not the one that was stored.
    pub fn read_goal(&self, node: NodeId) -> Result<Vec<u8>, StoreError> {
        self.read_picture(&self.view(node, 0)?.goal)
    }

    /// The frames that led to a node's first view, oldest first, side by side; as it was stored, read now and checked.
    ///
    /// # Errors
    /// As [`read_goal`](Self::read_goal).
    pub fn read_context(&self, node: NodeId) -> Result<Vec<u8>, StoreError> {
        self.read_picture(&self.view(node, 0)?.context)
    }

    /// A view of a node, by position.
    ///
    /// # Errors
    /// [`StoreError::NoPicture`].
    pub fn view(&self, node: NodeId, view: usize) -> Result<&View, StoreError> {
        let found = self.map.node(node).and_then(|node| node.views.get(view));
        found.ok_or_else(|| StoreError::NoPicture { path: self.root.clone(), node })
    }

    /// A picture of this map, checked.
    ///
    /// # Errors
    /// [`StoreError`] when it is not the one that was stored.
    pub fn read_picture(&self, file: &StoredFile) -> Result<Vec<u8>, StoreError> {
        let path = self.root.join(file.file());
        check_folders(&self.root, file)?;
        let (expected, found) = (file.bytes(), file_bytes(&path)?);
        if expected != found {
            return Err(StoreError::Length { path, expected, found });
        }
        let bytes = read_file(&path, self.limits.max_picture_bytes.min(expected))?;
        let found = Sha256::of(&bytes);
        if found == file.sha256() {
            Ok(bytes)
        } else {
            Err(StoreError::Checksum { path, expected: file.sha256(), found })
        }
    }

    /// Reads every picture and checks it; for `map check`, not for the road.
    ///
    /// # Errors
    /// [`StoreError`] for the first one that is not what was stored.
    pub fn verify_pictures(&self) -> Result<(), StoreError> {
        pictures(&self.map).try_for_each(|file| self.read_picture(file).map(drop))
    }

    /// Saves a changed graph (names, edges, evidence, nodes taken out) in place; a power cut leaves the old graph or the
    /// new one. Pictures are neither added nor removed.
    ///
    /// # Errors
    /// [`StoreError`]; the map on disk and in memory is then as before.
    pub fn save_graph(&mut self, map: &TopoMap) -> Result<(), StoreError> {
        self.save_graph_with(map, &mut Fault::default())
    }

    pub(super) fn save_graph_with(&mut self, map: &TopoMap, fault: &mut Fault) -> Result<(), StoreError> {
        let header_path = self.root.join(HEADER_FILE);
        check_nodes(map, &self.header.meta, &header_path, &self.limits)?;
        check_pictures(&self.root, map)?;
        let bytes = graph_to_bytes(map, &self.root)?;
        let sha256 = Sha256::of(&bytes);
        if sha256 == self.header.graph.sha256 {
            return Ok(());
        }
        // A name of its own, so that the old graph stays until map.toml no longer points at it.
        let short: String = sha256.to_string().chars().take(12).collect();
        let file = format!("graph-{short}.json");
        let graph_path = self.root.join(&file);
        let graph = GraphRef { file, bytes: bytes.len() as u64, sha256 };
        let header = Header { meta: self.header.meta.clone(), counts: counts(map), graph };
        let fresh = self.root.join(".map.toml.new");
        for left in [&graph_path, &fresh] {
            if exists(left)? {
                // Left by a save that was cut short.
                remove(left, fault)?;
            }
        }
        write_new(&graph_path, &bytes, fault)?;
        sync(&graph_path, fault)?;
        write_new(&fresh, header.to_text(&header_path)?.as_bytes(), fault)?;
        sync(&fresh, fault)?;
        sync(&self.root, fault)?;
        rename(&fresh, &header_path, fault)?;
        sync(&self.root, fault)?;
        remove(&self.root.join(&self.header.graph.file), fault)?;
        *self = Self::open(&self.root, &self.limits)?;
        Ok(())
    }
}

pub(super) fn counts(map: &TopoMap) -> Counts {
    Counts { nodes: map.node_count() as u64, edges: map.edge_count() as u64 }
}

fn read_graph(root: &Path, header: &Header, limits: &Limits) -> Result<TopoMap, StoreError> {
    let path = root.join(&header.graph.file);
    let (expected, found) = (header.graph.bytes, file_bytes(&path)?);
    if expected != found {
        return Err(StoreError::Length { path, expected, found });
    }
    let bytes = read_file(&path, limits.max_graph_bytes.min(expected))?;
    let found = Sha256::of(&bytes);
    if found != header.graph.sha256 {
        return Err(StoreError::Checksum { path, expected: header.graph.sha256, found });
    }
    let map = graph_from_bytes(&bytes, header, &path, limits)?;
    check_pictures(root, &map)?;
    Ok(map)
}

fn pictures(map: &TopoMap) -> impl Iterator<Item = &StoredFile> {
    map.nodes().flat_map(|node| &node.views).flat_map(|view| [&view.goal, &view.context])
}

/// That every picture is there, a plain file in plain folders, and as long as it should be.
fn check_pictures(root: &Path, map: &TopoMap) -> Result<(), StoreError> {
    let mut folders = BTreeSet::new();
    for file in pictures(map) {
        let folder = file.file().rsplit_once('/').map(|(folder, _)| folder);
        if folder.is_some_and(|folder| folders.insert(folder)) {
            check_folders(root, file)?;
        }
        let path = root.join(file.file());
        let found = file_bytes(&path)?;
        if found != file.bytes() {
            return Err(StoreError::Length { path, expected: file.bytes(), found });
        }
    }
    Ok(())
}

/// That no folder on the way to a picture is a link.
fn check_folders(root: &Path, file: &StoredFile) -> Result<(), StoreError> {
    let mut at = root.to_owned();
    let mut parts: Vec<&str> = file.file().split('/').collect();
    parts.pop();
    parts.into_iter().try_for_each(|part| {
        at.push(part);
        check_folder(&at)
    })
}
