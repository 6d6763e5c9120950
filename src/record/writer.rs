//! Writing a recording: a cheap sink for every thread, one worker behind a bounded queue.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use mcap::records::{MessageHeader, Metadata};
use mcap::write::NoSeek;
use mcap::{WriteOptions, Writer};

use super::{Item, ItemKind, RecordError, schema};

/// A killed process loses at most what came in this long before.
const FLUSH_PERIOD: Duration = Duration::from_secs(1);

/// Chunks end at the flush or at this size, whichever is first.
const CHUNK_BYTES: u64 = 1024 * 1024;

/// Most bytes that may wait in the queue; pictures differ too much in size for a count alone.
const QUEUE_BYTES: u64 = 64 * 1024 * 1024;

/// Room kept for the file's end when its size is limited, besides what grows with the file.
const END_BYTES: u64 = 16 * 1024;

/// Bytes an item costs besides its data: the record's head and its entry in the index.
const ITEM_OVERHEAD_BYTES: u64 = 64;

/// How to record.
#[derive(Clone, Debug)]
pub struct RecorderOptions {
    /// Most things that may wait for the worker.
    pub queue: usize,
    /// Largest size of the file in bytes; when it is reached, the file is finished properly and what
    /// comes after is counted as lost.
    pub max_bytes: Option<u64>,
    /// JSON schemas by channel; other JSON channels hold "any object".
    pub json_schemas: BTreeMap<&'static str, String>,
}

impl Default for RecorderOptions {
    fn default() -> Self {
        Self { queue: 256, max_bytes: None, json_schemas: BTreeMap::new() }
    }
}

/// What became of a thing handed to the sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It waits for the worker.
    Queued,
    /// There was no room, or the recording was closed; it was counted.
    Dropped,
}

/// Counts since the recording began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Given to the file.
    pub written: u64,
    /// Dropped because the queue had no room.
    pub dropped: u64,
    /// Not written because the file was full or had failed.
    pub lost: u64,
}

#[derive(Debug, Default)]
struct Shared {
    closing: AtomicBool,
    waiting_bytes: AtomicU64,
    written: AtomicU64,
    dropped: AtomicU64,
    lost: AtomicU64,
}

impl Shared {
    fn counts(&self) -> Counts {
        Counts {
            written: self.written.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
        }
    }
}

enum Message {
    Item(Item),
    Metadata(String, BTreeMap<String, String>),
    Attachment(mcap::Attachment<'static>),
    /// Wakes the worker so that it sees the closing.
    Wake,
}

impl Message {
    fn bytes(&self) -> u64 {
        (match self {
            Self::Item(item) => item.data.len(),
            Self::Metadata(name, pairs) => name.len() + pairs.iter().map(|(k, v)| k.len() + v.len() + 8).sum::<usize>(),
            Self::Attachment(a) => a.data.len() + a.name.len() + a.media_type.len(),
            Self::Wake => 0,
        }) as u64
    }
}

/// Hands things to the recorder from any thread. Never blocks; clones are cheap.
#[derive(Clone, Debug)]
pub struct RecorderSink {
    queue: SyncSender<Message>,
    shared: Arc<Shared>,
}

impl RecorderSink {
    /// Records an item.
    pub fn send(&self, item: Item) -> Sent {
        self.offer(Message::Item(item))
    }

    /// Records named pairs of text, such as versions and hashes.
    pub fn metadata(&self, name: &str, pairs: BTreeMap<String, String>) -> Sent {
        self.offer(Message::Metadata(name.to_owned(), pairs))
    }

    /// Records a whole file, such as the profile in use. `log_time_ns`: nanoseconds.
    pub fn attach(&self, name: &str, media_type: &str, log_time_ns: u64, data: Vec<u8>) -> Sent {
        self.offer(Message::Attachment(mcap::Attachment {
            log_time: log_time_ns,
            create_time: log_time_ns,
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            data: data.into(),
        }))
    }

    /// Ends the recording: the worker writes what waits and finishes the file. So does dropping all sinks.
    pub fn close(&self) {
        self.shared.closing.store(true, Ordering::Release);
        // A full queue means an awake worker.
        let _ = self.queue.try_send(Message::Wake);
    }

    /// Counts so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }

