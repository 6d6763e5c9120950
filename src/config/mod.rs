//! The robot's profile: one typed structure, read once, checked once, with all problems said at once.
//!
//! Order of precedence: built-in defaults < profile file < command line. (ROS parameters come in between
//! with the ROS interface issue.)

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Everything that is particular to one robot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// A name for reports.
    pub name: String,
    /// How it moves.
    pub drive: Drive,
    /// What stops it.
    pub safety: Safety,
    /// Its camera.
    pub camera: CameraProfile,
    /// Its ROS names.
    pub ros: RosProfile,
    /// Its policy.
    pub policy: PolicyProfile,
}

/// Speeds and limits, SI units, REP-103.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Drive {
    /// Fastest forward speed the gate lets through, m/s.
    pub max_linear_mps: f32,
    /// Fastest backward speed, m/s; 0 forbids reversing.
    pub max_reverse_mps: f32,
    /// Fastest turn, rad/s.
    pub max_angular_rps: f32,
    /// m/s^2.
    pub linear_accel_mps2: f32,
    /// m/s^2, for stopping on purpose; faults stop at once.
    pub linear_decel_mps2: f32,
    /// rad/s^2.
    pub angular_accel_rps2: f32,
    /// Tightest turn of a car-like robot, metres; 0 for a robot that turns on the spot.
    pub min_turning_radius_m: f32,
    /// The pace of an undisturbed straight drive, m/s.
    pub cruise_mps: f32,
    /// Metres in one model unit: what the robot travels in one model step at cruise.
    /// Left out, it is `cruise_mps` times the model's period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_length_m: Option<f32>,
    /// From a command to the robot doing it, seconds; the controller steers for where the robot will be by then.
    pub latency_s: f32,
    /// Whether a lost robot may turn on the spot to look around; otherwise it stands still.
    pub turn_to_look: bool,
}

/// What stops the robot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Safety {
    /// A command never rests on a picture older than this, seconds.
    pub max_age_s: f32,
}

/// The camera.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CameraProfile {
    /// Device path, index, or empty for the first camera.
    pub device: String,
    /// Wanted width in pixels.
    pub width: u32,
    /// Wanted height in pixels.
    pub height: u32,
    /// Wanted rate in hertz.
    pub rate_hz: f32,
    /// From exposure to stamp, seconds; added to every picture's age.
    pub latency_s: f32,
    /// Horizontal field of view, degrees, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hfov_deg: Option<f32>,
}

/// Names on the ROS graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RosProfile {
    /// Topic of the velocity command, relative.
    pub cmd_vel: String,
    /// `TwistStamped` instead of `Twist`.
    pub stamped: bool,
    /// Node name.
    pub node_name: String,
    /// Namespace.
    pub namespace: String,
}

/// Which model, on which engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyProfile {
    /// Folder with `manifest.toml`; empty for the shipped model.
    pub folder: String,
    /// `auto`, `ort` or `builtin`.
    pub engine: String,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            name: "generic".into(),
            drive: Drive::default(),
            safety: Safety::default(),
            camera: CameraProfile::default(),
            ros: RosProfile::default(),
            policy: PolicyProfile::default(),
        }
    }
}

impl Default for Drive {
    fn default() -> Self {
        Self {
            max_linear_mps: 0.3,
            max_reverse_mps: 0.0,
            max_angular_rps: 0.8,
            linear_accel_mps2: 0.8,
            linear_decel_mps2: 1.5,
            angular_accel_rps2: 3.0,
            min_turning_radius_m: 0.0,
            cruise_mps: 0.25,
            step_length_m: None,
            latency_s: 0.0,
            turn_to_look: false,
        }
    }
}

impl Default for Safety {
    fn default() -> Self {
        Self { max_age_s: 0.45 }
    }
}

impl Default for CameraProfile {
    fn default() -> Self {
        Self { device: String::new(), width: 640, height: 480, rate_hz: 30.0, latency_s: 0.03, hfov_deg: None }
    }
}

impl Default for RosProfile {
    fn default() -> Self {
        Self { cmd_vel: "cmd_vel".into(), stamped: false, node_name: "pilotage".into(), namespace: "/".into() }
    }
}

impl Default for PolicyProfile {
    fn default() -> Self {
        Self { folder: String::new(), engine: "auto".into() }
    }
}

/// A profile that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be read.
    #[error("cannot read the profile {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no profile.
    #[error("{path} is not a robot profile: {reason}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, field and what was expected.
        reason: String,
    },
    /// Values out of range; all of them.
    #[error("the profile {name:?} cannot be used: {}", problems.join("; "))]
    Invalid {
        /// The profile's name.
        name: String,
        /// One sentence each.
        problems: Vec<String>,
    },
}

/// Larger files are no profiles.
const MAX_PROFILE_BYTES: u64 = 256 * 1024;

