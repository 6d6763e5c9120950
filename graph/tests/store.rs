//! Laws of maps on disk: what is written is read back, and nothing else is believed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp, reason = "tests")]

use pilotage_graph::store::{CameraInfo, NodeDraft, PolicyInfo, SessionInfo, WriteOptions};
use pilotage_graph::{
    Edge, Evidence, Limits, MapDir, MapMeta, MapWriter, NodeId, PoseHint, SessionId, Sha256, StoreError,
};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn meta() -> MapMeta {
    MapMeta {
        created_by: "pilotage 0.1.0 \"test\"\n[seal]\nsha256 = \"\"".to_owned(),
        camera: CameraInfo { width: 640, height: 480 },
        policy: Some(PolicyInfo { name: "corr".to_owned(), manifest_sha256: Sha256::of(b"m"), rate_hz: 4.1 }),
        sessions: vec![SessionInfo { id: SessionId(7), source: "Küche".to_owned(), frames: 99, hz: 0.1 }],
    }
}

fn draft(name: Option<&str>) -> NodeDraft {
    NodeDraft {
        name: name.map(str::to_owned),
        session: SessionId(7),
        stamp_ns: u64::MAX,
        pose_hint: Some(PoseHint { x_m: 0.1, y_m: -1e-300, yaw_rad: 3.0 }),
        context_frames: 6,
    }
}

fn edges(nodes: u32) -> Vec<Edge> {
    (1..nodes).map(|to| Edge::new(NodeId(to - 1), NodeId(to), 2.5 + 0.1 * to as f32, Evidence::Driven)).collect()
}

fn write(path: &Path, nodes: u32, options: WriteOptions) -> Result<MapDir, StoreError> {
    let mut writer = MapWriter::create_with(path, options)?;
    for node in 0..nodes {
        let name = (node == 1).then_some("dock");
        writer.add_node(draft(name), "jpg", format!("goal {node}").as_bytes(), format!("context {node}").as_bytes())?;
    }
    writer.finish(meta(), &edges(nodes))
}

fn small() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("office");
    write(&path, 3, WriteOptions::default()).unwrap();
    (home, path)
}

fn open(path: &Path) -> Result<MapDir, StoreError> {
    MapDir::open(path, &Limits::default())
}

#[test]
fn what_was_written_is_read_back() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("office");
    let written = write(&path, 5, WriteOptions::default()).unwrap();
    let read = open(&path).unwrap();
    assert_eq!(read.map(), written.map());
    assert_eq!(*read.meta(), meta());
    assert_eq!(read.content_sha256(), written.content_sha256());
    assert_eq!(read.map().edges().copied().collect::<Vec<_>>(), edges(5));
    assert_eq!(read.read_goal(NodeId(4)).unwrap(), b"goal 4");
    assert_eq!(read.read_context(NodeId(0)).unwrap(), b"context 0");
    assert!(matches!(read.read_goal(NodeId(5)), Err(StoreError::NoPicture { .. })));
    assert!(path.join("nodes/000004.context.jpg").is_file());
    read.verify_pictures().unwrap();
}

#[test]
fn the_same_drive_written_twice_is_the_same_map_and_another_picture_is_not() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| write(&home.path().join(name), 3, WriteOptions::default()).unwrap().content_sha256();
    assert_eq!(at("a"), at("b"));
    let mut writer = MapWriter::create(home.path().join("c")).unwrap();
    for node in 0..3 {
        let name = (node == 1).then_some("dock");
        writer.add_node(draft(name), "jpg", b"other", format!("context {node}").as_bytes()).unwrap();
    }
    assert_ne!(writer.finish(meta(), &edges(3)).unwrap().content_sha256(), at("d"));
}

#[test]
fn an_existing_path_is_refused_or_kept_aside_and_never_deleted() {
    let (home, path) = small();
    let said = MapWriter::create(&path).unwrap_err();
    assert!(matches!(said, StoreError::Exists { .. }) && said.to_string().contains("office"), "{said}");
    for number in 1..=3 {
        write(&path, 3 + number, WriteOptions { replace: true, ..WriteOptions::default() }).unwrap();
        let aside = home.path().join(format!("office.old-{number}"));
        assert_eq!(open(&aside).unwrap().map().node_count(), 2 + number as usize);
    }
    assert_eq!(open(&path).unwrap().map().node_count(), 6);
    let left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "{left:?}");
}

