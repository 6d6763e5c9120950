//! Frames with poses, out of any log we read.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ExportError;
use super::poses::{Command, CommandTrack, Pose, Reckoner, TRAJ_DATA, TeleopScale, TrajData};
use crate::frame::Picture;
use crate::ingest::{self, LogKind, LogOptions, LogReader, MAX_FRAMES};
use crate::record::run::{CONTROL, ControlRecord, FRAMES};
use crate::record::{Entry, ReadLimits, RecordingReader, decode_image};

/// A frame of a log.
pub(super) struct Shot {
    /// Seconds, on the log's clock.
    pub(super) t_s: f64,
    pub(super) picture: Picture,
    /// The bytes as the log has them, where it has JPEG or PNG.
    pub(super) encoded: Option<Arc<[u8]>>,
    /// Where the robot was, where that is known.
    pub(super) pose: Option<Pose>,
}

/// Where a log's poses come from.
enum Track {
    /// One row a picture.
    Table(Vec<Pose>),
    Reckoned(Reckoner),
    Unknown,
}

enum Source {
    Log { reader: Box<dyn LogReader>, track: Track },
    Recording(Box<Recording>),
}

/// A recording being read a second time, for its frames.
struct Recording {
    reader: RecordingReader,
    track: CommandTrack,
    seen: u64,
    range: Option<Range<u64>>,
    skipped: u64,
}

/// A log being read.
pub(super) struct Shots {
    path: PathBuf,
    source: Source,
    /// Frames it says it has.
    pub(super) frames: u64,
    /// Where the poses come from, in words.
    pub(super) poses: &'static str,
}

/// What is asked of a log.
pub(super) struct Wanted<'a> {
    pub(super) options: &'a LogOptions,
    pub(super) rate_hz: f64,
    pub(super) scale: Option<TeleopScale>,
    pub(super) images_only: bool,
}

impl Shots {
    pub(super) fn open(path: &Path, wanted: &Wanted<'_>) -> Result<Self, ExportError> {
        let is_recording = path.is_file() && path.extension().is_some_and(|extension| extension == "mcap");
        if is_recording { Self::of_recording(path, wanted) } else { Self::of_log(path, wanted) }
    }

    fn of_log(path: &Path, wanted: &Wanted<'_>) -> Result<Self, ExportError> {
        let table = TrajData::read(path)?;
        let hz = wanted.options.hz.or(table.as_ref().and_then(|table| table.hz));
        let reader = ingest::open(path, &LogOptions { hz, range: wanted.options.range.clone() })?;
        let info = reader.info();
        info.require_stamps()?;
        too_slow(path, info.hz, wanted.rate_hz)?;
        let is_tub = info.kind == LogKind::DonkeycarTub;
        let (track, poses) = match (table, wanted.scale) {
            _ if wanted.images_only => (Track::Unknown, "left out"),
            (Some(table), _) if !is_tub => {
                let rows = table.position.len() as u64;
                if wanted.options.range.is_none() && rows != info.frames {
                    let detail = format!("{rows} rows for {} pictures: there must be one for each", info.frames);
                    return Err(ExportError::TrajData { path: path.join(TRAJ_DATA), detail });
                }
                (Track::Table(table.poses()), "from traj_data.json")
            }
            (_, Some(scale)) if is_tub => {
                (Track::Reckoned(Reckoner::new(scale)), "reckoned from the driver's throttle and steering")
            }
            _ if is_tub => return Err(ExportError::NoScale { path: path.to_owned() }),
            _ => return Err(ExportError::NoPoses { path: path.to_owned(), why: missing(path) }),
        };
        Ok(Self { path: path.to_owned(), source: Source::Log { reader, track }, frames: info.frames, poses })
    }

