//! Real time: one thread for each part, joined by latest-value slots.
//!
//! The control loop never waits for anyone: it wakes at its period, or early when a decision is there, and asks the
//! gate. Nothing is trusted because a thread is alive, only because a frame is fresh.
#![allow(clippy::disallowed_methods)] // The one place that reads the clock, sleeps and spawns threads.

mod outcome;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use pilotage_gate::{Command, Mode, Verdict};

use super::{CONTROL_RATE_HZ, ControlLoop, DriveMeter, Intake, Intaken, Slot, Snapshot, TickLoop, motion_of_log};
pub use outcome::{EndRules, Ended, Interrupt, Nobody, Onlooker, Outcome};

use crate::camera::{FrameSource, Next, SourceError};
use crate::config::Profile;
use crate::drive::Plan;
use crate::frame::{Monotonic, RawFrame, SourceStamp};
use crate::navigator::Phase;
use crate::sink::{CommandSink, SendTime};

/// Our monotonic clock starts here, so that an age before the first frame does not underflow.
const START_NS: u64 = 10_000_000_000;
/// A source is asked at least this often whether the run has ended.
const SOURCE_WAIT: Duration = Duration::from_millis(100);
/// Zero commands sent at the end, so that a late subscriber sees one too.
pub const ZEROS_AT_THE_END: usize = 5;

struct Clock(Instant);

impl Clock {
    fn now(&self) -> Monotonic {
        Monotonic(START_NS + u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX / 2))
    }

    fn wall_ns() -> i64 {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX)
    }
}

/// Stamps frames of a camera whose driver gives no time: the wall clock, which is what the others' stamps are of.
#[must_use]
pub fn receipt_clock() -> Box<dyn FnMut() -> SourceStamp + Send> {
    Box::new(|| SourceStamp(Clock::wall_ns()))
}

#[derive(Default)]
struct Shared {
    snapshots: Slot<Snapshot>,
    plans: Slot<Plan>,
    meter: Mutex<DriveMeter>,
    stop: AtomicBool,
    source_ended: Mutex<Option<Monotonic>>,
    last_frame: Mutex<Option<Monotonic>>,
    counts: Mutex<Counts>,
    failure: Mutex<Option<String>>,
    arrived: AtomicBool,
}

#[derive(Default)]
struct Counts {
    frames: u64,
    bad_frames: u64,
    ticks: u64,
}

impl Shared {
    fn fail(&self, what: String) {
        tracing::error!("{what}");
        lock(&self.failure).get_or_insert(what);
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// Tells all threads to stop when the run is left, by whatever way.
struct StopOnDrop<'a>(&'a Shared);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::SeqCst);
        self.0.snapshots.close();
    }
}

/// Runs a thread's body; a panic in it ends the run with an error instead of leaving it half alive.
fn guarded(name: &str, shared: &Shared, body: impl FnOnce()) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_err() {
        shared.fail(format!("the {name} thread panicked; this is a defect of pilotage, please report it"));
    }
}

