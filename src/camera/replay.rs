//! A log as a frame source.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use super::{FrameSource, Next, SourceError};
use crate::frame::{RawFrame, SourceStamp};
use crate::ingest::{self, IngestError, LogInfo, LogOptions, LogReader, Skipped};

/// Opens the log anew for every round of a repeated replay.
type Reopen = Box<dyn FnMut() -> Result<Box<dyn LogReader>, IngestError> + Send>;

/// Hands out a log's frames as fast as they are asked for; the runtime paces them by their stamps.
///
/// A picture that cannot be used comes as [`SourceError::BadFrame`] in its place in the sequence.
pub struct ReplaySource {
    log: Box<dyn LogReader>,
    info: LogInfo,
    reopen: Option<Reopen>,
    /// Skipped frames of this round that were taken over already.
    taken_over: usize,
    waiting: VecDeque<Waiting>,
    place: Place,
    frames_this_round: u64,
    /// Said once, after the frames before it.
    failure: Option<IngestError>,
    ended: bool,
}

enum Waiting {
    Frame(RawFrame),
    Bad(Skipped),
}

/// Keeps sequence numbers and stamps increasing over the rounds.
#[derive(Debug, Default)]
struct Place {
    first_seq: Option<u64>,
    first_ns: Option<i64>,
    seq_offset: u64,
    offset_ns: i64,
    /// As given out, offsets included.
    last_seq: u64,
    last_ns: i64,
}

impl Place {
    fn seq(&mut self, seq: u64) -> u64 {
        self.first_seq.get_or_insert(seq);
        self.last_seq = seq.saturating_add(self.seq_offset);
        self.last_seq
    }

    fn stamp(&mut self, stamp: SourceStamp) -> SourceStamp {
        self.first_ns.get_or_insert(stamp.0);
        self.last_ns = stamp.0.saturating_add(self.offset_ns);
        SourceStamp(self.last_ns)
    }

    fn next_round(&mut self, period_ns: i64) {
        self.seq_offset = self.last_seq.saturating_add(1).saturating_sub(self.first_seq.unwrap_or_default());
        self.offset_ns = self.last_ns.saturating_add(period_ns).saturating_sub(self.first_ns.unwrap_or_default());
    }
}

impl ReplaySource {
    /// Replays a log once.
    #[must_use]
    pub fn once(log: Box<dyn LogReader>) -> Self {
        Self {
            info: log.info(),
            log,
            reopen: None,
            taken_over: 0,
            waiting: VecDeque::new(),
            place: Place::default(),
            frames_this_round: 0,
            failure: None,
            ended: false,
        }
    }

    /// Opens a log and replays it, for ever if `repeat` is set: the rounds follow each other one
    /// frame's time apart, sequence numbers and stamps go on increasing.
    ///
    /// # Errors
    /// As [`ingest::open`].
    pub fn open(path: &Path, options: &LogOptions, repeat: bool) -> Result<Self, IngestError> {
        let mut source = Self::once(ingest::open(path, options)?);
        if repeat {
            let (path, options) = (path.to_owned(), options.clone());
            source.reopen = Some(Box::new(move || ingest::open(&path, &options)));
        }
        Ok(source)
    }

    /// What is known of the log.
    #[must_use]
    pub fn info(&self) -> &LogInfo {
        &self.info
    }

    fn fill(&mut self) {
        while self.waiting.is_empty() && !self.ended {
            let got = self.log.next();
            let skipped = self.log.skipped().get(self.taken_over..).unwrap_or_default();
            self.taken_over += skipped.len();
            self.waiting.extend(skipped.iter().cloned().map(Waiting::Bad));
            match got {
                Ok(Some(frame)) => {
                    self.frames_this_round += 1;
                    self.waiting.push_back(Waiting::Frame(frame));
                }
                // Frames still wait to be given out: the round is not over before they are.
                Ok(None) if !self.waiting.is_empty() => {}
                Ok(None) => self.next_round(),
                Err(error) => {
                    self.ended = true;
                    self.failure = Some(error);
                }
            }
        }
    }

    fn next_round(&mut self) {
        // A round without a single frame would make this a busy loop without an end.
        let Some(reopen) = self.reopen.as_mut().filter(|_| self.frames_this_round > 0) else {
            self.ended = true;
            return;
        };
        match reopen() {
            Ok(log) => self.log = log,
            Err(error) => {
                self.ended = true;
                self.failure = Some(error);
                return;
            }
        }
        self.taken_over = 0;
        self.frames_this_round = 0;
        self.place.next_round(self.info.hz.map_or(1, |hz| (1e9 / hz).round() as i64));
    }
}

impl FrameSource for ReplaySource {
    fn next(&mut self, _wait: Duration) -> Result<Next, SourceError> {
        self.fill();
        match self.waiting.pop_front() {
            Some(Waiting::Bad(Skipped { index, reason })) => {
                Err(SourceError::BadFrame { seq: self.place.seq(index), reason })
            }
            Some(Waiting::Frame(mut frame)) => {
                frame.seq = self.place.seq(frame.seq);
                frame.captured = self.place.stamp(frame.captured);
                Ok(Next::Frame(frame))
            }
            None => match self.failure.take() {
                Some(error) => Err(SourceError::Stream(error.to_string())),
                None => Ok(Next::End),
            },
        }
    }

    fn describe(&self) -> String {
        let rate = self.info.hz.map_or("rate unknown".to_owned(), |hz| format!("{hz:.1} Hz"));
        format!("{} {}, {} frames, {rate}", self.info.kind, self.info.path.display(), self.info.frames)
    }

    fn is_log(&self) -> bool {
        true
    }
}
