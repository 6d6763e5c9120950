//! The laws of training data: what is recorded is what a robot in the loop meets, labels come from
//! the noise-free driver, bytes from outside are not trusted.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed expectation is a failed test")]

use pilotage_sim::{
    Drive, Episode, EpisodeError, Expert, FRAME_BYTES, MAX_STEPS, Motion, Mover, Pose, Recipe, Rng, RobotKind, Route,
    STEP_S, Split, Visit, World, WorldId, advance, plan_route,
};

fn world(index: u64) -> World {
    World::generate(WorldId { split: Split::Train, index })
}

fn episode(index: u64, recipe: &Recipe<'_>) -> (World, Episode) {
    let world = world(index);
    let episode = (0..6).find_map(|seed| Episode::generate_with(&world, seed, recipe).unwrap()).expect("a route");
    (world, episode)
}

#[test]
fn a_recipe_decides_which_robots_drive() {
    for kind in [RobotKind::Car, RobotKind::Rover, RobotKind::Strider] {
        let recipe = Recipe { robots: &[kind], ..Recipe::default() };
        let (_, made) = episode(2, &recipe);
        assert_eq!(made.robot.kind, kind);
        let indoors = Episode::generate_with(&world(0), 1, &recipe).unwrap();
        assert_eq!(indoors.is_some(), kind.suits(world(0).family()), "{} in a maze", kind.name());
    }
}

#[test]
fn the_first_drive_is_clean_and_the_others_stray() {
    let recipe = Recipe { robots: &[RobotKind::Rover], ..Recipe::default() };
    let (world, made) = episode(2, &recipe);
    assert_eq!(made.drives.len(), 4);
    let expert = Expert::new(&world, &made.robot, &made.route);
    let mut motion = Motion { pose: made.route.start(), ..Motion::default() };
    let mut progress = 0.0;
    for state in &made.states[made.drives[0].clone()] {
        assert_eq!(state.pose, motion.pose);
        progress = expert.progress_m(&motion.pose, progress);
        let (v, w) = expert.command(&motion.pose, progress);
        advance(&world, &made.robot, &mut motion, v, w, STEP_S);
    }
    let off = |d: &std::ops::Range<usize>| {
        made.states[d.clone()]
            .iter()
            .map(|s| made.route.project(&s.pose, f64::from(s.progress_m)).1)
            .fold(0.0, f64::max)
    };
    let clean = off(&made.drives[0]);
    assert!(made.drives[1..].iter().all(|d| off(d) > clean), "noisy drives leave the way further than {clean} m");
}

#[test]
fn each_drive_sees_in_a_light_of_its_own() {
    let (_, made) = episode(1, &Recipe::default());
    let mean = |i: usize| made.frame(i).iter().map(|b| f64::from(*b)).sum::<f64>() / FRAME_BYTES as f64;
    let (_, perfect) = episode(1, &Recipe { effects: 0.0, ..Recipe::default() });
    let first: Vec<usize> = made.drives.iter().map(|d| d.start).collect();
    assert_eq!(made.states.len(), perfect.states.len(), "sensors do not change the drive");
    assert!(first.iter().filter(|i| made.frame(**i) != perfect.frame(**i)).count() >= 3);
    let plain = |i: usize| perfect.frame(i).iter().map(|b| f64::from(*b)).sum::<f64>() / FRAME_BYTES as f64;
    let gains: Vec<f64> = first.iter().map(|&i| mean(i) / plain(i)).collect();
    let (low, high) = (gains.iter().copied().fold(9.0, f64::min), gains.iter().copied().fold(0.0, f64::max));
    assert!(high / low > 1.02, "{gains:?}");
}

