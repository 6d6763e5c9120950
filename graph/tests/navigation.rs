//! Laws of asking, steering, arriving and restoring.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp, reason = "tests")]

mod common;

use common::{Eyes, Truth, chain, map, ring, tick};
use pilotage_graph::{Localizer, LocalizerConfig, LocalizerError, LocalizerState, Motion, NodeId, Start, TopoMap};
use std::collections::BTreeSet;

const STANDING: Motion = Motion { advance_steps: 0.0, moving: false };

fn filter(map: &TopoMap, start: Start) -> Localizer {
    Localizer::new(map, LocalizerConfig::default(), start).unwrap()
}

#[test]
fn a_sharp_filter_asks_from_one_node_behind_to_four_ahead() {
    let map = chain(40, 2.5);
    let asked: BTreeSet<_> = filter(&map, Start::At(NodeId(20))).ask(10).into_iter().collect();
    for node in 19..=24 {
        assert!(asked.contains(&NodeId(node)), "{node} of {asked:?}");
    }
    assert!(asked.len() <= 8, "{asked:?}");
    for limit in 0..10 {
        let few = filter(&map, Start::At(NodeId(20))).ask(limit);
        assert!(few.len() <= limit && few.iter().collect::<BTreeSet<_>>().len() == few.len());
    }
}

#[test]
fn before_a_fork_both_arms_are_asked_about() {
    let map = map(7, &[(0, 1, 2.5), (1, 2, 2.5), (2, 3, 2.5), (3, 4, 2.5), (2, 5, 2.5), (5, 6, 2.5)]);
    let asked = filter(&map, Start::At(NodeId(1))).ask(10);
    assert!([3, 4, 5, 6].iter().all(|&node| asked.contains(&NodeId(node))), "{asked:?}");
}

#[test]
fn a_search_in_turns_covers_the_map_and_what_sharp_filters_ask_does_not_grow_with_it() {
    for nodes in [50, 400] {
        let map = chain(nodes, 2.5);
        let mut filter = filter(&map, Start::Unknown);
        let mut seen = BTreeSet::new();
        for _ in 0..nodes.div_ceil(8) {
            let asked = filter.ask(16);
            assert_eq!(asked.len(), 16);
            seen.extend(asked);
            filter.update(STANDING, &[]);
        }
        assert_eq!(seen.len(), nodes as usize);
        let known = Localizer::new(&map, LocalizerConfig::default(), Start::At(NodeId(20))).unwrap();
        assert!(known.ask(100).len() <= 8);
    }
}

#[test]
fn with_room_for_all_a_diffuse_filter_asks_about_all() {
    let map = chain(30, 2.5);
    assert_eq!(filter(&map, Start::Unknown).ask(30), map.node_ids().collect::<Vec<_>>());
}

#[test]
fn the_subgoal_is_the_first_node_far_enough_ahead_on_the_route() {
    let map = map(6, &[(0, 1, 2.0), (1, 2, 2.0), (2, 3, 2.0), (3, 4, 2.0), (1, 5, 2.0)]);
    let route = map.route(NodeId(0), NodeId(4)).unwrap();
    let at = |node| {
        let mut filter = filter(&map, Start::At(NodeId(node)));
        let steps = |id| map.route(NodeId(node), id).map_or(20.0, |route| route.cost_steps());
        let answers: Vec<_> = map.node_ids().map(|id| (id, steps(id))).collect();
        for _ in 0..8 {
            filter.update(STANDING, &answers);
        }
        filter
    };
    assert_eq!(at(0).subgoal(&route, 3.0), NodeId(2));
    assert_eq!(at(0).subgoal(&route, 0.5), NodeId(1));
    assert_eq!(at(0).subgoal(&route, -9.0), NodeId(0));
    assert_eq!(at(4).subgoal(&route, 3.0), NodeId(4), "nothing beyond the goal");
    assert_eq!(at(0).subgoal(&route, f32::NAN), NodeId(4), "a look-ahead that is no number never stops short");
    assert_eq!(at(5).subgoal(&route, 3.0), NodeId(0), "off the route its start is told");
    assert_eq!(at(5).remaining_steps(&route), None);
    let remaining = at(0).remaining_steps(&route).unwrap();
    assert!((6.0..=8.0).contains(&remaining), "{remaining}");
}

#[test]
fn arrival_is_declared_near_the_goal_and_not_before() {
    let map = chain(30, 2.5);
    let goal = NodeId(20);
    let (mut late, mut early) = (0.0_f32, 0.0_f32);
    for seed in 0..40 {
        let (mut filter, mut truth, mut eyes) = (filter(&map, Start::At(NodeId(0))), Truth::on(0..30), Eyes::new(seed));
        let total = map.route(NodeId(0), goal).unwrap().cost_steps();
        let mut driven = 0.0;
        loop {
            tick(&map, &mut filter, &mut truth, &mut eyes, 1.0, 10);
            driven += 1.0;
            let answer = eyes.look(&map, Some(&truth), &[goal])[0].1;
            if filter.arrived(goal, Some(answer)) {
                break;
            }
            assert!(driven < total + 10.0, "seed {seed}: drove past the goal");
        }
        early = early.max(total - driven);
        late = late.max(driven - total);
    }
    println!("40 arrivals: at most {early:.1} steps early, {late:.1} late");
    assert!(early <= 4.5 && late <= 2.5, "{early} early, {late} late");
}

