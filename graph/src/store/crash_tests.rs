//! The power is cut before and within every step that changes the disk.

use super::fault::Fault;
use super::*;
use crate::{Edge, Evidence, NodeId, SessionId, Sha256, TopoMap};
use std::path::Path;

fn meta() -> MapMeta {
    MapMeta {
        created_by: "test".to_owned(),
        camera: CameraInfo { width: 85, height: 64 },
        policy: None,
        sessions: vec![SessionInfo { id: SessionId(0), source: "drive".to_owned(), frames: 9, hz: 4.0 }],
    }
}

fn draft() -> NodeDraft {
    NodeDraft { name: None, session: SessionId(0), stamp_ns: 1, pose_hint: None, context_frames: 6 }
}

fn build(path: &Path, nodes: u8, replace: bool, fault: Fault) -> Result<MapDir, StoreError> {
    let mut writer = MapWriter::begin(path, WriteOptions { replace, ..WriteOptions::default() }, fault)?;
    for node in 0..nodes {
        writer.add_node(draft(), "jpg", &[node; 40], &[node; 90])?;
    }
    let edge = |from: u8| Edge::new(NodeId(from.into()), NodeId(u32::from(from) + 1), 2.5, Evidence::Driven);
    writer.finish(meta(), &(1..nodes).map(|to| edge(to - 1)).collect::<Vec<_>>())
}

fn content(path: &Path) -> Option<Sha256> {
    let map = MapDir::open(path, &Limits::default()).ok()?;
    map.verify_pictures().expect("a map that opens has its pictures");
    Some(map.content_sha256())
}

/// Cuts the power at each step in turn until there is none left to cut; returns how many there were.
fn at_each_step(mut attempt: impl FnMut(u32) -> Result<(), StoreError>) -> u32 {
    let mut step = 1;
    while attempt(step).is_err() {
        step += 1;
        assert!(step < 1000, "it never succeeds");
    }
    step - 1
}

#[test]
fn a_power_cut_while_a_first_map_is_written_leaves_none_or_the_whole() {
    let home = tempfile::tempdir().unwrap();
    let whole = build(&home.path().join("model"), 3, false, Fault::default()).unwrap().content_sha256();
    let steps = at_each_step(|step| {
        let path = home.path().join(format!("map{step}"));
        let result = build(&path, 3, false, Fault::at(step));
        assert!(matches!(content(&path), None | Some(_) if content(&path).is_none_or(|found| found == whole)));
        result.map(drop)
    });
    assert!(steps > 25, "only {steps} steps were cut");
}

#[test]
fn a_power_cut_while_a_map_is_replaced_leaves_the_old_or_the_new() {
    let home = tempfile::tempdir().unwrap();
    let new = build(&home.path().join("model"), 3, false, Fault::default()).unwrap().content_sha256();
    let (mut olds, mut news) = (0, 0);
    at_each_step(|step| {
        let path = home.path().join(format!("map{step}"));
        let old = build(&path, 2, false, Fault::default()).unwrap().content_sha256();
        let result = build(&path, 3, true, Fault::at(step));
        let found = content(&path).expect("there is always a map");
        assert!(found == old || found == new, "step {step}: neither");
        olds += u32::from(found == old);
        news += u32::from(found == new);
        if found == old {
            // The robot starts again and builds once more: nothing left behind may stand in its way.
            assert_eq!(build(&path, 3, true, Fault::default()).unwrap().content_sha256(), new);
        }
        // Nothing is deleted: the old map is still somewhere.
        assert_eq!(content(&home.path().join(format!("map{step}.old-1"))), Some(old));
        result.map(drop)
    });
    assert!(olds > 25 && news > 1, "{olds} {news}");
}

#[test]
fn after_a_cut_between_the_two_renames_a_new_map_still_needs_leave_to_replace() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("map");
    build(&path, 2, false, Fault::default()).unwrap();
    std::fs::rename(&path, home.path().join("map.old-1")).unwrap();
    assert!(matches!(MapDir::open(&path, &Limits::default()), Err(StoreError::NotAMap { .. })), "moved by hand");
    std::fs::write(home.path().join(".map.replacing"), "map.old-1\n").unwrap();
    assert!(MapDir::open(&path, &Limits::default()).unwrap().path().ends_with("map.old-1"));
    assert!(matches!(build(&path, 3, false, Fault::default()), Err(StoreError::Exists { .. })));
    for elsewhere in ["../map.old-1", "map.old-", "/etc", "other.old-1", "map.old-1/../x", ""] {
        std::fs::write(home.path().join(".map.replacing"), elsewhere).unwrap();
        assert!(MapDir::open(&path, &Limits::default()).is_err(), "{elsewhere}");
    }
}

#[test]
fn a_power_cut_while_the_graph_is_saved_leaves_the_old_graph_or_the_new() {
    let home = tempfile::tempdir().unwrap();
    let changed = |map: &TopoMap| {
        let mut map = map.clone();
        map.set_name(NodeId(1), Some("dock")).unwrap();
        map
    };
    let steps = at_each_step(|step| {
        let path = home.path().join(format!("map{step}"));
        let mut dir = build(&path, 3, false, Fault::default()).unwrap();
        let (old, new) = (dir.map().clone(), changed(dir.map()));
        let result = dir.save_graph_with(&new, &mut Fault::at(step));
        let mut found = MapDir::open(&path, &Limits::default()).expect("there is always a map");
        assert!(*found.map() == old || *found.map() == new);
        assert_eq!(result.is_ok(), *dir.map() == new, "what is in memory is what was promised");
        found.save_graph(&new).expect("what a cut left behind is in nobody's way");
        assert_eq!(*MapDir::open(&path, &Limits::default()).unwrap().map(), new);
        result
    });
    assert!(steps >= 8, "only {steps} steps were cut");
}
