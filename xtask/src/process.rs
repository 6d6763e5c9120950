//! Running other programs while saying what is done and for how long.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A silent step speaks up this often, so that nobody takes a long one for a hung one.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// Prints the title, runs the command without input, and fails with the title when it fails.
pub fn run(title: &str, command: &mut Command) -> Result<()> {
    let step = Step::begin(title, command);
    let status = command.stdin(Stdio::null()).status();
    step.end(title, command, status)
}

/// Like [`run`], and hands over every line the command writes to its standard output.
pub fn run_reading(title: &str, command: &mut Command, mut on_line: impl FnMut(&str)) -> Result<()> {
    let step = Step::begin(title, command);
    let status = tee(command, &mut on_line);
    step.end(title, command, status)
}

/// What a short command prints, or `None` when it cannot be run or fails.
pub fn ask(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn tee(command: &mut Command, on_line: &mut dyn FnMut(&str)) -> std::io::Result<ExitStatus> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    if let Some(stdout) = child.stdout.take() {
        let mut reader = BufReader::new(stdout);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes)? > 0 {
            std::io::stdout().write_all(&bytes)?;
            on_line(String::from_utf8_lossy(&bytes).trim_end());
            bytes.clear();
        }
    }
    child.wait()
}

struct Step {
    started: Instant,
    ticker: Option<(SyncSender<()>, JoinHandle<()>)>,
}

impl Step {
    fn begin(title: &str, command: &Command) -> Self {
        let started = Instant::now();
        println!("==> {title}");
        println!("    $ {}", shown(command));
        let (stop, stopped) = mpsc::sync_channel(0);
        let title = title.to_owned();
        let ticker = thread::spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(SIGN_OF_LIFE) {
                println!("    ... {title}: {}", seconds(started.elapsed()));
            }
        });
        Self { started, ticker: Some((stop, ticker)) }
    }

    fn end(mut self, title: &str, command: &Command, status: std::io::Result<ExitStatus>) -> Result<()> {
        if let Some((stop, ticker)) = self.ticker.take() {
            drop(stop);
            // It only prints; had it panicked, nothing of the step is lost.
            let _ = ticker.join();
        }
        let took = seconds(self.started.elapsed());
        let program = program(command);
        let status = status.with_context(|| format!("{title}: cannot run `{program}`; is it installed?"))?;
        if !status.success() {
            println!("    FAILED after {took} ({status})");
            bail!("{title} ({program}: {status}; its messages are above)");
        }
        println!("    done in {took}");
        Ok(())
    }
}

/// The command as one line; a script given as an argument would drown the rest.
fn shown(command: &Command) -> String {
    let mut words = vec![program(command)];
    for argument in command.get_args().map(|argument| argument.to_string_lossy()) {
        words.push(if argument.contains('\n') { "'...'".to_owned() } else { argument.into_owned() });
    }
    words.join(" ")
}

fn program(command: &Command) -> String {
    let path = Path::new(command.get_program());
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// A duration as people read it: `7.3 s`, `4 min 05 s`.
pub fn seconds(duration: Duration) -> String {
    let total_s = duration.as_secs_f64();
    if total_s < 60.0 {
        format!("{total_s:.1} s")
    } else {
        let whole_s = duration.as_secs();
        format!("{} min {:02} s", whole_s / 60, whole_s % 60)
    }
}
