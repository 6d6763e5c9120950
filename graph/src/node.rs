//! A remembered place and its pictures.

use crate::{MapError, NodeId, SessionId, Sha256};
use serde::{Deserialize, Serialize};

const MAX_FILE_NAME_BYTES: usize = 200;
const MAX_NAME_BYTES: usize = 64;

/// A place on the map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its number in this map.
    pub id: NodeId,
    /// What people call it; unique in the map, at most 64 bytes, no number and not `LAST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The drive on which it was first seen.
    pub session: SessionId,
    /// When it was first seen, by the recording's clock, in nanoseconds.
    pub stamp_ns: u64,
    /// Where it was, as far as anybody knew; for drawing, never for steering.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pose_hint: Option<PoseHint>,
    /// Pictures of it. Maps written today hold one; another day's or robot's view may join.
    pub views: Vec<View>,
}

/// Where a node was in the odometry frame of its session (REP-103).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoseHint {
    /// Forward of where the session began, in metres.
    pub x_m: f64,
    /// Left of where the session began, in metres.
    pub y_m: f64,
    /// Counter-clockwise from the session's first heading, in radians.
    pub yaw_rad: f64,
}

/// One look at a place: the goal picture and the frames that led to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// The drive it comes from.
    pub session: SessionId,
    /// When, by the recording's clock, in nanoseconds.
    pub stamp_ns: u64,
    /// The picture that the policy takes as goal.
    pub goal: StoredFile,
    /// The frames up to and with the goal picture, oldest first, side by side in one strip.
    pub context: StoredFile,
    /// How many frames the strip holds.
    pub context_frames: u32,
}

/// A file of the map, by a path relative to the map's folder that cannot leave it, with its size and checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedFile")]
pub struct StoredFile {
    file: String,
    sha256: Sha256,
    bytes: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedFile {
    file: String,
    sha256: Sha256,
    bytes: u64,
}

impl TryFrom<UncheckedFile> for StoredFile {
    type Error = MapError;
    fn try_from(raw: UncheckedFile) -> Result<Self, MapError> {
        Self::new(raw.file, raw.sha256, raw.bytes)
    }
}

impl StoredFile {
    /// A reference to a file.
    ///
    /// # Errors
    /// [`MapError::FileName`] unless the path is relative, made of letters, digits, `.`, `_`, `-` and `/`, and stays inside.
    pub fn new(file: impl Into<String>, sha256: Sha256, bytes: u64) -> Result<Self, MapError> {
        let file = file.into();
        match file_name_fault(&file) {
            None => Ok(Self { file, sha256, bytes }),
            Some(why) => Err(MapError::FileName { file: file.escape_debug().take(MAX_FILE_NAME_BYTES).collect(), why }),
        }
    }

    /// The path below the map's folder, with `/` between its parts.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What its bytes must add up to.
    #[must_use]
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// How long it is.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

fn file_name_fault(file: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    if file.is_empty() {
        Some("it is empty")
    } else if file.len() > MAX_FILE_NAME_BYTES {
        Some("it is longer than 200 bytes")
    } else if !file.chars().all(plain) {
        Some("it has characters other than letters, digits and . _ - /")
    } else if file.starts_with('/') {
        Some("it is absolute")
    } else if file.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
        Some("a part of it is empty or begins with a dot")
    } else {
        None
    }
}

impl Node {
    /// A node of which only number and drive are known; for tests, tools and synthetic maps.
    #[must_use]
    pub fn bare(id: NodeId, session: SessionId) -> Self {
        Self { id, name: None, session, stamp_ns: 0, pose_hint: None, views: Vec::new() }
    }

    pub(crate) fn validate(&self) -> Result<(), MapError> {
        if let Some(name) = &self.name {
            validate_name(name, self.id)?;
        }
        match self.pose_hint {
            Some(PoseHint { x_m, y_m, yaw_rad }) if !(x_m.is_finite() && y_m.is_finite() && yaw_rad.is_finite()) => {
                Err(MapError::PoseHint { node: self.id, x_m, y_m, yaw_rad })
            }
            _ => Ok(()),
        }
    }
}

pub(crate) fn validate_name(name: &str, node: NodeId) -> Result<(), MapError> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.len() > MAX_NAME_BYTES {
        "it is longer than 64 bytes"
    } else if name.trim() != name || name.chars().any(char::is_control) {
        "it has control characters, or blanks at an end"
    } else if name.bytes().all(|b| b.is_ascii_digit()) {
        "it is a number, and numbers mean node numbers"
    } else if name.eq_ignore_ascii_case("last") {
        "LAST means the last node of the map"
    } else {
        return Ok(());
    };
    Err(MapError::BadName { name: name.escape_debug().take(MAX_NAME_BYTES).collect(), node, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_leave_the_folder() {
        let sum = Sha256::of(b"");
        for bad in
            ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/", "a\\b", "a\0b", "C:x", ".hidden", "nodes/.x"]
        {
            assert!(StoredFile::new(bad, sum, 0).is_err(), "{bad:?} passed");
        }
        assert!(StoredFile::new("x".repeat(201), sum, 0).is_err());
        assert!(StoredFile::new("nodes/000042.context.jpg", sum, 0).is_ok());
    }

    #[test]
    fn the_same_rule_holds_for_a_file_name_read_from_json() {
        let json = |file: &str| format!(r#"{{"file":"{file}","sha256":"{}","bytes":3}}"#, Sha256::of(b"abc"));
        assert!(serde_json::from_str::<StoredFile>(&json("../../x")).is_err());
        assert!(serde_json::from_str::<StoredFile>(&json("nodes/1.png")).is_ok());
    }

    #[test]
    fn a_name_is_never_mistaken_for_a_number_or_a_keyword() {
        for bad in ["", "12", "LAST", "last", " kitchen", "a\nb", &"x".repeat(65)] {
            assert!(validate_name(bad, NodeId(0)).is_err(), "{bad:?} passed");
        }
        for good in ["kitchen", "Küche 2", "12a"] {
            assert_eq!(validate_name(good, NodeId(0)), Ok(()));
        }
    }
}