/// One world, one robot, one route, and two drives along it; the second strays to the left.
fn drives(index: u64) -> (World, pilotage_sim::Robot, Route, Vec<Drive>) {
    let world = world(index);
    let mut rng = Rng::new(4);
    let robot = RobotKind::Compact.sample(&mut rng, world.family());
    let route = plan_route(&world, &robot, &mut rng).expect("a route");
    let mut drives = Vec::new();
    for stray in [0.0, 0.4] {
        let expert = Expert::new(&world, &robot, &route);
        let mut drive = Drive { from_m: 0.0, visits: Vec::new() };
        let mut motion = Motion { pose: route.start(), ..Motion::default() };
        let (mut progress, mut contact) = (0.0, false);
        for step in 0..60 {
            let t_s = f64::from(step) * STEP_S;
            drive.visits.push(Visit { t_s, motion, contact, frame: vec![step as u8; FRAME_BYTES] });
            progress = expert.progress_m(&motion.pose, progress);
            let (v, w) = expert.command(&motion.pose, progress);
            contact = advance(&world, &robot, &mut motion, v, w + stray, STEP_S).contact;
        }
        drives.push(drive);
    }
    (world, robot, route, drives)
}

#[test]
fn labels_of_drives_from_elsewhere_are_those_of_generated_ones() {
    let (world, made) = episode(3, &Recipe::default());
    // The same moments, handed in from outside: the clean drive can be driven again to the bit.
    let mut motion = Motion { pose: made.route.start(), ..Motion::default() };
    let mut progress = 0.0;
    let expert = Expert::new(&world, &made.robot, &made.route);
    let clean = made.drives[0].clone();
    let visits = clean
        .clone()
        .map(|i| {
            let visit = Visit { t_s: 0.0, motion, contact: made.states[i].contact, frame: made.frame(i).to_vec() };
            progress = expert.progress_m(&motion.pose, progress);
            let (v, w) = expert.command(&motion.pose, progress);
            advance(&world, &made.robot, &mut motion, v, w, STEP_S);
            visit
        })
        .collect();
    let drive = Drive { from_m: 0.0, visits };
    let again = Episode::from_drives(&world, made.robot, made.route.clone(), None, vec![drive]).unwrap();
    assert_eq!(again.states[..], made.states[clean.clone()]);
    assert!(clean.clone().all(|i| again.frame(i) == made.frame(i)));
}

#[test]
fn a_drive_without_frames_or_with_numbers_that_are_none_is_refused() {
    let (world, robot, route, drives) = drives(1);
    let label = |drives| Episode::from_drives(&world, robot, route.clone(), None, drives);
    assert!(label(drives.clone()).is_ok());
    assert!(label(Vec::new()).is_err());
    assert!(label(vec![Drive::default()]).is_err());
    let mut short = drives.clone();
    short[1].visits[7].frame.pop();
    assert!(matches!(label(short), Err(EpisodeError::Content(_))));
    let mut odd = drives;
    odd[1].visits[3].motion.v_mps = f64::NAN;
    assert!(matches!(label(odd), Err(EpisodeError::Content(_))));
}

#[test]
fn waypoints_go_round_movers_while_distances_are_those_of_the_free_way() {
    let (world, robot, route, drives) = drives(2);
    let spot = route.at(2.5);
    let movers_at = |t_s: f64| {
        let aside = spot.moved(0.0, 0.02 * t_s, 0.0);
        vec![Mover { centre: [aside.x_m, aside.y_m], radius_m: 0.25, height_m: 1.7, look: 0 }]
    };
    let free = Episode::from_drives(&world, robot, route.clone(), None, drives.clone()).unwrap();
    let with = Episode::from_drives(&world, robot, route, Some(&movers_at), drives).unwrap();
    assert_eq!(
        free.states[free.drives[0].clone()],
        with.states[with.drives[0].clone()],
        "nobody is about when it is taught"
    );
    let second = free.drives[1].clone();
    let pairs = || second.clone().map(|i| (&free.states[i], &with.states[i]));
    assert!(pairs().all(|(a, b)| a.arcs_m.map(f32::to_bits) == b.arcs_m.map(f32::to_bits)));
    let changed = pairs().filter(|(a, b)| a.waypoints != b.waypoints).count();
    assert!(changed > 2, "{changed} labels changed");
    let unit = robot.step_length_m();
    for (_, state) in pairs().filter(|(a, _)| a.pose.distance_m(&spot) > 0.4 + robot.radius_m) {
        for w in state.waypoints {
            let p = state.pose.moved(f64::from(w[0]) * unit, f64::from(w[1]) * unit, 0.0);
            let gap = p.distance_m(&Pose { yaw_rad: 0.0, ..spot }) - 0.25 - robot.radius_m;
            assert!(gap > -0.35, "a waypoint {gap} m into somebody");
        }
    }
}

