//! `pilotage run`: frames to velocity commands.

mod source;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use pilotage_graph::{Limits, MapDir, Start};

use self::source::Ends;
use super::assess::{Assessor, Course, read_truth};
use super::{Outcome, absolute, load_policy};
use crate::cli::RunArgs;
use crate::config::Profile;
use crate::drive::{ControlOutput, DriveLoop, navigator_of};
use crate::frame::Monotonic;
use crate::navigator::Phase;
use crate::pilot::{Pilot, TickOutput};
use crate::record::run::{FORMAT, METADATA, RunHeader, RunRecorder};
use crate::record::{Recorder, RecorderOptions};
use crate::runtime::realtime::{self, EndRules, Interrupt, Onlooker, Parts};
use crate::runtime::{ControlLoop, Intake, Snapshot, TickLoop, lockstep, with_recorder};

/// A log that has ended leaves the robot without pictures: long enough to see the gate stop it.
const AFTER_SILENCE: Duration = Duration::from_millis(1500);

pub(super) fn run(args: &RunArgs) -> Result<Outcome> {
    let mut profile = match &args.profile {
        Some(path) => Profile::load(path)?,
        None => Profile::default(),
    };
    let map = MapDir::open(&args.map, &Limits::default())?;
    let goal = map.map().goal_spec(&args.goal)?;
    let start = match &args.start {
        Some(start) => Start::At(map.map().goal_spec(start).context("--start")?),
        None => Start::Unknown,
    };
    if let Some(record) = &args.record {
        super::refuse_existing(record, "give another file name")?;
    }
    let (policy, policy_folder) = load_policy(&args.policy, &profile)?;
    check_model(&map, policy.as_ref())?;
    let engine_text = policy.describe();
    let engine = policy.engine();
    let policy_sha256 = policy.sha256().to_owned();
    let spec = policy.spec().clone();

    let ends = source::open(args, &mut profile)?;
    profile.check()?;
    let header = RunHeader {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        map: absolute(&args.map),
        map_sha256: map.content_sha256().to_string(),
        policy: absolute(&policy_folder),
        policy_sha256,
        engine: engine.to_string(),
        engine_text: engine_text.clone(),
        goal: goal.0,
        start: match start {
            Start::At(node) => Some(node.0),
            Start::Unknown => None,
        },
        profile: profile.clone(),
        navigator: navigator_of(&profile),
    };
    println!("policy      {engine_text}");
    println!("map         {}, {} places; to place {}", args.map.display(), map.map().node_count(), goal.0);
    println!("frames      {}", ends.describe_source());
    println!("commands    {}", ends.describe_sink());

    let assessor = match args.lap {
        Some(lap) => {
            let hz = ends.log_hz().context("--lap needs the log's rate: give --hz")?;
            let (oracle, _) = load_policy(&args.policy, &profile)?;
            let oracle = Pilot::new(oracle, map.clone(), navigator_of(&profile), goal, start)?;
            let truth = args.truth.as_deref().map(read_truth).transpose()?.unwrap_or_default();
            Some(Assessor::new(Course::of(map.map(), lap, hz, truth), hz, oracle))
        }
        None => None,
    };
    let pilot = Pilot::new(policy, map, navigator_of(&profile), goal, start)?;
    let watch = Watch { assessor: assessor.as_ref(), phase: std::sync::Mutex::new(Phase::Waiting) };
    let work = |recorder: Option<RunRecorder>| -> Result<Outcome> {
        let intake = Intake::new(&spec, &profile, recorder.clone());
        let ticks = TickLoop::new(pilot, &profile, recorder.clone());
        let control = ControlLoop::new(DriveLoop::new(&profile, spec.rate_hz)?, recorder);
        if args.lockstep {
            run_lockstep(args, ends, intake, ticks, control, &profile, &watch)
        } else {
            run_realtime(args, ends, intake, ticks, control, &profile, &watch)
        }
    };
    let outcome = match &args.record {
        Some(path) => {
            let recorder = Recorder::create(path, RecorderOptions { queue: 4096, ..RecorderOptions::default() })?;
            let (outcome, report) =
                with_recorder(recorder, METADATA, header.to_metadata()?, |sink| work(Some(RunRecorder::new(sink))));
            let outcome = outcome?;
            let report = report.context("the recorder")?;
            let counts = report.counts;
            println!(
                "recorded    {}: {} records, {} dropped, {} lost",
                path.display(),
                counts.written,
                counts.dropped,
                counts.lost
            );
            let report_is_whole = report.complete && report.stopped.is_none();
            if let Some(stopped) = report.stopped {
                println!("            recording stopped early: {stopped}");
            }
            let whole = report_is_whole && counts.dropped == 0 && counts.lost == 0;
            if whole || outcome == Outcome::Negative { outcome } else { Outcome::WithLosses }
        }
        None => work(None)?,
    };
    if let Some(assessor) = &assessor {
        for line in assessor.report() {
            println!("{line}");
        }
    }
    Ok(outcome)
}

