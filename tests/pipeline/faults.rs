//! What goes wrong before the gate never reaches the wheels.

use pilotage::camera::SourceError;
use pilotage::camera::sim::{SimCamera, SimRobot};
use pilotage::drive::{DriveLoop, Plan};
use pilotage::episode::LOG_RATE_HZ;
use pilotage::frame::{Monotonic, RawFrame};
use pilotage::ingest::LogReader;
use pilotage::navigator::NavigatorConfig;
use pilotage::pilot::{Pilot, PilotError};
use pilotage::policy::{ModelImage, ModelSpec, NodeFeatures, Policy, PolicyError, Prediction};
use pilotage::runtime::lockstep::{self, Event, Flow, Plant};
use pilotage::runtime::{CONTROL_RATE_HZ, ControlLoop, Intake, Intaken, TickLoop};
use pilotage_gate::{Command, Mode, Verdict};
use pilotage_graph::{Motion, NodeId, Start};

use crate::support::{episode, episode_map, policy};

/// How a policy goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// Every number of every answer is this one.
    Numbers(f32),
    /// Only the distances are.
    Distances(f32),
    /// Only one number of each answer's waypoints is.
    OneWaypoint(f32),
    OneAnswerTooFew,
    NoAnswer,
    OneAnswerTooMany,
}

/// The shipped policy, which after some questions goes wrong.
struct FakePolicy {
    sound: Box<dyn Policy>,
    asked: u32,
    sound_for: u32,
    fault: Fault,
}

impl Policy for FakePolicy {
    fn spec(&self) -> &ModelSpec {
        self.sound.spec()
    }

    fn sha256(&self) -> &str {
        self.sound.sha256()
    }

    fn describe(&self) -> String {
        format!("{:?} after {} questions", self.fault, self.sound_for)
    }

    fn remember(&mut self, goal: &ModelImage) -> Result<NodeFeatures, PolicyError> {
        self.sound.remember(goal)
    }

    fn observe(&mut self, context: &[ModelImage]) -> Result<(), PolicyError> {
        self.sound.observe(context)
    }

    fn predict(&mut self, nodes: &[&NodeFeatures]) -> Result<Vec<Prediction>, PolicyError> {
        let mut answers = self.sound.predict(nodes)?;
        self.asked += 1;
        if self.asked <= self.sound_for {
            return Ok(answers);
        }
        match self.fault {
            Fault::OneAnswerTooFew => drop(answers.pop()),
            Fault::NoAnswer => answers.clear(),
            Fault::OneAnswerTooMany => answers.extend(answers.last().copied()),
            Fault::Numbers(_) | Fault::Distances(_) | Fault::OneWaypoint(_) => {
                answers.iter_mut().for_each(|answer| self.fault.spoil(answer));
            }
        }
        Ok(answers)
    }
}

impl Fault {
    fn spoil(self, answer: &mut Prediction) {
        if let Self::Numbers(value) | Self::Distances(value) = self {
            answer.distance_steps = value;
        }
        if let Self::Numbers(value) = self {
            for w in &mut answer.waypoints {
                [w.x_units, w.y_units, w.cos_yaw, w.sin_yaw] = [value; 4];
            }
        }
        if let Self::OneWaypoint(value) = self {
            answer.waypoints[2].y_units = value;
        }
    }
}

fn pilot(policy: Box<dyn Policy>) -> Pilot {
    let map = episode_map();
    let goal = map.map().goal_spec("LAST").unwrap();
    Pilot::new(policy, map, NavigatorConfig::default(), goal, Start::At(NodeId(0))).unwrap()
}

fn control_loop(rate_hz: f64) -> ControlLoop {
    ControlLoop::new(DriveLoop::new(&episode().profile, rate_hz).unwrap(), None)
}

/// Control steps of a drive by the taught pictures: when, the command, and whether the policy was wrong by then.
struct Step {
    at_ns: u64,
    command: Command,
    wrong_tick: bool,
}

