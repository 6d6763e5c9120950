//! Other people's ROS 2 and DDS as child processes: found or skipped, bounded in time, never left behind.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longest time any peer lives, whatever happens to the test.
const LIFETIME_S: u64 = 60;

/// Longest time to wait for two sides to find each other on a busy machine.
pub(crate) const MATCH_TIME: Duration = Duration::from_secs(30);

/// Says that a test did not run. In CI that is a failure: there, everything has to run.
pub(crate) fn skip(test: &str, reason: &str) {
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{test} may not be skipped in CI: {reason}");
    // Not by `println!`, which the test harness swallows when a test passes.
    writeln!(std::io::stdout(), "PILOTAGE-SKIP: {test}: {reason}").ok();
}

/// The interpreter that has the peers installed, or `None` after saying that `test` is skipped.
pub(crate) fn python_or_skip(test: &str) -> Option<PathBuf> {
    let cache = || {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
    };
    let given = std::env::var_os("PILOTAGE_ROS_PYTHON").map(PathBuf::from);
    let python = given.or_else(|| cache().map(|cache| cache.join("pilotage/ros-peers/bin/python")));
    match python {
        Some(python) if python.is_file() => Some(python),
        Some(python) => {
            skip(test, &format!("no ROS peers at {}; install tests/peers/requirements.in there", python.display()));
            None
        }
        None => {
            skip(test, "neither PILOTAGE_ROS_PYTHON nor HOME is set");
            None
        }
    }
}

/// A running peer; killed when dropped.
pub(crate) struct Peer {
    child: Child,
    lines: Receiver<String>,
}

impl Peer {
    /// Starts `tests/peers/SCRIPT` in a ROS domain, confined to this computer; `args` begin with the
    /// two words every peer takes, and its lifetime is put behind them.
    pub(crate) fn start(python: &Path, script: &str, args: [&str; 2], more: &[&str], domain_id: u16) -> Self {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(script);
        let mut child = Command::new(python)
            .arg(&script)
            .args(args)
            .arg(LIFETIME_S.to_string())
            .args(more)
            .env_remove("ROS_LOCALHOST_ONLY")
            .env_remove("ROS_STATIC_PEERS")
            .env("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
            .env("ROS_DOMAIN_ID", domain_id.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", script.display()));
        let stdout = child.stdout.take().expect("its output was piped");
        let (sender, lines) = sync_channel(20_000);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// Waits until the peer says that it is connected to somebody.
    pub(crate) fn wait_until_ready(&self) {
        let line = self.lines.recv_timeout(MATCH_TIME);
        assert_eq!(line.as_deref(), Ok("READY"), "the peer found nobody");
    }

    /// The same for a peer that writes down what it hears before it is ready, too.
    #[allow(dead_code, reason = "not every test binary uses it")]
    pub(crate) fn wait_until_ready_among_records(&self) {
        let end = Instant::now() + 2 * MATCH_TIME;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())).as_deref() {
                Ok("READY") => return,
                Ok("DONE") | Err(_) => panic!("the peer found nobody"),
                Ok(_) => {}
            }
        }
    }

    /// The records the peer prints until there are `count`, it is done, or `time` is over.
    pub(crate) fn records(&self, count: usize, time: Duration) -> Vec<Value> {
        let end = Instant::now() + time;
        let mut records = Vec::new();
        while records.len() < count {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) if line == "DONE" => break,
                Ok(line) if line == "READY" => {}
                Ok(line) => records.push(serde_json::from_str(&line).expect("a peer prints JSON")),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        records
    }

    /// Sends a signal, for example `STOP`.
    #[allow(dead_code, reason = "not every test binary uses it")]
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{name} failed");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
