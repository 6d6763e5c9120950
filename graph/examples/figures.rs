//! The figures of this crate on the machine at hand: `cargo run --release -p pilotage-graph --example figures`.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "timing and printing are its purpose")]

use pilotage_graph::store::{CameraInfo, NodeDraft, SessionInfo};
use pilotage_graph::{
    Edge, Evidence, Limits, Localizer, LocalizerConfig, MapDir, MapMeta, MapWriter, Motion, Node, NodeId, SessionId,
    Start, TopoMap,
};
use std::error::Error;
use std::time::Instant;

fn chain(nodes: u32) -> Result<TopoMap, Box<dyn Error>> {
    let mut map = TopoMap::new();
    for id in 0..nodes {
        map.add_node(Node::bare(NodeId(id), SessionId(0)))?;
    }
    edges(nodes).try_for_each(|edge| map.add_edge(edge))?;
    Ok(map)
}

/// A chain with a closure every 100 nodes.
fn edges(nodes: u32) -> impl Iterator<Item = Edge> {
    let driven = (1..nodes).map(|to| Edge::new(NodeId(to - 1), NodeId(to), 2.5, Evidence::Driven));
    let closed = (0..nodes.saturating_sub(90)).step_by(100);
    driven.chain(closed.map(|from| Edge::new(NodeId(from + 90), NodeId(from), 3.0, Evidence::Closed)))
}

/// Median milliseconds of `times` runs.
fn median_ms(times: usize, mut run: impl FnMut()) -> f64 {
    let mut taken: Vec<f64> = (0..times)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    taken.sort_by(f64::total_cmp);
    taken.get(times / 2).copied().unwrap_or(f64::NAN)
}

fn main() -> Result<(), Box<dyn Error>> {
    for nodes in [1_000, 10_000, 1_000_000] {
        let map = chain(nodes)?;
        let route = median_ms(9, || drop(map.route(NodeId(0), NodeId(nodes - 1))));
        let mut filter = Localizer::new(&map, LocalizerConfig::default(), Start::At(NodeId(nodes / 2)))?;
        let motion = Motion { advance_steps: 0.0, moving: true };
        let answers = |asked: Vec<NodeId>| -> Vec<(NodeId, f32)> {
            let steps = |id: NodeId| id.0.checked_sub(nodes / 2).map_or(20.0, |ahead| (2.5 * ahead as f32).min(20.0));
            asked.into_iter().map(|id| (id, steps(id))).collect()
        };
        let sharp = median_ms(101, || {
            let heard = answers(filter.ask(10));
            filter.update(motion, &heard);
        });
        println!("{nodes} nodes: route from end to end {route:.3} ms, sharp tick {sharp:.4} ms");
        if nodes <= 10_000 {
            let mut lost = Localizer::new(&map, LocalizerConfig::default(), Start::Unknown)?;
            let heard = answers(lost.ask(nodes as usize));
            let first = median_ms(1, || {
                lost.update(motion, &heard);
            });
            let later = median_ms(5, || {
                lost.clone().update(motion, &heard);
            });
            println!(
                "{nodes} nodes: tick over all of them {first:.2} ms the first time, {later:.2} ms (copy included) later"
            );
            store(nodes)?;
        }
    }
    Ok(())
}

fn store(nodes: u32) -> Result<(), Box<dyn Error>> {
    let path = std::env::temp_dir().join(format!("pilotage-figures-{}-{nodes}", std::process::id()));
    let start = Instant::now();
    let mut writer = MapWriter::create(&path)?;
    for _ in 0..nodes {
        let draft = NodeDraft { name: None, session: SessionId(0), stamp_ns: 0, pose_hint: None, context_frames: 6 };
        writer.add_node(draft, "jpg", &[7; 4_000], &[9; 16_000])?;
    }
    let meta = MapMeta {
        created_by: "figures".to_owned(),
        camera: CameraInfo { width: 85, height: 64 },
        policy: None,
        sessions: vec![SessionInfo { id: SessionId(0), source: "none".to_owned(), frames: 0, hz: 4.0 }],
    };
    let edges: Vec<Edge> = edges(nodes).collect();
    writer.finish(meta, &edges)?;
    let written = start.elapsed().as_secs_f64();
    let load = median_ms(3, || drop(MapDir::open(&path, &Limits::default())));
    println!("{nodes} nodes: written in {written:.2} s, opened in {load:.1} ms");
    std::fs::remove_dir_all(&path)?;
    Ok(())
}
