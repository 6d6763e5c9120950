//! The robot finds its way in worlds that training never saw, where driving blindly does not.

use pilotage::baseline;
use pilotage::episode::Episode;
use pilotage::frame::Monotonic;
use pilotage::ingest::LogReader;
use pilotage::navigator::{NavigatorConfig, Phase};
use pilotage::pilot::{Pilot, TickInput};
use pilotage::record::run::TickRecord;
use pilotage::runtime::{Intake, Intaken, TickLoop};
use pilotage_graph::{Motion, NodeId, Start};
use pilotage_sim::{Split, WorldId};

use crate::support::{episode, episode_map, policy, scratch};

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