#[test]
fn one_tick_is_no_arrival_and_asking_twice_in_a_tick_counts_once() {
    let map = chain(10, 2.5);
    let mut filter = filter(&map, Start::At(NodeId(5)));
    let near = [(NodeId(5), 0.2), (NodeId(6), 2.4), (NodeId(7), 5.0)];
    filter.update(STANDING, &near);
    for _ in 0..5 {
        assert!(!filter.arrived(NodeId(5), Some(0.2)));
    }
    filter.update(STANDING, &near);
    assert!(filter.arrived(NodeId(5), Some(0.2)));
    filter.update(STANDING, &near);
    assert!(!filter.arrived(NodeId(9), Some(f32::NAN)), "another goal starts anew");
    assert!(!filter.arrived(NodeId(77), Some(0.0)), "an unknown goal is never reached");
}

#[test]
fn a_near_looking_goal_counts_only_when_the_belief_is_near_too() {
    let map = chain(30, 2.5);
    let mut filter = filter(&map, Start::At(NodeId(5)));
    for _ in 0..5 {
        filter.update(STANDING, &[(NodeId(5), 0.2), (NodeId(6), 2.4), (NodeId(7), 5.0)]);
        assert!(!filter.arrived(NodeId(20), Some(0.1)));
    }
}

#[test]
fn a_restored_filter_goes_on_with_the_same_bits() {
    let map = ring(24, 2.5);
    let mut eyes = Eyes::new(11);
    let (mut one, mut truth) = (filter(&map, Start::Unknown), Truth::on((0..24).cycle().take(200)));
    for _ in 0..30 {
        tick(&map, &mut one, &mut truth, &mut eyes, 1.0, 24);
    }
    let text = serde_json::to_string(&one.state()).unwrap();
    let saved: LocalizerState = serde_json::from_str(&text).unwrap();
    assert_eq!(saved, one.state());
    let mut two = filter(&map, Start::At(NodeId(3)));
    two.restore(&saved).unwrap();
    for _ in 0..60 {
        truth.advance(&map, 1.0);
        assert_eq!(one.ask(12), two.ask(12));
        let answers = eyes.look(&map, Some(&truth), &one.ask(12));
        let motion = Motion { advance_steps: 0.9, moving: true };
        one.update(motion, &answers);
        two.update(motion, &answers);
        assert_eq!(one.arrived(NodeId(7), None), two.arrived(NodeId(7), None));
        assert_eq!(one.state(), two.state());
    }
}

#[test]
fn a_state_of_another_map_is_refused_and_changes_nothing() {
    let (short, long) = (chain(10, 2.5), chain(30, 2.5));
    let other = filter(&long, Start::At(NodeId(20))).state();
    let mut here = filter(&short, Start::At(NodeId(2)));
    let before = here.state();
    assert!(matches!(here.restore(&other), Err(LocalizerError::State { .. })));
    assert_eq!(here.state(), before);
    let mut broken = serde_json::to_value(&before).unwrap();
    broken["belief"][0][1] = serde_json::json!(0.9);
    let broken: LocalizerState = serde_json::from_value(broken).unwrap();
    assert!(matches!(here.restore(&broken), Err(LocalizerError::State { .. })));
}

#[test]
fn a_filter_that_cannot_work_is_refused_with_the_number_that_is_wrong() {
    let map = chain(10, 2.5);
    let config = LocalizerConfig { tempering: f32::NAN, ..LocalizerConfig::default() };
    let said = Localizer::new(&map, config, Start::Unknown).unwrap_err().to_string();
    assert!(said.contains("tempering") && said.contains("NaN"), "{said}");
    let config = LocalizerConfig { max_cells: 10, ..LocalizerConfig::default() };
    assert!(matches!(
        Localizer::new(&map, config, Start::Unknown),
        Err(LocalizerError::TooManyCells { cells: 54.., .. })
    ));
    let nowhere = Localizer::new(&map, LocalizerConfig::default(), Start::At(NodeId(10)));
    assert!(matches!(nowhere, Err(LocalizerError::UnknownStart { .. })));
    let empty = Localizer::new(&TopoMap::new(), LocalizerConfig::default(), Start::Unknown);
    assert!(matches!(empty, Err(LocalizerError::EmptyMap)));
}

#[test]
fn one_node_alone_is_a_map_that_works() {
    let map = chain(1, 2.5);
    let mut filter = filter(&map, Start::Unknown);
    let mut arrived = false;
    for _ in 0..6 {
        assert_eq!(filter.ask(5), [NodeId(0)]);
        filter.update(STANDING, &[(NodeId(0), 0.3)]);
        arrived = filter.arrived(NodeId(0), Some(0.3));
    }
    assert!(filter.estimate().is_localized() && arrived);
}
