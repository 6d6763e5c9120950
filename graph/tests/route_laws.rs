//! Routes against brute force on small graphs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp, reason = "tests")]

mod common;

use pilotage_graph::{Edge, Evidence, Node, NodeId, SessionId, TopoMap};
use proptest::prelude::*;

/// The cheapest simple way by trying all.
fn brute(map: &TopoMap, at: NodeId, goal: NodeId, seen: &mut Vec<NodeId>) -> Option<f64> {
    if at == goal {
        return Some(0.0);
    }
    seen.push(at);
    let mut best: Option<f64> = None;
    for edge in map.successors(at) {
        let open = edge.evidence.usable() && !seen.contains(&edge.to);
        if let Some(rest) = open.then(|| brute(map, edge.to, goal, seen)).flatten() {
            let cost = rest + f64::from(edge.cost_steps);
            best = Some(best.map_or(cost, |least| least.min(cost)));
        }
    }
    seen.pop();
    best
}

fn evidence() -> impl Strategy<Value = Evidence> {
    prop_oneof![4 => Just(Evidence::Driven), 2 => Just(Evidence::Closed), 1 => Just(Evidence::Failed), 1 => Just(Evidence::Forbidden)]
}

fn edge_list() -> impl Strategy<Value = Vec<(u32, u32, f32, Evidence)>> {
    // Few different costs, so that ties happen.
    let cost = prop_oneof![Just(1.0_f32), Just(2.0), Just(3.5), 0.01..9.0_f32];
    proptest::collection::vec((0..7_u32, 0..7_u32, cost, evidence()), 0..20)
}

fn build(edges: &[(u32, u32, f32, Evidence)]) -> TopoMap {
    let mut map = TopoMap::new();
    for id in 0..7 {
        map.add_node(Node::bare(NodeId(id), SessionId(0))).unwrap();
    }
    for &(from, to, cost, evidence) in edges {
        // Doubles and self-edges are refused; the rest of the list is a graph all the same.
        let _ = map.add_edge(Edge::new(NodeId(from), NodeId(to), cost, evidence));
    }
    map
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_route_is_as_short_as_the_best_of_all_ways(edges in edge_list()) {
        let map = build(&edges);
        for from in map.node_ids() {
            for to in map.node_ids() {
                let best = brute(&map, from, to, &mut Vec::new());
                let route = map.route(from, to);
                prop_assert_eq!(best.is_some(), route.is_ok());
                let (Some(best), Ok(route)) = (best, route) else { continue };
                prop_assert!((f64::from(route.cost_steps()) - best).abs() < 1e-4);
                prop_assert_eq!((route.start(), route.goal()), (from, to));
                let mut sum = 0.0;
                for pair in route.nodes().windows(2) {
                    let edge = map.edge(pair[0], pair[1]).expect("a route follows edges");
                    prop_assert!(edge.evidence.usable());
                    sum += edge.cost_steps;
                    prop_assert!((route.remaining_from(pair[1], 0.0).unwrap() - (route.cost_steps() - sum)).abs() < 1e-3);
                }
            }
        }
    }

    #[test]
    fn the_order_of_building_does_not_change_a_route(edges in edge_list()) {
        let mut unique = edges;
        unique.sort_by_key(|edge| (edge.0, edge.1));
        unique.dedup_by_key(|edge| (edge.0, edge.1));
        let forward = build(&unique);
        unique.reverse();
        let backward = build(&unique);
        for from in forward.node_ids() {
            for to in forward.node_ids() {
                prop_assert_eq!(forward.route(from, to), backward.route(from, to));
            }
        }
    }
}
