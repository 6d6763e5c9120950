//! A recording is the run again, bit for bit, and says where it is not.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use pilotage::mapping::{self, BuildOptions};
use pilotage::navigator::NavigatorConfig;
use pilotage::record::run::{FORMAT, METADATA, RunHeader, RunRecorder};
use pilotage::record::{Recorder, RecorderOptions};
use pilotage::replay::{Difference, Overrides, ReplayError, Report, replay};
use pilotage::runtime::with_recorder;
use serde_json::Value;

use crate::support::{
    Records, episode, episode_map, episode_map_path, load_policy, policy, policy_folder, program, records,
    renamed_policy, said, scratch,
};

/// A whole simulated drive, recorded once.
fn recording() -> &'static Path {
    static RECORDING: OnceLock<PathBuf> = OnceLock::new();
    RECORDING.get_or_init(|| {
        let path = scratch("recording").join("run.mcap");
        let (map, policy) = (episode_map(), policy());
        let header = RunHeader {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            map: episode_map_path().display().to_string(),
            map_sha256: map.content_sha256().to_string(),
            policy: policy_folder().display().to_string(),
            policy_sha256: policy.sha256().to_owned(),
            engine: "builtin".to_owned(),
            engine_text: policy.describe(),
            goal: map.map().goal_spec("LAST").unwrap().0,
            start: Some(0),
            profile: episode().profile.clone(),
            navigator: NavigatorConfig::default(),
        };
        let recorder = Recorder::create(&path, RecorderOptions { queue: 4096, ..RecorderOptions::default() }).unwrap();
        let (driven, report) = with_recorder(recorder, METADATA, header.to_metadata().unwrap(), |sink| {
            episode().drive(policy, map, Some(&RunRecorder::new(sink)), &mut |_| {})
        });
        let outcome = driven.unwrap().outcome;
        let report = report.unwrap();
        assert!(report.complete && report.counts.dropped == 0 && report.counts.lost == 0, "{report:?}");
        println!("recorded drive: {outcome:?}, {} records, {} bytes", report.counts.written, report.file_bytes);
        path
    })
}

fn replayed(change: impl FnOnce(&mut RunHeader)) -> Report {
    replay(recording(), &Overrides::default(), change).unwrap()
}

#[test]
fn a_recorded_drive_replays_bit_for_bit_and_whole() {
    let records = records(recording());
    let report = replayed(|_| {});
    assert_eq!(report.difference, None);
    assert_eq!((report.truncated, report.hole), (None, None));
    assert_eq!((report.ticks, report.controls), (records.ticks.len() as u64, records.controls.len() as u64));
    assert!(report.ticks > 30 && report.controls > 150, "{} ticks, {} steps", report.ticks, report.controls);
    let moving = records.controls.iter().filter(|step| step.linear_mps.0 != 0.0).count();
    assert!(moving > 100, "a run that stands proves nothing: {moving} steps moved");
}

/// The value at a path like `decision.answers[3].node` of a JSON text.
fn at<'a>(record: &'a Value, path: &str) -> &'a Value {
    let pointer = format!("/{}", path.replace(['.', '['], "/").replace(']', ""));
    record.pointer(&pointer).unwrap_or_else(|| panic!("no field {path} in {record}"))
}

/// That the difference names a record of the file and a field of it, which holds what it says was recorded.
fn assert_names_the_record(difference: &Difference, records: &Records) {
    let number = |text: &str| text.split(|c: char| !c.is_ascii_digit()).find_map(|n| n.parse::<usize>().ok()).unwrap();
    let record = if difference.at.starts_with("tick ") {
        let tick = records.ticks.iter().find(|tick| tick.tick == number(&difference.at) as u64).unwrap();
        serde_json::to_value(tick).unwrap()
    } else {
        assert!(difference.at.starts_with("control step "), "{difference:?}");
        serde_json::to_value(&records.controls[number(&difference.at) - 1]).unwrap()
    };
    assert_eq!(at(&record, &difference.field).to_string(), difference.recorded, "{difference:?}");
    assert_ne!(difference.recorded, difference.replayed);
}

