//! Exact values on both sides of each boundary.

#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test that panics has failed; exact numbers are the point")]

use pilotage_gate::{
    Cause, Command, Decision, Fault, Faults, Gate, Input, Limit, Limits, LimitsConfig, Mode, Monotonic, Output, Permit,
    StopReason, Verdict, Wanted,
};

const NOW_NS: u64 = 5_000_000_000;
/// A power of two, so that the expected numbers are exact.
const PERIOD_NS: u64 = 62_500_000;

/// Limits whose numbers, and their products with the period, have short binary fractions.
fn config() -> LimitsConfig {
    LimitsConfig {
        max_linear_mps: 1.0,
        max_reverse_mps: 0.5,
        max_angular_rps: 2.0,
        linear_accel_mps2: 2.0,
        linear_decel_mps2: 4.0,
        angular_accel_rps2: 8.0,
        max_age_s: 0.45,
        min_period_s: 0.015_625,
        max_period_s: 0.125,
    }
}

struct Bench {
    gate: Gate,
    input: Input,
}

impl Bench {
    fn new(config: LimitsConfig) -> Self {
        let now = Monotonic(NOW_NS);
        let mut bench = Self {
            gate: Gate::new(Limits::checked(config).unwrap()),
            input: Input { now, mode: Mode::Armed, permit: Permit::Drive, decision: None, faults: Faults::NONE },
        };
        let _ = bench.step(0, 0.0, 0.0);
        bench
    }

    fn step(&mut self, clock_ns: u64, linear_mps: f32, angular_rps: f32) -> Output {
        self.input.now.0 += clock_ns;
        self.input.decision =
            Some(Decision { wanted: Wanted { linear_mps, angular_rps }, evidence_at: self.input.now, sequence: 3 });
        self.gate.step(&self.input)
    }

    /// Drives until the wanted motion is reached.
    fn at(linear_mps: f32, angular_rps: f32) -> Self {
        let mut bench = Self::new(config());
        for _ in 0..40 {
            let _ = bench.step(PERIOD_NS, linear_mps, angular_rps);
        }
        let output = bench.step(0, linear_mps, angular_rps);
        assert_eq!(output.verdict, Verdict::Passed);
        bench
    }
}

fn motion(output: &Output) -> (f32, f32) {
    (output.command.linear_mps(), output.command.angular_rps())
}

#[test]
fn a_picture_of_exactly_the_greatest_age_passes_and_one_nanosecond_more_stops() {
    for (age_ns, verdict) in [
        (0, Verdict::Passed),
        (450_000_000, Verdict::Passed),
        (450_000_001, Verdict::Stale { age_ns: 450_000_001 }),
        (NOW_NS, Verdict::Stale { age_ns: NOW_NS }),
    ] {
        let mut bench = Bench::at(0.5, 0.0);
        let now = bench.input.now.0;
        let age_ns = if age_ns == NOW_NS { now } else { age_ns };
        let verdict = match verdict {
            Verdict::Stale { .. } => Verdict::Stale { age_ns },
            other => other,
        };
        bench.input.decision.as_mut().unwrap().evidence_at = Monotonic(now - age_ns);
        let output = bench.gate.step(&bench.input);
        assert_eq!(output.verdict, verdict);
        assert_eq!(output.command.is_zero(), verdict != Verdict::Passed);
    }
}

#[test]
fn a_slow_stop_ends_at_once_when_the_picture_gets_too_old() {
    let mut bench = Bench::at(1.0, 0.0);
    bench.input.permit = Permit::Stop(StopReason::Arrived);
    let output = bench.step(PERIOD_NS, 1.0, 0.0);
    assert_eq!(motion(&output), (0.75, 0.0));
    assert_eq!(output.verdict, Verdict::Stopping(Cause::Navigator(StopReason::Arrived)));
    bench.input.now.0 += 450_000_001;
    let output = bench.gate.step(&bench.input);
    assert!(output.command.is_zero());
    assert_eq!(output.verdict, Verdict::Stale { age_ns: 450_000_001 });
}

#[test]
fn a_picture_one_nanosecond_ahead_stops() {
    let mut bench = Bench::at(0.5, 0.0);
    let now = bench.input.now.0;
    bench.input.decision.as_mut().unwrap().evidence_at = Monotonic(now + 1);
    let output = bench.gate.step(&bench.input);
    assert_eq!(output.verdict, Verdict::FutureEvidence { ahead_ns: 1 });
    assert!(output.command.is_zero());
}

