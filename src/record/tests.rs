//! Rules of the container: what is recorded comes back, whatever happens to the file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::*;

fn json(sequence: u64) -> Item {
    Item {
        channel: "/pilotage/tick",
        kind: ItemKind::Json,
        log_time_ns: 1_000 + sequence,
        publish_time_ns: 900 + sequence,
        data: format!("{{\"n\":{sequence}}}").into_bytes(),
    }
}

fn picture() -> Item {
    let rgb: Vec<u8> = (0..4 * 2 * 3).collect();
    Item {
        channel: "/pilotage/image",
        kind: ItemKind::RosImage,
        log_time_ns: 2_000,
        publish_time_ns: 1_999,
        data: encode_rgb8_image(1_500_000_000, "camera", 4, 2, &rgb).unwrap(),
    }
}

fn pairs() -> BTreeMap<String, String> {
    [("model", "gnm"), ("version", "0.1.0")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
}

/// A small finished recording with everything in it; a clock that runs makes several chunks of it.
fn recording(dir: &TempDir) -> PathBuf {
    let path = dir.path().join("drive.mcap");
    let (sink, worker) = Recorder::create(&path, RecorderOptions::default()).unwrap();
    assert_eq!(sink.metadata("pilotage", pairs()), Sent::Queued);
    for n in 0..6 {
        assert_eq!(sink.send(json(n)), Sent::Queued);
    }
    assert_eq!(sink.send(picture()), Sent::Queued);
    assert_eq!(sink.attach("profile.toml", "application/toml", 7, b"a = 1".to_vec()), Sent::Queued);
    assert_eq!(sink.send(json(6)), Sent::Queued);
    sink.close();
    let mut now = Duration::ZERO;
    let report = worker.run(|| {
        now += Duration::from_millis(400);
        now
    });
    assert_eq!(report.counts, Counts { written: 10, dropped: 0, lost: 0 });
    assert!(report.complete && report.stopped.is_none(), "{report:?}");
    assert_eq!(report.file_bytes, fs::metadata(&path).unwrap().len());
    path
}

fn read(path: &Path) -> (Vec<Entry>, Ending, u64) {
    let mut reader = RecordingReader::open(path, ReadLimits::default()).unwrap();
    let entries: Vec<Entry> = std::iter::from_fn(|| reader.next().unwrap()).collect();
    let ending = reader.ending().unwrap().clone();
    (entries, ending, reader.passed_over())
}

#[test]
fn what_was_recorded_comes_back_in_order() {
    let dir = TempDir::new().unwrap();
    let (entries, ending, passed_over) = read(&recording(&dir));
    assert_eq!((ending, passed_over), (Ending::Complete, 0));
    assert_eq!(entries.len(), 10);
    assert_eq!(entries[0], Entry::Metadata { name: "pilotage".to_owned(), pairs: pairs() });
    let Entry::Item(item) = &entries[2] else { panic!("{:?}", entries[2]) };
    assert_eq!((&*item.channel, item.kind(), item.sequence), ("/pilotage/tick", Some(ItemKind::Json), 1));
    assert_eq!((item.log_time_ns, item.publish_time_ns, &item.data[..]), (1001, 901, &b"{\"n\":1}"[..]));
    let Entry::Item(image) = &entries[7] else { panic!("{:?}", entries[7]) };
    assert_eq!(image.kind(), Some(ItemKind::RosImage));
    let decoded = decode_image(&image.data).unwrap();
    assert_eq!((decoded.stamp_ns, decoded.frame_id), (1_500_000_000, "camera"));
    assert_eq!(decoded.picture().unwrap().rgb(), (0..24).collect::<Vec<u8>>());
    assert!(matches!(&entries[8], Entry::Attachment(a) if a.name == "profile.toml" && a.data == b"a = 1"));
}

#[test]
fn the_mcap_crates_own_reader_agrees_and_finds_the_schemas() {
    let dir = TempDir::new().unwrap();
    let bytes = fs::read(recording(&dir)).unwrap();
    let messages: Vec<_> = mcap::MessageStream::new(&bytes).unwrap().map(Result::unwrap).collect();
    assert_eq!(messages.len(), 8);
    let summary = mcap::Summary::read(&bytes).unwrap().unwrap();
    assert_eq!(summary.stats.unwrap().message_count, 8);
    let mut channels: Vec<_> = summary
        .channels
        .values()
        .map(|c| {
            let schema = c.schema.as_ref().unwrap();
            (c.topic.as_str(), c.message_encoding.as_str(), schema.name.as_str(), schema.encoding.as_str())
        })
        .collect();
    channels.sort_unstable();
    assert_eq!(
        channels,
        [
            ("/pilotage/image", "cdr", "sensor_msgs/msg/Image", "ros2msg"),
            ("/pilotage/tick", "json", "pilotage.tick", "jsonschema"),
        ]
    );
}

#[test]
fn an_existing_file_is_refused_and_left_alone() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("drive.mcap");
    fs::write(&path, b"precious").unwrap();
    let error = Recorder::create(&path, RecorderOptions::default()).err().unwrap();
    assert!(matches!(error, RecordError::Exists { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    let nowhere = Recorder::create(&dir.path().join("no/such/drive.mcap"), RecorderOptions::default()).err().unwrap();
    assert!(nowhere.to_string().contains("no/such"), "{nowhere}");
}

#[test]
fn a_file_cut_at_any_length_gives_a_prefix_and_says_what_is_lost() {
    let dir = TempDir::new().unwrap();
    let whole_path = recording(&dir);
    let (all, ..) = read(&whole_path);
    let bytes = fs::read(&whole_path).unwrap();
    let cut_path = dir.path().join("cut.mcap");
    let mut most = 0;
    for len in 0..bytes.len() {
        fs::write(&cut_path, &bytes[..len]).unwrap();
        let Ok(mut reader) = RecordingReader::open(&cut_path, ReadLimits::default()) else {
            assert!(len < 8, "refused at {len}");
            continue;
        };
        let got: Vec<Entry> = std::iter::from_fn(|| reader.next().unwrap()).collect();
        assert_eq!(got, all[..got.len()], "cut at {len}");
        assert!(got.len() >= most, "cut at {len}: {} after {most}", got.len());
        most = got.len();
        match reader.ending().unwrap() {
            Ending::Complete => assert!(len >= bytes.len() - 8, "complete at {len}"),
            Ending::Truncated { at_byte, lost_bytes } => assert_eq!(at_byte + lost_bytes, len as u64),
            other @ Ending::Damaged { .. } => panic!("cut at {len}: {other:?}"),
        }
    }
    assert_eq!(most, all.len());
}

#[test]
fn a_file_with_any_byte_changed_is_read_without_panic_and_without_wrong_items() {
    let dir = TempDir::new().unwrap();
    let path = recording(&dir);
    let (all, ..) = read(&path);
    let bytes = fs::read(&path).unwrap();
    let changed_path = dir.path().join("changed.mcap");
    for at in 8..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0xff;
        fs::write(&changed_path, &changed).unwrap();
        let mut reader = RecordingReader::open(&changed_path, ReadLimits::default()).unwrap();
        while let Ok(Some(entry)) = reader.next() {
            // Metadata has no checksum of its own in this format.
            assert!(all.contains(&entry) || matches!(entry, Entry::Metadata { .. }), "byte {at}: {entry:?}");
        }
    }
}

#[test]
fn a_chunk_with_a_wrong_checksum_costs_only_itself() {
    let dir = TempDir::new().unwrap();
    let path = recording(&dir);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(7).rposition(|w| w == b"{\"n\":6}").unwrap();
    bytes[at + 5] = b'9';
    fs::write(&path, &bytes).unwrap();
    let (entries, ending, passed_over) = read(&path);
    assert_eq!((entries.len(), ending, passed_over), (9, Ending::Complete, 1));
}

/// A file of these records, without an end.
fn crafted(dir: &TempDir, records: &[(u8, u64, &[u8])]) -> PathBuf {
    let mut bytes = wire::MAGIC.to_vec();
    for (opcode, len, body) in records {
        bytes.push(*opcode);
        bytes.extend(len.to_le_bytes());
        bytes.extend(*body);
    }
    let path = dir.path().join("crafted.mcap");
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn lengths_that_lie_end_the_reading_without_taking_memory() {
    let dir = TempDir::new().unwrap();
    for opcode in [0x01, 0x03, 0x05, 0x06, 0x09, 0x0c, 0x0f, 0x80] {
        for len in [u64::MAX, i64::MAX as u64, 1 << 40] {
            let (entries, ending, _) = read(&crafted(&dir, &[(opcode, len, b"abc")]));
            assert!(entries.is_empty());
            assert!(!matches!(ending, Ending::Complete), "opcode {opcode} length {len}");
        }
    }
    // A chunk that claims more than its record, and a text that claims more than its field.
    let mut chunk = vec![0; 28];
    chunk.extend([0, 0, 0, 0]);
    chunk.extend(u64::MAX.to_le_bytes());
    let (_, ending, _) = read(&crafted(&dir, &[(0x06, chunk.len() as u64, &chunk)]));
    assert!(matches!(&ending, Ending::Damaged { reason, .. } if reason.contains("claims")), "{ending:?}");
    let (entries, _, passed_over) = read(&crafted(&dir, &[(0x0c, 6, &[0xff, 0xff, 0xff, 0xff, 1, 2])]));
    assert_eq!((entries.len(), passed_over), (0, 1));
}

#[test]
fn a_compressed_chunk_is_refused_with_the_way_out() {
    let dir = TempDir::new().unwrap();
    let mut chunk = vec![0; 28];
    chunk.extend([4, 0, 0, 0]);
    chunk.extend(b"zstd");
    chunk.extend(0_u64.to_le_bytes());
    let path = crafted(&dir, &[(0x06, chunk.len() as u64, &chunk)]);
    let mut reader = RecordingReader::open(&path, ReadLimits::default()).unwrap();
    let error = reader.next().unwrap_err().to_string();
    assert!(error.contains("zstd") && error.contains("--compression none"), "{error}");
    assert!(reader.next().unwrap().is_none());
}

#[test]
fn what_is_no_recording_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("x.mcap");
    for bytes in [&b""[..], b"\x89MCAP", b"not a recording"] {
        fs::write(&path, bytes).unwrap();
        let error = RecordingReader::open(&path, ReadLimits::default()).unwrap_err();
        assert!(matches!(error, RecordError::NotARecording { .. }), "{error}");
    }
    assert!(RecordingReader::open(dir.path(), ReadLimits::default()).is_err());
}

#[test]
fn image_messages_have_the_layout_of_cdr() {
    let message = encode_rgb8_image(-1, "ab", 1, 1, &[7, 8, 9]).unwrap();
    let expected = [
        &[0, 1, 0, 0][..],
        &[0xff, 0xff, 0xff, 0xff],             // seconds, floor of -1 ns
        &999_999_999_u32.to_le_bytes(),        // nanoseconds
        &[3, 0, 0, 0, b'a', b'b', 0, 0],       // "ab" with its terminator, then alignment
        &[1, 0, 0, 0, 1, 0, 0, 0],             // height, width
        &[5, 0, 0, 0, b'r', b'g', b'b', b'8', 0, 0], // "rgb8", is_bigendian
        &[0, 0],                               // alignment
        &[3, 0, 0, 0, 3, 0, 0, 0, 7, 8, 9],    // step, data
    ]
    .concat();
    assert_eq!(message, expected);
    assert_eq!(decode_image(&message).unwrap().stamp_ns, -1);
    assert!(encode_rgb8_image(0, "", 2, 1, &[0; 5]).is_err());
}

#[test]
fn compressed_image_messages_come_back() {
    let message = encode_compressed_image(5_000_000_007, "cam", "jpeg", &[1, 2, 3]);
    let image = decode_compressed_image(&message).unwrap();
    assert_eq!(image, RosCompressedImage { stamp_ns: 5_000_000_007, frame_id: "cam", format: "jpeg", data: &[1, 2, 3] });
}

#[test]
fn image_messages_cut_or_changed_anywhere_never_panic() {
    let message = picture().data;
    for at in 0..message.len() {
        assert!(decode_image(&message[..at]).is_err(), "cut at {at}");
        let mut changed = message.clone();
        changed[at] = 0xff;
        if let Ok(image) = decode_image(&changed) {
            let _ = image.picture();
        }
    }
}