#[test]
fn an_episode_survives_its_bytes() {
    for kind in [RobotKind::WideView, RobotKind::Legged, RobotKind::Car] {
        let (_, made) = episode(2, &Recipe { robots: &[kind], ..Recipe::default() });
        let bytes = made.to_bytes();
        assert_eq!(Episode::from_bytes(&bytes).as_ref(), Ok(&made));
    }
}

#[test]
fn damaged_bytes_are_refused_wherever_they_are_damaged() {
    let (world, robot, route, mut drives) = drives(1);
    drives.truncate(1);
    drives.iter_mut().for_each(|d| d.visits.truncate(1));
    let made = Episode::from_drives(&world, robot, route, None, drives).unwrap();
    let bytes = made.to_bytes();
    let head = bytes.len() - FRAME_BYTES;
    for cut in (0..head).chain((head..bytes.len()).step_by(977)) {
        assert!(Episode::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    for at in (0..head).chain((head..bytes.len()).step_by(977)) {
        let mut bad = bytes.clone();
        bad[at] ^= 0x41;
        assert!(Episode::from_bytes(&bad).is_err(), "flipped at {at}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(Episode::from_bytes(&longer).is_err());
}

/// Whoever writes the bytes can write the check sum too: lengths are checked by themselves.
#[test]
fn flipped_lengths_with_a_right_check_sum_are_refused() {
    let (world, robot, route, mut drives) = drives(1);
    drives.iter_mut().for_each(|d| d.visits.truncate(3));
    let made = Episode::from_drives(&world, robot, route, None, drives).unwrap();
    let bytes = made.to_bytes();
    let sealed = |mut bad: Vec<u8>| {
        let end = bad.len() - 8;
        let sum = check_sum(&bad[..end]);
        bad[end..].copy_from_slice(&sum.to_le_bytes());
        bad
    };
    assert_eq!(sealed(bytes.clone()), bytes, "the check sum is known here");
    let points_at = 8 + 4 + 8 + 1 + 8 + 1 + 1 + 24 * 8 + 8;
    let drives_at = points_at + 4 + made.route.points().len() * 16;
    for at in [points_at, drives_at, drives_at + 4, drives_at + 8] {
        for value in [0u32, 1, 2, 4, 5, 1 << 16, 1 << 31, u32::MAX] {
            let mut bad = bytes.clone();
            if bad[at..at + 4] == value.to_le_bytes() {
                continue;
            }
            bad[at..at + 4].copy_from_slice(&value.to_le_bytes());
            assert!(Episode::from_bytes(&sealed(bad)).is_err(), "length {value} at {at}");
        }
    }
    for at in 20..drives_at + 12 + 60 {
        // Whatever else is written there: an error or an episode, never a panic.
        let mut bad = bytes.clone();
        bad[at] ^= 0xFF;
        if let Ok(read) = Episode::from_bytes(&sealed(bad)) {
            assert_eq!(read.states.len(), made.states.len());
            assert!(read.distance_steps(0, 2) <= MAX_STEPS as f32);
        }
    }
}

fn check_sum(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(pilotage_sim::mix64(bytes.len() as u64), |sum, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        pilotage_sim::mix64(sum ^ u64::from_le_bytes(word))
    })
}