#[test]
fn an_unfinished_or_refused_map_leaves_nothing_behind() {
    let (home, path) = small();
    let before = open(&path).unwrap().content_sha256();
    {
        let mut writer =
            MapWriter::create_with(&path, WriteOptions { replace: true, ..WriteOptions::default() }).unwrap();
        writer.add_node(draft(None), "jpg", b"x", b"y").unwrap();
        assert!(matches!(writer.add_node(draft(None), "exe", b"x", b"y"), Err(StoreError::Value { .. })));
    }
    let mut writer = MapWriter::create_with(&path, WriteOptions { replace: true, ..WriteOptions::default() }).unwrap();
    writer.add_node(draft(None), "jpg", b"x", b"y").unwrap();
    assert!(matches!(writer.finish(meta(), &edges(2)), Err(StoreError::Map { .. })));
    let mut writer = MapWriter::create(home.path().join("other")).unwrap();
    writer.add_node(NodeDraft { session: SessionId(8), ..draft(None) }, "png", b"x", b"y").unwrap();
    assert!(matches!(writer.finish(meta(), &[]), Err(StoreError::UnknownSession { session: 8, .. })));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    assert_eq!(open(&path).unwrap().content_sha256(), before);
}

#[test]
fn every_flipped_byte_and_every_cut_of_both_files_is_found() {
    let (_home, path) = small();
    let whole = open(&path).unwrap();
    for file in ["map.toml", "graph.json"] {
        let file = path.join(file);
        let good = fs::read(&file).unwrap();
        let mut tries = 0;
        let mut refused = |bytes: &[u8]| {
            fs::write(&file, bytes).unwrap();
            tries += 1;
            match open(&path) {
                Err(_) => {}
                Ok(map) => panic!("{} bytes passed; same map: {}", bytes.len(), map.map() == whole.map()),
            }
        };
        for at in 0..good.len() {
            // Another bit or all of them from byte to byte: each try is a real file that is opened anew.
            let flips = [0x01, 0x20, 0x80, 0xff];
            let mut bad = good.clone();
            bad[at] ^= flips[at % flips.len()];
            refused(&bad);
            refused(&good[..at]);
        }
        refused(&[good.as_slice(), b"\n"].concat());
        assert!(tries > 2 * 600);
        fs::write(&file, &good).unwrap();
        assert_eq!(open(&path).unwrap().content_sha256(), whole.content_sha256());
    }
}

#[test]
fn a_changed_picture_is_found_when_read_and_a_cut_one_when_opened() {
    let (_home, path) = small();
    let picture = path.join("nodes/000002.jpg");
    fs::write(&picture, b"goal X").unwrap();
    let map = open(&path).unwrap();
    assert!(matches!(map.read_goal(NodeId(2)), Err(StoreError::Checksum { .. })));
    assert!(map.verify_pictures().is_err());
    assert!(map.read_goal(NodeId(1)).is_ok());
    fs::write(&picture, b"goal").unwrap();
    assert!(matches!(map.read_goal(NodeId(2)), Err(StoreError::Length { expected: 6, found: 4, .. })));
    assert!(matches!(open(&path), Err(StoreError::Length { .. })));
    fs::remove_file(&picture).unwrap();
    assert!(matches!(open(&path), Err(StoreError::Io { .. })));
}

#[cfg(unix)]
#[test]
fn links_inside_a_map_are_refused() {
    use std::os::unix::fs::symlink;
    for inside in ["map.toml", "graph.json", "nodes/000001.jpg", "nodes"] {
        let (home, path) = small();
        let (file, moved) = (path.join(inside), home.path().join("moved"));
        fs::rename(&file, &moved).unwrap();
        symlink(&moved, &file).unwrap();
        assert!(matches!(open(&path), Err(StoreError::WrongKind { .. })), "{inside}");
    }
    let (home, path) = small();
    symlink(&path, home.path().join("link")).unwrap();
    assert!(open(&home.path().join("link")).is_ok(), "a link to a whole map is the owner's choice");
}

/// Puts a hostile header or graph in place with all its checksums right: an attacker can reckon those too.
fn forge(path: &Path, header: impl Fn(&str) -> String, graph: impl Fn(&str) -> String) -> StoreError {
    let json = graph(&fs::read_to_string(path.join("graph.json")).unwrap());
    fs::write(path.join("graph.json"), &json).unwrap();
    let toml = fs::read_to_string(path.join("map.toml")).unwrap();
    let (body, _) = toml.rsplit_once("\n[seal]\n").unwrap();
    let mut lines = Vec::new();
    let mut section = "";
    for line in body.lines() {
        section = if line.starts_with('[') { line } else { section };
        lines.push(match (section, line.split(' ').next()) {
            ("[graph]", Some("bytes")) => format!("bytes = {}", json.len()),
            ("[graph]", Some("sha256")) => format!("sha256 = \"{}\"", Sha256::of(json.as_bytes())),
            _ => line.to_owned(),
        });
    }
    let body = header(&(lines.join("\n") + "\n"));
    let seal = Sha256::of(body.as_bytes());
    fs::write(path.join("map.toml"), format!("{body}\n[seal]\nsha256 = \"{seal}\"\n")).unwrap();
    open(path).unwrap_err()
}

