//! The text of `map.toml` and of the graph file, from and to values.

use super::meta::{CameraInfo, FORMAT, MapMeta, PolicyInfo, SessionInfo};
use super::{Limits, StoreError};
use crate::{Edge, Node, SessionId, Sha256, TopoMap};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

const HEAD: &str = "# A Pilotage map. Sealed: a change made by hand is refused; use the `map` commands.\n";
const SEAL: &str = "\n[seal]\nsha256 = \"";
const SEAL_END: &str = "\"\n";

/// The graph file as `map.toml` describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GraphRef {
    pub file: String,
    pub bytes: u64,
    pub sha256: Sha256,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    pub nodes: u64,
    pub edges: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MapToml {
    format: i64,
    created_by: String,
    camera: CameraInfo,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyInfo>,
    counts: Counts,
    graph: GraphRef,
    #[serde(default)]
    sessions: Vec<SessionInfo>,
}

/// What `map.toml` says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    pub meta: MapMeta,
    pub counts: Counts,
    pub graph: GraphRef,
}

impl Header {
    pub(super) fn to_text(&self, path: &Path) -> Result<String, StoreError> {
        let MapMeta { created_by, camera, policy, sessions } = self.meta.clone();
        let file = MapToml {
            format: FORMAT,
            created_by,
            camera,
            policy,
            counts: self.counts,
            graph: self.graph.clone(),
            sessions,
        };
        let parse = |error: toml::ser::Error| StoreError::Parse { path: path.to_owned(), why: error.to_string() };
        let body = format!("{HEAD}{}", toml::to_string(&file).map_err(parse)?);
        let sum = Sha256::of(body.as_bytes());
        Ok(format!("{body}{SEAL}{sum}{SEAL_END}"))
    }

    pub(super) fn from_bytes(bytes: &[u8], path: &Path, limits: &Limits) -> Result<Self, StoreError> {
        let parse = |why: String| StoreError::Parse { path: path.to_owned(), why };
        let text = std::str::from_utf8(bytes).map_err(|error| parse(error.to_string()))?;
        let (body, seal) = match unseal(text) {
            Some(parts) => parts,
            None => return Err(foreign(text, path).unwrap_or(StoreError::Seal { path: path.to_owned() })),
        };
        let found = Sha256::of(body.as_bytes());
        if seal != found {
            let broken = StoreError::Checksum { path: path.to_owned(), expected: seal, found };
            return Err(foreign(body, path).unwrap_or(broken));
        }
        if let Some(error) = foreign(body, path) {
            return Err(error);
        }
        let file: MapToml = toml::from_str(body).map_err(|error| parse(error.to_string()))?;
        let MapToml { created_by, camera, policy, counts, graph, sessions, .. } = file;
        let meta = MapMeta { created_by, camera, policy, sessions };
        meta.validate(path, limits)?;
        for (what, found, limit) in [
            ("nodes", counts.nodes, limits.max_nodes),
            ("edges", counts.edges, limits.max_edges),
            ("bytes of graph", graph.bytes, limits.max_graph_bytes),
        ] {
            if found > limit {
                return Err(StoreError::TooMuch { path: path.to_owned(), what, found, limit });
            }
        }
        if !is_graph_name(&graph.file) {
            let rule = "graph.json, or graph-, 12 hexadecimal digits and .json";
            let value = graph.file.escape_debug().take(80).collect();
            return Err(StoreError::Value { path: path.to_owned(), field: "graph.file", value, rule });
        }
        Ok(Self { meta, counts, graph })
    }
}

fn unseal(text: &str) -> Option<(&str, Sha256)> {
    let (body, seal) = text.rsplit_once(SEAL)?;
    Some((body, seal.strip_suffix(SEAL_END)?.parse().ok()?))
}

/// The complaint about a file of another format, whose seal may differ as well.
fn foreign(text: &str, path: &Path) -> Option<StoreError> {
    let table: toml::Table = text.parse().ok()?;
    let found = table.get("format")?.as_integer()?;
    (found != FORMAT).then(|| StoreError::Format { path: path.to_owned(), found, supported: FORMAT })
}

/// Only these names are read or removed, so that `map.toml` cannot point elsewhere.
pub(super) fn is_graph_name(name: &str) -> bool {
    let middle = name.strip_prefix("graph").and_then(|rest| rest.strip_suffix(".json"));
    let hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    middle.is_some_and(|middle| {
        middle.is_empty() || middle.strip_prefix('-').is_some_and(|sum| sum.len() == 12 && sum.bytes().all(hex))
    })
}

#[derive(Serialize)]
struct GraphOut<'a> {
    nodes: Vec<&'a Node>,
    edges: Vec<&'a Edge>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GraphIn {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

pub(super) fn graph_to_bytes(map: &TopoMap, path: &Path) -> Result<Vec<u8>, StoreError> {
    let out = GraphOut { nodes: map.nodes().collect(), edges: map.edges().collect() };
    serde_json::to_vec(&out).map_err(|error| StoreError::Parse { path: path.to_owned(), why: error.to_string() })
}

/// The map in a graph file whose checksum fits, checked against `map.toml`.
pub(super) fn graph_from_bytes(
    bytes: &[u8],
    header: &Header,
    path: &Path,
    limits: &Limits,
) -> Result<TopoMap, StoreError> {
    let parse = |error: serde_json::Error| StoreError::Parse { path: path.to_owned(), why: error.to_string() };
    let GraphIn { nodes, edges } = serde_json::from_slice(bytes).map_err(parse)?;
    for (what, expected, found) in
        [("nodes", header.counts.nodes, nodes.len()), ("edges", header.counts.edges, edges.len())]
    {
        if expected != found as u64 {
            return Err(StoreError::Count { path: path.to_owned(), what, expected, found: found as u64 });
        }
    }
    let mut map = TopoMap::new();
    for node in nodes {
        map.add_node(node).map_err(StoreError::map(path))?;
    }
    for edge in edges {
        map.add_edge(edge).map_err(StoreError::map(path))?;
    }
    check_nodes(&map, &header.meta, path, limits)?;
    Ok(map)
}

/// What a graph must keep to beyond being a graph.
pub(super) fn check_nodes(map: &TopoMap, meta: &MapMeta, path: &Path, limits: &Limits) -> Result<(), StoreError> {
    let too_much = |what, found, limit| {
        if found > limit { Err(StoreError::TooMuch { path: path.to_owned(), what, found, limit }) } else { Ok(()) }
    };
    too_much("nodes", map.node_count() as u64, limits.max_nodes)?;
    too_much("edges", map.edge_count() as u64, limits.max_edges)?;
    let listed: BTreeSet<SessionId> = meta.sessions.iter().map(|session| session.id).collect();
    for node in map.nodes() {
        too_much("views of one node", node.views.len() as u64, limits.max_views_per_node)?;
        let mut sessions = node.views.iter().map(|view| view.session).chain([node.session]);
        if let Some(SessionId(session)) = sessions.find(|session| !listed.contains(session)) {
            let sessions = meta.sessions.len();
            return Err(StoreError::UnknownSession { path: path.to_owned(), node: node.id, session, sessions });
        }
        for file in node.views.iter().flat_map(|view| [&view.goal, &view.context]) {
            too_much("bytes of picture", file.bytes(), limits.max_picture_bytes)?;
        }
    }
    Ok(())
}