#[test]
fn the_clock_may_stand_but_not_go_back() {
    let mut bench = Bench::at(0.5, 0.0);
    let latest = bench.input.now;
    assert_eq!(bench.step(0, 0.5, 0.0).verdict, Verdict::Passed);
    bench.input.now = Monotonic(latest.0 - 2);
    let back = bench.step(0, 0.5, 0.0);
    assert_eq!(back.verdict, Verdict::TimeWentBackwards { by_ns: 2 });
    assert!(back.command.is_zero());
    // Still behind the latest moment, though later than the step before.
    let still = bench.step(1, 0.5, 0.0);
    assert_eq!(still.verdict, Verdict::TimeWentBackwards { by_ns: 1 });
    let caught_up = bench.step(1, 0.5, 0.0);
    assert_eq!(caught_up.verdict, Verdict::Limited(Limit::LinearRate));
    assert!(caught_up.command.is_zero(), "no time has passed yet");
    let on = bench.step(PERIOD_NS, 0.5, 0.0);
    assert_eq!(motion(&on), (0.125, 0.0));
}

#[test]
fn a_clock_at_its_end_does_not_overflow() {
    let mut bench = Bench::at(0.5, 0.0);
    bench.input.now = Monotonic(u64::MAX);
    assert_eq!(bench.step(0, 0.5, 0.0).verdict, Verdict::Passed);
    bench.input.now = Monotonic(0);
    let output = bench.step(0, 0.5, 0.0);
    assert_eq!(output.verdict, Verdict::TimeWentBackwards { by_ns: u64::MAX });
}

#[test]
fn each_number_that_is_not_finite_stops() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for (linear_mps, angular_rps) in [(bad, 0.0), (0.0, bad), (bad, bad)] {
            let mut bench = Bench::at(0.5, 0.5);
            let output = bench.step(PERIOD_NS, linear_mps, angular_rps);
            assert_eq!(output.verdict, Verdict::NonFinite);
            assert!(output.command.is_zero());
            let next = bench.step(PERIOD_NS, 1.0, 0.0);
            assert_eq!(motion(&next), (0.125, 0.0), "speeds up from zero");
        }
    }
}

#[test]
fn speed_grows_by_acceleration_times_time_passed() {
    let mut bench = Bench::new(config());
    let output = bench.step(PERIOD_NS, 1.0, 0.0);
    assert_eq!(motion(&output), (0.125, 0.0));
    assert_eq!(output.verdict, Verdict::Limited(Limit::LinearRate));
    assert_eq!(motion(&bench.step(0, 1.0, 0.0)), (0.125, 0.0));
    assert_eq!(motion(&bench.step(PERIOD_NS / 2, 1.0, 0.0)), (0.1875, 0.0));
    // Exactly what one step can reach is not limited.
    let exact = bench.step(PERIOD_NS, 0.3125, 0.0);
    assert_eq!(exact.verdict, Verdict::Passed);
}

#[test]
fn the_first_step_has_no_time_behind_it() {
    let limits = Limits::checked(config()).unwrap();
    let mut gate = Gate::new(limits);
    let mut input = Bench::at(0.5, 0.5).input;
    let output = gate.step(&input);
    assert!(output.command.is_zero());
    assert_eq!(output.verdict, Verdict::Limited(Limit::LinearRate));
    input.now.0 += PERIOD_NS;
    assert_eq!(motion(&gate.step(&input)), (0.125, 0.5));
}

#[test]
fn a_loop_that_hung_does_not_jump() {
    let mut bench = Bench::new(config());
    let output = bench.step(2_000_000_000, 1.0, 2.0);
    assert_eq!(motion(&output), (0.25, 1.0));
}

#[test]
fn speed_shrinks_by_deceleration_times_time_passed_and_at_least_the_shortest_period() {
    let mut bench = Bench::at(1.0, 0.0);
    assert_eq!(motion(&bench.step(PERIOD_NS, 0.0, 0.0)), (0.75, 0.0));
    assert_eq!(motion(&bench.step(0, 0.0, 0.0)), (0.6875, 0.0));
    let exact = bench.step(PERIOD_NS, 0.4375, 0.0);
    assert_eq!(exact.verdict, Verdict::Passed);
    // All of the time passed counts for braking, also what is beyond the longest period.
    let mut bench = Bench::at(1.0, 0.0);
    assert_eq!(motion(&bench.step(187_500_000, 0.0, 0.0)), (0.25, 0.0));
}

#[test]
fn turn_rate_changes_by_angular_acceleration() {
    let mut bench = Bench::at(0.0, 2.0);
    let output = bench.step(PERIOD_NS, 0.0, 0.0);
    assert_eq!(motion(&output), (0.0, 1.5));
    assert_eq!(output.verdict, Verdict::Limited(Limit::AngularRate));
    let mut bench = Bench::at(0.0, -1.0);
    assert_eq!(motion(&bench.step(PERIOD_NS, 0.0, -2.0)), (0.0, -1.5));
}

