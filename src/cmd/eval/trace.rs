//! One episode tick by tick: what the method believed beside the truth.

use crate::episode::{Drive, Episode, Way};

/// Prints a line per tick and how it ended.
pub(super) fn print(episode: &Episode, drive: &Drive, rate_hz: f64) {
    let way = Way::new(&episode.teleop, rate_hz);
    let places = drive.track.places(&way);
    println!(
        "{:>6} {:>7} {:>7} {:>7} {:>6} {:<10} {:>7} {:>13} {:>6} {:>13} {:>6}",
        "t", "true", "belief", "lateral", "head", "phase", "subgoal", "waypoint", "near", "command", "room"
    );
    println!(
        "{:>6} {:>7} {:>7} {:>7} {:>6} {:<10} {:>7} {:>13} {:>6} {:>13} {:>6}",
        "s", "steps", "steps", "m", "deg", "", "steps", "units", "steps", "m/s rad/s", "m"
    );
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
    let mut contacts = drive.track.contacts.iter().peekable();
    for note in &drive.notes {
        while let Some(contact) = contacts.next_if(|contact| contact.t_s <= note.t_s) {
            println!("{:6.2} touched something", contact.t_s);
        }
        let index = drive.track.samples.partition_point(|sample| sample.t_s < note.t_s - 1e-6);
        let place = places.get(index).or(places.last()).copied().unwrap_or_default();
        let room = drive.track.at(note.t_s).map_or(0.0, |sample| sample.clearance_m);
        println!(
            "{:6.2} {:7.1} {:>7} {:+7.2} {:+6.0} {:<10} {:>7} {:>13} {:>6} {:>13} {:6.2}",
            note.t_s,
            place.steps,
            number(note.believed_steps),
            place.lateral_m,
            place.heading_rad.to_degrees(),
            note.phase.to_string(),
            number(note.subgoal_steps),
            note.waypoint_units.map_or("-".to_owned(), |[x, y]| format!("{x:.2} {y:+.2}")),
            number(note.nearest_steps.map(f64::from)),
            format!("{:.2} {:+.2}", note.command[0], note.command[1]),
            room
        );
    }
    let outcome = &drive.outcome;
    println!(
        "{}: {:.2} m from the goal after {:.1} s of {:.1} s taught; {} touches; nearest to the goal {:.2} m; room at least {:.2} m",
        if outcome.success { "arrived" } else { outcome.cause.name() },
        outcome.error_m,
        drive.track.samples.last().map_or(0.0, |sample| sample.t_s),
        episode.teleop_s(),
        outcome.touches,
        outcome.nearest_goal_m,
        outcome.least_room_m
    );
}
