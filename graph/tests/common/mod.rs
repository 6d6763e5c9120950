//! A robot on a map, and a policy that sees distances through noise.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use pilotage_graph::{Edge, Evidence, Localizer, Motion, Node, NodeId, SessionId, TopoMap};

/// SplitMix64: small, seeded, good enough for noise.
pub struct Rng(pub u64);

impl Rng {
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0..1
    pub fn unit(&mut self) -> f32 {
        (self.next_u64() >> 40) as f32 / (1_u64 << 24) as f32
    }

    pub fn laplace(&mut self, scale: f32) -> f32 {
        let u = self.unit() - 0.5;
        -scale * u.signum() * (1.0 - 2.0 * u.abs()).max(1e-6).ln()
    }
}

pub fn map(nodes: u32, edges: &[(u32, u32, f32)]) -> TopoMap {
    let mut map = TopoMap::new();
    for id in 0..nodes {
        map.add_node(Node::bare(NodeId(id), SessionId(0))).unwrap();
    }
    for &(from, to, cost) in edges {
        map.add_edge(Edge::new(NodeId(from), NodeId(to), cost, Evidence::Driven)).unwrap();
    }
    map
}

/// Nodes 0..n with `spacing` steps between, as drives make them: not quite even.
pub fn chain(nodes: u32, spacing: f32) -> TopoMap {
    let edges: Vec<_> = (1..nodes).map(|id| (id - 1, id, spacing + 0.3 * ((id % 3) as f32 - 1.0))).collect();
    map(nodes, &edges)
}

pub fn ring(nodes: u32, spacing: f32) -> TopoMap {
    let mut map = chain(nodes, spacing);
    map.add_edge(Edge::new(NodeId(nodes - 1), NodeId(0), spacing, Evidence::Closed)).unwrap();
    map
}

/// Where a simulated robot truly is: `offset_steps` along the way from the first node of `path`, which goes on for ever
/// only as far as the path does.
#[derive(Clone)]
pub struct Truth {
    pub path: Vec<NodeId>,
    pub at: usize,
    pub offset_steps: f32,
}

impl Truth {
    pub fn on(path: impl IntoIterator<Item = u32>) -> Self {
        Self { path: path.into_iter().map(NodeId).collect(), at: 0, offset_steps: 0.0 }
    }

    /// The same, begun at a later position of the path.
    pub fn from(path: impl IntoIterator<Item = u32>, at: usize) -> Self {
        Self { at, ..Self::on(path) }
    }

    fn leg(&self, map: &TopoMap) -> Option<f32> {
        Some(map.edge(self.path[self.at], *self.path.get(self.at + 1)?).unwrap().cost_steps)
    }

    pub fn advance(&mut self, map: &TopoMap, steps: f32) {
        self.offset_steps += steps;
        while let Some(leg) = self.leg(map).filter(|&leg| self.offset_steps >= leg) {
            self.offset_steps -= leg;
            self.at += 1;
        }
    }

    pub fn node(&self) -> NodeId {
        self.path[self.at]
    }

    pub fn done(&self) -> bool {
        self.at + 1 == self.path.len()
    }

    /// Steps on to a node along the map; `None` beyond 20 or behind.
    pub fn ahead(&self, map: &TopoMap, node: NodeId) -> Option<f32> {
        if node == self.node() && self.offset_steps <= 0.5 {
            return Some(0.0);
        }
        let next = *self.path.get(self.at + 1)?;
        let steps = self.leg(map)? - self.offset_steps + map.route(next, node).ok()?.cost_steps();
        (steps < 20.0).then_some(steps)
    }

    /// How far an estimate is off, in steps, the shorter way along the path; large when it is elsewhere.
    pub fn error(&self, map: &TopoMap, filter: &Localizer) -> f32 {
        let estimate = filter.estimate();
        let reach = |position: usize| {
            self.path[..=position].windows(2).map(|w| map.edge(w[0], w[1]).unwrap().cost_steps).sum::<f32>()
        };
        let truth = reach(self.at) + self.offset_steps;
        let spots = (0..self.path.len()).filter(|&i| self.path[i] == estimate.node);
        let on_path = spots
            .filter(|&i| estimate.next.is_none() || self.path.get(i + 1).is_none_or(|&n| Some(n) == estimate.next));
        on_path.map(|i| (reach(i) + estimate.offset_steps - truth).abs()).fold(99.0, f32::min)
    }
}

/// A policy with Laplace noise and wild answers; 20 where a node is not ahead.
pub struct Eyes {
    pub rng: Rng,
    pub noise: f32,
    pub wild_share: f32,
}

impl Eyes {
    pub fn new(seed: u64) -> Self {
        Self { rng: Rng(seed), noise: 1.0, wild_share: 0.1 }
    }

    pub fn look(&mut self, map: &TopoMap, truth: Option<&Truth>, asked: &[NodeId]) -> Vec<(NodeId, f32)> {
        asked
            .iter()
            .map(|&node| {
                let wild = self.rng.unit() < self.wild_share;
                let guess = 20.0 * self.rng.unit();
                let steps = match truth.and_then(|truth| truth.ahead(map, node)) {
                    // Off the map a policy is sure of nothing and says far; wild answers would be near by chance.
                    None if truth.is_none() => 20.0 - self.rng.laplace(1.0).abs(),
                    _ if wild => guess,
                    Some(steps) => steps + self.rng.laplace(self.noise * (1.0 + 0.1 * steps)),
                    None => 20.0 - self.rng.laplace(1.5).abs(),
                };
                (node, steps.clamp(0.0, 20.0))
            })
            .collect()
    }
}

/// One tick of a robot that drives `steps` and looks.
pub fn tick(map: &TopoMap, filter: &mut Localizer, truth: &mut Truth, eyes: &mut Eyes, steps: f32, limit: usize) {
    truth.advance(map, steps);
    let asked = filter.ask(limit);
    let answers = eyes.look(map, Some(truth), &asked);
    filter.update(Motion { advance_steps: steps, moving: steps > 0.0 }, &answers);
}
