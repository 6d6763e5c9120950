//! Drives that a policy made, taken from a folder into the training stream.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use pilotage_sim::{Episode, Rng};

use crate::arguments::Arguments;
use crate::stream::{Pool, lock};

const LOOK_EVERY: Duration = Duration::from_millis(1000);
/// With fewer frames than this the share is smaller, lest the first few drives be learned by heart.
const FULL_SHARE_FRAMES: usize = 8000;

/// A folder that is emptied into a ring of episodes of its own, and the share of blocks drawn from it.
#[derive(Clone)]
pub(crate) struct Spool {
    folder: PathBuf,
    share: f64,
    most_frames: usize,
    pool: Arc<Mutex<Pool>>,
}

impl Spool {
    /// `--spool`, `--spool-share` and `--spool-frames`; `None` without the first.
    pub(crate) fn from_arguments(arguments: &mut Arguments) -> Result<Option<Self>, String> {
        let Some(folder) = arguments.text("spool").map(PathBuf::from) else {
            return Ok(None);
        };
        let share = arguments.number("spool-share", 0.3)?;
        if !(0.0..=1.0).contains(&share) {
            return Err(format!("--spool-share {share} is out of range; use 0 to 1"));
        }
        let most_frames = arguments.number("spool-frames", 40_000)?;
        Ok(Some(Self { folder, share, most_frames, pool: Arc::default() }))
    }

    /// Starts emptying the folder.
    pub(crate) fn watch(self) -> Self {
        let mine = self.clone();
        thread::spawn(move || {
            loop {
                mine.empty();
                thread::sleep(LOOK_EVERY);
            }
        });
        self
    }

    /// A drive from the spool, as often as its share says.
    pub(crate) fn draw(&self, rng: &mut Rng) -> Option<Arc<Episode>> {
        let pool = lock(&self.pool);
        let filled = (pool.frames as f64 / FULL_SHARE_FRAMES.min(self.most_frames).max(1) as f64).min(1.0);
        if rng.chance(self.share * filled) { pool.draw(rng) } else { None }
    }

    fn empty(&self) {
        // The folder may come into being later.
        let Ok(entries) = std::fs::read_dir(&self.folder) else {
            return;
        };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.extension() == Some(OsStr::new("episode")));
        paths.sort();
        for path in paths {
            if let Some(episode) = take(&path) {
                lock(&self.pool).add(Arc::new(episode), self.most_frames);
            }
        }
    }
}

/// Reads and deletes a file; one that is no episode is put aside, so that it is told of once.
fn take(path: &Path) -> Option<Episode> {
    let problem = match std::fs::read(path).map(|bytes| Episode::from_bytes(&bytes)) {
        Ok(Ok(episode)) => match std::fs::remove_file(path) {
            Ok(()) => return Some(episode),
            Err(problem) => problem.to_string(),
        },
        Ok(Err(problem)) => problem.to_string(),
        Err(problem) => problem.to_string(),
    };
    eprintln!("pilotage-sim-data: {}: {problem}", path.display());
    // Where even this fails the file is tried again, to the same end.
    let _ = std::fs::rename(path, path.with_extension("bad"));
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilotage_sim::{Split, World, WorldId};

    #[test]
    fn whole_episodes_are_taken_in_once_and_others_put_aside() {
        let folder = std::env::temp_dir().join(format!("pilotage-spool-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let world = World::generate(WorldId { split: Split::Train, index: 5 });
        let episode = Episode::generate(&world, 1).unwrap().unwrap();
        std::fs::write(folder.join("a.episode"), episode.to_bytes()).unwrap();
        std::fs::write(folder.join("b.episode"), b"no episode").unwrap();
        std::fs::write(folder.join("c.part"), b"not yet").unwrap();
        let spool = Spool { folder: folder.clone(), share: 1.0, most_frames: 100, pool: Arc::default() };
        spool.empty();
        spool.empty();
        assert_eq!(lock(&spool.pool).frames, episode.states.len());
        let mut left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["b.bad", "c.part"]);
        assert!(spool.draw(&mut Rng::new(1)).is_some_and(|drawn| *drawn == episode));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
