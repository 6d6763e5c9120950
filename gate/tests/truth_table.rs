//! The table in the README is what the gate does, row by row and pair by pair.

#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test that panics has failed; exact numbers are the point")]

use pilotage_gate::{
    Decision, Fault, FaultClass, Faults, Gate, Input, Limits, LimitsConfig, Mode, Monotonic, Output, Permit, Reaction,
    StopReason, Verdict, Wanted,
};

const START_NS: u64 = 10_000_000_000;
const PERIOD_NS: u64 = 50_000_000;
const DRIVING: Wanted = Wanted { linear_mps: 0.3, angular_rps: 0.6 };

struct Row {
    condition: String,
    /// Makes the condition true, whatever held before.
    apply: fn(&mut Input, arg: usize),
    arg: usize,
    standing: bool,
}

fn limits() -> Limits {
    Limits::checked(LimitsConfig::default()).unwrap()
}

/// An input at `now` that the gate follows.
fn good(now_ns: u64) -> Input {
    Input {
        now: Monotonic(now_ns),
        mode: Mode::Armed,
        permit: Permit::Drive,
        decision: Some(Decision { wanted: DRIVING, evidence_at: Monotonic(now_ns - 100_000_000), sequence: 1 }),
        faults: Faults::NONE,
    }
}

/// A gate that drives as wanted, and the moment of its last step.
fn driving() -> (Gate, u64) {
    let mut gate = Gate::new(limits());
    let mut now_ns = START_NS;
    for _ in 0..20 {
        now_ns += PERIOD_NS;
        let _ = gate.step(&good(now_ns));
    }
    let output = gate.step(&good(now_ns));
    assert_eq!(output.verdict, Verdict::Passed);
    assert_eq!(output.command.linear_mps(), DRIVING.linear_mps);
    (gate, now_ns)
}

fn standing() -> (Gate, u64) {
    let mut gate = Gate::new(limits());
    let mut input = good(START_NS);
    input.mode = Mode::Disarmed;
    let _ = gate.step(&input);
    (gate, START_NS)
}

fn with_wanted(input: &mut Input, wanted: Wanted) {
    let mut decision = good(input.now.0).decision.unwrap();
    decision.wanted = wanted;
    input.decision = Some(decision);
}

fn with_evidence_at(input: &mut Input, evidence_at_ns: u64) {
    let mut decision = good(input.now.0).decision.unwrap();
    decision.evidence_at = Monotonic(evidence_at_ns);
    input.decision = Some(decision);
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = |condition: &str, apply: fn(&mut Input, usize), arg: usize, standing: bool| {
        rows.push(Row { condition: condition.to_owned(), apply, arg, standing });
    };
    row("mode `EStop`", |i, _| i.mode = Mode::EStop, 0, false);
    row("mode `Override`", |i, _| i.mode = Mode::Override, 0, false);
    row("mode `Disarmed`", |i, _| i.mode = Mode::Disarmed, 0, false);
    row("mode `Held`", |i, _| i.mode = Mode::Held, 0, false);
    let fault_rows = |class: FaultClass, standing: bool, row: &mut dyn FnMut(&str, usize, bool)| {
        for (index, fault) in Fault::ALL.into_iter().enumerate() {
            if fault.class() == class {
                row(&format!("fault: {fault}"), index, standing);
            }
        }
    };
    let add_fault: fn(&mut Input, usize) = |i, arg| i.faults = i.faults.with(Fault::ALL[arg]);
    fault_rows(FaultClass::StopNow, false, &mut |c, arg, standing| {
        row(c, add_fault, arg, standing);
    });
    row("time ran backwards", |i, _| i.now = Monotonic(START_NS - PERIOD_NS), 0, false);
    row(
        "wanted motion not finite",
        |i, _| {
            with_wanted(i, Wanted { linear_mps: f32::NAN, ..DRIVING });
        },
        0,
        false,
    );
    row("picture older than `max_age_s`", |i, _| with_evidence_at(i, i.now.0 - limits().max_age_ns() - 1), 0, false);
    row("picture from the future", |i, _| with_evidence_at(i, i.now.0 + 1), 0, false);
    let stop: fn(&mut Input, usize) = |i, arg| i.permit = Permit::Stop(StopReason::ALL[arg]);
    for (index, reason) in StopReason::ALL.into_iter().enumerate() {
        if !reason.allows_ramp() {
            row(&format!("navigator: {reason}"), stop, index, false);
        }
    }
    fault_rows(FaultClass::SlowStop, false, &mut |c, arg, standing| {
        row(c, add_fault, arg, standing);
    });
    for (index, reason) in StopReason::ALL.into_iter().enumerate() {
        if reason.allows_ramp() {
            row(&format!("navigator: {reason}"), stop, index, false);
        }
    }
    row("no decision", |i, _| i.decision = None, 0, false);
    fault_rows(FaultClass::NeverStart, true, &mut |c, arg, standing| {
        row(c, add_fault, arg, standing);
    });
    row(
        "wanted faster than `max_linear_mps`",
        |i, _| {
            with_wanted(i, Wanted { linear_mps: 0.8, angular_rps: 1.6 });
        },
        0,
        false,
    );
    row(
        "wanted turn faster than `max_angular_rps`",
        |i, _| {
            with_wanted(i, Wanted { linear_mps: 0.3, angular_rps: 1.2 });
        },
        0,
        false,
    );
    row(
        "wanted change of speed too great",
        |i, _| {
            with_wanted(i, Wanted { linear_mps: 0.1, ..DRIVING });
        },
        0,
        false,
    );
    row(
        "wanted change of turn rate too great",
        |i, _| {
            with_wanted(i, Wanted { angular_rps: -0.6, ..DRIVING });
        },
        0,
        false,
    );
    row("none of these", |_, _| {}, 0, false);
    rows
}

