//! Logs in: a real donkeycar tub, and logs made here with everything that can be wrong with them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use pilotage::camera::replay::ReplaySource;
use pilotage::camera::{FrameSource, Next, SourceError};
use pilotage::frame::{RawFrame, Teleop};
use pilotage::ingest::{self, IngestError, LogKind, LogOptions, LogReader, Stamps};
use tempfile::TempDir;

/// The recorded drive, or a line that says the test did not run. In CI it has to be there.
fn real_tub(test: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/donkeycar_tub");
    if path.join("manifest.json").is_file() {
        return Some(path);
    }
    let reason = format!("{} is missing", path.display());
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{reason}");
    #[allow(clippy::print_stdout)]
    {
        println!("PILOTAGE-SKIP: {test}: {reason}");
    }
    None
}

fn jpeg(shade: u8) -> Vec<u8> {
    let mut out = Vec::new();
    JpegEncoder::new(&mut out).encode(&[shade; 16 * 8 * 3], 16, 8, ExtendedColorType::Rgb8).unwrap();
    out
}

fn png(shade: u8) -> Vec<u8> {
    let mut out = Vec::new();
    PngEncoder::new(&mut out).write_image(&[shade; 16 * 8 * 3], 16, 8, ExtendedColorType::Rgb8).unwrap();
    out
}

fn line(index: u64, stamp_ms: u64, picture: &str) -> String {
    format!(
        "{{\"_index\": {index}, \"_timestamp_ms\": {stamp_ms}, \"cam/image_array\": \"{picture}\", \"user/angle\": 0.5, \"user/mode\": \"user\", \"user/throttle\": 0.25}}\n"
    )
}

fn write_manifest(dir: &Path, last_line: &str) {
    let head = "[\"cam/image_array\"]\n[\"image_array\"]\n{}\n{\"created_at\": 1.0}\n";
    fs::write(dir.join("manifest.json"), format!("{head}{last_line}\n")).unwrap();
}

/// A good tub of `frames` frames at 20 Hz, three frames a catalog.
fn tub(frames: u64, deleted: &[u64]) -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("images")).unwrap();
    let mut paths = Vec::new();
    for first in (0..frames).step_by(3) {
        let name = format!("catalog_{}.catalog", first / 3);
        let lines: String =
            (first..frames.min(first + 3)).map(|i| line(i, 1_600_000_000_000 + i * 50, &format!("{i}.jpg"))).collect();
        fs::write(dir.path().join(&name), lines).unwrap();
        paths.push(name);
    }
    for i in 0..frames {
        fs::write(dir.path().join(format!("images/{i}.jpg")), jpeg((i * 20) as u8)).unwrap();
    }
    write_manifest(dir.path(), &serde_json::json!({"paths": paths, "deleted_indexes": deleted}).to_string());
    dir
}

fn open(path: &Path) -> Result<Box<dyn LogReader>, IngestError> {
    ingest::open(path, &LogOptions::default())
}

fn open_error(path: &Path, options: &LogOptions) -> String {
    match ingest::open(path, options) {
        Ok(log) => panic!("opened as {:?}", log.info()),
        Err(e) => e.to_string(),
    }
}

fn frames(log: &mut dyn LogReader) -> Vec<RawFrame> {
    std::iter::from_fn(|| log.next().unwrap()).collect()
}

fn seqs(frames: &[RawFrame]) -> Vec<u64> {
    frames.iter().map(|f| f.seq).collect()
}

#[test]
fn the_real_tub_is_read_whole() {
    let Some(path) = real_tub("the_real_tub_is_read_whole") else { return };
    let mut log = ingest::open(&path, &LogOptions { hz: Some(20.0), range: None }).unwrap();
    let info = log.info();
    assert_eq!((info.kind, info.frames, info.hz, info.stamps), (LogKind::DonkeycarTub, 1000, Some(20.0), Stamps::Trusted));
    let frames = frames(log.as_mut());
    assert!(log.skipped().is_empty(), "{:?}", log.skipped());
    assert_eq!(seqs(&frames), (0..1000).collect::<Vec<_>>());
    assert!(frames.iter().all(|f| (f.picture.width(), f.picture.height()) == (160, 120) && f.encoded.is_some()));
    assert!(frames.iter().all(|f| f.captured.0 == f.seq as i64 * 50_000_000));
    // The first line of the log: angle 0.2986 to the right, throttle 0.5391.
    assert_eq!(frames[0].teleop, Some(Teleop { turn: -0.298_603_98, speed: 0.539_125_9 }));
}

