//! Whatever breaks in a run in real time, the last commands are zeros and the run ends.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pilotage::camera::sim::{SharedSimRobot, SimCamera, SimRobot, SimSink, SimSource};
use pilotage::camera::{FrameSource, Next, SourceError};
use pilotage::drive::DriveLoop;
use pilotage::episode::LOG_RATE_HZ;
use pilotage::navigator::NavigatorConfig;
use pilotage::pilot::Pilot;
use pilotage::policy::{ModelImage, ModelSpec, NodeFeatures, Policy, PolicyError, Prediction};
use pilotage::runtime::realtime::{self, EndRules, Ended, Interrupt, Nobody, Outcome, Parts};
use pilotage::runtime::{ControlLoop, Intake, TickLoop};
use pilotage::sink::{CommandSink, SendTime, SinkError};
use pilotage_gate::Command;
use pilotage_graph::{NodeId, Start};

use crate::support::{episode, episode_map, policy};

/// What breaks, some seconds into the drive.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Breaks {
    PolicyPanics,
    PolicyFails,
    CameraPanics,
    CameraFails,
    CameraFallsSilent,
    SinkPanicsOnce,
    Nothing,
}

/// Frames before the camera breaks, and questions before the policy does: both after the robot has set off.
const SOUND_FRAMES: u32 = 24;
const SOUND_TICKS: u32 = 6;
const SOUND_COMMANDS: usize = 60;

struct FakePolicy(Box<dyn Policy>, Breaks, u32);

impl Policy for FakePolicy {
    fn spec(&self) -> &ModelSpec {
        self.0.spec()
    }
    fn sha256(&self) -> &str {
        self.0.sha256()
    }
    fn describe(&self) -> String {
        format!("{:?}", self.1)
    }
    fn remember(&mut self, goal: &ModelImage) -> Result<NodeFeatures, PolicyError> {
        self.0.remember(goal)
    }
    fn observe(&mut self, context: &[ModelImage]) -> Result<(), PolicyError> {
        self.0.observe(context)
    }
    fn predict(&mut self, nodes: &[&NodeFeatures]) -> Result<Vec<Prediction>, PolicyError> {
        self.2 += 1;
        match self.1 {
            Breaks::PolicyPanics if self.2 > SOUND_TICKS => panic!("a policy that panics (on purpose)"),
            Breaks::PolicyFails if self.2 > SOUND_TICKS => Err(PolicyError::Message("a policy that fails".into())),
            _ => self.0.predict(nodes),
        }
    }
}

struct FakeCamera(SimSource, Breaks, u32);

impl FrameSource for FakeCamera {
    fn next(&mut self, wait: Duration) -> Result<Next, SourceError> {
        self.2 += 1;
        match self.1 {
            Breaks::CameraPanics if self.2 > SOUND_FRAMES => panic!("a camera that panics (on purpose)"),
            Breaks::CameraFails if self.2 > SOUND_FRAMES => Err(SourceError::Stream("unplugged".into())),
            Breaks::CameraFallsSilent if self.2 > SOUND_FRAMES => Ok(Next::Nothing),
            _ => self.0.next(wait),
        }
    }
    fn describe(&self) -> String {
        format!("{:?}", self.1)
    }
    fn interval(&self) -> Option<Duration> {
        self.0.interval()
    }
}

/// Hands commands on to the simulated robot and keeps them.
struct Heard(SimSink, Breaks, Arc<Mutex<Vec<(u64, bool)>>>);

impl CommandSink for Heard {
    fn send(&mut self, at: SendTime, command: &Command) -> Result<(), SinkError> {
        let count = {
            let mut heard = self.2.lock().unwrap();
            heard.push((at.now.0, command.is_zero()));
            heard.len()
        };
        assert!(self.1 != Breaks::SinkPanicsOnce || count != SOUND_COMMANDS, "a sink that panics (on purpose)");
        self.0.send(at, command)
    }
    fn describe(&self) -> String {
        "a sink that listens".into()
    }
}

