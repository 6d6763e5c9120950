//! Laws of the localiser, held on simulated drives with noisy distances.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp, reason = "tests")]

mod common;

use common::{Eyes, Truth, chain, map, ring, tick};
use pilotage_graph::{Estimate, Localizer, LocalizerConfig, LostReason, Motion, NodeId, Start, TopoMap, Tracking};

fn filter(map: &TopoMap, start: Start) -> Localizer {
    Localizer::new(map, LocalizerConfig::default(), start).unwrap()
}

/// Drives along `truth` until its end and says: (share of ticks within 2 steps, worst error, ticks not localised).
fn follow(
    map: &TopoMap,
    filter: &mut Localizer,
    truth: &mut Truth,
    seed: u64,
    pace: impl Fn(usize) -> f32,
) -> (f32, f32, usize) {
    let mut eyes = Eyes::new(seed);
    let (mut ticks, mut good, mut worst, mut unsure) = (0, 0, 0.0_f32, 0);
    while !truth.done() {
        tick(map, filter, truth, &mut eyes, pace(ticks), 10);
        let error = truth.error(map, filter);
        ticks += 1;
        good += usize::from(error <= 2.0);
        worst = worst.max(error);
        unsure += usize::from(!filter.estimate().is_localized());
    }
    (good as f32 / ticks as f32, worst, unsure)
}

#[test]
fn on_a_chain_the_estimate_keeps_within_two_steps() {
    let map = chain(40, 2.5);
    let (mut worst, mut least) = (0.0_f32, 1.0_f32);
    for seed in 0..40 {
        let mut filter = filter(&map, Start::At(NodeId(0)));
        let (good, most, unsure) = follow(&map, &mut filter, &mut Truth::on(0..40), seed, |_| 1.0);
        assert_eq!(unsure, 0, "seed {seed}: lost or diffuse on the map");
        (worst, least) = (worst.max(most), least.min(good));
    }
    println!("40 drives: worst error {worst:.2} steps, least share within 2 steps {least:.3}");
    assert!(least >= 0.95 && worst <= 3.5, "within 2 steps {least}, worst {worst}");
}

#[test]
fn at_half_and_double_pace_it_still_follows_and_learns_the_pace() {
    let map = chain(60, 2.5);
    for seed in 0..10 {
        for (true_pace, told) in [(0.5, 1.0), (1.5, 1.0), (2.0, 1.0), (1.0, 0.5)] {
            let (mut filter, mut truth, mut eyes) =
                (filter(&map, Start::At(NodeId(0))), Truth::on(0..60), Eyes::new(seed));
            let (mut ticks, mut good) = (0, 0);
            while !truth.done() {
                truth.advance(&map, true_pace);
                let answers = eyes.look(&map, Some(&truth), &filter.ask(10));
                filter.update(Motion { advance_steps: told, moving: true }, &answers);
                ticks += 1;
                good += usize::from(truth.error(&map, &filter) <= 4.0);
            }
            assert!(
                good * 100 >= ticks * 95,
                "seed {seed}, pace {true_pace} told {told}: {good} of {ticks} within 4 steps"
            );
            assert!((filter.pace() - true_pace / told).abs() < 0.4, "seed {seed}: pace {}", filter.pace());
        }
    }
}

#[test]
fn a_loop_wraps_from_its_last_node_to_its_first() {
    let map = ring(24, 2.5);
    for seed in 0..10 {
        let mut filter = filter(&map, Start::At(NodeId(0)));
        let path = (0..24).cycle().take(24 * 3);
        let (good, worst, unsure) = follow(&map, &mut filter, &mut Truth::on(path), seed, |_| 1.0);
        assert!(good >= 0.95 && worst < 4.0 && unsure == 0, "seed {seed}: {good} {worst} {unsure}");
    }
}

#[test]
fn ten_minutes_of_standing_keep_the_node() {
    let map = chain(20, 2.5);
    // In the middle of an edge, just before and just after a node.
    for (seed, offset) in (0..12).zip([1.2, 2.15, 0.0, 0.4].into_iter().cycle()) {
        let (mut filter, mut truth, mut eyes) = (filter(&map, Start::At(NodeId(0))), Truth::on(0..20), Eyes::new(seed));
        for _ in 0..12 {
            tick(&map, &mut filter, &mut truth, &mut eyes, 1.0, 10);
        }
        truth.offset_steps = offset;
        let mut nodes: Vec<NodeId> = Vec::new();
        for _ in 0..2400 {
            tick(&map, &mut filter, &mut truth, &mut eyes, 0.0, 10);
            nodes.push(filter.estimate().node);
        }
        nodes.dedup();
        assert!(nodes.len() <= 2, "seed {seed}: {nodes:?}");
        assert!(truth.error(&map, &filter) <= 2.0, "seed {seed}: {}", truth.error(&map, &filter));
        assert!(filter.estimate().is_localized());
        // And it has not lost the way to move on.
        let (_, _, unsure) = follow(&map, &mut filter, &mut truth, seed, |_| 1.0);
        assert_eq!(unsure, 0);
        assert!(truth.error(&map, &filter) <= 3.0, "seed {seed}: {}", truth.error(&map, &filter));
    }
}