#[test]
fn implausible_stamps_of_the_real_tub_are_said_with_the_way_out() {
    let Some(path) = real_tub("implausible_stamps_of_the_real_tub_are_said_with_the_way_out") else { return };
    let info = open(&path).unwrap().info();
    assert_eq!(info.hz, None);
    let said = info.require_stamps().unwrap_err().to_string();
    assert!(said.contains("333 Hz") || said.contains("303 Hz"), "{said}");
    assert!(said.contains("--hz 20"), "{said}");
}

#[test]
fn a_range_of_the_real_tub_keeps_the_logs_numbers_and_times() {
    let Some(path) = real_tub("a_range_of_the_real_tub_keeps_the_logs_numbers_and_times") else { return };
    let mut log = ingest::open(&path, &LogOptions { hz: Some(20.0), range: Some(990..1000) }).unwrap();
    assert_eq!(log.info().frames, 10);
    let frames = frames(log.as_mut());
    assert_eq!(seqs(&frames), (990..1000).collect::<Vec<_>>());
    assert_eq!(frames[0].captured.0, 49_500_000_000);
    let error = open_error(&path, &LogOptions { hz: Some(20.0), range: Some(990..1001) });
    assert!(error.contains("990..1001") && error.contains("0 to 999") && error.contains("0..1000"), "{error}");
}

#[test]
fn a_tub_of_several_catalogs_is_read_in_order_with_its_own_times() {
    let dir = tub(8, &[]);
    let mut log = open(dir.path()).unwrap();
    assert_eq!((log.info().stamps, log.info().hz), (Stamps::Trusted, Some(20.0)));
    let frames = frames(log.as_mut());
    assert_eq!(seqs(&frames), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(frames[7].captured.0, 1_600_000_000_350_000_000);
    assert_eq!(frames[3].teleop, Some(Teleop { turn: -0.5, speed: 0.25 }));
}

#[test]
fn deleted_frames_of_a_tub_are_left_out_and_leave_a_hole() {
    let dir = tub(8, &[0, 3, 4]);
    let mut log = open(dir.path()).unwrap();
    assert_eq!(log.info().frames, 5);
    assert_eq!(seqs(&frames(log.as_mut())), [1, 2, 5, 6, 7]);
    assert!(log.skipped().is_empty());
}

#[test]
fn a_tub_with_everything_deleted_is_called_empty() {
    let dir = tub(2, &[0, 1]);
    assert!(open_error(dir.path(), &LogOptions::default()).contains("2 frames deleted"));
}

#[test]
fn bad_lines_and_pictures_are_skipped_with_their_reason() {
    let dir = tub(9, &[]);
    let images = dir.path().join("images");
    fs::write(images.join("1.jpg"), &jpeg(9)[..300]).unwrap();
    fs::remove_file(images.join("2.jpg")).unwrap();
    fs::write(images.join("4.jpg"), b"not a picture").unwrap();
    let catalog = dir.path().join("catalog_2.catalog");
    let long = format!("{{\"_index\": 7, \"x\": \"{}\"}}\n", "a".repeat(100_000));
    fs::write(&catalog, [line(6, 1_600_000_000_300, "6.jpg"), long, "{\"_index\": 8, \"_time".to_owned()].concat()).unwrap();
    let mut log = open(dir.path()).unwrap();
    assert_eq!(seqs(&frames(log.as_mut())), [0, 3, 5, 6]);
    let skipped: Vec<_> = log.skipped().iter().map(|s| (s.index, s.reason.as_str())).collect();
    let expected = [(1, "cut off"), (2, "2.jpg"), (4, "neither JPEG nor PNG"), (7, "longer than 65536"), (8, "line 3")];
    assert_eq!(skipped.len(), expected.len(), "{skipped:?}");
    for ((index, reason), (expected_index, word)) in skipped.into_iter().zip(expected) {
        assert_eq!(index, expected_index);
        assert!(reason.contains(word), "{index}: {reason}");
    }
}

#[test]
fn a_lost_catalog_costs_only_its_own_frames() {
    let dir = tub(9, &[]);
    fs::remove_file(dir.path().join("catalog_1.catalog")).unwrap();
    let mut log = open(dir.path()).unwrap();
    assert_eq!(seqs(&frames(log.as_mut())), [0, 1, 2, 6, 7, 8]);
    assert!(log.skipped()[0].reason.contains("catalog_1.catalog"), "{:?}", log.skipped());
}

#[test]
fn repeated_and_backward_indexes_are_skipped() {
    let dir = tub(3, &[]);
    let lines = [line(0, 1000, "0.jpg"), line(0, 1050, "1.jpg"), line(5, 1100, "2.jpg"), line(4, 1150, "1.jpg")];
    fs::write(dir.path().join("catalog_0.catalog"), lines.concat()).unwrap();
    let mut log = open(dir.path()).unwrap();
    let got = seqs(&frames(log.as_mut()));
    assert!(got.is_sorted_by(|a, b| a < b), "{got:?}");
    assert!(got.contains(&0) && got.len() + log.skipped().len() == 4, "{got:?} {:?}", log.skipped());
}

#[test]
fn a_log_with_nothing_usable_is_an_error_with_the_first_reason() {
    let dir = tub(3, &[]);
    for i in 0..3 {
        fs::write(dir.path().join(format!("images/{i}.jpg")), b"").unwrap();
    }
    let error = open(dir.path()).unwrap().next().unwrap_err().to_string();
    assert!(error.contains("none of 3 frames") && error.contains("frame 0"), "{error}");
}

#[test]
fn names_that_leave_the_folder_are_not_read() {
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("secret.jpg"), jpeg(1)).unwrap();
    let dir = tub(6, &[]);
    let out = outside.path().display();
    let lines = [
        line(0, 1000, "../images/0.jpg"),
        line(1, 1050, &format!("{out}/secret.jpg")),
        line(2, 1100, "link.jpg"),
        line(3, 1150, ".."),
        line(4, 1200, "0.jpg\\u0000.png"),
        line(5, 1250, "pipe"),
        line(6, 1300, "5.jpg"),
    ];
    fs::write(dir.path().join("catalog_0.catalog"), lines.concat()).unwrap();
    fs::write(dir.path().join("catalog_1.catalog"), "").unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.jpg"), dir.path().join("images/link.jpg")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(dir.path().join("images/pipe")).status().unwrap();
    assert!(pipe.success());
    let mut log = open(dir.path()).unwrap();
    assert_eq!(seqs(&frames(log.as_mut())), [6]);
    assert_eq!(log.skipped().len(), 6);
    assert!(log.skipped()[2].reason.contains("link out of"), "{:?}", log.skipped()[2]);
}

