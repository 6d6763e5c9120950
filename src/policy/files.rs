//! Reading the files of a policy folder: plain names, plain files, limits first, hashes checked.

use std::fs;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::PolicyError;

/// Largest manifest, in bytes.
pub(crate) const MAX_MANIFEST_BYTES: u64 = 64 * 1024;
/// Largest graph, in bytes.
pub(crate) const MAX_GRAPH_BYTES: u64 = 256 * 1024 * 1024;
/// Largest golden file, in bytes.
pub(crate) const MAX_GOLDEN_BYTES: u64 = 64 * 1024 * 1024;

/// Whether a name is a plain file name: no path can leave the folder, no hidden file, nothing exotic.
pub(crate) fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 128
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Reads a plain file whole; its size is checked before anything is allocated for it.
pub(crate) fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, PolicyError> {
    let unreadable = |e: std::io::Error| {
        if e.kind() == std::io::ErrorKind::NotFound {
            PolicyError::FileMissing { path: path.to_path_buf() }
        } else {
            PolicyError::Unreadable { path: path.to_path_buf(), reason: e.to_string() }
        }
    };
    let meta = fs::symlink_metadata(path).map_err(unreadable)?;
    let found = if meta.is_symlink() {
        "a symbolic link"
    } else if meta.is_dir() {
        "a directory"
    } else if meta.is_file() {
        ""
    } else {
        "a device or pipe"
    };
    if !found.is_empty() {
        return Err(PolicyError::NotAPlainFile { path: path.to_path_buf(), found });
    }
    let too_large = |bytes: u64| PolicyError::TooLarge { path: path.to_path_buf(), bytes, limit };
    if meta.len() > limit {
        return Err(too_large(meta.len()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0));
    // The file may grow between the look and the read, so the read has a limit of its own.
    fs::File::open(path).map_err(unreadable)?.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

/// Reads a plain file and refuses it unless its SHA-256 is the expected one (lower-case hex).
pub(crate) fn read_verified(path: &Path, limit: u64, expected: &str) -> Result<Vec<u8>, PolicyError> {
    let bytes = read_limited(path, limit)?;
    let actual = sha256_hex(&bytes);
    if actual != expected {
        return Err(PolicyError::WrongHash { path: path.to_path_buf(), expected: expected.to_string(), actual });
    }
    Ok(bytes)
}

/// SHA-256 as lower-case hex.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_accepted() {
        for good in ["tick.onnx", "golden.bin", "a-b_c.1"] {
            assert!(is_plain_name(good), "{good}");
        }
        for bad in ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", ".hidden", "a b", "ü", "a\0"] {
            assert!(!is_plain_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn hash_is_the_published_one_of_abc() {
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_file_above_its_limit_is_refused_and_at_the_limit_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, [7u8; 10]).unwrap();
        assert_eq!(read_limited(&path, 10).unwrap().len(), 10);
        assert!(matches!(read_limited(&path, 9), Err(PolicyError::TooLarge { bytes: 10, limit: 9, .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_symlink_is_refused_even_to_a_good_file() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "x").unwrap();
        let link = dir.path().join("l");
        std::os::unix::fs::symlink(dir.path().join("f"), &link).unwrap();
        assert!(matches!(read_limited(&link, 10), Err(PolicyError::NotAPlainFile { .. })));
    }
}