fn step_one_period_later((mut gate, now_ns): (Gate, u64), rows: &[&Row]) -> Output {
    let mut input = good(now_ns + PERIOD_NS);
    for row in rows {
        (row.apply)(&mut input, row.arg);
    }
    gate.step(&input)
}

fn run(rows: &[&Row]) -> Output {
    let standing_start = rows.iter().any(|row| row.standing);
    let from = if standing_start { standing() } else { driving() };
    step_one_period_later(from, rows)
}

fn table() -> String {
    let mut text =
        String::from("| # | condition | reaction | command (m/s, rad/s) | verdict |\n|---|---|---|---|---|\n");
    for (index, row) in rows().iter().enumerate() {
        let output = run(&[row]);
        let reaction = match output.verdict.reaction() {
            Reaction::StopNow => "stop now",
            Reaction::SlowStop => "slow stop",
            Reaction::Follow => "follow",
        };
        let condition = if row.standing { format!("{}, robot stands", row.condition) } else { row.condition.clone() };
        text += &format!(
            "| {} | {condition} | {reaction} | {:.3}, {:.3} | {} |\n",
            index + 1,
            output.command.linear_mps(),
            output.command.angular_rps(),
            output.verdict,
        );
    }
    text
}

#[test]
fn the_table_in_the_readme_is_what_the_gate_does() {
    const BEGIN: &str = "<!-- truth-table:begin -->\n";
    const END: &str = "<!-- truth-table:end -->";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let begin = readme.find(BEGIN).unwrap() + BEGIN.len();
    let end = readme.find(END).unwrap();
    let table = table();
    if std::env::var_os("PILOTAGE_BLESS").is_some() {
        let blessed = format!("{}{table}{}", &readme[..begin], &readme[end..]);
        std::fs::write(path, blessed).unwrap();
    } else {
        assert_eq!(
            &readme[begin..end],
            table,
            "gate/README.md is not what the gate does: check the change, then PILOTAGE_BLESS=1"
        );
    }
}

/// The name alone: ages and the like may differ between a condition alone and among others.
fn kind(verdict: Verdict) -> String {
    let text = format!("{verdict:?}");
    text.split(" {").next().unwrap().to_owned()
}

#[test]
fn of_two_conditions_the_one_further_up_decides() {
    let rows = rows();
    for (rank, upper) in rows.iter().enumerate() {
        for lower in &rows[rank + 1..] {
            let alone = run(&[upper]).verdict;
            let both = run(&[lower, upper]);
            // Slowing down from a stand is standing.
            let expected = match alone {
                Verdict::Stopping(cause) if lower.standing || lower.condition == "no decision" => {
                    Verdict::Stopped(cause)
                }
                other => other,
            };
            assert_eq!(kind(both.verdict), kind(expected), "{} with {}", upper.condition, lower.condition);
            if expected.reaction() == Reaction::StopNow {
                assert!(both.command.is_zero(), "{}", upper.condition);
            }
        }
    }
}

#[test]
fn every_stop_that_is_not_slow_is_zero_in_the_same_step() {
    for row in rows() {
        let output = run(&[&row]);
        match output.verdict.reaction() {
            Reaction::StopNow => assert!(output.command.is_zero(), "{}", row.condition),
            Reaction::SlowStop => {
                assert!(!output.command.is_zero(), "{}", row.condition);
                assert!(output.command.linear_mps() < DRIVING.linear_mps);
            }
            Reaction::Follow => assert!(!output.command.is_zero(), "{}", row.condition),
        }
    }
}

#[test]
fn a_never_start_fault_leaves_a_moving_robot_alone() {
    for fault in Fault::ALL {
        if fault.class() == FaultClass::NeverStart {
            let (mut gate, now_ns) = driving();
            let mut input = good(now_ns + PERIOD_NS);
            input.faults = Faults::NONE.with(fault);
            let output = gate.step(&input);
            assert_eq!(output.verdict, Verdict::Passed, "{fault}");
            assert_eq!(output.command.linear_mps(), DRIVING.linear_mps);
        }
    }
}
