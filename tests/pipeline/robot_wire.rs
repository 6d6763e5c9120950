//! The simulator as a robot on the graph: other people's ROS 2 and DDS see what it senses and drive it, and so does
//! the whole program as a second process.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use image::ImageFormat;
use pilotage::episode::Episode;
use pilotage_graph::{Limits, MapDir};
use pilotage_sim::{Split, WorldId};
use serde_json::Value;

use crate::drive_wire::alone;
use crate::notes::{Notes, after, bytes, moved, number, ranges};
use crate::peers::{Peer, python_or_skip};
use crate::support::{policy, program, said, scratch, with_policy};

/// A robot that turns on the spot, in a world with room around its start.
const WORLD: [&str; 3] = ["validation:5", "--robot", "compact"];

/// A domain apart from those of the other wire tests and of simulations.
fn domain(test: usize) -> u16 {
    const DOMAINS: [u16; 12] = [81, 82, 83, 84, 85, 86, 88, 89, 98, 99, 100, 101];
    DOMAINS[std::process::id() as usize % 3 * 4 + test]
}

/// `pilotage sim run` as a child.
struct Robot {
    child: Child,
    stdout: BufReader<ChildStdout>,
    introduction: String,
}

impl Robot {
    /// Starts it and waits until it is on the graph.
    fn start(domain_id: u16, args: &[&str]) -> Self {
        let mut command = program();
        command.env("ROS_DOMAIN_ID", domain_id.to_string());
        let mut child = command.args(["sim", "run"]).args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut introduction = String::new();
        while !introduction.contains("Ctrl-C") {
            assert_ne!(stdout.read_line(&mut introduction).unwrap(), 0, "it ended: {introduction}");
        }
        Self { child, stdout, introduction }
    }

    /// Asks it to end as a service manager does; what it said since the introduction.
    fn end(mut self) -> String {
        let asked = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        assert!(asked.unwrap().success());
        self.rest()
    }

    /// Waits for its end; what it said since the introduction.
    fn rest(&mut self) -> String {
        let mut rest = String::new();
        while self.stdout.read_line(&mut rest).unwrap() > 0 {}
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {rest}");
        println!("{rest}");
        rest
    }
}