/// The last word to the robot, past controller and gate: zero needs nobody's leave.
fn send_zeros(sink: &mut dyn CommandSink, clock: &Clock, report: &mut ControlReport) {
    for _ in 0..ZEROS_AT_THE_END {
        hand_on(sink, clock.now(), &Command::ZERO, None, report);
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a run is made of; each part goes to the thread that owns it.
pub struct Parts {
    /// Where the frames come from.
    pub source: Box<dyn FrameSource>,
    /// Where the commands go.
    pub sink: Box<dyn CommandSink>,
    /// Frame to context.
    pub intake: Intake,
    /// Context to decision.
    pub ticks: TickLoop,
    /// Decision to command.
    pub control: ControlLoop,
}

/// Runs until an end rule, a signal (`interrupt`) or a failure, and leaves the robot with zero commands.
pub fn run(
    parts: Parts,
    profile: &Profile,
    rules: EndRules,
    interrupt: &Interrupt,
    onlooker: &dyn Onlooker,
) -> Outcome {
    let Parts { source, mut sink, intake, ticks, control } = parts;
    let clock = Clock(Instant::now());
    let shared = Shared::default();
    let is_log = source.is_log();
    let mut report = (Ended::Failed, ControlReport::default());
    std::thread::scope(|scope| {
        // Whatever happens below, the other threads are told to stop: the scope waits for them.
        let _stop = StopOnDrop(&shared);
        let spawned = std::thread::Builder::new()
            .name("camera".into())
            .spawn_scoped(scope, || {
                guarded("camera", &shared, || camera_thread(source, intake, &clock, &shared, onlooker));
            })
            .and_then(|_| {
                std::thread::Builder::new().name("policy".into()).spawn_scoped(scope, || {
                    guarded("policy", &shared, || policy_thread(ticks, &clock, &shared, profile, is_log, onlooker));
                })
            });
        if let Err(error) = spawned {
            shared.fail(format!("cannot start a thread: {error}"));
        }
        // Control runs on the calling thread: if nothing else can be started, zeros still go out.
        guarded("control", &shared, || {
            report = control_thread(sink.as_mut(), control, &clock, &shared, rules, interrupt, onlooker);
        });
        guarded("control", &shared, || send_zeros(sink.as_mut(), &clock, &mut report.1));
        interrupt.zeros_sent.store(true, Ordering::SeqCst);
    });
    let (ended, control) = report;
    let counts = lock(&shared.counts);
    Outcome {
        ended,
        failure: lock(&shared.failure).clone(),
        ticks: counts.ticks,
        missed_ticks: shared.snapshots.overwritten(),
        frames: counts.frames,
        bad_frames: counts.bad_frames,
        commands: control.commands,
        refused_commands: control.refused,
        oldest_evidence_ns: control.oldest_evidence_ns,
        silence_to_zero_ns: control.silence_to_zero_ns,
    }
}

fn camera_thread(
    mut source: Box<dyn FrameSource>,
    mut intake: Intake,
    clock: &Clock,
    shared: &Shared,
    onlooker: &dyn Onlooker,
) {
    let mut pace = Pace::new(source.as_ref(), clock.now());
    while !shared.stop.load(Ordering::SeqCst) {
        pace.before_asking(clock, shared);
        match source.next(SOURCE_WAIT) {
            Ok(Next::Frame(raw)) => {
                pace.before_handing_on(&raw, clock, shared);
                let received = clock.now();
                *lock(&shared.last_frame) = Some(received);
                lock(&shared.counts).frames += 1;
                match intake.accept(&raw, received) {
                    Ok(Intaken::NotSampled) => {}
                    Ok(Intaken::Filling(have, want)) => onlooker.filling(have, want),
                    Ok(Intaken::Full(snapshot)) => shared.snapshots.put(snapshot),
                    Err(error) => {
                        lock(&shared.counts).bad_frames += 1;
                        tracing::warn!(frame = raw.seq, %error, "skipped a frame");
                    }
                }
            }
            Ok(Next::Nothing) => {}
            Ok(Next::End) => {
                *lock(&shared.source_ended) = Some(clock.now());
                return;
            }
            Err(SourceError::BadFrame { seq, reason }) => {
                lock(&shared.counts).bad_frames += 1;
                tracing::warn!(frame = seq, reason, "skipped a frame");
            }
            Err(error) => {
                // Silence first: the gate stops the robot by age; the run then ends with this error.
                shared.fail(format!("the camera failed: {error}"));
                return;
            }
        }
    }
}

/// Keeps a log or the simulator to the clock; a live source keeps its own.
struct Pace {
    is_log: bool,
    interval: Option<Duration>,
    started: Monotonic,
    asked: u64,
    first_stamp: Option<i64>,
}

impl Pace {
    fn new(source: &dyn FrameSource, started: Monotonic) -> Self {
        Self { is_log: source.is_log(), interval: source.interval(), started, asked: 0, first_stamp: None }
    }

    fn before_asking(&mut self, clock: &Clock, shared: &Shared) {
        if let Some(interval) = self.interval {
            let due_ns = u64::try_from(interval.as_nanos()).unwrap_or(0).saturating_mul(self.asked);
            self.asked += 1;
            sleep_until(Monotonic(self.started.0 + due_ns), clock, shared);
        }
    }

    fn before_handing_on(&mut self, raw: &RawFrame, clock: &Clock, shared: &Shared) {
        if self.is_log && self.interval.is_none() {
            let first = *self.first_stamp.get_or_insert(raw.captured.0);
            let due_ns = u64::try_from(raw.captured.0.saturating_sub(first)).unwrap_or(0);
            sleep_until(Monotonic(self.started.0 + due_ns), clock, shared);
        }
    }
}

fn sleep_until(due: Monotonic, clock: &Clock, shared: &Shared) {
    while !shared.stop.load(Ordering::SeqCst) {
        let left = due.0.saturating_sub(clock.now().0);
        if left == 0 {
            return;
        }
        std::thread::sleep(Duration::from_nanos(left).min(SOURCE_WAIT));
    }
}

fn policy_thread(
    mut ticks: TickLoop,
    clock: &Clock,
    shared: &Shared,
    profile: &Profile,
    is_log: bool,
    onlooker: &dyn Onlooker,
) {
    let rate_hz = ticks.pilot().policy().spec().rate_hz;
    let step_length_m = profile.step_length_m(rate_hz);
    let mut meter_at_tick = DriveMeter::default();
    let mut last_evidence = None;
    while !shared.stop.load(Ordering::SeqCst) {
        let Some(snapshot) = shared.snapshots.take(SOURCE_WAIT) else { continue };
        let meter = *lock(&shared.meter);
        let motion = if is_log {
            motion_of_log(&snapshot, &mut last_evidence, rate_hz)
        } else {
            meter.motion_since(meter_at_tick, step_length_m, profile.drive.max_angular_rps, (1.0 / rate_hz) as f32)
        };
        meter_at_tick = meter;
        match ticks.tick(clock.now(), &snapshot, motion) {
            Ok((output, plan)) => {
                lock(&shared.counts).ticks += 1;
                if output.decision.phase == Phase::Arrived {
                    shared.arrived.store(true, Ordering::SeqCst);
                }
                shared.plans.put(plan);
                onlooker.tick(snapshot.frames.last().map_or(0, |frame| frame.seq), &snapshot, &output);
            }
            Err(error) => {
                shared.fail(format!("the policy failed: {error}"));
                return;
            }
        }
    }
}

#[derive(Default)]
struct ControlReport {
    commands: u64,
    refused: u64,
    oldest_evidence_ns: u64,
    silence_to_zero_ns: Option<u64>,
}

fn control_thread(
    sink: &mut dyn CommandSink,
    mut control: ControlLoop,
    clock: &Clock,
    shared: &Shared,
    rules: EndRules,
    interrupt: &Interrupt,
    onlooker: &dyn Onlooker,
) -> (Ended, ControlReport) {
    let period = Duration::from_secs_f64(1.0 / CONTROL_RATE_HZ);
    let period_ns = u64::try_from(period.as_nanos()).unwrap_or(50_000_000);
    let started = clock.now();
    let mut report = ControlReport::default();
    let mut plan: Option<Plan> = None;
    let mut deadline = started;
    let mut last_step = started;
    let mut last_command = (0.0_f32, 0.0_f32);
    let ended = loop {
        let left = deadline.0.saturating_sub(clock.now().0);
        if let Some(new_plan) = shared.plans.take(Duration::from_nanos(left)) {
            plan = Some(new_plan);
        }
        let now = clock.now();
        while deadline.0 <= now.0 {
            deadline = Monotonic(deadline.0 + period_ns);
        }
        lock(&shared.meter).add(last_command.0, last_command.1, (now.0 - last_step.0) as f64 * 1e-9);
        last_step = now;
        let output = control.step(now, Mode::Armed, plan.as_ref());
        last_command = (output.command.linear_mps(), output.command.angular_rps());
        let evidence_at = plan.as_ref().map(|plan| plan.evidence_at);
        hand_on(sink, now, &output.command, evidence_at, &mut report);
        onlooker.control(now, &output);

        let is_zero = output.command.is_zero();
        if !is_zero {
            let age_ns = evidence_at.map_or(0, |evidence| now.0.saturating_sub(evidence.0));
            report.oldest_evidence_ns = report.oldest_evidence_ns.max(age_ns);
            report.silence_to_zero_ns = None;
        } else if matches!(output.verdict, Verdict::Stale { .. }) && report.silence_to_zero_ns.is_none() {
            report.silence_to_zero_ns = lock(&shared.last_frame).map(|last| now.0.saturating_sub(last.0));
        }

        if shared.stop.load(Ordering::SeqCst) {
            break Ended::Failed;
        }
        if interrupt.asked.load(Ordering::SeqCst) {
            break Ended::Asked;
        }
        if rules.after.is_some_and(|after| now.0 - started.0 > after.as_nanos() as u64) {
            break Ended::TimeUp;
        }
        if rules.at_arrival && shared.arrived.load(Ordering::SeqCst) && is_zero {
            break Ended::Arrived;
        }
        let source_ended = *lock(&shared.source_ended);
        if source_ended.is_some_and(|at| now.0.saturating_sub(at.0) > rules.after_silence.as_nanos() as u64) {
            break Ended::SourceEnded;
        }
    };
    (ended, report)
}

fn hand_on(
    sink: &mut dyn CommandSink,
    now: Monotonic,
    command: &Command,
    evidence_at: Option<Monotonic>,
    report: &mut ControlReport,
) {
    match sink.send(SendTime { now, wall_ns: Clock::wall_ns(), evidence_at }, command) {
        Ok(()) => report.commands += 1,
        Err(error) => {
            report.refused += 1;
            if report.refused == 1 {
                tracing::warn!(%error, "a command could not be handed on");
            }
        }
    }
}
