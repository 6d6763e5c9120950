//! Rules of the writer: it never blocks, never hides a loss, and leaves a readable file.

use std::fs;
use std::sync::Mutex;

use tempfile::TempDir;

use super::super::{Ending, Entry, ReadLimits, RecordingReader};
use super::*;

fn item(bytes: usize) -> Item {
    Item { channel: "/t", kind: ItemKind::Json, log_time_ns: 0, publish_time_ns: 0, data: vec![b' '; bytes] }
}

fn create(dir: &TempDir, options: RecorderOptions) -> (std::path::PathBuf, RecorderSink, RecorderWorker) {
    let path = dir.path().join("r.mcap");
    let (sink, worker) = Recorder::create(&path, options).unwrap();
    (path, sink, worker)
}

fn items(path: &Path) -> (usize, Ending) {
    let mut reader = RecordingReader::open(path, ReadLimits::default()).unwrap();
    let n = std::iter::from_fn(|| reader.next().unwrap()).filter(|e| matches!(e, Entry::Item(_))).count();
    (n, reader.ending().unwrap().clone())
}

/// Takes everything that waits, as `run` does between two looks at the clock.
fn take_all(worker: &mut RecorderWorker) {
    while let Ok(message) = worker.queue.try_recv() {
        worker.take(message);
    }
}

#[test]
fn a_full_queue_drops_and_counts_without_blocking() {
    let dir = TempDir::new().unwrap();
    let (path, sink, worker) = create(&dir, RecorderOptions { queue: 3, ..RecorderOptions::default() });
    let sent: Vec<Sent> = (0..5).map(|_| sink.send(item(10))).collect();
    assert_eq!(sent, [Sent::Queued, Sent::Queued, Sent::Queued, Sent::Dropped, Sent::Dropped]);
    sink.close();
    let report = worker.run(|| Duration::ZERO);
    assert_eq!(report.counts, Counts { written: 3, dropped: 2, lost: 0 });
    assert_eq!(items(&path), (3, Ending::Complete));
}

#[test]
fn the_queue_is_bounded_in_bytes_too() {
    let dir = TempDir::new().unwrap();
    let (_, sink, mut worker) = create(&dir, RecorderOptions::default());
    let big = QUEUE_BYTES as usize / 2;
    assert_eq!([sink.send(item(big)), sink.send(item(big)), sink.send(item(1))], [Sent::Queued, Sent::Queued, Sent::Dropped]);
    take_all(&mut worker);
    assert_eq!(sink.send(item(1)), Sent::Queued);
}

#[test]
fn what_was_flushed_survives_a_kill() {
    let dir = TempDir::new().unwrap();
    let (path, sink, mut worker) = create(&dir, RecorderOptions::default());
    (0..4).for_each(|_| assert_eq!(sink.send(item(100)), Sent::Queued));
    take_all(&mut worker);
    worker.flush();
    assert_eq!(sink.send(item(100)), Sent::Queued);
    take_all(&mut worker);
    // The file as a kill at this moment would leave it.
    let (n, ending) = items(&path);
    assert_eq!(n, 4);
    assert!(matches!(ending, Ending::Truncated { lost_bytes: 0, .. }), "{ending:?}");
}

#[test]
fn the_file_is_flushed_once_a_second() {
    let dir = TempDir::new().unwrap();
    let (path, sink, worker) = create(&dir, RecorderOptions::default());
    (0..20).for_each(|_| assert_eq!(sink.send(item(100)), Sent::Queued));
    sink.close();
    // A quarter of a second an item: five seconds.
    let mut now = Duration::ZERO;
    worker.run(|| {
        now += Duration::from_millis(250);
        now
    });
    let bytes = fs::read(path).unwrap();
    assert_eq!(mcap::Summary::read(&bytes).unwrap().unwrap().chunk_indexes.len(), 5);
}

#[test]
fn dropping_all_sinks_finishes_the_file() {
    let dir = TempDir::new().unwrap();
    let (path, sink, worker) = create(&dir, RecorderOptions::default());
    assert_eq!(sink.clone().send(item(5)), Sent::Queued);
    drop(sink);
    assert!(worker.run(|| Duration::ZERO).complete);
    assert_eq!(items(&path), (1, Ending::Complete));
}

