//! Reading files of a folder without ever leaving it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use super::IngestError;

/// A log's folder. Names come from the log itself and are not trusted.
#[derive(Debug)]
pub(super) struct Inside {
    /// As the user gave it, for messages.
    given: PathBuf,
    /// With every link resolved, for the comparison.
    root: PathBuf,
}

impl Inside {
    pub(super) fn open(path: &Path) -> Result<Self, IngestError> {
        let io = |e: std::io::Error| IngestError::Io { path: path.to_owned(), detail: e.to_string() };
        let root = fs::canonicalize(path).map_err(io)?;
        if !fs::metadata(&root).map_err(io)?.is_dir() {
            let kind = path.extension().map(|e| e.to_string_lossy().to_lowercase());
            let detail = match kind.as_deref() {
                Some("mcap" | "db3" | "bag") => "bags are not read yet".to_owned(),
                _ => "it is a file, not a folder".to_owned(),
            };
            return Err(IngestError::Unknown { path: path.to_owned(), detail });
        }
        Ok(Self { given: path.to_owned(), root })
    }

    /// The folder as the user gave it.
    pub(super) fn path(&self) -> &Path {
        &self.given
    }

    pub(super) fn has_file(&self, name: &str) -> bool {
        fs::symlink_metadata(self.root.join(name)).is_ok_and(|m| m.is_file())
    }

    /// Names in the folder, sorted; names that are not UTF-8 are left out. Stops at `limit`.
    pub(super) fn names(&self, limit: u64) -> Result<Vec<String>, IngestError> {
        let io = |e: std::io::Error| IngestError::Io { path: self.given.clone(), detail: e.to_string() };
        let mut names = Vec::new();
        for item in fs::read_dir(&self.root).map_err(io)? {
            if let Ok(name) = item.map_err(io)?.file_name().into_string() {
                names.push(name);
            }
            if names.len() as u64 > limit {
                return Err(IngestError::TooManyFrames { path: self.given.clone() });
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Opens `folder/name` if it is a regular file below the root; `folder` is ours, `name` is the log's.
    fn file(&self, folder: &str, name: &str) -> Result<(File, u64), String> {
        let mut parts = Path::new(name).components();
        if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) {
            return Err(format!("{name:?} is not a plain file name; it is not read"));
        }
        let joined = self.root.join(folder).join(name);
        let real = fs::canonicalize(&joined).map_err(|e| format!("{name}: {e}"))?;
        if !real.starts_with(&self.root) {
            return Err(format!("{name} is a link out of the log's folder; it is not followed"));
        }
        // Opening a named pipe would block for ever, so its kind is looked at first.
        let meta = fs::metadata(&real).map_err(|e| format!("{name}: {e}"))?;
        if !meta.is_file() {
            return Err(format!("{name} is not a file"));
        }
        Ok((File::open(&real).map_err(|e| format!("{name}: {e}"))?, meta.len()))
    }

    /// A whole file of at most `limit` bytes.
    pub(super) fn read(&self, folder: &str, name: &str, limit: u64) -> Result<Vec<u8>, String> {
        let (file, len) = self.file(folder, name)?;
        if len > limit {
            return Err(format!("{name} has {len} bytes, at most {limit} are read"));
        }
        let mut bytes = Vec::new();
        // The file may have grown since; the limit holds all the same.
        file.take(limit).read_to_end(&mut bytes).map_err(|e| format!("{name}: {e}"))?;
        Ok(bytes)
    }

    pub(super) fn lines(&self, name: &str, max_line_bytes: u64) -> Result<Lines, String> {
        let (file, _) = self.file("", name)?;
        Ok(Lines { file: BufReader::new(file), max_line_bytes, line: Vec::new() })
    }
}

/// Lines of a file, none longer than a limit held in memory.
pub(super) struct Lines {
    file: BufReader<File>,
    max_line_bytes: u64,
    line: Vec<u8>,
}

impl Lines {
    /// The next line without its end; `Ok(Err(reason))` for one that is too long, which is passed over.
    pub(super) fn next(&mut self) -> std::io::Result<Option<Result<&[u8], String>>> {
        self.line.clear();
        let got = (&mut self.file).take(self.max_line_bytes + 1).read_until(b'\n', &mut self.line)?;
        if got == 0 {
            return Ok(None);
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if got as u64 > self.max_line_bytes {
            self.skip_rest()?;
            return Ok(Some(Err(format!("the line is longer than {} bytes", self.max_line_bytes))));
        }
        Ok(Some(Ok(&self.line)))
    }

    fn skip_rest(&mut self) -> std::io::Result<()> {
        loop {
            let buffer = self.file.fill_buf()?;
            let (used, done) = match buffer.iter().position(|&b| b == b'\n') {
                Some(at) => (at + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            self.file.consume(used);
            if done {
                return Ok(());
            }
        }
    }
}
