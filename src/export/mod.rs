//! Data sets out: our logs as the folders that GNM and its kin are trained from.
//!
//! `NAME/TRAJECTORY/0.jpg ..` at 4 Hz with `traj_data.pkl` (and the same as JSON, for readers that do not want pickles), and
//! `data_splits/NAME/{train,test}/traj_names.txt`. A trajectory is cut where the log has a hole, where the robot stands and
//! where it goes backwards: a policy learns from it what lies ahead.

mod error;
mod folder;
pub mod pickle;
mod picture;
mod poses;
mod sample;
mod shots;

use std::path::{Path, PathBuf};

pub use error::ExportError;
pub use picture::Fit;
pub use poses::{Pose, TRAJ_DATA, TeleopScale, TrajData};

use crate::ingest::LogOptions;
use folder::{Output, Trajectory};
use sample::Sampler;
use shots::{Shot, Shots, Wanted};

/// Pictures a second of the published data sets, hertz.
pub const RATE_HZ: f64 = 4.0;

/// Shorter trajectories are left out: with a context of six there is next to nothing to learn from them.
pub const MIN_PICTURES: usize = 8;

/// Backwards by more than this between two pictures ends a trajectory, metres. Below is the noise of odometry.
const BACKWARDS_M: f64 = 0.005;

/// Less than both between two pictures is standing.
const STANDING_M: f64 = 1e-3;
const STANDING_RAD: f64 = 1e-3;

/// How to make a data set.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// Pictures a second.
    pub rate_hz: f64,
    /// What is done to the pictures.
    pub fit: Fit,
    /// Leave the poses out.
    pub images_only: bool,
    /// What a teleop log's units are.
    pub scale: Option<TeleopScale>,
    /// Longest trajectory, seconds; longer ones are cut into several.
    pub cut_s: Option<f64>,
    /// Of the split into train and test.
    pub seed: u64,
}

/// A trajectory that was written.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Written {
    /// Its folder's name.
    pub name: String,
    /// Pictures.
    pub pictures: usize,
    /// Way driven, metres; `None` without poses.
    pub length_m: Option<f64>,
    /// All turns added up, left positive, radians; `None` without poses.
    pub turned_rad: Option<f64>,
    /// Whether it is for training; the others are for testing.
    pub train: bool,
}

/// What came of an export.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct ExportReport {
    /// The trajectories, in the order of the logs.
    pub trajectories: Vec<Written>,
    /// Each log, and where its poses come from.
    pub logs: Vec<(String, String)>,
    /// Frames read.
    pub frames: u64,
    /// Frames that could not be used.
    pub skipped: u64,
    /// The first one's reason.
    pub first_skipped: Option<String>,
    /// Pictures left out because the robot stood, went backwards, or its pose was not known.
    pub not_ahead: u64,
    /// Pictures left out in trajectories shorter than [`MIN_PICTURES`].
    pub in_short_ones: u64,
    /// Mean way between two pictures, metres: the data set's `metric_waypoint_spacing`.
    pub mean_step_m: Option<f64>,
}

impl ExportReport {
    /// Pictures written.
    #[must_use]
    pub fn pictures(&self) -> usize {
        self.trajectories.iter().map(|trajectory| trajectory.pictures).sum()
    }
}

/// How far an export is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Frames read of all logs so far.
    pub frames: u64,
    /// Frames of the logs opened so far.
    pub of: u64,
    /// Pictures written.
    pub pictures: u64,
}