#[test]
fn nothing_is_taken_after_closing() {
    let dir = TempDir::new().unwrap();
    let (_, sink, worker) = create(&dir, RecorderOptions::default());
    sink.close();
    assert_eq!(sink.send(item(5)), Sent::Dropped);
    assert_eq!(worker.run(|| Duration::ZERO).counts, Counts { written: 0, dropped: 1, lost: 0 });
}

#[test]
fn a_size_limit_is_kept_and_leaves_a_complete_file() {
    for (item_bytes, step_ms) in [(10, 0), (10, 500), (3_000, 100), (200_000, 1000)] {
        let dir = TempDir::new().unwrap();
        let max = 1_000_000;
        let options = RecorderOptions { queue: 20_000, max_bytes: Some(max), ..RecorderOptions::default() };
        let (path, sink, worker) = create(&dir, options);
        (0..20_000).for_each(|_| {
            sink.send(item(item_bytes));
        });
        sink.close();
        let mut now = Duration::ZERO;
        let report = worker.run(|| {
            now += Duration::from_millis(step_ms);
            now
        });
        let (n, ending) = items(&path);
        assert_eq!((n as u64, ending), (report.counts.written, Ending::Complete));
        assert!(report.counts.lost > 0 && report.complete && report.stopped.is_some(), "{report:?}");
        assert!(report.file_bytes <= max, "{} bytes", report.file_bytes);
        assert!(report.file_bytes > max / 3, "{} bytes", report.file_bytes);
    }
}

#[test]
fn options_without_room_are_refused() {
    let dir = TempDir::new().unwrap();
    for options in [
        RecorderOptions { queue: 0, ..RecorderOptions::default() },
        RecorderOptions { max_bytes: Some(100), ..RecorderOptions::default() },
    ] {
        let path = dir.path().join("r.mcap");
        assert!(matches!(Recorder::create(&path, options), Err(RecordError::Options(_))));
        assert!(!path.exists());
    }
}

#[test]
fn json_channels_get_the_schema_they_were_given() {
    let dir = TempDir::new().unwrap();
    let schema = r#"{"type":"object","properties":{"n":{"type":"number"}}}"#;
    let json_schemas = [("/t", schema.to_owned())].into();
    let (path, sink, worker) = create(&dir, RecorderOptions { json_schemas, ..RecorderOptions::default() });
    assert_eq!(sink.send(item(2)), Sent::Queued);
    drop(sink);
    worker.run(|| Duration::ZERO);
    let summary = mcap::Summary::read(&fs::read(path).unwrap()).unwrap().unwrap();
    assert_eq!(summary.schemas.values().map(|s| s.data.to_vec()).collect::<Vec<_>>(), [schema.as_bytes()]);
}

/// A disk with room for so many bytes.
#[derive(Clone)]
struct SmallDisk {
    bytes: Arc<Mutex<Vec<u8>>>,
    room: usize,
}

impl Write for SmallDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut held = self.bytes.lock().unwrap();
        let n = bytes.len().min(self.room - held.len());
        if n == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        held.extend(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Target for SmallDisk {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.bytes.lock().unwrap().truncate(len as usize);
        Ok(())
    }
}

#[test]
fn a_disk_that_fills_at_any_byte_is_said_counted_and_leaves_a_readable_file() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("copy.mcap");
    for room in (100..4_000).step_by(37) {
        let disk = SmallDisk { bytes: Arc::default(), room };
        let made = Recorder::on(Box::new(disk.clone()), Path::new("small"), RecorderOptions::default());
        let (sink, worker) = made.unwrap();
        for _ in 0..10 {
            assert_eq!(sink.send(item(300)), Sent::Queued);
        }
        assert_eq!(sink.metadata("m", BTreeMap::new()), Sent::Queued);
        assert_eq!(sink.attach("a", "b", 0, vec![0; 200]), Sent::Queued);
        sink.close();
        let mut now = Duration::ZERO;
        let report = worker.run(|| {
            now += Duration::from_millis(600);
            now
        });
        assert_eq!(report.counts.written + report.counts.lost, 12, "room {room}: {report:?}");
        assert!(!report.complete && report.stopped.as_ref().is_some_and(|s| s.contains("storage")), "room {room}: {report:?}");
        fs::write(&path, &*disk.bytes.lock().unwrap()).unwrap();
        let (n, ending) = items(&path);
        assert!(n as u64 <= report.counts.written, "room {room}: {n} of {report:?}");
        assert!(matches!(ending, Ending::Truncated { lost_bytes: 0, .. }), "room {room}: {ending:?}");
    }
}