const SOUND_TICKS: u32 = 12;
const CONTROL_PERIOD_NS: u64 = (1e9 / CONTROL_RATE_HZ) as u64;

/// Feeds the taught pictures through intake, tick and control. A failed tick leaves the plan before it in force, as
/// in the runtime, and is the last one; its error and the time of the last sound picture come back.
fn drive(fault: Fault) -> (Vec<Step>, Option<PilotError>, u64) {
    let policy = FakePolicy { sound: policy(), asked: 0, sound_for: SOUND_TICKS, fault };
    let spec = policy.spec().clone();
    let mut intake = Intake::new(&spec, &episode().profile, None);
    let mut ticks = TickLoop::new(pilot(Box::new(policy)), &episode().profile, None);
    let mut control = control_loop(spec.rate_hz);
    let (mut steps, mut failure) = (Vec::new(), None);
    let mut plan: Option<Plan> = None;
    let (mut next_control_ns, mut ticks_run, mut last_sound_ns) = (10_000_000_000, 0, 0);
    let mut log = episode().log();
    while let Some(raw) = log.next().unwrap() {
        let frame_ns = 10_000_000_000 + u64::try_from(raw.captured.0).unwrap();
        while next_control_ns < frame_ns {
            let output = control.step(Monotonic(next_control_ns), Mode::Armed, plan.as_ref());
            let wrong_tick = ticks_run > SOUND_TICKS;
            steps.push(Step { at_ns: next_control_ns, command: output.command, wrong_tick });
            next_control_ns += CONTROL_PERIOD_NS;
        }
        let Intaken::Full(snapshot) = intake.accept(&raw, Monotonic(frame_ns)).unwrap() else { continue };
        if failure.is_some() || ticks_run >= SOUND_TICKS + 12 {
            continue;
        }
        ticks_run += 1;
        match ticks.tick(Monotonic(frame_ns), &snapshot, Motion { advance_steps: 1.0, moving: true }) {
            Ok((_, new_plan)) => plan = Some(new_plan),
            Err(error) => failure = Some(error),
        }
        if ticks_run <= SOUND_TICKS {
            last_sound_ns = snapshot.frames.last().unwrap().evidence_at.0;
        }
    }
    (steps, failure, last_sound_ns)
}

fn assert_drove_before(steps: &[Step], fault: Fault) {
    let moved = steps.iter().filter(|step| !step.wrong_tick && !step.command.is_zero()).count();
    assert!(moved > 20, "{fault:?}: only {moved} steps moved before the fault, so a stop shows nothing");
    assert!(steps.iter().filter(|step| step.wrong_tick).count() > 20, "{fault:?}: the fault was too short");
    for step in steps {
        let (linear_mps, angular_rps) = (step.command.linear_mps(), step.command.angular_rps());
        assert!(linear_mps.is_finite() && angular_rps.is_finite(), "{fault:?}: {linear_mps}, {angular_rps}");
    }
}

#[test]
fn answers_that_are_no_numbers_or_no_distances_stop_the_robot_in_the_next_step() {
    let wrong = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30];
    let everywhere = wrong.into_iter().map(Fault::Numbers);
    let in_places = [Fault::Distances(f32::NAN), Fault::Distances(f32::INFINITY), Fault::Distances(1e30)]
        .into_iter()
        .chain(wrong.into_iter().map(Fault::OneWaypoint));
    for fault in everywhere.chain(in_places) {
        let (steps, failure, _) = drive(fault);
        assert!(failure.is_none(), "{fault:?}: {failure:?}");
        assert_drove_before(&steps, fault);
        for step in steps.iter().filter(|step| step.wrong_tick) {
            assert!(step.command.is_zero(), "{fault:?}: {:?} at {} ns", step.command, step.at_ns);
        }
    }
}

