//! Reading and writing single files, with nothing taken on trust.

use super::StoreError;
use super::fault::Fault;
use std::fs::{self, File, Metadata};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Whether anything is there, a broken link included.
pub(super) fn exists(path: &Path) -> Result<bool, StoreError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io("look at", path)(error)),
    }
}

fn kind(metadata: &Metadata) -> &'static str {
    if metadata.is_symlink() {
        "a link"
    } else if metadata.is_dir() {
        "a folder"
    } else if metadata.is_file() {
        "a file"
    } else {
        "a device or pipe"
    }
}

/// The length of a plain file.
pub(super) fn file_bytes(path: &Path) -> Result<u64, StoreError> {
    let metadata = fs::symlink_metadata(path).map_err(StoreError::io("find", path))?;
    if metadata.is_file() {
        Ok(metadata.len())
    } else {
        Err(StoreError::WrongKind { path: path.to_owned(), found: kind(&metadata), wanted: "a plain file" })
    }
}

/// That a folder is one, and no link to one.
pub(super) fn check_folder(path: &Path) -> Result<(), StoreError> {
    let metadata = fs::symlink_metadata(path).map_err(StoreError::io("find", path))?;
    if metadata.is_dir() {
        Ok(())
    } else {
        Err(StoreError::WrongKind { path: path.to_owned(), found: kind(&metadata), wanted: "a folder" })
    }
}

/// A plain file of at most `limit` bytes.
pub(super) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, StoreError> {
    let too_much = |found| StoreError::TooMuch { path: path.to_owned(), what: "bytes", found, limit };
    let length = file_bytes(path)?;
    if length > limit {
        return Err(too_much(length));
    }
    let file = File::open(path).map_err(StoreError::io("open", path))?;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    // The file may have grown since it was measured.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(StoreError::io("read", path))?;
    if bytes.len() as u64 > limit { Err(too_much(bytes.len() as u64)) } else { Ok(bytes) }
}

/// Writes a file that must not be there yet. It reaches the disk only with [`sync`].
pub(super) fn write_new(path: &Path, bytes: &[u8], fault: &mut Fault) -> Result<(), StoreError> {
    let io = |error| StoreError::io("write", path)(error);
    fault.step().map_err(io)?;
    let mut file = File::options().write(true).create_new(true).open(path).map_err(io)?;
    // In two halves, so that the tests can cut the power between them.
    let (first, second) = bytes.split_at_checked(bytes.len() / 2).unwrap_or((bytes, &[]));
    file.write_all(first).map_err(io)?;
    fault.step().map_err(io)?;
    file.write_all(second).map_err(io)
}

/// Waits until a file, or a folder's list of names, is on the disk.
pub(super) fn sync(path: &Path, fault: &mut Fault) -> Result<(), StoreError> {
    let io = |error| StoreError::io("flush", path)(error);
    fault.step().map_err(io)?;
    File::open(path).and_then(|file| file.sync_all()).map_err(io)
}

pub(super) fn rename(from: &Path, to: &Path, fault: &mut Fault) -> Result<(), StoreError> {
    fault.step().and_then(|()| fs::rename(from, to)).map_err(StoreError::io("rename a new map to", to))
}

pub(super) fn remove(path: &Path, fault: &mut Fault) -> Result<(), StoreError> {
    fault.step().and_then(|()| fs::remove_file(path)).map_err(StoreError::io("remove", path))
}

/// The folder that a path lies in and its last part.
pub(super) fn split(path: &Path) -> Result<(PathBuf, String), StoreError> {
    let bad = |why| StoreError::BadPath { path: path.to_owned(), why };
    let name = path.file_name().ok_or_else(|| bad("it has no last part to name the map by"))?;
    let name = name.to_str().ok_or_else(|| bad("its last part is not UTF-8"))?.to_owned();
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((parent.to_owned(), name))
}