#[test]
fn a_change_of_sign_brakes_first_and_speeds_up_in_the_rest_of_the_step() {
    // Half of the step brakes 0.125 m/s at 4 m/s2, the other half speeds up at 2 m/s2.
    let mut bench = Bench::at(0.125, 0.0);
    assert_eq!(motion(&bench.step(PERIOD_NS, -0.5, 0.0)), (-0.0625, 0.0));
    let mut bench = Bench::at(-0.125, 0.0);
    assert_eq!(motion(&bench.step(PERIOD_NS, 0.5, 0.0)), (0.0625, 0.0));
    let mut bench = Bench::at(0.125, 0.0);
    let reached = bench.step(PERIOD_NS, -0.0625, 0.0);
    assert_eq!(reached.verdict, Verdict::Passed);
    // Too fast to turn round within one step.
    let mut bench = Bench::at(0.5, 0.0);
    assert_eq!(motion(&bench.step(PERIOD_NS, -0.5, 0.0)), (0.25, 0.0));
    assert_eq!(motion(&bench.step(PERIOD_NS, -0.5, 0.0)), (0.0, 0.0));
    assert_eq!(motion(&bench.step(PERIOD_NS, -0.5, 0.0)), (-0.125, 0.0));
}

#[test]
fn speed_at_its_limit_passes_and_above_it_scales_the_turn_too() {
    let mut bench = Bench::at(1.0, 1.0);
    assert_eq!(bench.step(PERIOD_NS, 1.0, 1.0).verdict, Verdict::Passed);
    let output = bench.step(PERIOD_NS, 2.0, 2.0);
    assert_eq!(motion(&output), (1.0, 1.0));
    assert_eq!(output.verdict, Verdict::Limited(Limit::Linear));
    let next_up = f32::from_bits(1.0f32.to_bits() + 1);
    let hair = bench.step(PERIOD_NS, next_up, 1.0);
    assert_eq!(hair.verdict, Verdict::Limited(Limit::Linear));
    assert_eq!(hair.command.linear_mps(), 1.0);
}

#[test]
fn turn_rate_at_its_limit_passes_and_above_it_scales_the_speed_too() {
    for side in [1.0f32, -1.0] {
        let mut bench = Bench::at(0.5, 2.0 * side);
        let at = bench.step(PERIOD_NS, 0.5, 2.0 * side);
        assert_eq!(at.verdict, Verdict::Passed);
        let output = bench.step(PERIOD_NS, 1.0, 4.0 * side);
        assert_eq!(motion(&output), (0.5, 2.0 * side));
        assert_eq!(output.verdict, Verdict::Limited(Limit::Angular));
    }
}

#[test]
fn the_tighter_of_two_limits_sets_the_scale() {
    let mut bench = Bench::at(0.25, 2.0);
    let output = bench.step(PERIOD_NS, 2.0, 16.0);
    assert_eq!(motion(&output), (0.25, 2.0));
    assert_eq!(output.verdict, Verdict::Limited(Limit::Linear));
}

#[test]
fn reverse_has_its_own_limit() {
    let mut bench = Bench::at(-0.5, 0.5);
    let output = bench.step(PERIOD_NS, -1.0, 1.0);
    assert_eq!(motion(&output), (-0.5, 0.5));
    assert_eq!(output.verdict, Verdict::Limited(Limit::Linear));
}

#[test]
fn a_robot_that_may_not_reverse_stands_still_instead() {
    let mut bench = Bench::new(LimitsConfig { max_reverse_mps: 0.0, ..config() });
    let output = bench.step(PERIOD_NS, -0.25, 0.5);
    assert!(output.command.is_zero());
    assert_eq!(output.verdict, Verdict::Limited(Limit::Linear));
}

#[test]
fn a_slow_stop_stays_on_its_arc_at_the_pace_of_the_slower_rate() {
    let mut bench = Bench::at(1.0, 1.0);
    bench.input.permit = Permit::Stop(StopReason::Arrived);
    // 4 m/s2 * 0.0625 s = a quarter of 1 m/s; turning could halve in that time.
    assert_eq!(motion(&bench.step(PERIOD_NS, 1.0, 1.0)), (0.75, 0.75));
    let mut bench = Bench::at(0.25, 2.0);
    bench.input.permit = Permit::Stop(StopReason::Arrived);
    // 8 rad/s2 * 0.0625 s = a quarter of 2 rad/s; driving could stop in that time.
    assert_eq!(motion(&bench.step(PERIOD_NS, 0.25, 2.0)), (0.1875, 1.5));
}

#[test]
fn a_slow_stop_reaches_exactly_zero_and_says_so() {
    let mut bench = Bench::at(1.0, 0.0);
    bench.input.permit = Permit::Stop(StopReason::Finished);
    let cause = Cause::Navigator(StopReason::Finished);
    for expected in [0.75, 0.5, 0.25] {
        let output = bench.step(PERIOD_NS, 1.0, 0.0);
        assert!((output.command.linear_mps() - expected).abs() < 1e-6);
        assert_eq!(output.verdict, Verdict::Stopping(cause));
    }
    for _ in 0..2 {
        let output = bench.step(PERIOD_NS, 1.0, 0.0);
        assert!(output.command.is_zero());
        assert_eq!(output.verdict, Verdict::Stopped(cause));
    }
}

