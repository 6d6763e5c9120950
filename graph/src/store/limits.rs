//! How much of an untrusted map may be believed before it is refused.

/// Bounds on what reading a map may cost. All are checked before anything is allocated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Most nodes; default 200 000 (140 hours of driving with a node each 2.5 s).
    pub max_nodes: u64,
    /// Most edges; default 1 000 000.
    pub max_edges: u64,
    /// Most views of one node; default 64.
    pub max_views_per_node: u64,
    /// Most sessions; default 10 000.
    pub max_sessions: u64,
    /// Longest `map.toml`; default 4 MiB.
    pub max_toml_bytes: u64,
    /// Longest graph file; default 256 MiB.
    pub max_graph_bytes: u64,
    /// Longest picture; default 16 MiB.
    pub max_picture_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_nodes: 200_000,
            max_edges: 1_000_000,
            max_views_per_node: 64,
            max_sessions: 10_000,
            max_toml_bytes: 4 << 20,
            max_graph_bytes: 256 << 20,
            max_picture_bytes: 16 << 20,
        }
    }
}