impl Drop for Robot {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Stamps rise, at about the rate wanted, in the right frame. The rate is told by the odometry, of which none is lost:
/// on a busy machine the robot's time stands still now and then.
fn check_stream(notes: &Notes, kind: &str, frame_id: &str, hz: f64) {
    let stamps: Vec<i64> = notes.kind(kind).map(|note| note["stamp_ns"].as_i64().unwrap()).collect();
    assert!(notes.kind(kind).all(|note| note["frame_id"] == frame_id), "{kind}");
    assert!(stamps.windows(2).all(|pair| pair[0] < pair[1]), "{kind}: stamps rise");
    let span = stamps[0]..=stamps[stamps.len() - 1];
    let steps = notes.kind("odom").filter(|odom| span.contains(&odom["stamp_ns"].as_i64().unwrap())).count();
    let seen_hz = 50.0 * stamps.len() as f64 / steps as f64;
    println!("{kind}: {} messages, {seen_hz:.1} a second", stamps.len());
    assert!(seen_hz > 0.8 * hz && seen_hz < 1.15 * hz, "{kind}: {seen_hz} Hz, expected {hz}");
}

/// Plays a test in real time until it passes, at most three times: a machine that is busy with other tests may miss any
/// moment, but what is wrong is wrong each time.
fn on_a_busy_machine(test: fn()) {
    for _ in 0..2 {
        if std::panic::catch_unwind(test).is_ok() {
            return;
        }
        println!("the machine may have been too busy; once more");
    }
    test();
}

/// Drives forward, falls silent, turns left, falls silent (steps 0 to 3), and checks each by the odometry.
fn check_drive(who: &str, notes: &Notes) {
    let at = |step: i64| notes.last_before("odom", notes.step(&step.into()));
    let odom_at_end = notes.kind("odom").last().unwrap();
    let (way, turn) = moved(at(0), at(2));
    println!("{who}: forward {way:.3} m, turned {turn:.3} rad on the way");
    // 2 s at 0.2 m/s, half a second until it notices the silence, and getting up to speed.
    assert!((0.38..0.56).contains(&way), "{who}: {way} m");
    assert!(turn.abs() < 0.12 && number(at(2), "x") > 0.3, "{who}: straight ahead is +x: {}", at(2));
    let left_end =
        notes.kind("step").nth(4).map_or(odom_at_end, |step| notes.last_before("odom", step["t_ns"].as_i64().unwrap()));
    let (way, turn) = moved(at(2), left_end);
    println!("{who}: then turned left {turn:.3} rad, {way:.3} m on the way");
    // 1.5 s at 0.5 rad/s and half a second of silence.
    assert!((0.75..1.2).contains(&turn) && way < 0.05, "{who}: {turn} rad, {way} m");
    // Fallen silent, the robot moves on for the time-out and no longer than it then needs to brake.
    for step in [1, 3] {
        let silent_from = notes.step(&i64::from(step).into());
        let still = |odom: &&Value| number(odom, "v").abs() < 0.02 && number(odom, "w").abs() < 0.02;
        let since = |odom: &Value| (odom["t_ns"].as_i64().unwrap() - silent_from) as f64 * 1e-9;
        let after: Vec<&Value> = notes.kind("odom").filter(|odom| since(odom) > 0.0).collect();
        let stopped = after.iter().find(|odom| still(odom)).map(|odom| since(odom));
        println!("{who}: stands {stopped:?} s after the last command");
        let speed = |odom: &Value| number(odom, "v").abs() + number(odom, "w").abs();
        assert!(after.iter().filter(|odom| since(odom) < 0.35).all(|odom| speed(odom) > 0.1), "{who}: too early");
        // 0.5 s, braking 0.2 m/s and 0.5 rad/s, smoothed readings, and a busy machine.
        assert!(stopped.is_some_and(|at| at < 1.0), "{who}: {stopped:?}");
    }
}

const PLAN: [&str; 5] = ["--plan", "2,0.2,0", "1.2,-,-", "1.5,0,0.5", "1.2,-,-"];

#[test]
fn rclpy_sees_all_that_a_simulated_robot_senses_drives_it_and_feels_the_wall_where_the_beams_say() {
    on_a_busy_machine(rclpy_drives);
}

fn rclpy_drives() {
    let Some(python) = python_or_skip("a simulated robot and rclpy") else { return };
    let _alone = alone();
    let mut introduction = String::new();
    let (notes, said) = {
        let robot = Robot::start(domain(0), &WORLD);
        introduction.clone_from(&robot.introduction);
        let more = [&PLAN[..], &["--bump", "--pictures"]].concat();
        let peer = Peer::start(&python, "robot_rclpy.py", ["", "Twist"], &more, domain(0));
        peer.wait_until_ready_among_records();
        (Notes::of(&peer), robot.end())
    };
    assert!(introduction.contains(&format!("ROS_DOMAIN_ID={}", domain(0))), "{introduction}");

    for (kind, frame_id, hz) in [
        ("image", "camera_optical_frame", 20.0),
        ("compressed", "camera_optical_frame", 20.0),
        ("camera_info", "camera_optical_frame", 20.0),
        ("scan", "laser", 10.0),
        ("odom", "odom", 50.0),
    ] {
        check_stream(&notes, kind, frame_id, hz);
    }
    check_pictures(&notes, introduction.contains("plain lens"));
    check_drive("rclpy", &notes);
    check_scans(&notes, after(&introduction, "radius "));

    // It touched the wall once, said so to us and on the graph, and the wall is where the beams say.
    assert_eq!(said.matches("touches something").count(), 1, "{said}");
    assert_eq!(said.matches("no command for 0.5 s").count(), 2, "{said}");
    assert!(said.contains(" 1 contacts"), "{said}");
    let contact = notes.kind("contact").find(|note| note["data"] == true).unwrap()["t_ns"].as_i64().unwrap();
    assert!(contact > notes.step(&"bump".into()), "nothing was touched before");
}

/// Sizes and bytes are right, the JPEG shows what the raw picture of the same moment shows.
fn check_pictures(notes: &Notes, plain_lens: bool) {
    let mut compared = 0;
    for raw in notes.kind("image").filter(|note| note["hex"].is_string()) {
        assert_eq!((&raw["width"], &raw["height"], &raw["step"]), (&160.into(), &120.into(), &480.into()));
        assert_eq!(raw["encoding"], "rgb8");
        let same = |note: &&Value| note["stamp_ns"] == raw["stamp_ns"] && note["hex"].is_string();
        let Some(jpeg) = notes.kind("compressed").find(same) else { continue };
        let (raw, jpeg) = (bytes(&raw["hex"]), bytes(&jpeg["hex"]));
        let decoded = image::load_from_memory_with_format(&jpeg, ImageFormat::Jpeg).unwrap().into_rgb8();
        assert_eq!(decoded.dimensions(), (160, 120));
        let apart: u64 = decoded.iter().zip(&raw).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!(apart / (raw.len() as u64) < 8, "the JPEG shows something else");
        assert!(raw.iter().max() > Some(&60) && raw.iter().max() != raw.iter().min(), "an empty picture");
        compared += 1;
    }
    assert!(compared > 5, "{compared} pictures compared");
    let info = notes.kind("camera_info").next().unwrap();
    assert_eq!((&info["width"], &info["height"]), (&160.into(), &120.into()));
    assert_eq!(info["model"], if plain_lens { "plumb_bob" } else { "" });
    let k: Vec<f64> = info["k"].as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect();
    let calibrated = k[0] > 40.0 && k[0] == k[4] && k[2] == 79.5 && k[8] == 1.0;
    assert!(if plain_lens { calibrated } else { k.iter().all(|n| *n == 0.0) }, "{k:?}");
    assert_eq!((info["p"].as_array().unwrap().len(), &info["roi"]), (12, &Value::Bool(false)));
    let stamps = |kind| notes.kind(kind).map(|note| note["stamp_ns"].as_i64().unwrap()).collect::<Vec<_>>();
    let (infos, images) = (stamps("camera_info"), stamps("image"));
    assert!(images.iter().filter(|stamp| infos.contains(stamp)).count() * 10 >= images.len() * 9, "stamps agree");
}

/// The beams agree with how the robot moved, and with what it touched.
fn check_scans(notes: &Notes, radius_m: f64) {
    let before = |step: Value| notes.last_before("scan", notes.step(&step));
    let first = before(0.into());
    let beams = ranges(first).len();
    assert_eq!(beams, 360);
    let span = number(first, "angle_min") + number(first, "angle_increment") * (beams - 1) as f64;
    assert!((span - number(first, "angle_max")).abs() < 1e-3, "{first}");
    let ahead = beams / 2;
    assert!((number(first, "angle_min") + number(first, "angle_increment") * ahead as f64).abs() < 0.02);

    // Straight ahead, the beam meets the same point before and after, and is shorter by the way driven.
    let (still, touched) = (before("bump".into()), before("push".into()));
    let odom = |scan: &Value| {
        let stamp = scan["stamp_ns"].as_i64().unwrap();
        notes.kind("odom").min_by_key(|odom| (odom["stamp_ns"].as_i64().unwrap() - stamp).abs()).unwrap()
    };
    let (way, _) = moved(odom(still), odom(touched));
    let near = |scan: &Value| {
        // The nearest of five beams, so that one that measured nothing does not matter.
        ranges(scan)[ahead - 2..=ahead + 2].iter().copied().fold(f64::INFINITY, f64::min)
    };
    println!("scan: {:.3} m ahead, {way:.3} m driven, {:.3} m ahead", near(still), near(touched));
    assert!(way > 0.3 && (near(still) - near(touched) - way).abs() < 0.08, "{way}");
    // What it touches is as far away as the robot is wide.
    let touching = notes.kind("scan").last().unwrap();
    let nearest = ranges(touching).iter().copied().fold(f64::INFINITY, f64::min);
    println!("scan: nearest {nearest:.3} m while touching, radius {radius_m} m");
    assert!((nearest - radius_m).abs() < 0.07, "{nearest}");

    // A turn to the left turns what the beams see to the right, by what the odometry says.
    let (from, to) = (before(2.into()), notes.last_before("scan", notes.step(&"turn".into())));
    let (_, turn) = moved(odom(from), odom(to));
    let (a, b) = (ranges(from), ranges(to));
    let apart = |shift: usize| {
        let pairs = (0..beams).map(|i| (a[(i + shift) % beams], b[i])).filter(|(a, b)| a.is_finite() && b.is_finite());
        let mut gaps: Vec<f64> = pairs.map(|(a, b)| (a - b).abs()).collect();
        gaps.sort_by(f64::total_cmp);
        gaps.iter().take(gaps.len() * 3 / 4).sum::<f64>() / gaps.len() as f64
    };
    let best = (0..beams).min_by(|&i, &j| apart(i).total_cmp(&apart(j))).unwrap();
    let seen = best as f64 * number(from, "angle_increment");
    println!("scan: turned {seen:.3} rad by the beams, {turn:.3} rad by the wheels");
    assert!((seen - turn).abs() < 0.08, "{seen} {turn}");
}

#[test]
fn cyclone_drives_a_simulated_robot_by_best_effort_commands_and_sees_its_transforms_and_large_pictures() {
    on_a_busy_machine(cyclone_drives);
}

fn cyclone_drives() {
    let Some(python) = python_or_skip("a simulated robot and cyclone") else { return };
    let _alone = alone();
    let more = ["--size", "640x480", "--stamped", "--namespace", "/r1", "--rate", "5"];
    let (notes, _) = {
        let robot = Robot::start(domain(1), &[&WORLD[..], &more].concat());
        let more = [&PLAN[..], &["--best-effort"]].concat();
        let peer = Peer::start(&python, "robot_cyclone.py", ["/r1", "TwistStamped"], &more, domain(1));
        peer.wait_until_ready_among_records();
        (Notes::of(&peer), robot.end())
    };
    check_stream(&notes, "odom", "odom", 50.0);
    check_stream(&notes, "image", "camera_optical_frame", 5.0);
    assert!(notes.kind("image").all(|image| image["bytes"] == 640 * 480 * 3 && image["width"] == 640));
    check_drive("cyclone", &notes);
    for (parent, child) in [("odom", "base_link"), ("base_link", "laser"), ("base_link", "camera_optical_frame")] {
        let tf = notes.kind("tf").filter(|tf| tf["frame_id"] == parent && tf["child_frame_id"] == child).last();
        let tf = tf.unwrap_or_else(|| panic!("no transform from {parent} to {child}"));
        if parent == "odom" {
            let odom = notes.kind("odom").last().unwrap();
            assert!((number(tf, "x") - number(odom, "x")).abs() < 0.01 && number(tf, "z") == 0.0, "{tf} {odom}");
        }
        if child == "camera_optical_frame" {
            assert_eq!(tf["rotation"], serde_json::json!([-0.5, 0.5, -0.5, 0.5]));
            assert!(number(tf, "z") > 0.1);
        }
    }
}

#[test]
fn the_robots_own_driver_drives_the_way_in_a_time_of_its_own_and_says_what_it_commands() {
    on_a_busy_machine(its_own_driver_drives);
}

fn its_own_driver_drives() {
    let Some(python) = python_or_skip("a simulated robot that drives itself") else { return };
    let _alone = alone();
    let mut robot = Robot::start(domain(2), &[&WORLD[..], &["--expert", "--clock", "4"]].concat());
    let peer = Peer::start(&python, "robot_rclpy.py", ["", "Twist"], &[], domain(2));
    peer.wait_until_ready_among_records();
    let said = robot.rest();
    peer.signal("TERM");
    let notes = Notes::of(&peer);
    assert!(said.contains("has arrived") && said.contains(" 0 contacts"), "{said}");
    let from_goal = after(&said, "stands ");
    assert!(from_goal < 0.3, "{said}");
    let commands: Vec<&Value> = notes.kind("cmd_vel").collect();
    assert!(commands.iter().filter(|command| number(command, "linear") > 0.1).count() > 20, "{}", commands.len());
    assert_eq!(number(commands.last().unwrap(), "linear"), 0.0);
    // Four seconds of its own time to each of ours, from zero on, for every stamp.
    let times: Vec<(i64, i64)> =
        notes.kind("clock").map(|note| (note["t_ns"].as_i64().unwrap(), note["stamp_ns"].as_i64().unwrap())).collect();
    let (first, last) = (times[0], times[times.len() - 1]);
    let pace = (last.1 - first.1) as f64 / (last.0 - first.0) as f64;
    println!("{} readings of the clock, {pace:.2} times as fast as ours", times.len());
    assert!((3.4..4.6).contains(&pace), "{pace}");
    let stamps = notes.kind("odom").map(|odom| odom["stamp_ns"].as_i64().unwrap());
    assert!(stamps.max().unwrap() <= last.1 + 1_000_000_000);
}

/// A short way that the shipped policy finds when nobody hurries it, with a slow robot: what a busy machine holds back
/// costs it least.
fn way_for_the_whole_stack() -> Option<(String, Episode, std::path::PathBuf)> {
    for index in 0..40 {
        let id = WorldId { split: Split::Validation, index };
        let Some(episode) =
            Episode::of(id).filter(|episode| episode.teleop_s() < 16.0 && episode.robot.v_max_mps < 0.6)
        else {
            continue;
        };
        let map = scratch(&format!("robot-{index}")).join("map");
        episode.build_map(policy().as_mut(), &map).unwrap();
        let mut command = program();
        command.args(["run", "--goal", "LAST", "--start", "0", "--lockstep", "--for", "40", "--sim"]);
        command.arg(format!("validation:{index}")).arg(&map);
        if said(with_policy(&mut command)).code == Some(0) {
            return Some((format!("validation:{index}"), episode, map));
        }
    }
    None
}

#[test]
fn the_program_drives_a_simulated_robot_that_it_knows_only_by_its_topics() {
    on_a_busy_machine(the_program_drives);
}

fn the_program_drives() {
    let _alone = alone();
    let (world, episode, map) = way_for_the_whole_stack().expect("a way of 40 that the policy finds in lockstep");
    assert!(MapDir::open(&map, &Limits::default()).is_ok());
    let profile = map.parent().unwrap().join("robot.toml");
    said(program().args(["sim", "profile", &world, "-o"]).arg(&profile)).expect_code(0);
    let robot = Robot::start(domain(3), &[&world]);
    let mut command = program();
    command.env("ROS_DOMAIN_ID", domain(3).to_string()).env("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST");
    command.args([
        "run",
        "--goal",
        "LAST",
        "--start",
        "0",
        "--image-topic",
        "image_raw",
        "--compressed",
        "--for",
        "45",
    ]);
    command.arg("--profile").arg(&profile).arg(&map);
    let run = said(with_policy(&mut command));
    let told = robot.end();
    println!("{world}: {:.1} s to drive\n{}", episode.teleop_s(), run.stdout);
    let run = run.expect_code(0);
    assert!(run.stdout.contains("Arrived"), "{}", run.stdout);
    let from_goal = after(&told, "stands ");
    assert!(from_goal < episode.tolerance_m(), "{told}");
    assert!(told.contains("obeys commands") && told.contains(" 0 refused"), "{told}");
}
