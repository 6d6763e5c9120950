//! The files of the repository, and how a rule reports what it found.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// A file of the repository.
pub(crate) struct Entry {
    /// With forward slashes, from the root.
    pub path: String,
    pub bytes: u64,
    /// `None` for a binary file.
    pub text: Option<String>,
}

/// The clone under test; at run time first, because clones may share a target folder.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR");
    here.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

/// All that git knows or would take in, in order.
pub(crate) fn files() -> &'static [Entry] {
    static FILES: LazyLock<Vec<Entry>> = LazyLock::new(read);
    &FILES
}

/// Files whose path starts with one of the prefixes and ends with the suffix.
pub(crate) fn under(prefixes: &[&str], suffix: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let chosen = files().iter().filter(move |entry| {
        entry.path.ends_with(suffix) && prefixes.iter().any(|prefix| entry.path.starts_with(prefix))
    });
    chosen.filter_map(|entry| Some((entry.path.as_str(), entry.text.as_deref()?)))
}

fn read() -> Vec<Entry> {
    let root = root();
    let output = Command::new("git")
        // A clone that belongs to another user, as in some containers, is still only read here.
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .args(["--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output()
        .expect("the tidy test lists files with git: install git");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git ls-files failed in {}: {errors}", root.display());
    let listing = String::from_utf8(output.stdout).expect("file names are UTF-8");
    let mut names = listing.split('\0').filter(|name| !name.is_empty()).collect::<Vec<_>>();
    names.sort_unstable();
    names.dedup();
    assert!(names.contains(&"Cargo.toml"), "git lists no Cargo.toml in {}", root.display());
    names.into_iter().filter_map(|name| entry(&root, name)).collect()
}

/// `None` for what is gone from the working tree, or no plain file.
fn entry(root: &Path, name: &str) -> Option<Entry> {
    let path = root.join(name);
    let metadata = path.symlink_metadata().ok().filter(std::fs::Metadata::is_file)?;
    let text = std::fs::read(&path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    Some(Entry { path: name.to_owned(), bytes: metadata.len(), text })
}

/// What one rule found; panics with all of it at the end.
#[derive(Default)]
pub(crate) struct Findings(Vec<String>);

impl Findings {
    /// `line` counts from zero, as iteration gives it.
    pub(crate) fn at(&mut self, path: &str, line: usize, what: &str) {
        self.0.push(format!("{path}:{}: {what}", line + 1));
    }

    pub(crate) fn of(&mut self, path: &str, what: &str) {
        self.0.push(format!("{path}: {what}"));
    }

    pub(crate) fn none_allowed(self) {
        assert!(self.0.is_empty(), "{} found:\n{}", self.0.len(), self.0.join("\n"));
    }
}