/// The goal images serve any model, but distances between the places were asked of one: another would lose its way.
fn check_model(map: &MapDir, policy: &dyn crate::policy::Policy) -> Result<()> {
    let Some(built_with) = &map.meta().policy else { return Ok(()) };
    let (map_sha, policy_sha) = (built_with.manifest_sha256.to_string(), policy.sha256());
    anyhow::ensure!(
        map_sha == policy_sha,
        "the map was built with {} ({}), this policy is {} ({}); give --policy with the map's own model, or build the map anew",
        built_with.name,
        map_sha.get(..12).unwrap_or_default(),
        policy.spec().name,
        policy_sha.get(..12).unwrap_or_default()
    );
    Ok(())
}

/// Says what changes, and feeds the assessor.
struct Watch<'a> {
    assessor: Option<&'a Assessor>,
    phase: std::sync::Mutex<Phase>,
}

impl Onlooker for Watch<'_> {
    fn tick(&self, seq: u64, snapshot: &Snapshot, output: &TickOutput) {
        let decision = &output.decision;
        let mut phase = self.phase.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *phase != decision.phase {
            *phase = decision.phase;
            let left = decision.remaining_steps.map_or(String::new(), |steps| format!(", {steps:.0} steps to go"));
            // Nobody may listen any more; that is no reason to stop deciding.
            let _ = writeln!(std::io::stdout(), "frame {seq:<5} {} (place {}{left})", decision.phase, decision.node.0);
        }
        if let Some(assessor) = self.assessor {
            assessor.note(seq, snapshot, output);
        }
    }

    fn control(&self, _now: Monotonic, output: &ControlOutput) {
        if let Some(assessor) = self.assessor {
            assessor.command(output);
        }
    }
}

fn run_realtime(
    args: &RunArgs,
    ends: Ends,
    intake: Intake,
    ticks: TickLoop,
    control: ControlLoop,
    profile: &Profile,
    watch: &Watch<'_>,
) -> Result<Outcome> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    let interrupt = Interrupt::default();
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
        // Once the robot has been stopped, a signal kills: nobody has to wait for a hanging driver.
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupt.zeros_sent))?;
        signal_hook::flag::register(signal, Arc::clone(&interrupt.asked))?;
    }
    let rules = EndRules {
        at_arrival: !args.stay,
        after_silence: AFTER_SILENCE,
        after: args.r#for.map(|seconds| Duration::from_secs_f64(seconds.clamp(0.0, 1e7))),
    };
    let (source, sink) = ends.into_parts()?;
    let outcome = realtime::run(Parts { source, sink, intake, ticks, control }, profile, rules, &interrupt, watch);
    println!(
        "ended       {:?}: {} frames ({} unusable), {} ticks ({} missed), {} commands ({} refused)",
        outcome.ended,
        outcome.frames,
        outcome.bad_frames,
        outcome.ticks,
        outcome.missed_ticks,
        outcome.commands,
        outcome.refused_commands
    );
    println!(
        "freshness   the oldest picture behind a command that moved was {:.0} ms old",
        outcome.oldest_evidence_ns as f64 / 1e6
    );
    if let Some(ns) = outcome.silence_to_zero_ns {
        println!("silence     zero {:.0} ms after the last picture", ns as f64 / 1e6);
    }
    if let Some(failure) = outcome.failure {
        anyhow::bail!("{failure}");
    }
    let arrived = outcome.ended == realtime::Ended::Arrived;
    Ok(if arrived || args.replay.is_some() || args.stay { Outcome::Done } else { Outcome::Negative })
}

fn run_lockstep(
    args: &RunArgs,
    ends: Ends,
    mut intake: Intake,
    mut ticks: TickLoop,
    mut control: ControlLoop,
    profile: &Profile,
    watch: &Watch<'_>,
) -> Result<Outcome> {
    let mut plant = ends.into_plant()?;
    let limit_s = args.r#for.unwrap_or(1e7);
    let mut phase = Phase::Waiting;
    let mut counts = (0_u64, 0_u64);
    let ended = lockstep::run(plant.as_mut(), &mut intake, &mut ticks, &mut control, profile, limit_s, &mut |event| {
        match event {
            lockstep::Event::Tick { frame, snapshot, output } => {
                counts.0 += 1;
                phase = output.decision.phase;
                watch.tick(frame.seq, snapshot, output);
            }
            lockstep::Event::Control { output, .. } => {
                counts.1 += 1;
                watch.control(Monotonic(0), output);
                if phase == Phase::Arrived && output.command.is_zero() && !args.stay {
                    return lockstep::Flow::Stop;
                }
            }
            lockstep::Event::Filling(..) => {}
        }
        lockstep::Flow::On
    })?;
    println!("ended       {ended:?}: {} ticks, {} control steps; {phase}", counts.0, counts.1);
    Ok(if phase == Phase::Arrived || args.replay.is_some() { Outcome::Done } else { Outcome::Negative })
}
