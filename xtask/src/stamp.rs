//! Finished or not there: folders that appear whole, and the stamps that say what they were made from.

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// A fresh, empty sibling of `target`, to be filled and then renamed over it.
pub fn staging(target: &Path) -> Result<PathBuf> {
    let name = target.file_name().with_context(|| format!("{} has no name", target.display()))?;
    let mut staged = name.to_os_string();
    staged.push(".part");
    let staged = target.with_file_name(staged);
    remove(&staged)?;
    fs::create_dir_all(&staged).with_context(|| format!("cannot make {}", staged.display()))?;
    Ok(staged)
}

/// Puts a filled staging folder in the place of `target`.
pub fn publish(staged: &Path, target: &Path) -> Result<()> {
    remove(target)?;
    fs::rename(staged, target).with_context(|| format!("cannot rename {} to {}", staged.display(), target.display()))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// One SHA-256 over several texts, in hexadecimal.
pub fn digest(parts: &[impl AsRef<[u8]>]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // With the lengths in it, text moved from one part to the next changes the result.
        hash.update((part.as_ref().len() as u64).to_le_bytes());
        hash.update(part.as_ref());
    }
    hexadecimal(&hash.finalize())
}

/// The SHA-256 of a file, as `sha256sum` prints it.
pub fn file_digest(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(hexadecimal(&Sha256::digest(&bytes)))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

const STAMP: &str = ".pilotage-stamp";

/// Whether the folder was finished, from what `key` stands for.
pub fn stamped(folder: &Path, key: &str) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|found| found.trim() == key)
}

/// Marks a folder as finished.
pub fn stamp(folder: &Path, key: &str) -> Result<()> {
    let path = folder.join(STAMP);
    fs::write(&path, key).with_context(|| format!("cannot write {}", path.display()))
}
