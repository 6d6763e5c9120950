//! `pilotage sim run`: a simulated robot on the ROS 2 graph of this computer.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result};
use pilotage_sim::{Crowd, Rng, Robot, ScanSpec, SensorEffects};

use super::{describe, episode_with, has_plain_lens};
use crate::camera::sim::SimCamera;
use crate::camera::sim_body::SimBody;
use crate::cli::SimRunArgs;
use crate::cmd::Outcome;
use crate::episode::Episode;
use crate::ros::{Beams, Lens, Mount, Network, Purpose, RobotFigures, RosNode, RosOptions, RosRobot};
use crate::runtime::robot::{self, Driver, Happening, RobotReport, RobotRules, SCAN_HZ, Stamps};

/// A raw picture of more bytes than this does not fit into what Fast DDS keeps for a receiver unless told otherwise.
const MOST_RAW_BYTES: u32 = 150_000;

pub(super) fn run(args: &SimRunArgs) -> Result<Outcome> {
    let episode = episode_with(&args.robot)?;
    let mut body = body(&episode, args);
    let network = Network::from_env(|name| std::env::var(name).ok(), Purpose::NotLive)?;
    for note in network.notes() {
        tracing::warn!("{note}");
    }
    let options = RosOptions {
        node_name: "pilotage_sim".into(),
        namespace: args.namespace.clone(),
        image_topic: "image_raw".into(),
        stamped: args.stamped,
        ..RosOptions::default()
    };
    let figures = figures(&episode.robot, body.scan_spec(), args);
    let node = RosNode::start(&network, &options).context("cannot join the ROS network")?;
    let mut face = node.robot(&figures)?;
    introduce(&episode, &body, &node, &face, args);

    // Before the first step: once asked for, the end is near, and a second signal does not wait for it.
    let interrupt = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupt))?;
        signal_hook::flag::register(signal, Arc::clone(&interrupt))?;
    }
    let rules = RobotRules {
        driver: if args.expert { Driver::Expert } else { Driver::Outside },
        camera_hz: args.rate,
        stamps: args.clock.map_or(Stamps::Wall, Stamps::Own),
        after_ns: args.r#for.map(|seconds| (seconds.clamp(0.0, 1e7) * 1e9) as u64),
    };
    let report = robot::run(&mut body, &mut face, &rules, &interrupt, &mut tell)?;
    conclude(&episode, &body, &face, &report);
    Ok(Outcome::Done)
}

fn body(episode: &Episode, args: &SimRunArgs) -> SimBody {
    let (width, height) = args.size;
    let camera = SimCamera { width, height, rate_hz: args.rate };
    // Whoever records the way starts where it starts.
    let start = if args.expert { episode.route.start() } else { episode.start };
    let effects = SensorEffects::sample(&mut Rng::new(args.seed ^ 0x5eed_f1a5), args.flaws);
    SimBody::new(Arc::clone(&episode.world), episode.robot, episode.route.clone(), start, args.seed, camera)
        .among(Crowd::sample(&episode.world, args.seed, args.people))
        .with_effects(if args.flaws > 0.0 { effects } else { SensorEffects::none() })
}

fn figures(robot: &Robot, scan: &ScanSpec, args: &SimRunArgs) -> RobotFigures {
    let (width, height) = args.size;
    let camera = &robot.camera;
    let lens = Lens {
        focal_px: camera.focal_px(width as usize),
        centre_x_px: 0.5 * f64::from(width),
        horizon_px: camera.horizon_px(width as usize, height as usize),
    };
    RobotFigures {
        camera: Mount { forward_m: camera.forward_offset_m, height_m: camera.height_m },
        lens: has_plain_lens(camera).then_some(lens),
        laser: Mount { forward_m: 0.0, height_m: scan.height_m },
        beams: Beams {
            first_rad: scan.angle_rad(0),
            step_rad: scan.angle_rad(1) - scan.angle_rad(0),
            nearest_m: scan.range_min_m,
            farthest_m: scan.range_max_m,
            period_s: 1.0 / SCAN_HZ,
        },
        own_time: args.clock.is_some(),
        self_driven: args.expert,
    }
}