#[test]
fn a_wrong_number_of_answers_is_an_error_and_the_robot_stops_when_its_last_picture_is_too_old() {
    let max_age_ns = (f64::from(episode().profile.safety.max_age_s) * 1e9) as u64;
    for fault in [Fault::OneAnswerTooFew, Fault::NoAnswer, Fault::OneAnswerTooMany] {
        let (steps, failure, last_sound_ns) = drive(fault);
        let text = failure.unwrap_or_else(|| panic!("{fault:?} was taken for an answer")).to_string();
        assert!(text.contains("answers"), "{text}");
        assert_drove_before(&steps, fault);
        let late = steps.iter().filter(|step| step.at_ns > last_sound_ns + max_age_ns + 1_000);
        assert!(late.clone().count() > 20);
        for step in late {
            assert!(step.command.is_zero(), "{fault:?}: {:?} at {} ns", step.command, step.at_ns);
        }
    }
}

/// A simulated robot whose camera falls silent.
struct Silent {
    robot: SimRobot,
    from_ns: u64,
}

impl Plant for Silent {
    fn next_frame_ns(&mut self) -> Option<u64> {
        // Not `None`, which would end the run: a camera that is silent may still speak.
        self.robot.next_frame_ns().map(|due_ns| if due_ns >= self.from_ns { u64::MAX } else { due_ns })
    }

    fn frame(&mut self) -> Result<RawFrame, SourceError> {
        self.robot.frame()
    }

    fn drive(&mut self, command: &Command, from_ns: u64, to_ns: u64) {
        self.robot.drive(command, from_ns, to_ns);
    }

    fn obeys(&self) -> bool {
        true
    }
}

#[test]
fn silence_of_the_camera_stops_the_robot_exactly_when_its_last_picture_is_too_old() {
    let (episode, policy) = (episode(), policy());
    let spec = policy.spec().clone();
    let mut intake = Intake::new(&spec, &episode.profile, None);
    let mut ticks = TickLoop::new(pilot(policy), &episode.profile, None);
    let mut control = control_loop(spec.rate_hz);
    let camera = SimCamera { rate_hz: LOG_RATE_HZ, ..SimCamera::default() };
    let robot = SimRobot::new(episode.world.clone(), episode.robot, episode.start, episode.id.seed(), camera);
    let mut plant = Silent { robot, from_ns: 5_000_000_000 };
    let mut evidence_ns = 0;
    let mut after: Vec<(u64, bool, bool)> = Vec::new();
    let mut last_tick_at = 0;
    let mut see = |event: Event<'_>| {
        match event {
            Event::Tick { snapshot, .. } => {
                evidence_ns = snapshot.frames.last().unwrap().evidence_at.0 - 10_000_000_000;
                last_tick_at = evidence_ns;
                after.clear();
            }
            Event::Control { at_ns, output } => {
                after.push((at_ns, output.command.is_zero(), matches!(output.verdict, Verdict::Stale { .. })));
            }
            Event::Filling(..) => {}
        }
        Flow::On
    };
    lockstep::run(&mut plant, &mut intake, &mut ticks, &mut control, &episode.profile, 8.0, &mut see).unwrap();

    assert!(last_tick_at > 4_500_000_000, "the last tick came at {last_tick_at} ns, before the silence");
    let max_age_ns = (f64::from(episode.profile.safety.max_age_s) * 1e9).round() as u64;
    assert!(after.len() > 40, "{} control steps after the last tick", after.len());
    for &(at_ns, is_zero, is_stale) in &after {
        let too_old = at_ns - evidence_ns > max_age_ns;
        assert_eq!((is_zero, is_stale), (too_old, too_old), "at {at_ns} ns, picture of {evidence_ns} ns");
    }
    let stopped_ns = after.iter().find(|&&(_, is_zero, _)| is_zero).unwrap().0;
    println!("silence: zero {} ms after the last picture", (stopped_ns - evidence_ns) / 1_000_000);
    assert!(stopped_ns - evidence_ns <= max_age_ns + CONTROL_PERIOD_NS);
}
