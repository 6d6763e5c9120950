//! Donkeycar tubs, version 2.
//!
//! `manifest.json` holds five JSON values, one a line; the last names the catalogs and the deleted
//! frames. A catalog holds one JSON object a line and frame. Pictures lie in `images/`.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;

use super::inside::Inside;
use super::{Entry, IngestError, Listed, Listing, LogKind, MAX_FRAMES};
use crate::frame::Teleop;

pub(super) const MANIFEST: &str = "manifest.json";

const PICTURES: &str = "images";

/// The deleted frames stand in one line, so it may be long.
const MAX_MANIFEST_BYTES: u64 = 16 * 1024 * 1024;

/// A real line has about 200 bytes.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// Catalogs hold 1000 frames each.
const MAX_CATALOGS: usize = 10_000;

#[derive(Deserialize)]
struct Catalogs {
    paths: Vec<String>,
    #[serde(default)]
    deleted_indexes: Vec<u64>,
}

/// One line of a catalog; what else it holds is of no use here.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "_index")]
    index: u64,
    #[serde(rename = "_timestamp_ms")]
    timestamp_ms: Option<i64>,
    #[serde(rename = "cam/image_array")]
    picture: Option<String>,
    #[serde(rename = "user/angle")]
    angle: Option<f32>,
    #[serde(rename = "user/throttle")]
    throttle: Option<f32>,
}

pub(super) fn list(inside: &Inside) -> Result<Listing, IngestError> {
    let catalogs = manifest(inside)?;
    let deleted: HashSet<u64> = catalogs.deleted_indexes.into_iter().collect();
    let mut entries = Vec::new();
    for name in &catalogs.paths {
        catalog(inside, name, &deleted, &mut entries)?;
    }
    if entries.is_empty() {
        let detail = format!("{} catalogs, {} frames deleted, none left", catalogs.paths.len(), deleted.len());
        return Err(IngestError::Empty { path: inside.path().to_owned(), detail });
    }
    Ok(Listing { kind: LogKind::DonkeycarTub, pictures: PICTURES, entries })
}

fn manifest(inside: &Inside) -> Result<Catalogs, IngestError> {
    let malformed = |detail: String| IngestError::Malformed { path: inside.path().join(MANIFEST), detail };
    let bytes = inside.read("", MANIFEST, MAX_MANIFEST_BYTES).map_err(malformed)?;
    let has_catalogs = |line: &&[u8]| {
        serde_json::from_slice::<Value>(line).is_ok_and(|v| v.get("paths").is_some())
    };
    let line = bytes.split(|&b| b == b'\n').rfind(has_catalogs).ok_or_else(|| {
        malformed("no line names the catalogs (\"paths\"); only tubs of version 2 are read, convert older ones with donkeycar's convert_to_tub_v2".to_owned())
    })?;
    let catalogs: Catalogs =
        serde_json::from_slice(line).map_err(|e| malformed(format!("the line with \"paths\" does not fit: {e}")))?;
    if catalogs.paths.len() > MAX_CATALOGS {
        return Err(malformed(format!("{} catalogs, at most {MAX_CATALOGS} are read", catalogs.paths.len())));
    }
    Ok(catalogs)
}

fn catalog(inside: &Inside, name: &str, deleted: &HashSet<u64>, entries: &mut Vec<Entry>) -> Result<(), IngestError> {
    let next_index = |entries: &[Entry]| entries.last().map_or(0, |e| e.index.saturating_add(1));
    let mut lines = match inside.lines(name, MAX_LINE_BYTES) {
        Ok(lines) => lines,
        // A lost catalog costs its frames, not those of the others.
        Err(reason) => {
            entries.push(Entry { index: next_index(entries), stamp_ns: None, what: Err(format!("catalog {reason}")) });
            return Ok(());
        }
    };
    let mut number = 0_u64;
    while let Some(line) = lines
        .next()
        .map_err(|e| IngestError::Io { path: inside.path().join(name), detail: e.to_string() })?
    {
        number += 1;
        let expected = next_index(entries);
        let bad = |index, reason| Entry { index, stamp_ns: None, what: Err(format!("{name} line {number}: {reason}")) };
        let entry = match line {
            Ok(line) if line.trim_ascii().is_empty() => continue,
            Err(reason) => bad(expected, reason),
            Ok(line) => match serde_json::from_slice::<Line>(line) {
                Err(e) => bad(expected, e.to_string()),
                Ok(line) if deleted.contains(&line.index) => continue,
                Ok(line) if line.index < expected => {
                    bad(expected, format!("_index {} comes after {}", line.index, expected.saturating_sub(1)))
                }
                Ok(line) if line.index > i64::MAX as u64 => bad(expected, format!("_index {} is out of range", line.index)),
                Ok(line) => Entry {
                    index: line.index,
                    stamp_ns: line.timestamp_ms.and_then(|ms| ms.checked_mul(1_000_000)),
                    what: listed(line).map_err(|reason| format!("{name} line {number}: {reason}")),
                },
            },
        };
        entries.push(entry);
        if entries.len() as u64 > MAX_FRAMES {
            return Err(IngestError::TooManyFrames { path: inside.path().to_owned() });
        }
    }
    Ok(())
}

fn listed(line: Line) -> Result<Listed, String> {
    let name = line.picture.ok_or("it names no picture (cam/image_array)")?.into_boxed_str();
    let teleop = match (line.angle, line.throttle) {
        // In a tub a positive angle steers right, REP-103 turns left.
        (Some(angle), Some(speed)) if angle.is_finite() && speed.is_finite() => Some(Teleop { turn: -angle, speed }),
        _ => None,
    };
    Ok(Listed { name, teleop })
}
