//! Rules of one run: where its goals lie and how it ends.

use super::*;
use pilotage_sim::{Split, WorldId};

fn course() -> Course {
    let world = Arc::new(World::generate(WorldId { split: Split::Train, index: 5 }));
    (0..20).find_map(|seed| Course::new(seed, Arc::clone(&world), &[RobotKind::Compact], 0.0, seed).unwrap()).unwrap()
}

/// Drives with the expert's labels of every moment, as a perfect policy would.
fn driven(course: &Course, kind: usize) -> (End, Drive) {
    let mut run = Run::new(course, kind, 0.2);
    loop {
        run.look().unwrap();
        let last = run.drive.visits.last().cloned().unwrap();
        let one = Drive { from_m: run.progress_m, visits: vec![last] };
        let parts = (course.world.as_ref(), course.robot, course.route.clone());
        let label = Episode::from_drives(parts.0, parts.1, parts.2, None, vec![one]).unwrap();
        let waypoints = label.states.first().unwrap().waypoints;
        if let Some(end) = run.step(course, waypoints.as_flattened()) {
            return (end, run.into_drive());
        }
    }
}

#[test]
fn a_policy_that_answers_as_the_expert_arrives_and_twice_the_same() {
    let course = course();
    for kind in 0..DRIVES {
        let (end, drive) = driven(&course, kind);
        assert_eq!(end, End::Reached, "drive {kind}");
        assert_eq!(driven(&course, kind).1, drive);
    }
}

#[test]
fn a_policy_that_answers_no_numbers_stands_until_its_time_is_out() {
    let course = course();
    let mut run = Run::new(&course, 0, 0.0);
    let end = loop {
        run.look().unwrap();
        if let Some(end) = run.step(&course, &[f32::NAN; 20]) {
            break end;
        }
    };
    assert_eq!((end, run.contacts), (End::TimedOut, 0));
}

#[test]
fn the_goal_lies_ahead_of_the_true_progress_or_is_the_last() {
    let mut course = course();
    let mut run = Run::new(&course, 0, 0.0);
    for part in 0..20 {
        run.progress_m = f64::from(part) / 20.0 * course.route.length_m();
        run.goal_kept += 1;
        run.choose_goal(&course);
        let ahead = run.goal_index as f64 - course.clean_steps(run.progress_m);
        assert!(ahead >= 2.0 || run.goal_index + 1 == course.clean_len(), "{ahead}");
    }
    course.drives.push((0, run.into_drive()));
    assert_eq!(course.into_episode().unwrap().drives.len(), 2);
}
