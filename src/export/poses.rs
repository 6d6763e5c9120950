//! Where the robot was: a table beside the pictures, or reckoned from what was commanded.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ExportError;
use crate::frame::Teleop;
use crate::ingest::MAX_FRAMES;

/// Name of the table of poses beside a folder's pictures.
pub const TRAJ_DATA: &str = "traj_data.json";

/// Half a million rows of 17 digits a number stay below this.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Longest time a command is taken to act when no other follows, seconds.
const HOLD_S: f64 = 0.5;

/// A place on the plane, REP-103, in a frame of the log's own.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pose {
    /// Metres.
    pub x_m: f64,
    /// Metres.
    pub y_m: f64,
    /// Radians, counter-clockwise.
    pub yaw_rad: f64,
}

impl Pose {
    /// The pose after `dt_s` seconds at constant speed (m/s) and turn rate (rad/s).
    #[must_use]
    pub fn advanced(&self, linear_mps: f64, angular_rps: f64, dt_s: f64) -> Self {
        let turned = angular_rps * dt_s;
        let (sin, cos) = (self.yaw_rad + 0.5 * turned).sin_cos();
        let way_m = linear_mps * dt_s;
        Self { x_m: self.x_m + way_m * cos, y_m: self.y_m + way_m * sin, yaw_rad: self.yaw_rad + turned }
    }

    /// Metres from here to `other`.
    #[must_use]
    pub fn distance_m(&self, other: &Self) -> f64 {
        (other.x_m - self.x_m).hypot(other.y_m - self.y_m)
    }

    /// Metres from here to `other` along this heading; negative is backwards.
    #[must_use]
    pub fn ahead_m(&self, other: &Self) -> f64 {
        let (sin, cos) = self.yaw_rad.sin_cos();
        (other.x_m - self.x_m) * cos + (other.y_m - self.y_m) * sin
    }
}

/// `traj_data.json`: one row a picture, as `traj_data.pkl` of the GNM data sets has them, without a pickle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrajData {
    /// Pictures a second, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hz: Option<f64>,
    /// x and y of each picture, metres.
    pub position: Vec<[f64; 2]>,
    /// Heading at each picture, radians.
    pub yaw: Vec<f64>,
}

impl TrajData {
    /// Of poses at a rate.
    #[must_use]
    pub fn new(hz: Option<f64>, poses: &[Pose]) -> Self {
        let position = poses.iter().map(|pose| [pose.x_m, pose.y_m]).collect();
        Self { hz, position, yaw: poses.iter().map(|pose| pose.yaw_rad).collect() }
    }

    /// The poses.
    #[must_use]
    pub fn poses(&self) -> Vec<Pose> {
        let rows = self.position.iter().zip(&self.yaw);
        rows.map(|(&[x_m, y_m], &yaw_rad)| Pose { x_m, y_m, yaw_rad }).collect()
    }

    /// Reads `folder/traj_data.json`; `None` where there is none.
    ///
    /// # Errors
    /// When the file cannot be read, is too large, or its numbers do not fit each other.
    pub fn read(folder: &Path) -> Result<Option<Self>, ExportError> {
        let path = folder.join(TRAJ_DATA);
        let wrong = |detail: String| ExportError::TrajData { path: path.clone(), detail };
        // A link could lead anywhere, a named pipe would block for ever.
        let Ok(meta) = fs::symlink_metadata(&path) else { return Ok(None) };
        if !meta.is_file() || meta.len() > MAX_BYTES {
            return Err(wrong(format!("not a plain file of at most {MAX_BYTES} bytes")));
        }
        let mut text = Vec::new();
        let file = fs::File::open(&path).map_err(|error| ExportError::io(&path, &error))?;
        file.take(MAX_BYTES).read_to_end(&mut text).map_err(|error| ExportError::io(&path, &error))?;
        let table: Self = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        let rows = table.position.len();
        if rows != table.yaw.len() || rows == 0 || rows as u64 > MAX_FRAMES {
            return Err(wrong(format!(
                "{rows} positions and {} headings: there must be one of each for every picture (1 to {MAX_FRAMES})",
                table.yaw.len()
            )));
        }
        if !table.position.iter().flatten().chain(&table.yaw).chain(&table.hz).all(|number| number.is_finite()) {
            return Err(wrong("a number is not finite".to_owned()));
        }
        Ok(Some(table))
    }

    /// Writes it to a new file `folder/traj_data.json`.
    ///
    /// # Errors
    /// When the file is there already or cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), ExportError> {
        let path = folder.join(TRAJ_DATA);
        let failed = |error: std::io::Error| ExportError::io(&path, &error);
        let file = fs::File::create_new(&path).map_err(failed)?;
        serde_json::to_writer(&file, self).map_err(|error| failed(error.into()))?;
        file.sync_all().map_err(failed)
    }
}

/// What a teleop log's units are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TeleopScale {
    /// Speed at a logged speed of 1, m/s.
    pub full_speed_mps: f64,
    /// Radius of the circle at a logged turn of 1, metres (car-like: the radius does not depend on the speed).
    pub turning_radius_m: f64,
}

/// Dead reckoning of a driver's commands.
#[derive(Debug)]
pub(super) struct Reckoner {
    scale: TeleopScale,
    pose: Pose,
    /// Time (seconds), speed, turn rate of the command in force.
    last: Option<(f64, f64, f64)>,
}

impl Reckoner {
    pub(super) fn new(scale: TeleopScale) -> Self {
        Self { scale, pose: Pose::default(), last: None }
    }

    /// The pose at a frame, given what was commanded there; `None` where that is not known.
    pub(super) fn at(&mut self, t_s: f64, teleop: Option<Teleop>) -> Option<Pose> {
        if let Some((then_s, linear, angular)) = self.last {
            self.pose = self.pose.advanced(linear, angular, (t_s - then_s).clamp(0.0, HOLD_S));
        }
        self.last = teleop.map(|teleop| {
            let linear = f64::from(teleop.speed) * self.scale.full_speed_mps;
            (t_s, linear, linear * f64::from(teleop.turn) / self.scale.turning_radius_m)
        });
        self.last.map(|_| self.pose)
    }
}

/// A command of a recording.
#[derive(Clone, Copy, Debug)]
pub(super) struct Command {
    pub(super) t_s: f64,
    pub(super) linear_mps: f64,
    pub(super) angular_rps: f64,
}

/// Dead reckoning of a recording's commands; asked with times that do not go back.
#[derive(Debug)]
pub(super) struct CommandTrack {
    commands: std::iter::Peekable<std::vec::IntoIter<Command>>,
    pose: Pose,
    now_s: f64,
    in_force: Option<Command>,
}

impl CommandTrack {
    /// `commands` in the order of their times.
    pub(super) fn new(commands: Vec<Command>) -> Self {
        Self { commands: commands.into_iter().peekable(), pose: Pose::default(), now_s: 0.0, in_force: None }
    }

    pub(super) fn at(&mut self, t_s: f64) -> Pose {
        while let Some(next) = self.commands.next_if(|command| command.t_s <= t_s) {
            self.move_on(next.t_s);
            self.in_force = Some(next);
        }
        self.move_on(t_s);
        self.pose
    }

    fn move_on(&mut self, t_s: f64) {
        if let Some(command) = self.in_force {
            let until_s = t_s.min(command.t_s + HOLD_S);
            self.pose = self.pose.advanced(command.linear_mps, command.angular_rps, (until_s - self.now_s).max(0.0));
        }
        self.now_s = self.now_s.max(t_s);
    }
}