/// Ticks until the filter is localised within 2 steps, with at most `limit` nodes asked a tick.
fn ticks_to_find(
    map: &TopoMap,
    filter: &mut Localizer,
    truth: &mut Truth,
    eyes: &mut Eyes,
    pace: f32,
    limit: usize,
) -> usize {
    (1..400)
        .find(|_| {
            tick(map, filter, truth, eyes, pace, limit);
            filter.estimate().is_localized() && truth.error(map, filter) <= 2.0
        })
        .unwrap_or(usize::MAX)
}

#[test]
fn an_unknown_start_converges_driving_or_standing_and_with_few_asked_at_a_time() {
    let map = chain(80, 2.5);
    for seed in 0..20 {
        for (pace, limit, most) in [(1.0, 80, 12), (0.0, 80, 12), (1.0, 16, 60), (0.0, 16, 60)] {
            let mut filter = filter(&map, Start::Unknown);
            assert_eq!(filter.estimate().tracking, Tracking::Diffuse);
            let mut truth = Truth::from(0..80, 10 + seed as usize);
            let needed = ticks_to_find(&map, &mut filter, &mut truth, &mut Eyes::new(seed), pace, limit);
            assert!(needed <= most, "seed {seed}, pace {pace}, limit {limit}: {needed} ticks");
        }
    }
}

#[test]
fn a_kidnapped_robot_is_lost_within_two_seconds_and_found_again() {
    let map = chain(80, 2.5);
    for seed in 0..20 {
        for pace in [1.0, 0.0] {
            let (mut filter, mut eyes) = (filter(&map, Start::At(NodeId(0))), Eyes::new(seed));
            let mut truth = Truth::on(0..80);
            for _ in 0..20 {
                tick(&map, &mut filter, &mut truth, &mut eyes, 1.0, 10);
            }
            // Two seconds in the air: nothing looks like the map.
            let mut lost_after = usize::MAX;
            for in_air in 1..=8 {
                let asked = filter.ask(80);
                let answers = eyes.look(&map, None, &asked);
                filter.update(Motion { advance_steps: 0.0, moving: false }, &answers);
                if filter.estimate().is_lost() {
                    lost_after = lost_after.min(in_air);
                }
            }
            assert!(lost_after <= 8, "seed {seed}: not lost");
            assert_eq!(filter.estimate().tracking, Tracking::Lost { reason: LostReason::FarFromMap });
            let mut there = Truth::from(0..80, 40 + seed as usize);
            let needed = ticks_to_find(&map, &mut filter, &mut there, &mut eyes, pace, 80);
            assert!(needed <= 20, "seed {seed}, pace {pace}: found after {needed} ticks");
        }
    }
}

#[test]
fn a_robot_off_the_map_stays_lost() {
    let map = chain(80, 2.5);
    let (mut filter, mut eyes) = (filter(&map, Start::At(NodeId(20))), Eyes::new(7));
    let mut lost = 0;
    for step in 0..400 {
        let answers = eyes.look(&map, None, &filter.ask(80));
        let estimate = filter.update(Motion { advance_steps: 0.5, moving: true }, &answers);
        lost += usize::from(estimate.is_lost());
        assert!(step < 8 || estimate.is_lost(), "tick {step}: {estimate:?}");
        assert!(!filter.arrived(NodeId(79), Some(0.0)) && !filter.arrived(estimate.node, Some(0.0)));
    }
    assert!(lost >= 392);
}

#[test]
fn a_sharp_filter_does_not_jump() {
    let map = chain(60, 2.5);
    let mut eyes = Eyes::new(3);
    let (mut filter, mut truth) = (filter(&map, Start::At(NodeId(0))), Truth::on(0..60));
    for _ in 0..20 {
        tick(&map, &mut filter, &mut truth, &mut eyes, 1.0, 10);
    }
    // A policy that insists, for three ticks, that the robot is 15 steps further on.
    let mut there = truth.clone();
    there.advance(&map, 15.0);
    let before = filter.estimate().node;
    for _ in 0..3 {
        let answers = eyes.look(&map, Some(&there), &map.node_ids().collect::<Vec<_>>());
        filter.update(Motion { advance_steps: 0.0, moving: true }, &answers);
    }
    let moved = filter.estimate().node.0 - before.0;
    assert!(moved <= 2, "jumped by {moved} nodes in three ticks");
}