#[test]
fn an_images_folder_that_is_a_link_out_is_not_followed() {
    let outside = TempDir::new().unwrap();
    let dir = tub(3, &[]);
    let images = dir.path().join("images");
    fs::rename(&images, outside.path().join("images")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("images"), &images).unwrap();
    let error = open(dir.path()).unwrap().next().unwrap_err().to_string();
    assert!(error.contains("link out of"), "{error}");
}

#[test]
fn a_catalog_path_that_leaves_the_folder_is_not_read() {
    let outside = tub(3, &[]);
    let dir = tub(3, &[]);
    let catalog = format!("{}/catalog_0.catalog", outside.path().display());
    write_manifest(dir.path(), &serde_json::json!({"paths": [catalog]}).to_string());
    let error = open(dir.path()).unwrap().next().unwrap_err().to_string();
    assert!(error.contains("not a plain file name"), "{error}");
}

#[test]
fn broken_manifests_are_refused_with_what_is_missing() {
    let dir = tub(3, &[]);
    for (last_line, word) in [
        ("{\"current_index\": 3}", "no line names the catalogs"),
        ("{\"paths\": 7}", "does not fit"),
        ("{\"paths\": []}", "empty"),
        ("{\"paths\": [\"catalog_0.cat", "no line names the catalogs"),
    ] {
        write_manifest(dir.path(), last_line);
        let error = open_error(dir.path(), &LogOptions::default());
        assert!(error.contains(word), "{last_line}: {error}");
    }
}

#[test]
fn pictures_named_by_number_are_ordered_by_number() {
    let dir = TempDir::new().unwrap();
    for i in 0..12_u8 {
        fs::write(dir.path().join(format!("{i}.png")), png(i * 20)).unwrap();
    }
    fs::write(dir.path().join("traj_data.pkl"), b"x").unwrap();
    let mut log = open(dir.path()).unwrap();
    assert_eq!((log.info().kind, log.info().frames), (LogKind::NumberedFolder, 12));
    assert_eq!((log.info().stamps, log.info().hz), (Stamps::Missing, None));
    assert!(log.info().require_stamps().unwrap_err().to_string().contains("--hz"));
    let shades: Vec<u8> = frames(log.as_mut()).iter().map(|f| f.picture.rgb()[0]).collect();
    assert_eq!(shades, (0..12).map(|i| i * 20).collect::<Vec<u8>>());
}

#[test]
fn numbers_with_a_gap_make_an_image_folder() {
    let dir = TempDir::new().unwrap();
    for i in [1, 2, 10] {
        fs::write(dir.path().join(format!("{i}.png")), png(i)).unwrap();
    }
    let mut log = ingest::open(dir.path(), &LogOptions { hz: Some(4.0), range: None }).unwrap();
    assert_eq!((log.info().kind, log.info().hz_given), (LogKind::ImageFolder, true));
    let frames = frames(log.as_mut());
    assert_eq!(frames.iter().map(|f| f.picture.rgb()[0]).collect::<Vec<_>>(), [1, 2, 10]);
    assert_eq!(frames.iter().map(|f| f.captured.0).collect::<Vec<_>>(), [0, 250_000_000, 500_000_000]);
}