/// Says what there is, and what to type in the other terminal.
fn introduce(episode: &Episode, body: &SimBody, node: &RosNode, face: &RosRobot, args: &SimRunArgs) {
    let (width, height) = args.size;
    let [wide, long] = episode.world.size_m();
    println!("world       {}, {:?}, {wide:.0} x {long:.0} m", args.robot.world, episode.world.family());
    println!("robot       {}", describe(&episode.robot));
    if args.people > 0 {
        println!("people      {} walk about", body.people());
    }
    println!("publishes   {}", face.publishes().join(" "));
    let camera = &episode.robot.camera;
    let lens = if has_plain_lens(camera) { "plain" } else { "bent" };
    let degrees = camera.hfov_rad.to_degrees();
    println!("pictures    {width}x{height}, {} a second, {degrees:.0} degrees wide, {lens} lens", args.rate);
    match face.obeys() {
        Some(topic) => {
            let kind = if args.stamped { "TwistStamped" } else { "Twist" };
            println!("obeys       {topic} ({kind}); stops 0.5 s of its own time after the last command");
        }
        None => println!("obeys       nobody: its own driver starts in 3 s"),
    }
    println!("network     node {} in ROS domain {}, on this computer only", node.name(), node.domain_id());
    if 3 * width * height > MOST_RAW_BYTES {
        println!("note        raw pictures of this size get lost on the way to Fast DDS: take image_raw/compressed");
    }
    println!("\nIn another terminal, for any program that speaks ROS 2:\n");
    println!("    export ROS_DOMAIN_ID={} ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST\n", node.domain_id());
    if !args.expert && args.clock.is_none() {
        let kind = args.robot.robot.as_ref().map_or_else(String::new, |kind| format!(" --robot {kind}"));
        println!("and there, with a map of this world (`pilotage sim record {}{kind} -o drive`):\n", args.robot.world);
        println!("    pilotage sim profile {}{kind} -o robot.toml", args.robot.world);
        println!("    pilotage run MAP --goal LAST --profile robot.toml --image-topic {}\n", face.image_topic());
    }
    println!("Ctrl-C ends it.\n");
    std::io::stdout().flush().ok();
}

/// One line for whoever looks on; nobody may be there any more, which is no reason to stop.
fn tell(time_ns: u64, what: Happening) {
    let text = match what {
        Happening::Commanded => "obeys commands".to_owned(),
        Happening::Silence => "no command for 0.5 s: stops".into(),
        Happening::Touched => "touches something".into(),
        Happening::Arrived => "its driver has arrived".into(),
        Happening::NotShown(reason) => format!("could not publish: {reason}"),
    };
    writeln!(std::io::stdout(), "{:>8.2} s  {text}", time_ns as f64 * 1e-9).ok();
    std::io::stdout().flush().ok();
}

fn conclude(episode: &Episode, body: &SimBody, face: &RosRobot, report: &RobotReport) {
    let counts = report.counts;
    let lines = [
        format!(
            "ended       after {:.1} s: {} pictures, {} commands obeyed, {} refused, {} contacts",
            report.time_ns as f64 * 1e-9,
            counts.pictures,
            counts.commands,
            face.refused_commands(),
            counts.contacts
        ),
        format!(
            "robot       drove {:.2} m; stands {:.2} m from the end of the recorded drive",
            body.travelled_m(),
            body.pose().distance_m(&episode.goal())
        ),
    ];
    for line in lines {
        writeln!(std::io::stdout(), "{line}").ok();
    }
    if report.stood_still.as_secs_f64() > 0.0 {
        let stood = report.stood_still.as_secs_f64();
        writeln!(std::io::stdout(), "slow        time stood still for {stood:.1} s: this machine was too busy").ok();
    }
    if counts.not_shown > 0 {
        writeln!(std::io::stdout(), "lost        {} readings could not be published", counts.not_shown).ok();
    }
}