/// 0..10, then two arms 10..20 and 20..30 from node 9.
fn fork() -> TopoMap {
    let mut edges: Vec<(u32, u32, f32)> = (1..20).map(|id| (id - 1, id, 2.5)).collect();
    edges.push((9, 20, 2.5));
    edges.extend((21..30).map(|id| (id - 1, id, 2.5)));
    map(30, &edges)
}

#[test]
fn at_a_branch_the_filter_follows_the_arm_that_is_driven() {
    let map = fork();
    for seed in 0..20 {
        for arm in [10..20, 20..30_u32] {
            let goal = NodeId(arm.end - 1);
            let mut filter = filter(&map, Start::At(NodeId(0)));
            let mut truth = Truth::on((0..10).chain(arm));
            let (good, _, unsure) = follow(&map, &mut filter, &mut truth, seed, |_| 1.0);
            assert_eq!(filter.estimate().tracking, Tracking::Localized);
            assert!(good >= 0.9, "seed {seed}: within 2 steps {good}");
            assert!(unsure <= 2, "seed {seed}: {unsure} ticks unsure");
            assert!(truth.error(&map, &filter) <= 2.5, "seed {seed}: {:?} for {goal}", filter.estimate());
        }
    }
}

#[test]
fn useless_answers_are_counted_and_change_nothing() {
    let map = chain(30, 2.5);
    let mut clean = filter(&map, Start::At(NodeId(0)));
    let mut dirty = clean.clone();
    let (mut truth, mut eyes) = (Truth::on(0..30), Eyes::new(1));
    for _ in 0..40 {
        truth.advance(&map, 1.0);
        let mut answers = eyes.look(&map, Some(&truth), &clean.ask(10));
        let motion = Motion { advance_steps: 1.0, moving: true };
        let Estimate { node, offset_steps, .. } = clean.update(motion, &answers);
        answers.reverse();
        answers.extend([
            (NodeId(3), f32::NAN),
            (NodeId(4), f32::INFINITY),
            (NodeId(99), 1.0),
            (NodeId(5), f32::NEG_INFINITY),
        ]);
        let other = dirty.update(motion, &answers);
        assert_eq!((other.node, other.offset_steps.to_bits()), (node, offset_steps.to_bits()));
        assert_eq!(other.ignored_answers, 4);
    }
    assert_eq!((clean.ignored_answers(), dirty.ignored_answers()), (0, 160));
}

#[test]
fn a_robot_that_drives_on_without_answers_is_lost_and_one_that_stands_is_not() {
    let map = chain(30, 2.5);
    let mut driving = filter(&map, Start::At(NodeId(0)));
    let mut standing = driving.clone();
    for tick in 1..=100 {
        let blind = [(NodeId(0), f32::NAN)];
        let moved = driving.update(Motion { advance_steps: 1.0, moving: true }, &blind);
        assert_eq!(moved.tracking == Tracking::Lost { reason: LostReason::NoAnswers }, tick >= 8, "tick {tick}");
        assert!(standing.update(Motion { advance_steps: f32::NAN, moving: false }, &blind).is_localized());
    }
    assert_eq!(standing.estimate().node, NodeId(0));
}

#[test]
fn whatever_goes_in_the_estimate_is_finite_and_on_the_map() {
    let map = fork();
    let numbers = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -5.0, 0.0, 1e-40, 3.0, 20.0, 1e30, f32::MAX];
    let mut rng = common::Rng(5);
    let mut filter = filter(&map, Start::Unknown);
    for _ in 0..3000 {
        let mut any = || numbers[rng.next_u64() as usize % numbers.len()];
        let motion = Motion { advance_steps: any(), moving: any() > 0.0 };
        let answers: Vec<_> = (0..12).map(|_| (NodeId(any().clamp(0.0, 40.0) as u32), any())).collect();
        let estimate = filter.update(motion, &answers);
        assert!(
            map.node(estimate.node).is_some()
                && estimate.next.is_none_or(|next| map.edge(estimate.node, next).is_some())
        );
        assert!(estimate.offset_steps >= 0.0 && estimate.offset_steps <= 5.0, "{estimate:?}");
        assert!(
            (0.0..=1.0).contains(&estimate.confidence) && (0.0..=20.0).contains(&estimate.spread_steps),
            "{estimate:?}"
        );
        assert!((0.0..=1.0).contains(&filter.probability_near(NodeId(9), any(), any())));
        let sum: f64 = filter.node_masses().iter().map(|&(_, mass)| mass).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{sum}");
    }
}
