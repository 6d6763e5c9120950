//! What the README promises, over arbitrary bit patterns, times and orders of steps.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use pilotage_gate::{
    Decision, Fault, FaultClass, Faults, Gate, Input, Limits, LimitsConfig, Mode, Monotonic, Output, Permit, Reaction,
    StopReason, Verdict, Wanted,
};
use proptest::prelude::*;

/// Relative rounding of f32 arithmetic with a few operations, and as much absolutely.
const ROUNDING: f32 = 1e-5;

/// One step as drawn: how the clock moves and where the evidence lies are relative, so that
/// interesting cases are common.
#[derive(Clone, Debug)]
struct Drawn {
    clock_ns: i64,
    mode: Mode,
    permit: Permit,
    wanted: Wanted,
    age_ns: i64,
    has_decision: bool,
    faults: Faults,
}

fn any_float() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -1.5f32..1.5,
        1 => any::<u32>().prop_map(f32::from_bits),
        1 => prop_oneof![
            Just(f32::NAN), Just(f32::INFINITY), Just(f32::NEG_INFINITY), Just(0.0), Just(-0.0),
            Just(f32::MAX), Just(f32::MIN), Just(f32::MIN_POSITIVE), Just(1e-45)
        ],
    ]
}

fn usual_float() -> impl Strategy<Value = f32> {
    prop_oneof![9 => -1.5f32..1.5, 1 => any_float()]
}

fn any_clock() -> impl Strategy<Value = i64> {
    prop_oneof![
        12 => 40_000_000i64..60_000_000,
        2 => 0i64..1_000_000,
        1 => 0i64..3_000_000_000,
        1 => -200_000_000i64..0,
    ]
}

fn any_age() -> impl Strategy<Value = i64> {
    prop_oneof![12 => 0i64..450_000_001, 1 => 449_999_998i64..450_000_003, 1 => -5i64..1,
        1 => 0i64..i64::MAX / 4]
}

fn any_mode() -> impl Strategy<Value = Mode> {
    prop_oneof![
        24 => Just(Mode::Armed),
        1 => Just(Mode::Disarmed),
        1 => Just(Mode::Held),
        1 => Just(Mode::EStop),
        1 => Just(Mode::Override),
    ]
}

fn any_permit() -> impl Strategy<Value = Permit> {
    prop_oneof![
        3 => Just(Permit::Drive),
        1 => (0..StopReason::ALL.len()).prop_map(|i| Permit::Stop(StopReason::ALL[i])),
    ]
}

fn any_faults() -> impl Strategy<Value = Faults> {
    prop_oneof![
        24 => Just(Faults::NONE),
        2 => (0..Fault::ALL.len()).prop_map(|i| Faults::NONE.with(Fault::ALL[i])),
    ]
}

fn any_step() -> impl Strategy<Value = Drawn> {
    (
        any_clock(),
        any_mode(),
        any_permit(),
        (usual_float(), usual_float()),
        any_age(),
        prop::bool::weighted(0.97),
        any_faults(),
    )
        .prop_map(|(clock_ns, mode, permit, (linear_mps, angular_rps), age_ns, has_decision, faults)| Drawn {
            clock_ns,
            mode,
            permit,
            wanted: Wanted { linear_mps, angular_rps },
            age_ns,
            has_decision,
            faults,
        })
}

fn any_limits() -> impl Strategy<Value = Limits> {
    let config = (
        0.05f32..5.0,
        prop_oneof![Just(0.0f32), 0.01f32..1.0],
        0.1f32..3.0,
        0.1f32..10.0,
        2.5f32..20.0,
        1.5f32..20.0,
        0.05f64..0.5,
        (0.0001f64..0.02, 0.02f64..0.25),
    )
        .prop_map(|(linear, reverse, angular, accel, decel, angular_accel, age, periods)| LimitsConfig {
            max_linear_mps: linear,
            max_reverse_mps: reverse,
            max_angular_rps: angular,
            linear_accel_mps2: accel,
            linear_decel_mps2: decel,
            angular_accel_rps2: angular_accel,
            max_age_s: age,
            min_period_s: periods.0,
            max_period_s: periods.1,
        });
    let checked = config.prop_map(|config| Limits::checked(config).unwrap());
    let usual = Limits::checked(LimitsConfig::default()).unwrap();
    prop_oneof![1 => Just(usual), 2 => checked]
}

/// A step with what led to it.
struct Taken {
    input: Input,
    /// The latest moment seen before.
    latest_ns: Option<u64>,
    before: Wanted,
    output: Output,
}

