//! From a log to a map: standstill costs nothing, numbers stay, the same log gives the same map, a kill leaves none.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use pilotage::ingest::{self, LogOptions};
use pilotage::mapping::{self, BuildOptions, BuildReport};
use pilotage_graph::{Limits, MapDir, NodeId};

use crate::support::{episode_pictures, files_in, policy, program, said, scratch, with_policy};

const HZ: f64 = 8.0;

fn build(log: &Path, hz: Option<f64>, map: &Path) -> (MapDir, BuildReport) {
    let mut log = ingest::open(log, &LogOptions { hz, range: None }).unwrap();
    let options = BuildOptions { rule: pilotage::episode::default_rule(), replace: false };
    mapping::build(log.as_mut(), policy().as_mut(), &options, map, &mut |_, _, _| {}).unwrap()
}

/// The drive's pictures with `standing` more copies of picture `at` behind it.
fn drive_with_standstill(folder: &Path, at: usize, standing: usize) -> PathBuf {
    let pictures = files_in(episode_pictures());
    let log = folder.join(format!("standing-{at}-{standing}"));
    std::fs::create_dir(&log).unwrap();
    let repeated = std::iter::repeat_n(&pictures[at], standing);
    for (index, picture) in pictures[..=at].iter().chain(repeated).chain(&pictures[at + 1..]).enumerate() {
        std::fs::copy(picture, log.join(format!("frame_{index:05}.png"))).unwrap();
    }
    log
}

#[test]
fn standing_for_three_seconds_adds_no_place_and_no_cost() {
    let folder = scratch("standstill");
    let standing = (3.0 * HZ) as usize;
    let (_, plain) = build(&drive_with_standstill(&folder, 0, 0), Some(HZ), &folder.join("plain"));
    for at in [25, 50, 75] {
        let log = drive_with_standstill(&folder, at, standing);
        let (_, stood) = build(&log, Some(HZ), &folder.join(format!("map-{at}")));
        println!(
            "stood at frame {at}: {} places ({} without), {:.2} s standing, cost {:.2} ({:.2} without)",
            stood.nodes, plain.nodes, stood.standing_s, stood.cost_steps, plain.cost_steps
        );
        assert_eq!(stood.frames, plain.frames + standing as u64);
        assert!((stood.standing_s - plain.standing_s - 3.0).abs() < 1e-6, "{stood:?}");
        assert!((stood.driven_s - plain.driven_s).abs() < 1e-6, "{stood:?}");
        // What is driven behind the last place kept, less than half a step, is in no way's cost.
        assert!((stood.cost_steps - plain.cost_steps).abs() < 0.51, "{stood:?}");
        let standing_frames = at as u64 + 1..=(at + standing) as u64;
        let kept: Vec<u64> =
            stood.node_frames.iter().copied().filter(|frame| standing_frames.contains(frame)).collect();
        assert!(kept.is_empty(), "places kept while standing: frames {kept:?}");
    }
}

#[test]
fn an_imported_folder_keeps_the_number_of_every_picture() {
    let folder = scratch("import");
    let log = folder.join("topomap");
    std::fs::create_dir(&log).unwrap();
    // More than ten, so that the order of the names as text is a wrong one; every fifth, so that some are needless.
    let pictures: Vec<PathBuf> = files_in(episode_pictures()).into_iter().step_by(5).take(14).collect();
    for (number, picture) in pictures.iter().enumerate() {
        std::fs::copy(picture, log.join(format!("{number}.png"))).unwrap();
    }
    let (map, report) = build(&log, None, &folder.join("map"));
    assert!(report.imported);
    assert_eq!((report.nodes, map.map().node_count()), (pictures.len(), pictures.len()));
    for (number, picture) in (0..).zip(&pictures) {
        assert_eq!(map.read_goal(NodeId(number)).unwrap(), std::fs::read(picture).unwrap(), "picture {number}");
    }
    println!("import: keyframing would have left out {:?}", report.would_leave_out);

    let mut command = program();
    command.args(["map", "build", "-o"]).arg(folder.join("by-program")).arg(&log);
    let said = said(with_policy(&mut command)).expect_code(0);
    assert!(said.stdout.contains("14 pictures, each the node of its number"), "{}", said.stdout);
    assert!(said.stdout.contains("keyframing would have"), "{}", said.stdout);
}

#[test]
fn the_same_log_gives_the_same_map_to_the_bit() {
    let folder = scratch("twice");
    let log = drive_with_standstill(&folder, 0, 0);
    let (first, _) = build(&log, Some(HZ), &folder.join("first"));
    let (second, _) = build(&log, Some(HZ), &folder.join("second"));
    assert_eq!(first.content_sha256(), second.content_sha256());
    // A hash that hears of nothing would be the same for every map.
    let (another, _) = build(&drive_with_standstill(&folder, 50, 24), Some(HZ), &folder.join("another"));
    assert_ne!(first.content_sha256(), another.content_sha256());
}

/// Picture files of unfinished maps beside `map`.
fn unfinished_pictures(folder: &Path) -> usize {
    let unfinished = files_in(folder).into_iter().filter(|path| path.to_string_lossy().contains(".tmp-"));
    unfinished.map(|path| std::fs::read_dir(path.join("nodes")).map_or(0, Iterator::count)).sum()
}

#[test]
fn a_build_that_is_killed_leaves_no_map_and_the_next_one_works() {
    let folder = scratch("killed");
    let log = drive_with_standstill(&folder, 0, 0);
    for (round, pictures) in [0_usize, 3, 11, 24].into_iter().enumerate() {
        let place = folder.join(format!("round-{round}"));
        std::fs::create_dir(&place).unwrap();
        let map = place.join("map");
        let build = || {
            let mut command = program();
            command.args(["map", "build", "--hz", "8", "-o"]).arg(&map).arg(&log);
            with_policy(&mut command);
            command
        };
        let mut child = build().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        while files_in(&place).is_empty() || unfinished_pictures(&place) < pictures {
            assert!(child.try_wait().unwrap().is_none(), "round {round}: the build ended before it was killed");
            assert!(Instant::now() < end, "round {round}: the build did not get going");
            std::thread::sleep(Duration::from_millis(2));
        }
        // SIGKILL: nothing of the program runs any more.
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().code(), None, "round {round}: it ended by itself");
        assert!(!map.exists(), "round {round}: half a map lies at its place");
        said(program().args(["map", "info"]).arg(&map)).expect_code(1);

        said(&mut build()).expect_code(0);
        let map = MapDir::open(&map, &Limits::default()).unwrap();
        for node in map.map().node_ids() {
            map.read_goal(node).unwrap();
        }
    }
}
