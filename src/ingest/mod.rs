//! Logs in: recorded drives of other tools, frame by frame.
//!
//! A log is untrusted. Nothing it names is read outside its own folder, its lines and counts are
//! limited before memory is taken for them, and a picture or line that cannot be used is skipped
//! with its reason instead of losing the drive.

mod error;
mod folder;
mod inside;
mod stamps;
mod tub;

use std::ops::Range;
use std::path::{Path, PathBuf};

pub use error::IngestError;

use crate::camera::decode;
use crate::frame::{RawFrame, SourceStamp, Teleop};
use inside::Inside;

/// Most frames accepted in one log: seven hours at 20 Hz.
pub const MAX_FRAMES: u64 = 500_000;

/// Accepted values of `--hz`, hertz.
pub const HZ_LIMITS: (f64, f64) = (0.01, 1000.0);

/// What kind of log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogKind {
    /// A donkeycar tub, version 2: `manifest.json`, catalogs and `images/`.
    DonkeycarTub,
    /// Pictures in the order of their names.
    ImageFolder,
    /// Pictures named `0`, `1`, `2` ... without a gap, as topological maps and GNM data sets are kept:
    /// usable as a sequence of places even without a rate.
    NumberedFolder,
    /// A simulated drive, rendered as it is read.
    Simulated,
}

impl std::fmt::Display for LogKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::DonkeycarTub => "donkeycar tub",
            Self::ImageFolder => "image folder",
            Self::NumberedFolder => "numbered image folder",
            Self::Simulated => "simulated drive",
        })
    }
}

/// Whether the frames' capture stamps say when the pictures were taken.
#[derive(Clone, Debug, PartialEq)]
pub enum Stamps {
    /// They do: recorded and plausible, or made from the given rate.
    Trusted,
    /// The log has none; the frames' stamps are the sequence number in nanoseconds, an order and no more.
    Missing,
    /// The log has some that cannot be true; the frames' stamps are as under `Missing`.
    Implausible {
        /// What is wrong with them, with the numbers.
        why: String,
    },
}

/// What is known of a log before its pictures are read.
#[derive(Clone, Debug, PartialEq)]
pub struct LogInfo {
    /// What kind of log it is.
    pub kind: LogKind,
    /// The path it was opened by.
    pub path: PathBuf,
    /// Frames listed within the range, bad pictures still among them.
    pub frames: u64,
    /// Frames a second: as given, or the median of trusted stamps.
    pub hz: Option<f64>,
    /// Whether `hz` was given in [`LogOptions`] rather than found in the log.
    pub hz_given: bool,
    /// Whether the stamps can be used.
    pub stamps: Stamps,
}

impl LogInfo {
    /// For callers that need times: refuses a log without usable stamps, and says what to pass.
    ///
    /// # Errors
    /// [`IngestError::Stamps`].
    pub fn require_stamps(&self) -> Result<(), IngestError> {
        let why = match &self.stamps {
            Stamps::Trusted => return Ok(()),
            Stamps::Missing => format!("a log of this kind ({}) has no times", self.kind),
            Stamps::Implausible { why } => why.clone(),
        };
        Err(IngestError::Stamps { path: self.path.clone(), why })
    }
}

/// How to read a log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogOptions {
    /// Frames a second, in place of whatever the log says: stamps become sequence number / `hz`.
    pub hz: Option<f64>,
    /// Sequence numbers to read, in the log's own numbering (a tub's `_index`; position in a folder).
    pub range: Option<Range<u64>>,
}

/// A frame that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its sequence number; for an unreadable line, the one it should have had.
    pub index: u64,
    /// Why it cannot be used.
    pub reason: String,
}

/// A log being read, front to back.
///
/// Sequence numbers of the frames strictly increase, and so do their stamps.
pub trait LogReader: Send {
    /// The next usable frame, or `None` at the end. Unusable ones are passed over and listed in
    /// [`LogReader::skipped`].
    ///
    /// # Errors
    /// [`IngestError::NothingUsable`] at the end when not a single frame could be used.
    fn next(&mut self) -> Result<Option<RawFrame>, IngestError>;

    /// What is known of the log.
    fn info(&self) -> LogInfo;

    /// The frames passed over so far, in order.
    fn skipped(&self) -> &[Skipped];
}