    fn offer(&self, message: Message) -> Sent {
        let bytes = message.bytes();
        let before = self.shared.waiting_bytes.fetch_add(bytes, Ordering::AcqRel);
        let fits = before.saturating_add(bytes) <= QUEUE_BYTES && !self.shared.closing.load(Ordering::Acquire);
        if fits && self.queue.try_send(message).is_ok() {
            return Sent::Queued;
        }
        self.shared.waiting_bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        Sent::Dropped
    }
}

/// Makes recordings.
#[derive(Debug)]
pub struct Recorder;

impl Recorder {
    /// Creates the file and gives the sink and the worker, which the caller runs on a thread of its own.
    ///
    /// # Errors
    /// When the file exists or cannot be created, or the options make no recording possible.
    pub fn create(path: &Path, options: RecorderOptions) -> Result<(RecorderSink, RecorderWorker), RecordError> {
        if options.queue == 0 {
            return Err(RecordError::Options("a queue of 0 records nothing; 256 is usual".to_owned()));
        }
        if let Some(max) = options.max_bytes.filter(|max| *max < 4 * END_BYTES) {
            return Err(RecordError::Options(format!("max_bytes is {max}; a recording needs at least {}", 4 * END_BYTES)));
        }
        let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => RecordError::Exists { path: path.to_owned() },
            _ => RecordError::Io { path: path.to_owned(), detail: e.to_string() },
        })?;
        Self::on(Box::new(file), path, options)
    }

    fn on(target: Box<dyn Target>, path: &Path, options: RecorderOptions) -> Result<(RecorderSink, RecorderWorker), RecordError> {
        let (sender, receiver) = sync_channel(options.queue);
        let shared = Arc::new(Shared::default());
        let write_options = WriteOptions::new()
            .compression(None)
            .chunk_size(Some(CHUNK_BYTES))
            // Chunks are put together in memory and written whole, so that a file cut off by a kill
            // never holds a chunk header that was still to be filled in.
            .disable_seeking(true)
            .library(concat!("pilotage ", env!("CARGO_PKG_VERSION")));
        let output = Output { target, written: Arc::new(AtomicU64::new(0)) };
        let written = Arc::clone(&output.written);
        let writer = Writer::with_options(NoSeek::new(output), write_options)
            .map_err(|e| RecordError::Io { path: path.to_owned(), detail: said(&e) })?;
        let worker = RecorderWorker {
            name: path.display().to_string(),
            queue: receiver,
            shared: Arc::clone(&shared),
            options,
            writer: Some(writer),
            on_disk: Arc::clone(&written),
            good_until: written.load(Ordering::Relaxed),
            pending_bytes: 0,
            end_bytes: END_BYTES,
            channels: HashMap::new(),
            stopped: None,
            complete: false,
        };
        Ok((RecorderSink { queue: sender, shared }, worker))
    }
}

/// Where the bytes go.
trait Target: Write + Send {
    fn sync(&mut self) -> io::Result<()>;
    fn cut(&mut self, len: u64) -> io::Result<()>;
}

impl Target for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }
}

struct Output {
    target: Box<dyn Target>,
    written: Arc<AtomicU64>,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.target.write(bytes)?;
        self.written.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()?;
        // A robot is as often switched off as shut down.
        self.target.sync()
    }
}

/// The crate's message hides the system's behind its source.
fn said(error: &mcap::McapError) -> String {
    match error {
        mcap::McapError::Io(e) => e.to_string(),
        other => other.to_string(),
    }
}

/// What a finished recording has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecorderReport {
    /// Counts over the whole recording.
    pub counts: Counts,
    /// Size of the file in bytes.
    pub file_bytes: u64,
    /// Whether the file has its index and end; without them it is still readable.
    pub complete: bool,
    /// Why recording stopped before it was closed, if it did.
    pub stopped: Option<String>,
}

