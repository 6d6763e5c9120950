//! What is known of a map as a whole.

use super::{Limits, StoreError};
use crate::{SessionId, Sha256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

/// The format that this program writes and reads.
pub const FORMAT: i64 = 1;

const MAX_TEXT_BYTES: usize = 4096;

/// What a map was made from and with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapMeta {
    /// The program that wrote it, with its version.
    pub created_by: String,
    /// The camera whose pictures it holds.
    pub camera: CameraInfo,
    /// The policy that spaced its nodes; `None` when none was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyInfo>,
    /// The drives it was made from.
    #[serde(default)]
    pub sessions: Vec<SessionInfo>,
}

/// The size of the map's pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraInfo {
    /// Columns, in pixels; at least 1.
    pub width: u32,
    /// Rows, in pixels; at least 1.
    pub height: u32,
}

/// The policy a map was built with: distances of another one need not agree with its costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyInfo {
    /// Its name.
    pub name: String,
    /// The checksum of its manifest.
    pub manifest_sha256: Sha256,
    /// Its rate in Hz, that is, steps a second; finite and above 0.
    pub rate_hz: f32,
}

/// One recorded drive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionInfo {
    /// Its number, which nodes refer to.
    pub id: SessionId,
    /// Where it came from, for people: a file name, a topic.
    pub source: String,
    /// How many frames it had.
    pub frames: u64,
    /// How many of them a second, about; finite and above 0.
    pub hz: f32,
}

impl MapMeta {
    /// Checks every field; `path` is named in the error.
    pub(super) fn validate(&self, path: &Path, limits: &Limits) -> Result<(), StoreError> {
        let bad = |field, value: String, rule| {
            let value = value.chars().take(80).collect();
            Err(StoreError::Value { path: path.to_owned(), field, value, rule })
        };
        let camera = self.camera;
        if camera.width == 0 || camera.height == 0 || camera.width > 65_535 || camera.height > 65_535 {
            return bad("camera", format!("{} x {}", camera.width, camera.height), "from 1 to 65535 pixels each way");
        }
        let sessions = self.sessions.len() as u64;
        if sessions > limits.max_sessions {
            let limit = limits.max_sessions;
            return Err(StoreError::TooMuch { path: path.to_owned(), what: "sessions", found: sessions, limit });
        }
        let rates = self.sessions.iter().map(|s| ("sessions.hz", s.hz));
        for (field, hz) in rates.chain(self.policy.iter().map(|p| ("policy.rate_hz", p.rate_hz))) {
            if !(hz > 0.0 && hz <= 10_000.0) {
                return bad(field, hz.to_string(), "above 0 and at most 10000 Hz");
            }
        }
        let sources = self.sessions.iter().map(|s| ("sessions.source", s.source.as_str()));
        let name = self.policy.iter().map(|p| ("policy.name", p.name.as_str()));
        for (field, text) in sources.chain(name).chain([("created_by", self.created_by.as_str())]) {
            if text.len() > MAX_TEXT_BYTES {
                return bad(field, format!("{} bytes long", text.len()), "at most 4096 bytes");
            }
        }
        // Numbers beyond i64 cannot be said in TOML.
        if let Some(session) = self.sessions.iter().find(|s| i64::try_from(s.frames).is_err()) {
            return bad("sessions.frames", session.frames.to_string(), "below 2^63");
        }
        let mut known = BTreeSet::new();
        match self.sessions.iter().find(|session| !known.insert(session.id)) {
            Some(twice) => bad("sessions.id", twice.id.to_string(), "there once"),
            None => Ok(()),
        }
    }
}