/// Opens a log of any known kind.
///
/// # Errors
/// When the path is no log we know, holds no frames, is over a limit, or the options do not fit it.
pub fn open(path: &Path, options: &LogOptions) -> Result<Box<dyn LogReader>, IngestError> {
    if let Some(hz) = options.hz
        && !(HZ_LIMITS.0..=HZ_LIMITS.1).contains(&hz)
    {
        return Err(IngestError::Rate { hz });
    }
    if let Some(range) = &options.range
        && range.is_empty()
    {
        return Err(IngestError::EmptyRange { start: range.start, end: range.end });
    }
    let inside = Inside::open(path)?;
    let listing = if inside.has_file(tub::MANIFEST) { tub::list(&inside)? } else { folder::list(&inside)? };
    Ok(Box::new(Reader::new(inside, listing, options)?))
}

/// A frame as a log lists it, before its picture is read.
#[derive(Debug)]
struct Entry {
    index: u64,
    /// Nanoseconds, where the log has a time.
    stamp_ns: Option<i64>,
    what: Result<Listed, String>,
}

#[derive(Debug)]
struct Listed {
    /// File name within the listing's picture folder.
    name: Box<str>,
    teleop: Option<Teleop>,
}

/// A log's table of contents.
#[derive(Debug)]
struct Listing {
    kind: LogKind,
    /// Folder of the pictures within the log's folder; empty for the folder itself.
    pictures: &'static str,
    /// Strictly increasing by index.
    entries: Vec<Entry>,
}

/// Reads the pictures of any listing.
struct Reader {
    inside: Inside,
    info: LogInfo,
    pictures: &'static str,
    entries: std::vec::IntoIter<Entry>,
    skipped: Vec<Skipped>,
    given_out: u64,
}

impl Reader {
    fn new(inside: Inside, listing: Listing, options: &LogOptions) -> Result<Self, IngestError> {
        let Listing { kind, pictures, mut entries } = listing;
        let path = inside.path().to_owned();
        let (Some(first), Some(last)) = (entries.first().map(|e| e.index), entries.last().map(|e| e.index)) else {
            return Err(IngestError::Empty { path, detail: "it lists no frames".to_owned() });
        };
        if let Some(range) = &options.range {
            if range.start > last || range.end <= first || range.end > last.saturating_add(1) {
                return Err(IngestError::Range { path, start: range.start, end: range.end, first, last });
            }
            entries.retain(|e| range.contains(&e.index));
        }
        let frames = entries.iter().filter(|e| e.what.is_ok()).count() as u64;
        let (stamps, hz) = match options.hz {
            Some(hz) => (Stamps::Trusted, Some(hz)),
            None => stamps::judge(entries.iter().filter(|e| e.what.is_ok()).map(|e| (e.index, e.stamp_ns))),
        };
        for entry in &mut entries {
            entry.stamp_ns = match (options.hz, &stamps) {
                (Some(hz), _) => Some((entry.index as f64 / hz * 1e9).round() as i64),
                (None, Stamps::Trusted) => entry.stamp_ns,
                (None, _) => i64::try_from(entry.index).ok(),
            };
        }
        let info = LogInfo { kind, path, frames, hz, hz_given: options.hz.is_some(), stamps };
        Ok(Self { inside, info, pictures, entries: entries.into_iter(), skipped: Vec::new(), given_out: 0 })
    }

    fn read(&self, entry: Entry) -> Result<RawFrame, String> {
        let listed = entry.what?;
        let captured = SourceStamp(entry.stamp_ns.ok_or("it has no time, the other frames have")?);
        let bytes = self.inside.read(self.pictures, &listed.name, decode::MAX_ENCODED_BYTES as u64)?;
        let picture = decode::decode(&bytes).map_err(|e| format!("{}: {e}", listed.name))?;
        Ok(RawFrame { seq: entry.index, captured, picture, encoded: Some(bytes.into()), teleop: listed.teleop })
    }
}

impl LogReader for Reader {
    fn next(&mut self) -> Result<Option<RawFrame>, IngestError> {
        while let Some(entry) = self.entries.next() {
            let index = entry.index;
            match self.read(entry) {
                Ok(frame) => {
                    self.given_out += 1;
                    return Ok(Some(frame));
                }
                Err(reason) => self.skipped.push(Skipped { index, reason: error::shortened(reason) }),
            }
        }
        match (self.given_out, self.skipped.first()) {
            (0, Some(first)) => Err(IngestError::NothingUsable {
                path: self.info.path.clone(),
                skipped: self.skipped.len(),
                index: first.index,
                reason: first.reason.clone(),
            }),
            _ => Ok(None),
        }
    }

    fn info(&self) -> LogInfo {
        self.info.clone()
    }

    fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }
}