/// Writes what the sinks hand over. Everything that goes wrong is said once, counted and survived.
pub struct RecorderWorker {
    name: String,
    queue: Receiver<Message>,
    shared: Arc<Shared>,
    options: RecorderOptions,
    /// `None` once the file is finished or has failed.
    writer: Option<Writer<NoSeek<Output>>>,
    on_disk: Arc<AtomicU64>,
    /// The file is whole up to here.
    good_until: u64,
    /// Given to the writer since the last flush, about.
    pending_bytes: u64,
    /// Needed to finish the file, at most.
    end_bytes: u64,
    /// Channel id and items so far.
    channels: HashMap<(&'static str, ItemKind), (u16, u32)>,
    stopped: Option<String>,
    complete: bool,
}

impl RecorderWorker {
    /// Records until the sink is closed or all sinks are gone, then finishes the file.
    ///
    /// `clock`: any monotonic clock, asked once for every item; it decides when to flush.
    pub fn run(mut self, mut clock: impl FnMut() -> Duration) -> RecorderReport {
        let mut flushed_at = clock();
        loop {
            let message = if self.shared.closing.load(Ordering::Acquire) {
                match self.queue.try_recv() {
                    Ok(message) => Some(message),
                    Err(_) => break,
                }
            } else {
                match self.queue.recv_timeout(FLUSH_PERIOD) {
                    Ok(message) => Some(message),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            };
            if let Some(message) = message {
                self.take(message);
            }
            let now = clock();
            if now.saturating_sub(flushed_at) >= FLUSH_PERIOD {
                self.flush();
                flushed_at = now;
            }
        }
        self.finish();
        // A sink may have slipped something in while the file was being finished.
        let late = self.queue.try_iter().filter(|m| !matches!(m, Message::Wake)).count();
        self.shared.lost.fetch_add(late as u64, Ordering::Relaxed);
        RecorderReport {
            counts: self.shared.counts(),
            file_bytes: self.on_disk.load(Ordering::Relaxed),
            complete: self.complete,
            stopped: self.stopped,
        }
    }

    fn take(&mut self, message: Message) {
        let bytes = message.bytes();
        self.shared.waiting_bytes.fetch_sub(bytes, Ordering::AcqRel);
        if matches!(message, Message::Wake) {
            return;
        }
        self.stop_if_full(bytes + ITEM_OVERHEAD_BYTES);
        let result = match &mut self.writer {
            None => {
                self.shared.lost.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Some(writer) => match message {
                Message::Item(item) => write_item(writer, &mut self.channels, &self.options, &item, &mut self.end_bytes),
                Message::Metadata(name, metadata) => {
                    self.end_bytes += ITEM_OVERHEAD_BYTES + name.len() as u64;
                    writer.write_metadata(&Metadata { name, metadata })
                }
                Message::Attachment(attachment) => {
                    self.end_bytes += 2 * ITEM_OVERHEAD_BYTES + (attachment.name.len() + attachment.media_type.len()) as u64;
                    writer.attach(&attachment)
                }
                Message::Wake => Ok(()),
            },
        };
        match result {
            Ok(()) => {
                self.pending_bytes += bytes + ITEM_OVERHEAD_BYTES;
                self.shared.written.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                self.shared.lost.fetch_add(1, Ordering::Relaxed);
                self.fail(&error);
            }
        }
    }

    /// Finishes the file while there is room for its end.
    fn stop_if_full(&mut self, coming_bytes: u64) {
        let Some(max) = self.options.max_bytes.filter(|_| self.writer.is_some()) else { return };
        let needed = self.good_until + self.pending_bytes + coming_bytes + self.end_bytes;
        if needed > max {
            self.finish();
            self.stopped.get_or_insert_with(|| format!("the file reached its limit of {max} bytes"));
            tracing::warn!("recording {} stopped: the file reached its limit of {max} bytes", self.name);
        }
    }

    fn flush(&mut self) {
        if self.pending_bytes == 0 {
            return;
        }
        if let Some(result) = self.writer.as_mut().map(Writer::flush) {
            match result {
                Ok(()) => {
                    self.good_until = self.on_disk.load(Ordering::Relaxed);
                    // Every chunk has its line in the index.
                    let chunks = self.pending_bytes / CHUNK_BYTES + 1;
                    self.end_bytes += chunks * (2 * ITEM_OVERHEAD_BYTES + 16 * self.channels.len() as u64);
                    self.pending_bytes = 0;
                }
                Err(error) => self.fail(&error),
            }
        }
    }

    fn finish(&mut self) {
        self.flush();
        let Some(mut writer) = self.writer.take() else { return };
        match writer.finish() {
            Ok(_) => {
                let mut output = writer.into_inner().into_inner();
                self.complete = output.flush().is_ok();
                self.good_until = self.on_disk.load(Ordering::Relaxed);
            }
            Err(error) => {
                self.writer = Some(writer);
                self.fail(&error);
            }
        }
    }

    /// Gives the file up, cut back to where it was last whole so that it can be read.
    fn fail(&mut self, error: &mcap::McapError) {
        let Some(writer) = self.writer.take() else { return };
        let why = said(error);
        tracing::error!("recording {} stopped: {why}; the drive goes on without it", self.name);
        self.stopped.get_or_insert(why);
        let mut output = writer.into_inner().into_inner();
        if output.target.cut(self.good_until).is_ok() {
            self.on_disk.store(self.good_until, Ordering::Relaxed);
        }
    }
}

fn write_item(
    writer: &mut Writer<NoSeek<Output>>,
    channels: &mut HashMap<(&'static str, ItemKind), (u16, u32)>,
    options: &RecorderOptions,
    item: &Item,
    end_bytes: &mut u64,
) -> mcap::McapResult<()> {
    let key = (item.channel, item.kind);
    if !channels.contains_key(&key) {
        let schema = schema::of(item.channel, item.kind, options.json_schemas.get(item.channel).map(String::as_str));
        let schema_id = writer.add_schema(&schema.name, schema.encoding, schema.text.as_bytes())?;
        let id = writer.add_channel(schema_id, item.channel, schema.message_encoding, &BTreeMap::new())?;
        // Once in the data and once in the index.
        *end_bytes += 2 * (schema.text.len() + schema.name.len() + item.channel.len()) as u64 + 4 * ITEM_OVERHEAD_BYTES;
        channels.insert(key, (id, 0));
    }
    let Some((channel_id, sequence)) = channels.get_mut(&key) else { return Ok(()) };
    let header = MessageHeader {
        channel_id: *channel_id,
        sequence: *sequence,
        log_time: item.log_time_ns,
        publish_time: item.publish_time_ns,
    };
    *sequence = sequence.wrapping_add(1);
    writer.write_to_known_channel(&header, &item.data)
}

#[cfg(test)]
mod tests;