#[test]
fn a_forged_map_with_right_checksums_is_still_refused_by_its_numbers() {
    let same = str::to_owned;
    let swap = |from: &'static str, to: &'static str| {
        move |text: &str| {
            assert!(text.contains(from), "no {from} in {text}");
            text.replacen(from, to, 1)
        }
    };
    let header = |from, to| forge(&small().1, swap(from, to), same);
    let graph = |from, to| forge(&small().1, same, swap(from, to));
    let cases = [
        (header("format = 1", "format = 2"), "format 2"),
        (header("nodes = 3", "nodes = 9223372036854775807"), "9223372036854775807 nodes, at most 200000"),
        (header("edges = 2", "edges = 1000001"), "at most 1000000"),
        (header("nodes = 3", "nodes = 4"), "3 nodes in the graph, map.toml says 4"),
        (header("width = 640", "width = 0"), "0 x 480"),
        (header("hz = 0.1", "hz = nan"), "NaN"),
        (header("file = \"graph.json\"", "file = \"../../etc/passwd\""), "passwd"),
        (header("id = 7", "id = 8"), "session 7"),
        (header("format = 1", "format = 1\nextra = 1"), "extra"),
        (graph("\"from\":1,\"to\":2", "\"from\":1,\"to\":9"), "dangles: node 9"),
        (graph("\"from\":1,\"to\":2", "\"from\":0,\"to\":1"), "twice"),
        (graph("\"from\":1,\"to\":2", "\"from\":1,\"to\":1"), "itself"),
        (graph("\"id\":2", "\"id\":1"), "node 1 is there twice"),
        (graph("\"cost_steps\":2.6", "\"cost_steps\":-2.6"), "-2.6 steps"),
        (graph("\"cost_steps\":2.6", "\"cost_steps\":1e39"), "out of range"),
        (graph("\"cost_steps\":2.6", "\"cost_steps\":null"), "cannot understand"),
        (graph("\"cost_steps\":2.6", "\"cost_steps\":NaN"), "cannot understand"),
        (graph("nodes/000002.jpg", "../../../x.jpg"), "file name"),
        (graph("nodes/000002.jpg", "/etc/passwd"), "absolute"),
        (graph("\"bytes\":6", "\"bytes\":16777217"), "at most 16777216"),
        (graph("\"bytes\":6", "\"bytes\":18446744073709551615"), "at most 16777216"),
        (graph("\"name\":\"dock\"", "\"name\":\"LAST\""), "LAST"),
        (graph("\"x_m\":0.1", "\"x_m\":1e999"), "cannot understand"),
    ];
    for (error, wanted) in cases {
        let said = error.to_string();
        assert!(said.contains(wanted), "wanted {wanted}: {said}");
        assert!(said.contains("office"), "no path: {said}");
    }
}

#[test]
fn sizes_are_refused_before_anything_is_read() {
    let (_home, path) = small();
    let tight = |limits| MapDir::open(&path, &limits).unwrap_err().to_string();
    let limits = Limits::default();
    assert!(tight(Limits { max_toml_bytes: 10, ..limits.clone() }).contains("at most 10"));
    assert!(tight(Limits { max_graph_bytes: 10, ..limits.clone() }).contains("at most 10"));
    assert!(tight(Limits { max_nodes: 2, ..limits.clone() }).contains("3 nodes, at most 2"));
    assert!(tight(Limits { max_views_per_node: 0, ..limits.clone() }).contains("at most 0"));
    assert!(tight(Limits { max_picture_bytes: 5, ..limits.clone() }).contains("at most 5"));
    // A sparse file of 1 TiB in place of the header must cost nothing.
    fs::File::options().write(true).open(path.join("map.toml")).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(open(&path), Err(StoreError::TooMuch { .. })));
}

#[test]
fn what_is_no_map_is_told_apart() {
    let (home, path) = small();
    for (wrong, wanted) in [
        (home.path().join("nowhere"), "nothing is there"),
        (home.path().to_owned(), "no folder with a map.toml"),
        (path.join("map.toml"), "no folder with a map.toml"),
    ] {
        let said = open(&wrong).unwrap_err().to_string();
        assert!(said.contains(wanted), "{said}");
    }
    assert!(MapWriter::create(home.path().join("no/such/parent")).is_err());
    assert!(matches!(MapWriter::create("/"), Err(StoreError::BadPath { .. })));
}

#[test]
fn names_and_evidence_are_saved_in_place_and_old_graphs_do_not_pile_up() {
    let (_home, path) = small();
    let mut dir = open(&path).unwrap();
    let before = dir.content_sha256();
    for name in ["hall", "kitchen", "lab"] {
        let mut map = dir.map().clone();
        map.set_name(NodeId(0), Some(name)).unwrap();
        map.set_evidence(NodeId(0), NodeId(1), Evidence::Forbidden).unwrap();
        dir.save_graph(&map).unwrap();
        assert_eq!(open(&path).unwrap().map(), &map);
    }
    assert_ne!(dir.content_sha256(), before);
    assert_eq!(open(&path).unwrap().content_sha256(), dir.content_sha256());
    assert_eq!(fs::read_dir(&path).unwrap().count(), 3, "map.toml, one graph, nodes/");
    assert_eq!(dir.read_goal(NodeId(2)).unwrap(), b"goal 2");
}