fn drive(limits: Limits, drawn: &[Drawn]) -> Vec<Taken> {
    let mut gate = Gate::new(limits);
    let mut now_ns = 60_000_000_000u64;
    let mut latest_ns = None;
    let mut before = Wanted { linear_mps: 0.0, angular_rps: 0.0 };
    let mut taken = Vec::new();
    for (sequence, step) in (0..).zip(drawn) {
        now_ns = now_ns.saturating_add_signed(step.clock_ns);
        let input = Input {
            now: Monotonic(now_ns),
            mode: step.mode,
            permit: step.permit,
            decision: step.has_decision.then_some(Decision {
                wanted: step.wanted,
                evidence_at: Monotonic(now_ns.saturating_add_signed(-step.age_ns)),
                sequence,
            }),
            faults: step.faults,
        };
        let output = gate.step(&input);
        let after = Wanted { linear_mps: output.command.linear_mps(), angular_rps: output.command.angular_rps() };
        taken.push(Taken { input, latest_ns, before, output });
        before = after;
        latest_ns = latest_ns.max(Some(now_ns));
    }
    taken
}

fn elapsed_s(step: &Taken) -> f64 {
    let elapsed_ns = step.latest_ns.map_or(0, |latest| step.input.now.0.saturating_sub(latest));
    elapsed_ns as f64 * 1e-9
}