#[test]
fn a_slow_stop_ends_even_on_a_clock_that_stands() {
    let mut bench = Bench::at(1.0, 0.0);
    bench.input.permit = Permit::Stop(StopReason::Lost);
    // 1 m/s at 4 m/s2 in steps of 1/64 s.
    for step in 1..16 {
        let output = bench.step(0, 1.0, 0.0);
        assert!((output.command.linear_mps() - (1.0 - step as f32 / 16.0)).abs() < 1e-6);
    }
    assert!(bench.step(0, 1.0, 0.0).command.is_zero());
}

#[test]
fn driving_may_go_on_from_within_a_slow_stop() {
    let mut bench = Bench::at(1.0, 0.0);
    bench.input.permit = Permit::Stop(StopReason::NoRoute);
    let _ = bench.step(PERIOD_NS, 1.0, 0.0);
    bench.input.permit = Permit::Drive;
    assert_eq!(motion(&bench.step(PERIOD_NS, 1.0, 0.0)), (0.875, 0.0));
}

#[test]
fn stuck_stops_at_once_even_beside_a_slow_fault() {
    let mut bench = Bench::at(1.0, 0.0);
    bench.input.permit = Permit::Stop(StopReason::Stuck);
    bench.input.faults = Faults::NONE.with(Fault::BatteryLow);
    let output = bench.step(PERIOD_NS, 1.0, 0.0);
    assert!(output.command.is_zero());
    assert_eq!(output.verdict, Verdict::Stopped(Cause::Navigator(StopReason::Stuck)));
}

#[test]
fn a_robot_that_is_turning_on_the_spot_does_not_count_as_standing() {
    for (linear_mps, angular_rps) in [(0.0, 0.5), (0.5, 0.0)] {
        let mut bench = Bench::at(linear_mps, angular_rps);
        bench.input.faults = Faults::NONE.with(Fault::StorageLow);
        let output = bench.step(PERIOD_NS, linear_mps, angular_rps);
        assert_eq!(output.verdict, Verdict::Passed);
    }
    let mut bench = Bench::at(0.0, 0.0);
    bench.input.faults = Faults::NONE.with(Fault::StorageLow);
    let output = bench.step(PERIOD_NS, 1.0, 0.0);
    assert_eq!(output.verdict, Verdict::NotStarted(Fault::StorageLow));
}

#[test]
fn new_limits_hold_from_the_next_step_and_keep_the_arc() {
    let mut bench = Bench::at(1.0, 0.5);
    let slower = LimitsConfig { max_linear_mps: 0.5, ..config() };
    bench.gate.set_limits(Limits::checked(slower).unwrap());
    assert_eq!(bench.gate.limits().config(), &slower);
    let output = bench.step(0, 1.0, 0.5);
    assert_eq!(motion(&output), (0.5, 0.25));
}

#[test]
fn zero_never_carries_a_minus_sign() {
    let positive_zero = |output: &Output| {
        assert_eq!(output.command.linear_mps().to_bits(), 0);
        assert_eq!(output.command.angular_rps().to_bits(), 0);
    };
    let mut bench = Bench::new(config());
    positive_zero(&bench.step(0, -0.0, -0.0));
    positive_zero(&bench.step(0, -1e-45, -1e-45));
    positive_zero(&Bench::at(-0.5, -0.5).step(1_000_000_000, -0.0, -0.0));
    let mut bench = Bench::at(-0.5, -0.5);
    bench.input.permit = Permit::Stop(StopReason::Arrived);
    positive_zero(&bench.step(1_000_000_000, -0.5, -0.5));
}

#[test]
fn the_zero_command_is_zero_and_a_turn_is_not() {
    assert!(Command::ZERO.is_zero());
    assert_eq!(Command::ZERO.linear_mps().to_bits(), 0);
    assert_eq!(Command::ZERO.angular_rps().to_bits(), 0);
    let mut bench = Bench::at(0.0, 0.5);
    assert!(!bench.step(0, 0.0, 0.5).command.is_zero());
    let mut bench = Bench::at(0.5, 0.0);
    assert!(!bench.step(0, 0.5, 0.0).command.is_zero());
}

#[test]
fn the_number_of_the_decision_is_handed_through() {
    let mut bench = Bench::new(config());
    assert_eq!(bench.step(0, 0.0, 0.0).sequence, Some(3));
    bench.input.decision = None;
    assert_eq!(bench.gate.step(&bench.input).sequence, None);
}
