//! Putting a finished folder in a map's place.
//!
//! Two renames replace a map, and the power may fail between them. So a note beside the map says first which old map
//! is about to step aside; a reader that finds no map but the note reads that one.

use super::StoreError;
use super::fault::Fault;
use super::files::{exists, read_file, remove, rename, split, sync, write_new};
use std::path::{Path, PathBuf};

const MAX_NOTE_BYTES: u64 = 4096;

fn note_path(path: &Path) -> Result<PathBuf, StoreError> {
    let (parent, name) = split(path)?;
    Ok(parent.join(format!(".{name}.replacing")))
}

/// The old map that stands in for one whose replacement was cut short; `None` when there is none.
pub(super) fn stand_in(path: &Path) -> Result<Option<PathBuf>, StoreError> {
    let note = note_path(path)?;
    if exists(path)? || !exists(&note)? {
        return Ok(None);
    }
    let (parent, name) = split(path)?;
    let bytes = read_file(&note, MAX_NOTE_BYTES)?;
    let told = String::from_utf8_lossy(&bytes);
    let told = told.trim_end();
    let number = told.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix(".old-"));
    let good = number.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit()));
    let old = parent.join(told);
    Ok(if good && exists(&old)? { Some(old) } else { None })
}

/// Whether a new map would take the place of another one.
pub(super) fn is_taken(path: &Path) -> Result<bool, StoreError> {
    Ok(exists(path)? || stand_in(path)?.is_some())
}

/// Moves a finished and synced folder to `path`. With `replace`, what is there steps aside as `<name>.old-N`.
pub(super) fn put_in_place(finished: &Path, path: &Path, replace: bool, fault: &mut Fault) -> Result<(), StoreError> {
    let (parent, name) = split(path)?;
    let note = note_path(path)?;
    if !replace && is_taken(path)? {
        return Err(StoreError::Exists { path: path.to_owned() });
    }
    if exists(path)? {
        let old = free_old_name(&parent, &name)?;
        if exists(&note)? {
            remove(&note, fault)?;
        }
        write_new(&note, format!("{name}.old-{old}\n").as_bytes(), fault)?;
        sync(&note, fault)?;
        sync(&parent, fault)?;
        let aside = parent.join(format!("{name}.old-{old}"));
        rename(path, &aside, fault)?;
        if let Err(error) = rename(finished, path, fault) {
            // The disk still works, so the old map goes back; after a power cut the note does this.
            rename(&aside, path, fault)?;
            return Err(error);
        }
    } else {
        rename(finished, path, fault)?;
    }
    sync(&parent, fault)?;
    if exists(&note)? {
        remove(&note, fault)?;
        sync(&parent, fault)?;
    }
    Ok(())
}

fn free_old_name(parent: &Path, name: &str) -> Result<u32, StoreError> {
    for number in 1..100_000 {
        if !exists(&parent.join(format!("{name}.old-{number}")))? {
            return Ok(number);
        }
    }
    Err(StoreError::BadPath { path: parent.join(name), why: "100000 old maps lie beside it; remove some" })
}
