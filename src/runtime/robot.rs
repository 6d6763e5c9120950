//! A simulated robot in real time, or at any pace: its steps are kept to the clock, on the thread that calls.
#![allow(clippy::disallowed_methods)] // Reads the clock and sleeps, as this folder may.

mod stepper;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

pub use stepper::{
    Body, COMMAND_TIMEOUT_NS, Counts, Driver, Happening, ODOMETRY_HZ, Reading, RobotFace, SCAN_HZ, STEP_NS, Stepper,
};

use crate::camera::SourceError;

/// Farther behind than this the steps do not catch up: the robot's time has stood still for that long.
const MOST_BEHIND: Duration = Duration::from_millis(200);
/// The robot's own driver stands this long at its goal before the run ends, so that a recording shows it standing.
const STANDS_AT_GOAL_NS: u64 = 2_000_000_000;

/// Which time the stamps tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stamps {
    /// The wall clock's; the robot moves in real time.
    Wall,
    /// The robot's own, which starts at zero and runs this many times as fast as real time.
    Own(f64),
}

/// How a robot runs.
#[derive(Clone, Copy, Debug)]
pub struct RobotRules {
    /// Who drives.
    pub driver: Driver,
    /// Pictures a second.
    pub camera_hz: f64,
    /// Which time the stamps tell.
    pub stamps: Stamps,
    /// End after so many nanoseconds of the robot's time.
    pub after_ns: Option<u64>,
}

/// How a robot's run ended.
#[derive(Clone, Copy, Debug)]
pub struct RobotReport {
    /// What its steps came to.
    pub counts: Counts,
    /// The robot's time at the end, nanoseconds.
    pub time_ns: u64,
    /// How long its time stood still because the machine was too slow.
    pub stood_still: Duration,
    /// Whether it was told to end from outside.
    pub interrupted: bool,
}

/// Runs a robot until `interrupt`, its time is up, or its own driver stands at the goal. `tell` hears what happens,
/// with the robot's time in nanoseconds.
///
/// # Errors
/// When the robot cannot go on.
pub fn run(
    body: &mut dyn Body,
    face: &mut dyn RobotFace,
    rules: &RobotRules,
    interrupt: &AtomicBool,
    tell: &mut dyn FnMut(u64, Happening),
) -> Result<RobotReport, SourceError> {
    let factor = match rules.stamps {
        Stamps::Wall => 1.0,
        Stamps::Own(factor) => factor,
    };
    let period = Duration::from_nanos((STEP_NS as f64 / factor.clamp(0.01, 100.0)) as u64);
    let mut stepper = Stepper::new(rules.driver, rules.camera_hz);
    let mut stood_still = Duration::ZERO;
    let mut due = Instant::now() + period;
    let mut arrived_ns = None;
    let interrupted = loop {
        if interrupt.load(Ordering::SeqCst) {
            break true;
        }
        if rules.after_ns.is_some_and(|after| stepper.time_ns() >= after) {
            break false;
        }
        if stepper.has_arrived() {
            let since = *arrived_ns.get_or_insert(stepper.time_ns());
            if stepper.time_ns() - since >= STANDS_AT_GOAL_NS {
                break false;
            }
        }
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let now = Instant::now();
        let mut behind = now.saturating_duration_since(due);
        if behind > MOST_BEHIND {
            stood_still += behind;
            due = now;
            behind = Duration::ZERO;
        }
        let stamp_ns = match rules.stamps {
            // When the step was due, so that a late wake-up does not shake the stamps.
            Stamps::Wall => wall_ns().saturating_sub(i64::try_from(behind.as_nanos()).unwrap_or(i64::MAX)),
            Stamps::Own(_) => i64::try_from(stepper.time_ns() + STEP_NS).unwrap_or(i64::MAX),
        };
        stepper.step(body, face, stamp_ns, tell)?;
        due += period;
    };
    Ok(RobotReport { counts: stepper.counts(), time_ns: stepper.time_ns(), stood_still, interrupted })
}

fn wall_ns() -> i64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX)
}
