//! Reading a recording, front to back, within limits and whatever state its writer left it in.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::wire::{self, Fields, RECORD_HEAD, op};
use super::{ItemKind, RecordError, schema};

/// Limits on what a file may make us hold in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Longest record, a chunk being one, in bytes.
    pub record_bytes: u64,
    /// Most channels, and most schemas.
    pub channels: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { record_bytes: 64 * 1024 * 1024, channels: 1024 }
    }
}

/// An item as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadItem {
    /// Name of the channel.
    pub channel: Arc<str>,
    /// Name of the channel's schema; empty if it has none.
    pub schema: Arc<str>,
    /// Message encoding, `json` or `cdr` in our own files.
    pub encoding: Arc<str>,
    /// Counts the channel's items.
    pub sequence: u32,
    /// When it was recorded, nanoseconds.
    pub log_time_ns: u64,
    /// When it was made, nanoseconds on the same clock.
    pub publish_time_ns: u64,
    /// The bytes.
    pub data: Vec<u8>,
}

impl ReadItem {
    /// How `data` is to be understood, if it is one of our kinds.
    #[must_use]
    pub fn kind(&self) -> Option<ItemKind> {
        match (&*self.encoding, &*self.schema) {
            ("json", _) => Some(ItemKind::Json),
            ("cdr", schema::IMAGE_NAME) => Some(ItemKind::RosImage),
            ("cdr", schema::COMPRESSED_IMAGE_NAME) => Some(ItemKind::RosCompressedImage),
            _ => None,
        }
    }
}

/// A file within the recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// When it was recorded, nanoseconds.
    pub log_time_ns: u64,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// What a recording holds, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An item of a channel.
    Item(ReadItem),
    /// Named pairs of text.
    Metadata {
        /// Its name.
        name: String,
        /// The pairs.
        pairs: BTreeMap<String, String>,
    },
    /// A file.
    Attachment(Attachment),
}

/// How a recording ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Finished by its writer; everything was read.
    Complete,
    /// The file just stops: the writer was killed, or the disk was full.
    Truncated {
        /// Where the last whole record ends.
        at_byte: u64,
        /// Bytes behind it, which cannot be read.
        lost_bytes: u64,
    },
    /// What follows makes no sense.
    Damaged {
        /// Where the senseless part starts.
        at_byte: u64,
        /// Bytes from there to the file's end.
        lost_bytes: u64,
        /// What is wrong there.
        reason: String,
    },
}

/// Yields a recording's entries in file order. Never holds more than one chunk.
#[derive(Debug)]
pub struct RecordingReader {
    path: PathBuf,
    file: BufReader<File>,
    limits: ReadLimits,
    /// Position behind the last record taken from the file, and the file's length.
    at: u64,
    len: u64,
    chunk: Option<OpenChunk>,
    schemas: HashMap<u16, Arc<str>>,
    channels: HashMap<u16, (Arc<str>, u16, Arc<str>)>,
    /// Behind the data only the index follows, which repeats what was read.
    data_ended: bool,
    ending: Option<Ending>,
    passed_over: u64,
}

#[derive(Debug)]
struct OpenChunk {
    /// The chunk record's whole body, as far as the file has it.
    body: Vec<u8>,
    at: usize,
    end: usize,
    /// Position of `body` in the file.
    starts_at: u64,
    /// The file ends within this chunk.
    cut: bool,
}

/// What one step found.
enum Step {
    Entry(Entry),
    /// A record that yields nothing.
    Silent,
    /// A record that cannot be used; the next one can be.
    PassedOver,
    Ended(Ending),
}

