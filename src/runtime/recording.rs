//! The recorder's thread.
#![allow(clippy::disallowed_methods)] // Threads and clocks are this folder's business.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::record::{RecorderReport, RecorderSink, RecorderWorker};

struct CloseOnDrop<'a>(&'a RecorderSink);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Runs `work` while the recorder writes on a thread of its own; the file is finished when `work` has returned.
/// The metadata comes first in the file.
///
/// # Errors
/// When the thread cannot be started or panicked; the work's own result comes back all the same.
pub fn with_recorder<T>(
    (sink, worker): (RecorderSink, RecorderWorker),
    name: &str,
    metadata: BTreeMap<String, String>,
    work: impl FnOnce(RecorderSink) -> T,
) -> (T, std::io::Result<RecorderReport>) {
    sink.metadata(name, metadata);
    std::thread::scope(|scope| {
        let started = Instant::now();
        let thread = std::thread::Builder::new()
            .name("record".into())
            .spawn_scoped(scope, move || worker.run(|| started.elapsed()));
        // Also when `work` panics: the scope waits for the recorder, and the recorder for this.
        let close = CloseOnDrop(&sink);
        let result = work(sink.clone());
        drop(close);
        let report = thread.and_then(|thread| {
            thread
                .join()
                .map_err(|_| std::io::Error::other("the recorder's thread panicked; the file may be incomplete"))
        });
        (result, report)
    })
}
