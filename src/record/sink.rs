//! The sink: what any thread holds to have things recorded, and what it leaves in the queue.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

use super::Item;

/// Most bytes that may wait in the queue; pictures differ too much in size for a count alone.
pub(super) const QUEUE_BYTES: u64 = 64 * 1024 * 1024;

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
    /// Given to the file, and not lost since by a failing disk.
    pub written: u64,
    /// Dropped because the queue had no room.
    pub dropped: u64,
    /// Not written because the file was full or had failed.
    pub lost: u64,
}

#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) closing: AtomicBool,
    pub(super) waiting_bytes: AtomicU64,
    pub(super) written: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) lost: AtomicU64,
}

impl Shared {
    pub(super) fn counts(&self) -> Counts {
        Counts {
            written: self.written.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
        }
    }
}

/// What waits in the queue.
pub(super) enum Message {
    Item(Item),
    Metadata(String, BTreeMap<String, String>),
    Attachment(mcap::Attachment<'static>),
    /// Wakes the worker so that it sees the closing.
    Wake,
}

impl Message {
    pub(super) fn bytes(&self) -> u64 {
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
    pub(super) queue: SyncSender<Message>,
    pub(super) shared: Arc<Shared>,
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