#[test]
fn a_changed_constant_is_caught_and_the_first_difference_is_named() {
    type Change = fn(&mut RunHeader);
    let cases: [(&str, Change, &[&str]); 5] = [
        ("look-ahead", |header| header.navigator.lookahead_steps += 2.0, &["decision."]),
        ("nodes asked", |header| header.navigator.ask_limit = 2, &["answers", "decision."]),
        // A slower robot turns more slowly too, to stay on its arc.
        (
            "the gate's speed limit",
            |header| header.profile.drive.max_linear_mps *= 0.8,
            &["linear_mps", "angular_rps", "verdict"],
        ),
        (
            "the gate's acceleration limit",
            |header| header.profile.drive.linear_accel_mps2 *= 0.9,
            &["linear_mps", "angular_rps", "verdict"],
        ),
        (
            "the controller's cruise",
            |header| header.profile.drive.cruise_mps *= 0.9,
            &["linear_mps", "angular_rps", "verdict"],
        ),
    ];
    let records = records(recording());
    for (what, change, fields) in cases {
        let difference = replayed(change).difference.unwrap_or_else(|| panic!("{what}: not caught"));
        println!("{what}: first at {}, {}", difference.at, difference.field);
        assert!(fields.iter().any(|field| difference.field.starts_with(field)), "{what}: {difference:?}");
        assert_names_the_record(&difference, &records);
    }
}

#[test]
fn a_recording_that_was_cut_off_replays_as_far_as_it_goes_and_says_what_is_lost() {
    let whole = replayed(|_| {});
    let bytes = std::fs::read(recording()).unwrap();
    let folder = scratch("truncated");
    for (name, share) in [("half.mcap", 0.5), ("most.mcap", 0.83)] {
        let path = folder.join(name);
        std::fs::write(&path, &bytes[..(bytes.len() as f64 * share) as usize]).unwrap();
        let report = replay(&path, &Overrides::default(), |_| {}).unwrap();
        assert_eq!(report.difference, None, "{name}");
        assert!((1..whole.ticks).contains(&report.ticks), "{name}: {} of {} ticks", report.ticks, whole.ticks);
        let lost = report.truncated.unwrap_or_else(|| panic!("{name}: nothing is said of what is lost"));
        assert!(lost.contains("bytes"), "{lost}");
        println!("{name}: {} of {} ticks; the file {lost}", report.ticks, whole.ticks);
        let said = said(program().arg("replay").arg(&path)).expect_code(3);
        assert!(said.stdout.contains(&lost), "{}", said.stdout);
    }
}

#[test]
fn a_recording_is_not_replayed_with_another_map_or_policy_and_the_wrong_one_is_named() {
    let folder = scratch("another");
    let another_policy = renamed_policy(&folder.join("policy"));
    let another_map = folder.join("map");
    let rule = pilotage_graph::KeyframeRule { spacing_steps: 3.0, ..pilotage::episode::default_rule() };
    let options = BuildOptions { rule, replace: false };
    let mut policy = load_policy(&policy_folder());
    mapping::build(&mut episode().log(), policy.as_mut(), &options, &another_map, &mut |_, _, _| {}).unwrap();

    let cases = [
        ("map", &another_map, Overrides { map: Some(another_map.clone()), ..Overrides::default() }),
        ("policy", &another_policy, Overrides { policy: Some(another_policy.clone()), ..Overrides::default() }),
    ];
    for (which, path, overrides) in cases {
        let error = replay(recording(), &overrides, |_| {}).unwrap_err();
        assert!(matches!(&error, ReplayError::Another { what, .. } if *what == which), "{error}");
        let text = error.to_string();
        assert!(text.contains(&path.display().to_string()) && text.contains(&format!("--{which}")), "{text}");
        let said = said(program().arg("replay").arg(recording()).arg(format!("--{which}")).arg(path)).expect_code(1);
        assert!(said.stderr.contains(&text), "{}", said.stderr);
    }
}

#[test]
fn a_file_that_is_no_recorded_run_is_refused_by_one_line() {
    let path = scratch("no-run").join("notes.mcap");
    std::fs::write(&path, "not a recording").unwrap();
    let said = said(program().arg("replay").arg(&path)).expect_code(1);
    assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
    assert!(said.stderr.starts_with("pilotage: ") && said.stderr.contains("notes.mcap"), "{}", said.stderr);
}