impl RecordingReader {
    /// Opens a recording.
    ///
    /// # Errors
    /// When the file cannot be read or does not begin as an MCAP file does.
    pub fn open(path: &Path, limits: ReadLimits) -> Result<Self, RecordError> {
        let io = |e: std::io::Error| RecordError::Io { path: path.to_owned(), detail: e.to_string() };
        let meta = std::fs::metadata(path).map_err(io)?;
        let not = |detail: String| RecordError::NotARecording { path: path.to_owned(), detail };
        // Opening a named pipe would block for ever.
        if !meta.is_file() {
            return Err(not("it is not a file".to_owned()));
        }
        let mut file = BufReader::new(File::open(path).map_err(io)?);
        let mut magic = Vec::new();
        (&mut file).take(8).read_to_end(&mut magic).map_err(io)?;
        if magic != wire::MAGIC {
            return Err(not(format!("its {} bytes begin with {magic:02x?}", meta.len())));
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            limits,
            at: 8,
            len: meta.len(),
            chunk: None,
            schemas: HashMap::new(),
            channels: HashMap::new(),
            data_ended: false,
            ending: None,
            passed_over: 0,
        })
    }

    /// The next entry, or `None` at the end, of which [`RecordingReader::ending`] then tells.
    ///
    /// # Errors
    /// When the file system fails, or a chunk is compressed. Damage and truncation are no errors but
    /// endings, so that what was recorded before them is not lost.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Entry>, RecordError> {
        while self.ending.is_none() {
            let step = if self.chunk.is_some() { Ok(self.step_in_chunk()) } else { self.step_in_file() };
            // Where the next record would start is not known after an error.
            match step.inspect_err(|e| self.ending = Some(self.damage(self.at, e.to_string())))? {
                Step::Entry(entry) => return Ok(Some(entry)),
                Step::Silent => {}
                Step::PassedOver => self.passed_over += 1,
                Step::Ended(ending) => self.ending = Some(ending),
            }
        }
        Ok(None)
    }

    /// How the recording ended, once it was read to its end.
    #[must_use]
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// Records that could not be used while those after them could: chunks with a wrong checksum, each
    /// counted once, messages of unknown channels, attachments over the limit.
    #[must_use]
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }

    fn io(&self, error: &std::io::Error) -> RecordError {
        RecordError::Io { path: self.path.clone(), detail: error.to_string() }
    }

    fn cut_at(&self, at_byte: u64) -> Step {
        Step::Ended(Ending::Truncated { at_byte, lost_bytes: self.len.saturating_sub(at_byte) })
    }

    fn damage(&self, at_byte: u64, reason: String) -> Ending {
        Ending::Damaged { at_byte, lost_bytes: self.len.saturating_sub(at_byte), reason }
    }

    fn damaged_at(&self, at_byte: u64, reason: String) -> Step {
        Step::Ended(self.damage(at_byte, reason))
    }

    /// Reads at most `len` bytes; memory grows with what is there, not with what is claimed.
    fn read(&mut self, len: u64) -> Result<Vec<u8>, RecordError> {
        let mut bytes = Vec::new();
        let got = (&mut self.file).take(len).read_to_end(&mut bytes);
        got.map_err(|e| self.io(&e))?;
        Ok(bytes)
    }

    fn step_in_file(&mut self) -> Result<Step, RecordError> {
        let start = self.at;
        let head = self.read(RECORD_HEAD as u64)?;
        let Some((opcode, len)) = Fields(&head).record_head() else {
            return Ok(self.cut_at(start));
        };
        let body_at = start + RECORD_HEAD as u64;
        let unused = self.data_ended
            || !matches!(opcode, op::CHUNK | op::SCHEMA | op::CHANNEL | op::MESSAGE | op::METADATA | op::ATTACHMENT);
        if opcode == 0 {
            return Ok(self.damaged_at(start, "a record with opcode 0".to_owned()));
        }
        let too_long = len > self.limits.record_bytes;
        if unused || (too_long && opcode == op::ATTACHMENT) {
            let Some(end) = body_at.checked_add(len).filter(|end| *end <= self.len) else {
                return Ok(self.cut_at(start));
            };
            let distance = i64::try_from(len).unwrap_or(i64::MAX);
            self.file.seek_relative(distance).map_err(|e| self.io(&e))?;
            self.at = end;
            self.data_ended |= opcode == op::DATA_END;
            return Ok(match opcode {
                op::FOOTER => Step::Ended(Ending::Complete),
                op::ATTACHMENT if !self.data_ended => Step::PassedOver,
                _ => Step::Silent,
            });
        }
        if too_long {
            let reason = format!("a record of {len} bytes, at most {} are read", self.limits.record_bytes);
            return Ok(self.damaged_at(start, reason));
        }
        let body = self.read(len)?;
        let cut = (body.len() as u64) < len;
        if opcode == op::CHUNK {
            return self.open_chunk(start, body, cut);
        }
        if cut {
            return Ok(self.cut_at(start));
        }
        self.at = body_at + len;
        Ok(self.record(opcode, &body))
    }

    fn open_chunk(&mut self, start: u64, body: Vec<u8>, cut: bool) -> Result<Step, RecordError> {
        let whole = body.len() as u64;
        let Some(chunk) = wire::chunk(&body) else {
            return Ok(if cut { self.cut_at(start) } else { self.damaged_at(start, "a chunk without a whole header".to_owned()) });
        };
        if !chunk.compression.is_empty() {
            let compression = chunk.compression.chars().take(40).collect();
            return Err(RecordError::Compressed { path: self.path.clone(), at_byte: start, compression });
        }
        let at = body.len() - chunk.records.len();
        let records = match usize::try_from(chunk.records_len).ok().and_then(|len| chunk.records.get(..len)) {
            Some(records) if chunk.crc != 0 && crc32fast::hash(records) != chunk.crc => {
                self.at = start + RECORD_HEAD as u64 + whole;
                return Ok(Step::PassedOver);
            }
            Some(records) => records,
            None if cut => chunk.records,
            None => {
                let reason = format!("a chunk that claims {} bytes and has {}", chunk.records_len, chunk.records.len());
                return Ok(self.damaged_at(start, reason));
            }
        };
        let end = at + records.len();
        let starts_at = start + RECORD_HEAD as u64;
        self.at = starts_at + whole;
        self.chunk = Some(OpenChunk { body, at, end, starts_at, cut });
        Ok(Step::Silent)
    }

    fn step_in_chunk(&mut self) -> Step {
        let Some(mut chunk) = self.chunk.take() else { return Step::Silent };
        let rest = chunk.body.get(chunk.at..chunk.end).unwrap_or_default();
        let position = chunk.starts_at + chunk.at as u64;
        if rest.is_empty() && !chunk.cut {
            return Step::Silent;
        }
        let mut fields = Fields(rest);
        let record = fields.record_head().and_then(|(opcode, len)| Some((opcode, fields.bytes(len)?)));
        let Some((opcode, body)) = record else {
            if chunk.cut {
                return self.cut_at(position);
            }
            return self.damaged_at(position, "a record that is longer than its chunk".to_owned());
        };
        chunk.at += RECORD_HEAD + body.len();
        let step = match opcode {
            op::SCHEMA | op::CHANNEL | op::MESSAGE => self.record(opcode, body),
            _ => Step::Silent,
        };
        self.chunk = Some(chunk);
        step
    }

    /// Takes a whole record in.
    fn record(&mut self, opcode: u8, body: &[u8]) -> Step {
        let entry = match opcode {
            op::SCHEMA => wire::schema(body).and_then(|(id, name)| {
                (self.schemas.len() < self.limits.channels).then(|| self.schemas.insert(id, name.into()))?;
                Some(None)
            }),
            op::CHANNEL => wire::channel(body).and_then(|c| {
                let known = (c.topic.into(), c.schema, c.encoding.into());
                (self.channels.len() < self.limits.channels).then(|| self.channels.insert(c.id, known))?;
                Some(None)
            }),
            op::MESSAGE => wire::message(body).and_then(|m| {
                let (channel, schema, encoding) = self.channels.get(&m.channel)?;
                Some(Some(Entry::Item(ReadItem {
                    channel: Arc::clone(channel),
                    schema: self.schemas.get(schema).cloned().unwrap_or_else(|| "".into()),
                    encoding: Arc::clone(encoding),
                    sequence: m.sequence,
                    log_time_ns: m.log_time_ns,
                    publish_time_ns: m.publish_time_ns,
                    data: m.data.to_vec(),
                })))
            }),
            op::METADATA => wire::metadata(body)
                .map(|(name, pairs)| Some(Entry::Metadata { name: name.to_owned(), pairs })),
            op::ATTACHMENT => wire::attachment(body).map(|a| {
                Some(Entry::Attachment(Attachment {
                    name: a.name.to_owned(),
                    media_type: a.media_type.to_owned(),
                    log_time_ns: a.log_time_ns,
                    data: a.data.to_vec(),
                }))
            }),
            _ => Some(None),
        };
        match entry {
            Some(Some(entry)) => Step::Entry(entry),
            Some(None) => Step::Silent,
            None => Step::PassedOver,
        }
    }
}