    /// A recording is read twice: a frame's picture was taken before commands that lie before it in the file.
    fn of_recording(path: &Path, wanted: &Wanted<'_>) -> Result<Self, ExportError> {
        if wanted.options.hz.is_some() {
            return Err(ExportError::Option("a recording has its own times: leave --hz out for it".to_owned()));
        }
        let mut reader = RecordingReader::open(path, ReadLimits::default())?;
        let (mut commands, mut frames, mut first_ns, mut last_ns) = (Vec::new(), 0_u64, None, 0_u64);
        while let Some(entry) = reader.next()? {
            let Entry::Item(item) = entry else { continue };
            if &*item.channel == FRAMES {
                frames += 1;
                first_ns.get_or_insert(item.publish_time_ns);
                last_ns = item.publish_time_ns;
            } else if &*item.channel == CONTROL
                && let Ok(record) = serde_json::from_slice::<ControlRecord>(&item.data)
                && record.linear_mps.0.is_finite()
                && record.angular_rps.0.is_finite()
            {
                commands.push(Command {
                    t_s: record.now_ns as f64 * 1e-9,
                    linear_mps: f64::from(record.linear_mps.0),
                    angular_rps: f64::from(record.angular_rps.0),
                });
            }
            if frames > MAX_FRAMES || commands.len() as u64 > 10 * MAX_FRAMES {
                return Err(ingest::IngestError::TooManyFrames { path: path.to_owned() }.into());
            }
        }
        let nothing = |what: &str| ExportError::NoPoses { path: path.to_owned(), why: format!("it holds no {what}") };
        let first_ns = first_ns.ok_or_else(|| nothing("frames"))?;
        if commands.is_empty() && !wanted.images_only {
            return Err(nothing("commands"));
        }
        let span_s = last_ns.saturating_sub(first_ns) as f64 * 1e-9;
        too_slow(path, (frames > 1).then(|| (frames - 1) as f64 / span_s.max(1e-9)), wanted.rate_hz)?;
        commands.sort_by(|a, b| a.t_s.total_cmp(&b.t_s));
        let source = Source::Recording(Box::new(Recording {
            reader: RecordingReader::open(path, ReadLimits::default())?,
            track: CommandTrack::new(commands),
            seen: 0,
            range: wanted.options.range.clone(),
            skipped: 0,
        }));
        let poses = if wanted.images_only { "left out" } else { "reckoned from the commands sent" };
        Ok(Self { path: path.to_owned(), source, frames, poses })
    }

    /// The next usable frame.
    pub(super) fn next(&mut self) -> Result<Option<Shot>, ExportError> {
        match &mut self.source {
            Source::Log { reader, track } => {
                let Some(frame) = reader.next()? else { return Ok(None) };
                let t_s = frame.captured.0 as f64 * 1e-9;
                let pose = match track {
                    Track::Table(poses) => {
                        let row = usize::try_from(frame.seq).ok().and_then(|row| poses.get(row).copied());
                        Some(row.ok_or_else(|| ExportError::TrajData {
                            path: self.path.join(TRAJ_DATA),
                            detail: format!("{} rows, none for picture {}", poses.len(), frame.seq),
                        })?)
                    }
                    Track::Reckoned(reckoner) => reckoner.at(t_s, frame.teleop),
                    Track::Unknown => None,
                };
                Ok(Some(Shot { t_s, picture: frame.picture, encoded: frame.encoded, pose }))
            }
            Source::Recording(recording) => recording.next(),
        }
    }

    /// Frames that could not be used so far, and the first reason.
    pub(super) fn skipped(&self) -> (u64, Option<String>) {
        match &self.source {
            Source::Log { reader, .. } => {
                let first =
                    reader.skipped().first().map(|skipped| format!("frame {}: {}", skipped.index, skipped.reason));
                (reader.skipped().len() as u64, first)
            }
            Source::Recording(recording) => {
                (recording.skipped, (recording.skipped > 0).then(|| "no image message".to_owned()))
            }
        }
    }
}

impl Recording {
    fn next(&mut self) -> Result<Option<Shot>, ExportError> {
        while let Some(entry) = self.reader.next()? {
            let Entry::Item(item) = entry else { continue };
            if &*item.channel != FRAMES {
                continue;
            }
            let number = self.seen;
            self.seen += 1;
            let t_s = item.publish_time_ns as f64 * 1e-9;
            let pose = Some(self.track.at(t_s));
            if self.range.as_ref().is_some_and(|range| !range.contains(&number)) {
                continue;
            }
            match decode_image(&item.data).ok().and_then(|image| image.picture().ok()) {
                Some(picture) => return Ok(Some(Shot { t_s, picture, encoded: None, pose })),
                None => self.skipped += 1,
            }
        }
        Ok(None)
    }
}

fn too_slow(path: &Path, hz: Option<f64>, rate_hz: f64) -> Result<(), ExportError> {
    match hz {
        // A recording of "4 Hz" has a little less.
        Some(hz) if hz < 0.9 * rate_hz => Err(ExportError::TooSlow { path: path.to_owned(), hz, rate_hz }),
        _ => Ok(()),
    }
}

fn missing(path: &Path) -> String {
    if path.join("traj_data.pkl").exists() {
        return format!(
            "its traj_data.pkl is a pickle, which is read by `python models/train/gnm_folders.py convert {}` only; that makes {TRAJ_DATA}",
            path.display()
        );
    }
    format!("a folder of pictures needs {TRAJ_DATA}: hz, position and yaw, one row a picture")
}
