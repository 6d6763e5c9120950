//! The robot finds its way in worlds that training never saw, where driving blindly does not.

use std::path::Path;

use pilotage::baseline;
use pilotage::episode::{Cause, Effects, Episode, EpisodeSpec};
use pilotage::frame::Monotonic;
use pilotage::ingest::LogReader;
use pilotage::navigator::{NavigatorConfig, Phase};
use pilotage::pilot::{Pilot, TickInput};
use pilotage::record::run::TickRecord;
use pilotage::runtime::{Intake, Intaken, TickLoop};
use pilotage_graph::{Motion, NodeId, Start};
use pilotage_sim::{RobotKind, Split, WorldId};

use crate::support::{episode, episode_map, policy, said, scratch, with_policy};

const WORLDS: u64 = 6;
/// The figure itself is measured by `pilotage eval` over a hundred worlds; this notices when it breaks.
const ARRIVALS_WANTED: usize = 4;

#[test]
fn the_robot_arrives_untouched_in_unseen_worlds_where_blind_replay_does_not() {
    let folder = scratch("closed-loop");
    let (mut arrived, mut blind) = (0, 0);
    for index in 0..WORLDS {
        let episode = Episode::of(WorldId { split: Split::Validation, index }).unwrap();
        let mut policy = policy();
        let (map, _) = episode.build_map(policy.as_mut(), &folder.join(index.to_string())).unwrap();
        let ours = episode.drive(policy, map, None, &mut |_| {}).unwrap().outcome;
        let blindly = baseline::replay(&episode).outcome;
        println!(
            "validation:{index}: {} {:.2} m off, {} touches; blind {:.2} m off, {} touches",
            if ours.success { "arrived" } else { "failed" },
            ours.error_m,
            ours.touches,
            blindly.error_m,
            blindly.touches
        );
        arrived += usize::from(ours.success);
        blind += usize::from(blindly.success);
    }
    println!("closed loop: {arrived} of {WORLDS} arrived, blind replay {blind}");
    assert!(arrived >= ARRIVALS_WANTED, "{arrived} of {WORLDS}");
    assert!(blind < WORLDS as usize, "worlds in which nobody has to look test nothing");
}

/// `pilotage eval` of a few validation worlds; the table of its episodes.
fn eval(folder: &Path, name: &str, options: &[&str]) -> String {
    let csv = folder.join(format!("{name}.csv"));
    let mut command = crate::support::program();
    command.args(["eval", "--split", "validation", "--episodes", "4", "--csv"]).arg(&csv).args(options);
    said(with_policy(&mut command)).expect_code(0);
    std::fs::read_to_string(csv).unwrap()
}

#[test]
fn the_same_evaluation_gives_the_same_figures_whatever_the_threads_and_after_a_kill() {
    let folder = scratch("eval");
    let journal = folder.join("finished.jsonl");
    let journal = journal.to_str().unwrap();
    let one = eval(&folder, "one", &["--threads", "1", "--resume", journal]);
    let three = eval(&folder, "three", &["--threads", "3"]);
    assert_eq!(one, three);
    assert_eq!(one.lines().count(), 1 + 4 * 5, "{one}");
    // Killed in the middle of its third line.
    let whole = std::fs::read_to_string(journal).unwrap();
    let cut: usize = whole.split_inclusive('\n').take(2).map(str::len).sum::<usize>() + 40;
    std::fs::write(journal, &whole[..cut]).unwrap();
    assert_eq!(eval(&folder, "resumed", &["--threads", "2", "--resume", journal]), one);
    // Each method ends sanely: the oracle arrives, all numbers are numbers, nobody is nowhere.
    for line in one.lines().skip(1) {
        assert!(!line.contains("NaN") && !line.contains("inf"), "{line}");
    }
    let successes = |method: &str| one.lines().filter(|line| line.contains(&format!(",{method},1,"))).count();
    println!("of 4: ours {}, reference {}, visual {}", successes("ours"), successes("reference"), successes("visual"));
    assert!(successes("oracle") >= 3, "{one}");
    assert!(successes("ours") >= 2, "{one}");
    assert!(successes("replay") <= 2, "worlds in which nobody has to look test nothing: {one}");
}