fn most(value: f32) -> f32 {
    value * (1.0 + ROUNDING) + ROUNDING
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 600,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_command_is_always_finite(limits in any_limits(), steps in prop::collection::vec(any_step(), 1..60)) {
        for step in drive(limits, &steps) {
            prop_assert!(step.output.command.linear_mps().is_finite());
            prop_assert!(step.output.command.angular_rps().is_finite());
        }
    }

    #[test]
    fn a_command_is_always_within_limits(limits in any_limits(), steps in prop::collection::vec(any_step(), 1..60)) {
        let c = limits.config();
        for step in drive(limits, &steps) {
            // Exact: a limit has no rounding allowance.
            prop_assert!(step.output.command.linear_mps() <= c.max_linear_mps);
            prop_assert!(step.output.command.linear_mps() >= -c.max_reverse_mps);
            prop_assert!(step.output.command.angular_rps().abs() <= c.max_angular_rps);
        }
    }

    #[test]
    fn a_command_never_jumps_beyond_its_acceleration(limits in any_limits(), steps in prop::collection::vec(any_step(), 1..60)) {
        let c = limits.config();
        for step in drive(limits, &steps) {
            let up_s = elapsed_s(&step).min(c.max_period_s) as f32;
            let down_s = elapsed_s(&step).max(c.min_period_s) as f32;
            let stops_now = step.output.verdict.reaction() == Reaction::StopNow;
            for (before, after, up, down) in [
                (step.before.linear_mps, step.output.command.linear_mps(),
                 c.linear_accel_mps2, c.linear_decel_mps2),
                (step.before.angular_rps, step.output.command.angular_rps(),
                 c.angular_accel_rps2, c.angular_accel_rps2),
            ] {
                if before * after < 0.0 {
                    // Through zero: the braking and the speeding up share the step.
                    let shares = before.abs() / (down * down_s) + after.abs() / (up * up_s);
                    prop_assert!(shares <= most(1.0), "{before} -> {after}");
                } else {
                    prop_assert!(after.abs() - before.abs() <= most(up * up_s));
                    prop_assert!(stops_now || before.abs() - after.abs() <= most(down * down_s));
                }
            }
        }
    }

    #[test]
    fn a_command_never_rests_on_an_old_picture(limits in any_limits(), steps in prop::collection::vec(any_step(), 1..60)) {
        let max_age_ns = (limits.config().max_age_s * 1e9).round() as u64;
        for step in drive(limits, &steps) {
            if !step.output.command.is_zero() {
                let evidence = step.input.decision.unwrap().evidence_at;
                let age_ns = step.input.now.ns_since(evidence);
                prop_assert!(age_ns.is_some_and(|age_ns| age_ns <= max_age_ns));
            }
        }
    }

    #[test]
    fn only_an_armed_robot_is_moved(limits in any_limits(), steps in prop::collection::vec(any_step(), 1..60)) {
        for step in drive(limits, &steps) {
            if !step.output.command.is_zero() {
                prop_assert_eq!(step.input.mode, Mode::Armed);
                prop_assert_eq!(step.input.faults.first(FaultClass::StopNow), None);
                prop_assert!(step.input.decision.unwrap().wanted.is_finite());
                prop_assert!(step.input.permit != Permit::Stop(StopReason::Stuck));
            }
        }
    }

    #[test]
    fn time_that_runs_back_stops_the_robot(limits in any_limits(), steps in prop::collection::vec(any_step(), 1..60)) {
        for step in drive(limits, &steps) {
            if step.latest_ns > Some(step.input.now.0) {
                prop_assert!(step.output.command.is_zero());
            }
        }
    }

    #[test]
    fn starts_from_zero(limits in any_limits(), steps in prop::collection::vec(any_step(), 2..60)) {
        let c = limits.config();
        let taken = drive(limits, &steps);
        for pair in taken.windows(2) {
            if pair[0].output.verdict.reaction() == Reaction::StopNow {
                prop_assert!(pair[0].output.command.is_zero());
                let up_s = elapsed_s(&pair[1]).min(c.max_period_s) as f32;
                let command = &pair[1].output.command;
                prop_assert!(command.linear_mps().abs() <= most(c.linear_accel_mps2 * up_s));
                prop_assert!(command.angular_rps().abs() <= most(c.angular_accel_rps2 * up_s));
            }
        }
    }

    #[test]
    fn slow_stops_end(
        limits in any_limits(),
        steps in prop::collection::vec(any_step(), 1..60),
        period_s in 0.000_1f64..0.3,
        reason in (0..StopReason::ALL.len()).prop_map(|i| StopReason::ALL[i]),
    ) {
        let period_ns = (period_s * 1e9) as u64;
        let mut gate = Gate::new(limits);
        let mut input = Input {
            now: Monotonic(60_000_000_000),
            mode: Mode::Armed,
            permit: Permit::Drive,
            decision: None,
            faults: Faults::NONE,
        };
        let mut last = (0.0f32, 0.0f32);
        let mut step = |input: &mut Input, clock_ns: u64, wanted: Wanted| {
            input.now.0 += clock_ns;
            input.decision = Some(Decision { wanted, evidence_at: input.now, sequence: 0 });
            gate.step(input)
        };
        for drawn in &steps {
            let output = step(&mut input, drawn.clock_ns.unsigned_abs(), drawn.wanted);
            last = (output.command.linear_mps(), output.command.angular_rps());
        }
        input.permit = Permit::Stop(reason);
        let begun_ns = input.now.0;
        loop {
            let output = step(&mut input, period_ns, steps[0].wanted);
            if output.verdict == Verdict::NonFinite {
                prop_assert!(output.command.is_zero());
                break;
            }
            let next = (output.command.linear_mps(), output.command.angular_rps());
            let standing = last == (0.0, 0.0);
            prop_assert!(standing || next.0.abs() + next.1.abs() < last.0.abs() + last.1.abs());
            prop_assert!(next.0.abs() <= last.0.abs() && next.1.abs() <= last.1.abs());
            last = next;
            if output.command.is_zero() {
                break;
            }
            let ramped_s = (input.now.0 - begun_ns) as f64 * 1e-9;
            prop_assert!(ramped_s <= f64::from(most(limits.longest_ramp_s())) + period_s);
        }
    }

    #[test]
    fn same_in_same_out(limits in any_limits(), steps in prop::collection::vec(any_step(), 1..60)) {
        let bits = |taken: Vec<Taken>| -> Vec<(u32, u32, Verdict)> {
            taken
                .iter()
                .map(|step| (
                    step.output.command.linear_mps().to_bits(),
                    step.output.command.angular_rps().to_bits(),
                    step.output.verdict,
                ))
                .collect()
        };
        prop_assert_eq!(bits(drive(limits, &steps)), bits(drive(limits, &steps)));
    }

    #[test]
    fn a_limited_robot_stays_on_its_arc(
        limits in any_limits(), linear_mps in any_float(), angular_rps in any_float(),
    ) {
        prop_assume!(linear_mps.is_finite() && angular_rps.is_finite());
        let mut gate = Gate::new(limits);
        let mut now_ns = 1_000_000_000;
        let mut settled = None;
        for _ in 0..400 {
            now_ns += 250_000_000;
            settled = Some(gate.step(&Input {
                now: Monotonic(now_ns),
                mode: Mode::Armed,
                permit: Permit::Drive,
                decision: Some(Decision {
                    wanted: Wanted { linear_mps, angular_rps },
                    evidence_at: Monotonic(now_ns),
                    sequence: 0,
                }),
                faults: Faults::NONE,
            }));
        }
        let command = settled.unwrap().command;
        let (v, w) = (f64::from(command.linear_mps()), f64::from(command.angular_rps()));
        let (wanted_v, wanted_w) = (f64::from(linear_mps), f64::from(angular_rps));
        // Cross product: zero when the two arcs have one curvature. Subnormal results are exempt.
        let size = (v.abs() + w.abs()) * (wanted_v.abs() + wanted_w.abs());
        prop_assert!((v * wanted_w - w * wanted_v).abs() <= 1e-6 * size + 1e-44 * wanted_v.abs().max(wanted_w.abs()));
        prop_assert!(v * wanted_v >= 0.0 && w * wanted_w >= 0.0);
    }
}

/// The draws above must reach what they claim to test.
#[test]
fn the_drawn_steps_reach_every_kind_of_verdict() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    let strategy = (any_limits(), prop::collection::vec(any_step(), 1..60));
    for _ in 0..600 {
        let (limits, steps) = strategy.new_tree(&mut runner).unwrap().current();
        for step in drive(limits, &steps) {
            let text = format!("{:?}", step.output.verdict);
            seen.insert(text.split([' ', '(']).next().unwrap().to_owned());
        }
    }
    let all = [
        "Disarmed",
        "EStopped",
        "Fault",
        "FutureEvidence",
        "Held",
        "Limited",
        "NoDecision",
        "NonFinite",
        "NotStarted",
        "Overridden",
        "Passed",
        "Stale",
        "Stopped",
        "Stopping",
        "TimeWentBackwards",
    ];
    assert!(seen.iter().eq(all.iter()), "seen only {seen:?}");
}
