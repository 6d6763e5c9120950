//! The main job: a real log becomes a map, and the map becomes velocity commands that other people's ROS 2 receives.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pilotage::ros::{CLOSING_ZEROS, Network, Purpose, RosCommandSink, RosNode, RosOptions};
use pilotage::runtime::realtime::ZEROS_AT_THE_END;
use pilotage_gate::Command as Twist;
use serde_json::Value;

use crate::peers::{MATCH_TIME, Peer, python_or_skip};
use crate::support::{Said, program, records, said, scratch, tub_map, tub_or_skip, with_policy};

/// Share of the model's ticks whose command each listener has to receive.
const TICKS_WANTED: f64 = 0.95;
/// A robot may not move on a picture older than this.
const SILENCE_LIMIT_MS: f64 = 500.0;

/// One at a time: real time on a machine that runs several interpreters says nothing about us.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A domain apart from those of the other wire tests (1 to 80) and of simulations (87).
fn domain(test: u16) -> u16 {
    90 + u16::try_from(std::process::id() % 4).unwrap() * 2 + test
}

fn publisher(domain_id: u16, topic: &str) -> RosCommandSink {
    let env = |name: &str| (name == "ROS_DOMAIN_ID").then(|| domain_id.to_string());
    let options = RosOptions { cmd_vel_topic: topic.into(), ..RosOptions::default() };
    let network = Network::from_env(env, Purpose::NotLive).unwrap();
    RosNode::start(&network, &options).unwrap().command_publisher().unwrap()
}

/// Listens on `topic` with `script`, and comes back when it is up: it has found a publisher that says nothing.
fn listener(python: &Path, script: &str, topic: &str, domain_id: u16) -> Peer {
    let peer = Peer::start(python, script, [&format!("/{topic}"), "Twist"], &[], domain_id);
    let silent = publisher(domain_id, topic);
    peer.wait_until_ready();
    drop(silent);
    peer
}

fn run(tub: &Path, domain_id: u16, range: &str, more: &[&str], recording: &Path) -> Said {
    let mut command = program();
    command.env("ROS_DOMAIN_ID", domain_id.to_string());
    command.arg("run").arg(tub_map(tub)).args(["--start", "0", "--goal", "LAST", "--hz", "20", "--range", range]);
    command.args(more).arg("--replay").arg(tub).arg("--record").arg(recording);
    said(with_policy(&mut command)).expect_code(0)
}

/// One message: its receipt in nanoseconds and its numbers.
struct Heard {
    at_ns: i64,
    linear_mps: f64,
    angular_rps: f64,
}

impl Heard {
    fn new(record: &Value) -> Self {
        let number = |part: &str, axis: usize| record[part][axis].as_f64().unwrap_or(f64::NAN);
        for (part, axis) in [("linear", 1), ("linear", 2), ("angular", 0), ("angular", 1)] {
            assert_eq!(record[part][axis], 0.0, "{record}");
        }
        Self {
            at_ns: record["t_ns"].as_i64().unwrap(),
            linear_mps: number("linear", 0),
            angular_rps: number("angular", 2),
        }
    }

    fn is_zero(&self) -> bool {
        self.linear_mps == 0.0 && self.angular_rps == 0.0
    }

    fn is(&self, linear_mps: f32, angular_rps: f32) -> bool {
        self.linear_mps == f64::from(linear_mps) && self.angular_rps == f64::from(angular_rps)
    }
}

fn heard(peer: &Peer) -> Vec<Heard> {
    peer.records(usize::MAX, Duration::from_secs(2)).iter().map(Heard::new).collect()
}