#[test]
fn all_methods_begin_with_the_same_bits_and_the_two_drives_do_not_look_alike() {
    let world = WorldId { split: Split::Validation, index: 7 };
    let spec = EpisodeSpec { world, kind: Some(RobotKind::Legged), effects: Effects::Mild, movers: true };
    let (one, two) = (Episode::new(spec).unwrap(), Episode::new(spec).unwrap());
    assert_eq!(one.start, two.start);
    let (mut a, mut b) = (one.set_down(4.0), two.set_down(4.0));
    for tick in 0..20 {
        let (first, second) = (a.take_picture().unwrap(), b.take_picture().unwrap());
        assert_eq!(first.picture, second.picture, "picture {tick}");
        a.step(0.3, 0.1, 0.25);
        b.step(0.3, 0.1, 0.25);
        assert_eq!(a.pose(), b.pose(), "slip and gait follow from the seed");
    }
    assert_ne!(one.taught.light, one.own.light, "each drive has its own hour");
    assert!(one.taught.crowd.is_empty() && !one.own.crowd.is_empty(), "the map knows nobody");
    let quiet = Episode::new(EpisodeSpec { movers: false, ..spec }).unwrap();
    assert_eq!((quiet.start, quiet.own.light), (one.start, one.own.light), "people change nothing but themselves");
}

#[test]
fn blind_replay_and_the_oracle_end_as_they_must() {
    let episode = Episode::of(WorldId { split: Split::Validation, index: 3 }).unwrap();
    let oracle = baseline::oracle(&episode).outcome;
    assert!(oracle.success && oracle.cause == Cause::None, "{oracle:?}");
    assert!(oracle.spl > 0.8 && oracle.progress > 0.9 && oracle.stops == 0, "{oracle:?}");
    let replay = baseline::replay(&episode);
    assert!(replay.outcome.declared && replay.outcome.end_phase.is_none());
    assert!((replay.outcome.time_ratio - 1.0).abs() < 0.1, "{:?}", replay.outcome);
    assert_eq!(replay.outcome.success, replay.outcome.cause == Cause::None);
}

fn tick_loop() -> TickLoop {
    let map = episode_map();
    let goal = map.map().goal_spec("LAST").unwrap();
    let pilot = Pilot::new(policy(), map, NavigatorConfig::default(), goal, Start::At(NodeId(0))).unwrap();
    TickLoop::new(pilot, &episode().profile, None)
}

#[test]
fn caches_cleared_in_the_middle_of_a_drive_change_no_bit() {
    let (mut kept, mut cleared) = (tick_loop(), tick_loop());
    let spec = kept.pilot().policy().spec().clone();
    let mut intake = Intake::new(&spec, &episode().profile, None);
    let mut log = episode().log();
    let motion = Motion { advance_steps: 1.0, moving: true };
    let (mut ticks, mut driving) = (0_u64, 0);
    while let Some(raw) = log.next().unwrap() {
        let now = Monotonic(10_000_000_000 + u64::try_from(raw.captured.0).unwrap());
        let Intaken::Full(snapshot) = intake.accept(&raw, now).unwrap() else { continue };
        ticks += 1;
        if ticks.is_multiple_of(7) {
            cleared.pilot().clear_caches();
        }
        let input = TickInput { now, context: &snapshot.frames, motion };
        let (a, plan_a) = kept.tick(now, &snapshot, motion).unwrap();
        let (b, plan_b) = cleared.tick(now, &snapshot, motion).unwrap();
        assert_eq!(TickRecord::new(ticks, &input, &a), TickRecord::new(ticks, &input, &b), "tick {ticks}");
        assert_eq!(plan_a, plan_b, "plan of tick {ticks}");
        driving += usize::from(a.decision.phase == Phase::Driving);
    }
    assert!(ticks >= 30 && driving >= 20, "{driving} of {ticks} ticks drove: too few to compare anything");
}