/// Runs for a few seconds; comes back with the outcome and all commands (our clock, whether zero).
fn run(breaks: Breaks, interrupt: &Interrupt) -> (Outcome, Vec<(u64, bool)>) {
    let episode = episode();
    let camera = SimCamera { rate_hz: LOG_RATE_HZ, ..SimCamera::default() };
    let robot = SimRobot::new(Arc::clone(&episode.world), episode.robot, episode.start, 1, camera);
    let shared: SharedSimRobot = Arc::new(Mutex::new(robot));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let fake = FakePolicy(policy(), breaks, 0);
    let spec = fake.spec().clone();
    let map = episode_map();
    let goal = map.map().goal_spec("LAST").unwrap();
    let pilot = Pilot::new(Box::new(fake), map, NavigatorConfig::default(), goal, Start::At(NodeId(0))).unwrap();
    let parts = Parts {
        source: Box::new(FakeCamera(SimSource(Arc::clone(&shared)), breaks, 0)),
        sink: Box::new(Heard(SimSink::new(shared), breaks, Arc::clone(&heard))),
        intake: Intake::new(&spec, &episode.profile, None),
        ticks: TickLoop::new(pilot, &episode.profile, None),
        control: ControlLoop::new(DriveLoop::new(&episode.profile, spec.rate_hz).unwrap(), None),
    };
    let rules =
        EndRules { at_arrival: false, after_silence: Duration::from_secs(1), after: Some(Duration::from_secs(6)) };
    let outcome = realtime::run(parts, &episode.profile, rules, interrupt, &Nobody);
    let heard = heard.lock().unwrap().clone();
    (outcome, heard)
}

fn ends_in_zeros(breaks: Breaks) -> Outcome {
    let interrupt = Interrupt::default();
    let (outcome, heard) = run(breaks, &interrupt);
    assert!(heard.iter().any(|&(_, zero)| !zero), "{breaks:?}: the robot never set off, nothing was tested");
    let last_zeros = heard.iter().rev().take_while(|&&(_, zero)| zero).count();
    assert!(last_zeros >= 4, "{breaks:?}: only {last_zeros} zeros at the end");
    assert!(interrupt.zeros_sent.load(Ordering::SeqCst), "{breaks:?}");
    outcome
}

#[test]
fn a_panicking_policy_ends_the_run_in_zeros() {
    let outcome = ends_in_zeros(Breaks::PolicyPanics);
    assert_eq!(outcome.ended, Ended::Failed);
    assert!(outcome.failure.unwrap().contains("the policy thread panicked"));
}

#[test]
fn a_failing_policy_ends_the_run_in_zeros() {
    let outcome = ends_in_zeros(Breaks::PolicyFails);
    assert_eq!(outcome.ended, Ended::Failed);
    assert!(outcome.failure.unwrap().contains("a policy that fails"));
}

#[test]
fn a_panicking_camera_ends_the_run_in_zeros() {
    let outcome = ends_in_zeros(Breaks::CameraPanics);
    assert_eq!(outcome.ended, Ended::Failed);
    assert!(outcome.failure.unwrap().contains("the camera thread panicked"));
}

#[test]
fn an_unplugged_camera_ends_the_run_in_zeros() {
    let outcome = ends_in_zeros(Breaks::CameraFails);
    assert_eq!(outcome.ended, Ended::Failed);
    assert!(outcome.failure.unwrap().contains("unplugged"));
}

#[test]
fn a_silent_camera_stops_the_robot_within_half_a_second() {
    let outcome = ends_in_zeros(Breaks::CameraFallsSilent);
    assert_eq!(outcome.ended, Ended::TimeUp);
    let silence_ms = outcome.silence_to_zero_ns.expect("nobody noticed the silence") / 1_000_000;
    println!("zero {silence_ms} ms after the last picture");
    assert!(outcome.oldest_evidence_ns <= 450_000_000, "{}", outcome.oldest_evidence_ns);
}

#[test]
fn a_panicking_sink_still_gets_the_zeros_at_the_end() {
    let outcome = ends_in_zeros(Breaks::SinkPanicsOnce);
    assert!(outcome.failure.unwrap().contains("the control thread panicked"));
}

#[test]
fn a_signal_ends_the_run_in_zeros() {
    let interrupt = Interrupt::default();
    let asked = Arc::clone(&interrupt.asked);
    let timer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(4));
        asked.store(true, Ordering::SeqCst);
    });
    let (outcome, heard) = run(Breaks::Nothing, &interrupt);
    timer.join().unwrap();
    assert_eq!(outcome.ended, Ended::Asked);
    assert!(interrupt.zeros_sent.load(Ordering::SeqCst));
    assert!(heard.iter().any(|&(_, zero)| !zero));
    assert!(heard.iter().rev().take(4).all(|&(_, zero)| zero));
}