impl Profile {
    /// Reads and checks a profile.
    ///
    /// # Errors
    /// [`ProfileError`]: unreadable, not TOML of this shape, or values out of range (all of them at once).
    pub fn load(path: &Path) -> Result<Self, ProfileError> {
        let read = |source| ProfileError::Read { path: path.to_owned(), source };
        let bytes = std::fs::metadata(path).map_err(read)?.len();
        if bytes > MAX_PROFILE_BYTES {
            let reason = format!("it is {bytes} bytes long, a profile has at most {MAX_PROFILE_BYTES}");
            return Err(ProfileError::Parse { path: path.to_owned(), reason });
        }
        let text = std::fs::read_to_string(path).map_err(read)?;
        let profile: Self = toml::from_str(&text).map_err(|error| ProfileError::Parse {
            path: path.to_owned(),
            reason: error.to_string().replace('\n', " "),
        })?;
        profile.check()?;
        Ok(profile)
    }

    /// Checks every value.
    ///
    /// # Errors
    /// [`ProfileError::Invalid`] with all problems.
    pub fn check(&self) -> Result<(), ProfileError> {
        let mut problems = Vec::new();
        let mut range = |field: &str, value: f32, low: f32, high: f32, unit: &str| {
            if !(value.is_finite() && value >= low && value <= high) {
                problems.push(format!("{field} = {value} must be between {low} and {high} {unit}"));
            }
        };
        let d = &self.drive;
        range("drive.max_linear_mps", d.max_linear_mps, 0.01, 10.0, "m/s");
        range("drive.max_reverse_mps", d.max_reverse_mps, 0.0, 10.0, "m/s");
        range("drive.max_angular_rps", d.max_angular_rps, 0.01, 10.0, "rad/s");
        range("drive.linear_accel_mps2", d.linear_accel_mps2, 0.01, 50.0, "m/s^2");
        range("drive.linear_decel_mps2", d.linear_decel_mps2, 0.01, 50.0, "m/s^2");
        range("drive.angular_accel_rps2", d.angular_accel_rps2, 0.01, 100.0, "rad/s^2");
        range("drive.min_turning_radius_m", d.min_turning_radius_m, 0.0, 50.0, "m");
        range("drive.cruise_mps", d.cruise_mps, 0.01, 10.0, "m/s");
        if let Some(step) = d.step_length_m {
            range("drive.step_length_m", step, 0.001, 10.0, "m");
        }
        range("drive.latency_s", d.latency_s, 0.0, 1.0, "s");
        // A command stands until the next control step, 0.05 s later: together never more than 0.5 s.
        range("safety.max_age_s", self.safety.max_age_s, 0.05, 0.45, "s");
        range("camera.rate_hz", self.camera.rate_hz, 1.0, 1000.0, "Hz");
        range("camera.latency_s", self.camera.latency_s, 0.0, 0.4, "s");
        range("camera.width", self.camera.width as f32, 16.0, 8192.0, "px");
        range("camera.height", self.camera.height as f32, 16.0, 8192.0, "px");
        if let Some(hfov) = self.camera.hfov_deg {
            range("camera.hfov_deg", hfov, 10.0, 360.0, "degrees");
        }
        if d.cruise_mps > d.max_linear_mps {
            problems.push(format!(
                "drive.cruise_mps = {} is above drive.max_linear_mps = {}",
                d.cruise_mps, d.max_linear_mps
            ));
        }
        if !matches!(self.policy.engine.as_str(), "auto" | "ort" | "builtin") {
            problems.push(format!("policy.engine = {:?} must be \"auto\", \"ort\" or \"builtin\"", self.policy.engine));
        }
        if self.ros.cmd_vel.is_empty() || self.ros.node_name.is_empty() {
            problems.push("ros.cmd_vel and ros.node_name must not be empty".into());
        }
        if problems.is_empty() { Ok(()) } else { Err(ProfileError::Invalid { name: self.name.clone(), problems }) }
    }

    /// Metres in one model unit.
    #[must_use]
    pub fn step_length_m(&self, model_rate_hz: f64) -> f32 {
        self.drive.step_length_m.unwrap_or_else(|| (f64::from(self.drive.cruise_mps) / model_rate_hz.max(0.1)) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_profile_is_valid() {
        Profile::default().check().unwrap();
    }

    #[test]
    fn all_problems_of_a_profile_are_said_at_once() {
        let mut profile = Profile::default();
        profile.drive.max_linear_mps = f32::NAN;
        profile.drive.max_reverse_mps = -1.0;
        profile.safety.max_age_s = 30.0;
        profile.policy.engine = "gpu".into();
        let text = profile.check().unwrap_err().to_string();
        for part in ["max_linear_mps = NaN", "max_reverse_mps = -1", "max_age_s = 30", "\"gpu\""] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_misspelt_field_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("robot.toml");
        std::fs::write(&path, "[drive]\nmax_linear_mp = 1.0\n").unwrap();
        let text = Profile::load(&path).unwrap_err().to_string();
        assert!(text.contains("max_linear_mp"), "{text}");
        assert!(!text.contains('\n'));
    }

    #[test]
    fn a_profile_survives_writing_and_reading() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("robot.toml");
        let mut profile = Profile::default();
        profile.drive.step_length_m = Some(0.07);
        std::fs::write(&path, toml::to_string(&profile).unwrap()).unwrap();
        assert_eq!(Profile::load(&path).unwrap(), profile);
    }
}
