//! The folders of a data set: written beside, renamed when complete, never over anything.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use pilotage_sim::Rng;

use super::pickle;
use super::poses::{Pose, TrajData};
use super::{ExportError, ExportOptions, ExportReport, MIN_PICTURES, Written};

/// Folder of the splits, beside the data set's own.
pub(super) const SPLITS: &str = "data_splits";

/// Share of the trajectories that training gets.
const TRAIN_SHARE: f64 = 0.8;

/// A trajectory being written.
pub(super) struct Trajectory {
    name: String,
    folder: PathBuf,
    /// Time of its first picture, seconds.
    pub(super) began_s: f64,
    pictures: usize,
    poses: Vec<Pose>,
}

impl Trajectory {
    pub(super) fn last_pose(&self) -> Option<Pose> {
        self.poses.last().copied()
    }

    pub(super) fn add(&mut self, jpeg: &[u8], pose: Option<Pose>) -> Result<(), ExportError> {
        let path = self.folder.join(format!("{}.jpg", self.pictures));
        fs::write(&path, jpeg).map_err(|error| ExportError::io(&path, &error))?;
        self.pictures += 1;
        self.poses.extend(pose);
        Ok(())
    }
}

/// A data set being written into `OUTPUT.part-PID`; gone again when it is dropped before [`Output::publish`].
pub(super) struct Output {
    output: PathBuf,
    staged: PathBuf,
    name: String,
    images_only: bool,
    seed: u64,
    /// Next number of a trajectory, by the log's name.
    numbers: HashMap<String, usize>,
    /// Pictures written, those of trajectories too short to stay among them.
    pub(super) pictures: u64,
    pub(super) report: ExportReport,
}

impl Output {
    pub(super) fn begin(output: &Path, options: &ExportOptions) -> Result<Self, ExportError> {
        // A link that leads nowhere is something there, too.
        if fs::symlink_metadata(output).is_ok() {
            return Err(ExportError::Exists { path: output.to_owned() });
        }
        let mut staged = output.as_os_str().to_owned();
        staged.push(format!(".part-{}", std::process::id()));
        let staged = PathBuf::from(staged);
        if let Some(parent) = output.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(|error| ExportError::io(parent, &error))?;
        }
        // Not `create_dir_all`: what lies there is not ours to delete later.
        fs::create_dir(&staged).map_err(|error| ExportError::io(&staged, &error))?;
        let out = Self {
            output: output.to_owned(),
            staged,
            name: options.name.clone(),
            images_only: options.images_only,
            seed: options.seed,
            numbers: HashMap::new(),
            pictures: 0,
            report: ExportReport::default(),
        };
        make(&out.staged.join(&out.name))?;
        Ok(out)
    }

    pub(super) fn open(&mut self, stem: &str, began_s: f64) -> Result<Trajectory, ExportError> {
        let number = self.numbers.entry(stem.to_owned()).or_default();
        let name = format!("{stem}_{number}");
        *number += 1;
        let folder = self.staged.join(&self.name).join(&name);
        make(&folder)?;
        Ok(Trajectory { name, folder, began_s, pictures: 0, poses: Vec::new() })
    }

    pub(super) fn close(&mut self, trajectory: Trajectory, options: &ExportOptions) -> Result<(), ExportError> {
        let Trajectory { name, folder, pictures, poses, .. } = trajectory;
        if pictures < MIN_PICTURES {
            self.report.in_short_ones += pictures as u64;
            return fs::remove_dir_all(&folder).map_err(|error| ExportError::io(&folder, &error));
        }
        let (mut length_m, mut turned_rad) = (None, None);
        if !self.images_only {
            let path = folder.join("traj_data.pkl");
            fs::write(&path, pickle::traj_data(&poses)).map_err(|error| ExportError::io(&path, &error))?;
            TrajData::new(Some(options.rate_hz), &poses).write(&folder)?;
            turned_rad = poses.first().zip(poses.last()).map(|(first, last)| last.yaw_rad - first.yaw_rad);
            length_m = Some(poses.iter().zip(poses.iter().skip(1)).map(|(a, b)| a.distance_m(b)).sum());
        }
        self.report.trajectories.push(Written { name, pictures, length_m, turned_rad, train: true });
        Ok(())
    }

    /// Splits, describes, and gives the folder its name.
    pub(super) fn publish(mut self) -> Result<ExportReport, ExportError> {
        if self.report.trajectories.is_empty() {
            let report = &self.report;
            return Err(ExportError::Nothing(format!(
                "{} frames read, {} pictures left out because the robot stood, went backwards or its pose was not known, {} in trajectories shorter than {MIN_PICTURES} pictures",
                report.frames, report.not_ahead, report.in_short_ones
            )));
        }
        split(&mut self.report.trajectories, self.seed);
        let ways: f64 = self.report.trajectories.iter().filter_map(|t| t.length_m).sum();
        let steps: usize = self.report.trajectories.iter().map(|t| t.pictures - 1).sum();
        self.report.mean_step_m = (!self.images_only && steps > 0).then(|| ways / steps as f64);
        for (part, train) in [("train", true), ("test", false)] {
            let folder = self.staged.join(SPLITS).join(&self.name).join(part);
            make(&folder)?;
            let names = self.report.trajectories.iter().filter(|t| t.train == train);
            let text: String = names.map(|t| format!("{}\n", t.name)).collect();
            let path = folder.join("traj_names.txt");
            fs::write(&path, text).map_err(|error| ExportError::io(&path, &error))?;
        }
        let path = self.staged.join("export.json");
        let text = serde_json::to_string_pretty(&self.report).map_err(|error| ExportError::io(&path, &error.into()))?;
        fs::write(&path, text + "\n").map_err(|error| ExportError::io(&path, &error))?;
        // Somebody may have made it in the meantime; renaming would replace an empty folder without a word.
        if fs::symlink_metadata(&self.output).is_ok() {
            return Err(ExportError::Exists { path: self.output.clone() });
        }
        fs::rename(&self.staged, &self.output).map_err(|error| ExportError::io(&self.output, &error))?;
        Ok(std::mem::take(&mut self.report))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // After a rename there is nothing of that name.
        let _ = fs::remove_dir_all(&self.staged);
    }
}

fn make(folder: &Path) -> Result<(), ExportError> {
    fs::create_dir_all(folder).map_err(|error| ExportError::io(folder, &error))
}

/// Four in five are for training, one at least; which, follows from the seed.
fn split(trajectories: &mut [Written], seed: u64) {
    let mut rng = Rng::new(seed);
    let mut order: Vec<usize> = (0..trajectories.len()).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, rng.below(at + 1));
    }
    let train = ((trajectories.len() as f64 * TRAIN_SHARE) as usize).max(1);
    for &index in order.iter().skip(train) {
        if let Some(trajectory) = trajectories.get_mut(index) {
            trajectory.train = false;
        }
    }
}
