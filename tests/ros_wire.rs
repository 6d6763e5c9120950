//! What goes over the wire, against other people's ROS 2 and DDS: rclpy on Fast DDS, and Cyclone DDS.
//!
//! Every test has a domain of its own, and all of them stay on this computer. One that cannot run
//! here says so by a line that starts with `PILOTAGE-SKIP:`.
#![cfg(feature = "ros")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::disallowed_methods)]

mod peers;

use std::collections::HashMap;
use std::path::Path;
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use peers::{MATCH_TIME, Peer, python_or_skip, skip};
use pilotage::camera::{FrameSource, Next};
use pilotage::frame::RawFrame;
use pilotage::ros::{CLOSING_ZEROS, ImageTransport, Network, Purpose, RosCommandSink, RosError, RosNode, RosOptions};
use pilotage_gate::{
    Command, Decision, Faults, Gate, Input, Limits, LimitsConfig, Mode, Monotonic, Permit, Verdict, Wanted,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// One at a time: several Python interpreters at once say more about the machine than about us.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The domain of a test, 1 to 80: also apart from most other runs of this binary on this computer,
/// and from the domain of simulations.
fn domain(test: u16) -> u16 {
    assert!(test < 16);
    1 + u16::try_from(std::process::id() % 5).unwrap() * 16 + test
}

fn node(domain_id: u16, options: &RosOptions) -> RosNode {
    let env = |name: &str| (name == "ROS_DOMAIN_ID").then(|| domain_id.to_string());
    RosNode::start(&Network::from_env(env, Purpose::NotLive).unwrap(), options).unwrap()
}

fn wait_for_subscriber(sink: &RosCommandSink) {
    let end = Instant::now() + MATCH_TIME;
    while sink.subscribers() == 0 {
        assert!(Instant::now() < end, "nobody subscribed to {}", sink.topic());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Only a gate makes a command that moves; this one lets through whatever a test wants.
fn command(linear_mps: f32, angular_rps: f32) -> Command {
    let limits = LimitsConfig {
        max_linear_mps: 10.0,
        max_angular_rps: 10.0,
        linear_accel_mps2: 50.0,
        linear_decel_mps2: 50.0,
        angular_accel_rps2: 100.0,
        max_period_s: 0.25,
        ..LimitsConfig::default()
    };
    let mut gate = Gate::new(Limits::checked(limits).unwrap());
    let wanted = Wanted { linear_mps, angular_rps };
    for step in 1..100 {
        let now = Monotonic(step * 200_000_000);
        let decision = Some(Decision { wanted, evidence_at: now, sequence: step });
        let output =
            gate.step(&Input { now, mode: Mode::Armed, permit: Permit::Drive, decision, faults: Faults::NONE });
        if output.verdict == Verdict::Passed {
            return output.command;
        }
    }
    panic!("the gate does not let {wanted:?} through");
}

/// The numbers of the n-th test command; the angular one has no short decimal form.
fn nth_command(n: u16) -> (f32, f32) {
    (f32::from(n) / 64.0, -0.1 * f32::from(n + 1))
}

const STAMP_NS: i64 = 1_795_000_000_000_000_007;

fn nth_record(n: u16, stamped: bool) -> Value {
    let (linear, angular) = nth_command(n);
    let mut record = json!({
        "linear": [f64::from(linear), 0.0, 0.0],
        "angular": [0.0, 0.0, f64::from(angular)],
    });
    if stamped {
        record["stamp_ns"] = json!(STAMP_NS + i64::from(n) * 50_000_000);
        record["frame_id"] = json!("base_link");
    }
    record
}

/// Commands reach `script` as they were sent, every one, in order, and then the closing zeros.
fn commands_arrive(test: &str, test_no: u16, script: &str, stamped: bool) {
    const COUNT: u16 = 60;
    let Some(python) = python_or_skip(test) else { return };
    let _alone = alone();
    let message_type = if stamped { "TwistStamped" } else { "Twist" };
    let peer = Peer::start(&python, script, ["/r1/cmd_vel", message_type], &[], domain(test_no));
    let options = RosOptions { stamped, namespace: "/r1".into(), ..RosOptions::default() };
    let mut sink = node(domain(test_no), &options).command_publisher().unwrap();
    wait_for_subscriber(&sink);
    peer.wait_until_ready();
    for n in 0..COUNT {
        let (linear_mps, angular_rps) = nth_command(n);
        sink.send_command(&command(linear_mps, angular_rps), STAMP_NS + i64::from(n) * 50_000_000).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(sink);
    let expected = usize::from(COUNT) + CLOSING_ZEROS;
    let mut records = peer.records(expected, Duration::from_secs(10));
    assert_eq!(records.len(), expected, "commands and closing zeros received");
    let mut zeros = records.split_off(COUNT.into());
    for (n, mut record) in (0..COUNT).zip(records) {
        record.as_object_mut().unwrap().remove("t_ns");
        assert_eq!(record, nth_record(n, stamped), "command {n}");
    }
    for zero in &mut zeros {
        assert_eq!((&zero["linear"], &zero["angular"]), (&json!([0.0, 0.0, 0.0]), &json!([0.0, 0.0, 0.0])));
        if stamped {
            // Not the stamp of the last command but a fresh one, or a base would drop it.
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
            let age = i128::try_from(now).unwrap() - i128::from(zero["stamp_ns"].as_i64().unwrap());
            assert!((0..60_000_000_000).contains(&age), "a closing zero is stamped {age} ns before now");
        }
    }
}

#[test]
fn a_twist_reaches_rclpy_exactly_without_gap_and_zeros_follow_when_the_sink_goes() {
    commands_arrive("twist to rclpy", 0, "listen_rclpy.py", false);
}

#[test]
fn a_stamped_twist_reaches_rclpy_exactly_without_gap_and_zeros_follow_when_the_sink_goes() {
    commands_arrive("stamped twist to rclpy", 1, "listen_rclpy.py", true);
}

#[test]
fn a_twist_reaches_cyclone_exactly_without_gap_and_zeros_follow_when_the_sink_goes() {
    commands_arrive("twist to cyclone", 2, "listen_cyclone.py", false);
}

#[test]
fn a_stamped_twist_reaches_cyclone_exactly_without_gap_and_zeros_follow_when_the_sink_goes() {
    commands_arrive("stamped twist to cyclone", 3, "listen_cyclone.py", true);
}

#[test]
fn the_origin_of_a_command_carries_the_time_of_its_picture() {
    let Some(python) = python_or_skip("origin to rclpy") else { return };
    let _alone = alone();
    let peer = Peer::start(&python, "listen_rclpy.py", ["/pilotage/cmd_vel_origin", "TwistStamped"], &[], domain(4));
    let mut sink = node(domain(4), &RosOptions::default()).command_publisher().unwrap();
    peer.wait_until_ready();
    // Nothing tells from here that the peer is connected to this topic too: repeat until it hears.
    let end = Instant::now() + MATCH_TIME;
    let records = loop {
        sink.send_origin(&command(0.25, -0.5), 1_234_567_890_123).unwrap();
        let records = peer.records(1, Duration::from_millis(50));
        if !records.is_empty() || Instant::now() > end {
            break records;
        }
    };
    assert_eq!(records[0]["stamp_ns"], json!(1_234_567_890_123_i64));
    assert_eq!((&records[0]["linear"][0], &records[0]["angular"][2]), (&json!(0.25), &json!(-0.5)));
}

#[test]
fn a_subscriber_that_hangs_never_holds_up_a_command() {
    let Some(python) = python_or_skip("hanging subscriber") else { return };
    let _alone = alone();
    let peer = Peer::start(&python, "listen_rclpy.py", ["/cmd_vel", "Twist"], &[], domain(5));
    let mut sink = node(domain(5), &RosOptions::default()).command_publisher().unwrap();
    wait_for_subscriber(&sink);
    peer.wait_until_ready();
    peer.signal("STOP");
    let mut refused = Vec::new();
    let half_speed = command(0.5, 0.0);
    for n in 0..20_000 {
        let before = Instant::now();
        match sink.send_command(&half_speed, n) {
            Ok(()) => {}
            Err(RosError::Full { .. }) if refused.len() < 20 => refused.push(before.elapsed()),
            Err(RosError::Full { .. }) => break,
            Err(error) => panic!("{error}"),
        }
    }
    refused.sort_unstable();
    let median = *refused.get(refused.len() / 2).expect("the room for unacknowledged commands never ran out");
    // The middleware's own default would wait 100 ms each time.
    assert!(median < Duration::from_millis(5), "a refused command took {median:?}");
}

#[test]
fn domains_do_not_hear_each_other() {
    let Some(python) = python_or_skip("domain isolation") else { return };
    let _alone = alone();
    let peer = Peer::start(&python, "listen_rclpy.py", ["/cmd_vel", "Twist"], &[], domain(6));
    let mut foreign = node(domain(7), &RosOptions::default()).command_publisher().unwrap();
    for n in 0..150 {
        foreign.send_command(&command(9.0, 9.0), n).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(foreign.subscribers(), 0);
    // The same listener does hear its own domain, so it was not deaf.
    let mut own = node(domain(6), &RosOptions::default()).command_publisher().unwrap();
    wait_for_subscriber(&own);
    peer.wait_until_ready();
    for n in 0..20 {
        foreign.send_command(&command(9.0, 9.0), n).unwrap();
        own.send_command(&command(1.0, 0.0), n).unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    let records = peer.records(20, Duration::from_secs(10));
    assert_eq!(records.len(), 20);
    assert!(records.iter().all(|record| record["linear"][0] == json!(1.0)), "{records:?}");
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the peer sent and what the source gave for it, matched by stamp: (hash as sent, frame).
fn pictures_received(python: &Path, test_no: u16, transport: ImageTransport, more: &[&str]) -> Vec<(String, RawFrame)> {
    const COUNT: usize = 20;
    let image_topic = format!("cam{}/image_raw", more.len());
    let options = RosOptions { image_topic, image_transport: transport, ..RosOptions::default() };
    let mut source = node(domain(test_no), &options).image_source().unwrap();
    let kind = if transport == ImageTransport::Raw { "raw" } else { "compressed" };
    let count = COUNT.to_string();
    let more: Vec<&str> = [&["--count", count.as_str()], more].concat();
    let peer = Peer::start(python, "talk_image_rclpy.py", [source.topic(), kind], &more, domain(test_no));
    peer.wait_until_ready();
    let mut frames: Vec<RawFrame> = Vec::new();
    loop {
        match source.next(Duration::from_secs(2)).unwrap() {
            Next::Frame(frame) => frames.push(frame),
            Next::Nothing => break,
            Next::End => panic!("a topic has no end"),
        }
    }
    assert_eq!(source.malformed(), 0);
    assert!(frames.windows(2).all(|pair| pair[0].seq < pair[1].seq), "sequence numbers rise");
    // The first may be gone before we are connected, and a busy machine may skip some.
    assert!(frames.len() >= COUNT / 2, "{} of {COUNT} pictures received", frames.len());
    let sent: HashMap<i64, String> = peer
        .records(COUNT, Duration::from_secs(5))
        .iter()
        .map(|record| (record["stamp_ns"].as_i64().unwrap(), record["sha256"].as_str().unwrap().to_owned()))
        .collect();
    frames.into_iter().map(|frame| (sent[&frame.captured.0].clone(), frame)).collect()
}

#[test]
fn raw_pictures_from_rclpy_arrive_with_the_right_pixels_in_every_encoding() {
    let Some(python) = python_or_skip("raw pictures from rclpy") else { return };
    let _alone = alone();
    let cases: [&[&str]; 3] = [
        &["--encoding", "rgb8"],
        &["--encoding", "bgr8", "--padding", "17"],
        &["--encoding", "mono8", "--padding", "3", "--hz", "30"],
    ];
    for case in cases {
        for (sent, frame) in pictures_received(&python, 8, ImageTransport::Raw, case) {
            assert_eq!((frame.picture.width(), frame.picture.height()), (160, 120));
            assert_eq!(sha256(frame.picture.rgb()), sent, "{case:?}");
            assert!(frame.encoded.is_none());
        }
    }
}

#[test]
fn a_vga_picture_arrives_whole_although_it_does_not_fit_into_a_packet() {
    let Some(python) = python_or_skip("large pictures from rclpy") else { return };
    let _alone = alone();
    for (sent, frame) in pictures_received(&python, 9, ImageTransport::Raw, &["--width", "640", "--height", "480"]) {
        assert_eq!(sha256(frame.picture.rgb()), sent);
    }
}

#[test]
fn compressed_pictures_from_rclpy_arrive_with_the_right_pixels_and_their_own_bytes() {
    let Some(python) = python_or_skip("compressed pictures from rclpy") else { return };
    let _alone = alone();
    for (sent, frame) in pictures_received(&python, 10, ImageTransport::Compressed, &[]) {
        assert_eq!(sha256(frame.picture.rgb()), sent, "PNG");
        assert!(frame.encoded.unwrap().starts_with(b"\x89PNG"));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture.jpg");
    image::RgbImage::from_pixel(64, 48, image::Rgb([200, 120, 40])).save(&path).unwrap();
    let file = path.to_str().unwrap();
    for (sent, frame) in pictures_received(&python, 10, ImageTransport::Compressed, &["--file", file]) {
        assert_eq!((frame.picture.width(), frame.picture.height()), (64, 48));
        let (pixels, _) = frame.picture.rgb().as_chunks();
        assert!(pixels.iter().all(|&[r, g, b]| r.abs_diff(200) < 5 && g.abs_diff(120) < 5 && b.abs_diff(40) < 5));
        assert_eq!(sha256(&frame.encoded.unwrap()), sent, "JPEG");
    }
}

/// Makes a network of two interfaces, runs the rest of its arguments in it, and prints how many
/// packets went out of the second one. Without addresses of its own making, that interface is
/// silent unless somebody uses it.
const COUNT_PACKETS: &str = r#"
ip link set lo up && ip link add second type veth peer name far || exit 77
for end in second far; do ip link set $end addrgenmode none && ip link set $end up || exit 77; done
ip addr add 10.99.0.1/24 dev second || exit 77
sleep 0.5
before=$(ip -s -j link show dev second) || exit 77
"$@" >/dev/null || exit 1
after=$(ip -s -j link show dev second) || exit 77
printf '%s\n%s\n' "$before" "$after"
"#;

/// Packets that left by a second interface while a child sent commands; `None` when skipped.
fn packets_on_second_interface(test: &str, purpose: &str) -> Option<u64> {
    for unshare in [&["-n"][..], &["-rn"]] {
        let output = process::Command::new("timeout")
            .args(["60", "unshare"])
            .args(unshare)
            .args(["sh", "-c", COUNT_PACKETS, "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "a_run_that_is_not_live_sends_no_packet_by_a_second_interface"])
            .env("PILOTAGE_TEST_PURPOSE", purpose)
            .output();
        let Ok(output) = output else { break };
        let text = String::from_utf8_lossy(&output.stdout);
        if output.status.success() {
            let sent: Vec<u64> = text
                .lines()
                .map(|line| {
                    serde_json::from_str::<Value>(line).unwrap()[0]["stats64"]["tx"]["packets"].as_u64().unwrap()
                })
                .collect();
            return Some(sent[1] - sent[0]);
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_ne!(output.status.code(), Some(1).filter(|_| !errors.contains("unshare")), "the child failed: {errors}");
    }
    skip(test, "a network of its own is not permitted here (unshare -n, ip)");
    None
}

/// What this test binary does when it is run once more, in a network of its own.
fn send_commands_for_three_seconds(purpose: Purpose) {
    let env = |name: &str| (name == "ROS_AUTOMATIC_DISCOVERY_RANGE").then(|| "SUBNET".to_owned());
    let network = Network::from_env(env, purpose).unwrap();
    let node = RosNode::start(&network, &RosOptions::default()).unwrap();
    let mut sink = node.command_publisher().unwrap();
    let _source = node.image_source().unwrap();
    for n in 0..60 {
        sink.send_command(&command(0.1, 0.0), n).unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_run_that_is_not_live_sends_no_packet_by_a_second_interface() {
    match std::env::var("PILOTAGE_TEST_PURPOSE").as_deref() {
        Ok("live") => return send_commands_for_three_seconds(Purpose::Live),
        Ok("not live") => return send_commands_for_three_seconds(Purpose::NotLive),
        _ => {}
    }
    let _alone = alone();
    let test = "packets on a second interface";
    let Some(live) = packets_on_second_interface(test, "live") else { return };
    let Some(not_live) = packets_on_second_interface(test, "not live") else { return };
    println!("packets on the second interface: live {live}, not live {not_live}");
    assert!(live > 0, "a live run is heard there, so the count counts");
    assert_eq!(not_live, 0);
}