/// Checks what one listener heard against what the program recorded of itself.
fn assert_heard(who: &str, heard: &[Heard], recording: &Path, said: &Said) {
    let controls = records(recording).controls;
    assert!(heard.iter().all(|m| m.linear_mps.is_finite() && m.angular_rps.is_finite()), "{who}");

    // The first may be gone before the listener is connected; from then on none may be missing or out of order.
    let first_move = heard.iter().position(|m| !m.is_zero()).unwrap_or_else(|| panic!("{who} heard no move"));
    let steps = controls.iter().map(|step| (step.linear_mps.0, step.angular_rps.0));
    let sent = (0..controls.len()).filter(|&start| {
        let rest = heard.iter().skip(first_move).zip(steps.clone().skip(start));
        heard[first_move].is(controls[start].linear_mps.0, controls[start].angular_rps.0)
            && rest.into_iter().all(|(m, (linear_mps, angular_rps))| m.is(linear_mps, angular_rps))
    });
    let start = sent.min().unwrap_or_else(|| panic!("{who} heard something else than was sent"));
    let after = heard.len() - first_move;
    assert_eq!(
        after,
        controls.len() - start + ZEROS_AT_THE_END + CLOSING_ZEROS,
        "{who}: messages from the first move to the last zero"
    );

    let ticks_run = said.numbers("ended")[2];
    let mut values: BTreeSet<(u64, u64)> = BTreeSet::new();
    let mut new_ticks: BTreeSet<u64> = BTreeSet::new();
    for (m, step) in heard[first_move..].iter().zip(&controls[start..]).filter(|(m, _)| !m.is_zero()) {
        if values.insert((m.linear_mps.to_bits(), m.angular_rps.to_bits())) {
            new_ticks.extend(step.tick);
        }
    }
    let share = new_ticks.len() as f64 / ticks_run;
    println!(
        "{who}: {} messages, {} values, new ones in {} of {ticks_run} ticks",
        heard.len(),
        values.len(),
        new_ticks.len()
    );
    assert!(share >= TICKS_WANTED, "{who}: new values in {:.1} % of the ticks", 100.0 * share);

    // The clocks differ by a constant; how much later than the fastest message one came is its delay.
    let delay_ms = |index: usize| {
        let offset = |i: usize| heard[first_move + i].at_ns - i64::try_from(controls[start + i].now_ns).unwrap();
        let fastest = (0..controls.len() - start).map(offset).min().unwrap();
        (offset(index) - fastest) as f64 * 1e-6
    };
    let last_move = heard.iter().rposition(|m| !m.is_zero()).unwrap();
    let zero = last_move + 1;
    assert!(heard.len() - zero > 20, "{who}: {} zeros at the end", heard.len() - zero);
    let silence_ms = said.numbers("silence")[0] + delay_ms(zero - first_move);
    let between_ms = (heard[zero].at_ns - heard[last_move].at_ns) as f64 * 1e-6;
    println!("{who}: zero {silence_ms:.0} ms after the last picture, {between_ms:.0} ms after the last move");
    assert!(silence_ms <= SILENCE_LIMIT_MS && between_ms <= SILENCE_LIMIT_MS, "{who}: {silence_ms} {between_ms}");
}

#[test]
fn a_replayed_log_drives_rclpy_and_cyclone_at_the_models_rate_and_silence_gives_zeros() {
    let Some(tub) = tub_or_skip() else { return };
    let Some(python) = python_or_skip("a replayed log on the wire") else { return };
    let _alone = alone();
    tub_map(&tub);
    let recording = scratch("wire").join("run.mcap");
    let rclpy = listener(&python, "listen_rclpy.py", "cmd_vel", domain(0));
    let cyclone = listener(&python, "listen_cyclone.py", "cmd_vel", domain(0));
    // It ends in the middle of the lap: at the goal the robot would stand before the pictures end.
    let said = run(&tub, domain(0), "500..900", &["--lap", "485", "--publish"], &recording);
    println!("{}", said.stdout);
    assert!(said.stdout.contains("SourceEnded") && said.stdout.contains("(0 refused)"), "{}", said.stdout);
    assert_heard("rclpy", &heard(&rclpy), &recording, &said);
    assert_heard("cyclone", &heard(&cyclone), &recording, &said);
}

#[test]
fn without_publish_a_replay_is_silent_on_the_command_topic_and_speaks_on_dry_run() {
    let Some(tub) = tub_or_skip() else { return };
    let Some(python) = python_or_skip("a dry run on the wire") else { return };
    let _alone = alone();
    tub_map(&tub);
    let recording = scratch("dry-run").join("run.mcap");
    let robot = listener(&python, "listen_rclpy.py", "cmd_vel", domain(1));
    let dry = listener(&python, "listen_cyclone.py", "cmd_vel_dry_run", domain(1));
    let said = run(&tub, domain(1), "500..620", &[], &recording);
    assert!(said.stdout.contains("Twist on /cmd_vel_dry_run"), "{}", said.stdout);
    let dry = heard(&dry);
    let sent = records(&recording).controls.len() + CLOSING_ZEROS;
    println!("dry run: {} of {sent} commands heard", dry.len());
    assert!(dry.len() * 100 >= sent * 95, "{} of {sent}", dry.len());
    assert!(dry.iter().any(|m| !m.is_zero()), "the dry run did not drive");
    assert_eq!(heard(&robot).len(), 0, "something reached the robot");

    // The robot's listener was not deaf.
    let mut sink = publisher(domain(1), "cmd_vel");
    let end = Instant::now() + MATCH_TIME;
    while sink.subscribers() == 0 {
        assert!(Instant::now() < end, "nobody subscribed to {}", sink.topic());
        std::thread::sleep(Duration::from_millis(10));
    }
    sink.send_command(&Twist::ZERO, 1).unwrap();
    assert_eq!(robot.records(1, MATCH_TIME).len(), 1);
}