/// Makes a data set of `logs` in the new folder `output`, which holds `NAME/` and `data_splits/` then.
///
/// # Errors
/// When `output` exists, a log cannot be read or has no poses, or nothing usable is in them. Nothing is left behind then.
pub fn dataset(
    logs: &[PathBuf],
    log_options: &LogOptions,
    options: &ExportOptions,
    output: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<ExportReport, ExportError> {
    check(options)?;
    let wanted = Wanted {
        options: log_options,
        rate_hz: options.rate_hz,
        scale: options.scale,
        images_only: options.images_only,
    };
    let mut out = Output::begin(output, options)?;
    let mut of = 0;
    for path in logs {
        let mut shots = Shots::open(path, &wanted)?;
        out.report.logs.push((path.display().to_string(), shots.poses.to_owned()));
        of += shots.frames;
        let mut cutter = Cutter { options, stem: stem(path), open: None, candidate: None };
        let mut sampler = Sampler::new(1.0 / options.rate_hz);
        while let Some(shot) = shots.next()? {
            out.report.frames += 1;
            if let Some(taken) = sampler.push(shot.t_s, shot) {
                cutter.take(&mut out, taken.item, taken.after_hole)?;
            }
            progress(Progress { frames: out.report.frames, of, pictures: out.pictures });
        }
        if let Some(taken) = sampler.end() {
            cutter.take(&mut out, taken.item, taken.after_hole)?;
        }
        cutter.close(&mut out)?;
        let (skipped, first) = shots.skipped();
        out.report.skipped += skipped;
        out.report.first_skipped = out.report.first_skipped.take().or(first);
    }
    out.publish()
}

fn check(options: &ExportOptions) -> Result<(), ExportError> {
    let wrong = |text: String| Err(ExportError::Option(text));
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if options.name.is_empty() || options.name.len() > 64 || !options.name.chars().all(plain) {
        return wrong(format!("--name {:?}: letters, digits, - and _ only, 64 at most", options.name));
    }
    if options.name == folder::SPLITS {
        return wrong(format!("--name {:?}: the folder of the splits has that name", options.name));
    }
    if !(0.1..=100.0).contains(&options.rate_hz) {
        return wrong(format!("--rate {} is not accepted (0.1 to 100 pictures a second)", options.rate_hz));
    }
    if let Some(cut_s) = options.cut_s
        && !(cut_s.is_finite() && cut_s * options.rate_hz >= MIN_PICTURES as f64)
    {
        return wrong(format!("--cut {cut_s}: shorter than {MIN_PICTURES} pictures"));
    }
    if let Some(scale) = options.scale {
        for (name, value) in [("full-speed", scale.full_speed_mps), ("turning-radius", scale.turning_radius_m)] {
            if !(value.is_finite() && value > 0.0) {
                return wrong(format!("--{name} {value}: must be above zero"));
            }
        }
    }
    Ok(())
}

/// A log's name as a part of file names.
fn stem(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let name = absolute.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    let name: String = name.chars().take(64).map(plain).collect();
    if name.is_empty() { "log".to_owned() } else { name }
}

/// Makes trajectories of a log's pictures.
struct Cutter<'a> {
    options: &'a ExportOptions,
    stem: String,
    open: Option<Trajectory>,
    /// The picture before the next one that goes ahead: where a trajectory would begin.
    candidate: Option<(Shot, Pose)>,
}

impl Cutter<'_> {
    fn take(&mut self, out: &mut Output, shot: Shot, after_hole: bool) -> Result<(), ExportError> {
        let full = |open: &Trajectory| self.options.cut_s.is_some_and(|cut_s| shot.t_s - open.began_s >= cut_s - 1e-6);
        if after_hole || self.open.as_ref().is_some_and(full) {
            self.close(out)?;
        }
        if self.options.images_only {
            return self.write(out, &shot, None);
        }
        let Some(pose) = shot.pose else {
            out.report.not_ahead += 1;
            return self.close(out);
        };
        let last = self.open.as_ref().and_then(Trajectory::last_pose);
        let before = last.or(self.candidate.as_ref().map(|(_, pose)| *pose));
        let ahead = before.is_some_and(|before| {
            let stands = before.distance_m(&pose) < STANDING_M && (before.yaw_rad - pose.yaw_rad).abs() < STANDING_RAD;
            !stands && before.ahead_m(&pose) > -BACKWARDS_M
        });
        if ahead {
            if let Some((first, first_pose)) = self.candidate.take() {
                self.write(out, &first, Some(first_pose))?;
            }
            return self.write(out, &shot, Some(pose));
        }
        self.close(out)?;
        self.candidate = Some((shot, pose));
        Ok(())
    }

    fn write(&mut self, out: &mut Output, shot: &Shot, pose: Option<Pose>) -> Result<(), ExportError> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => out.open(&self.stem, shot.t_s)?,
        };
        let bytes = picture::jpeg(&shot.picture, shot.encoded.as_ref(), self.options.fit)?;
        open.add(&bytes, pose)?;
        out.pictures += 1;
        self.open = Some(open);
        Ok(())
    }

    fn close(&mut self, out: &mut Output) -> Result<(), ExportError> {
        out.report.not_ahead += u64::from(self.candidate.take().is_some());
        self.open.take().map_or(Ok(()), |open| out.close(open, self.options))
    }
}