#[test]
fn other_names_are_ordered_as_text() {
    let dir = TempDir::new().unwrap();
    for (name, shade) in [("b.PNG", 2), ("a.png", 1), ("c.jpg", 3)] {
        fs::write(dir.path().join(name), png(shade)).unwrap();
    }
    let mut log = open(dir.path()).unwrap();
    assert_eq!(log.info().kind, LogKind::ImageFolder);
    assert_eq!(frames(log.as_mut()).iter().map(|f| f.picture.rgb()[0]).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn what_is_no_log_is_refused_with_what_was_found() {
    let dir = TempDir::new().unwrap();
    assert!(open_error(dir.path(), &LogOptions::default()).contains("0 entries"));
    assert!(open_error(&dir.path().join("nowhere"), &LogOptions::default()).contains("nowhere"));
    let bag = dir.path().join("drive.mcap");
    fs::write(&bag, b"x").unwrap();
    assert!(open_error(&bag, &LogOptions::default()).contains("bags are not read"));
}

#[test]
fn options_that_make_no_sense_are_refused_with_their_number() {
    let dir = tub(3, &[]);
    for hz in [0.0, -4.0, f64::NAN, f64::INFINITY, 1e6] {
        assert!(open_error(dir.path(), &LogOptions { hz: Some(hz), range: None }).contains("--hz"));
    }
    for (range, word) in [(3..9, "outside"), (2..2, "empty"), (0..4, "outside")] {
        let error = open_error(dir.path(), &LogOptions { hz: None, range: Some(range) });
        assert!(error.contains(word), "{error}");
    }
}

/// Everything a source says until its end: sequence number, stamp and whether it was a frame.
fn drain(source: &mut ReplaySource, limit: usize) -> Vec<(u64, Option<i64>)> {
    let mut out = Vec::new();
    while out.len() < limit {
        match source.next(Duration::ZERO) {
            Ok(Next::Frame(frame)) => out.push((frame.seq, Some(frame.captured.0))),
            Ok(Next::End) => break,
            Ok(Next::Nothing) => panic!("a log always has something to say"),
            Err(SourceError::BadFrame { seq, .. }) => out.push((seq, None)),
            Err(e) => panic!("{e}"),
        }
    }
    out
}

#[test]
fn replay_reports_bad_frames_in_their_place_and_ends_for_good() {
    let dir = tub(4, &[]);
    fs::write(dir.path().join("images/1.jpg"), b"").unwrap();
    fs::write(dir.path().join("images/3.jpg"), b"").unwrap();
    let options = LogOptions { hz: Some(10.0), range: None };
    let mut source = ReplaySource::open(dir.path(), &options, false).unwrap();
    assert!(source.is_log());
    let said = drain(&mut source, 100);
    assert_eq!(said, [(0, Some(0)), (1, None), (2, Some(200_000_000)), (3, None)]);
    assert!(matches!(source.next(Duration::ZERO), Ok(Next::End)));
    assert!(source.describe().contains("donkeycar tub"), "{}", source.describe());
}

#[test]
fn a_repeated_replay_keeps_numbers_and_stamps_increasing() {
    let dir = tub(4, &[]);
    fs::write(dir.path().join("images/3.jpg"), b"").unwrap();
    let options = LogOptions { hz: Some(10.0), range: Some(1..4) };
    let mut source = ReplaySource::open(dir.path(), &options, true).unwrap();
    let ms = |ms: i64| Some(ms * 1_000_000);
    let expected = [(1, ms(100)), (2, ms(200)), (3, None), (4, ms(300)), (5, ms(400)), (6, None), (7, ms(500))];
    assert_eq!(drain(&mut source, 7), expected);
}

#[test]
fn a_repeated_replay_of_nothing_usable_ends() {
    let dir = tub(2, &[]);
    for i in 0..2 {
        fs::write(dir.path().join(format!("images/{i}.jpg")), b"").unwrap();
    }
    let mut source = ReplaySource::open(dir.path(), &LogOptions::default(), true).unwrap();
    for seq in 0..2 {
        assert!(matches!(source.next(Duration::ZERO), Err(SourceError::BadFrame { seq: s, .. }) if s == seq));
    }
    assert!(matches!(source.next(Duration::ZERO), Err(SourceError::Stream(_))));
    assert!(matches!(source.next(Duration::ZERO), Ok(Next::End)));
}
