//! The gate itself: one pure step from what is known to what may be sent.

use crate::rates::{STANDING, StepTime, approach, slow_down, within_speed};
use crate::time::seconds;
use crate::{Cause, Command, Decision, FaultClass, Input, Limit, Limits, Mode, Monotonic, Permit, Verdict, Wanted};

/// What a step gives back.
#[derive(Debug, PartialEq)]
#[must_use = "the command must reach the robot, above all when it is zero"]
pub struct Output {
    /// What to send.
    pub command: Command,
    /// Why.
    pub verdict: Verdict,
    /// Number of the decision that the step looked at, followed or not.
    pub sequence: Option<u64>,
}

/// The last stop before the robot. See the crate's page for what it promises.
///
/// It remembers two things: the latest moment it has seen, and what it last commanded, which is
/// what accelerations are reckoned from. After anything but following or slowing down that is zero.
#[derive(Clone, Debug)]
pub struct Gate {
    limits: Limits,
    latest: Option<Monotonic>,
    last: Wanted,
}

/// What may happen in a step, once everything that stops at once has been ruled out.
enum Passage {
    Zero(Verdict),
    SlowDown(Cause),
    Follow(Wanted),
}

impl Gate {
    /// A gate at rest.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, latest: None, last: STANDING }
    }

    /// The limits in force.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Puts other limits in force from the next step on. A robot that is faster than they allow is
    /// cut to them in that step, on its arc: a speed limit outranks a deceleration limit.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        (self.last, _) = within_speed(self.last, limits.config());
    }

    /// Decides what to send at `input.now`. To be called once per control period, whatever
    /// happens; no input makes it panic.
    pub fn step(&mut self, input: &Input) -> Output {
        let elapsed_s = self.elapsed_s(input.now);
        let time = StepTime::of(elapsed_s, self.limits.config());
        let (motion, verdict) = match self.passage(input) {
            Passage::Zero(verdict) => (STANDING, verdict),
            Passage::SlowDown(cause) => self.slowed(cause, time),
            Passage::Follow(wanted) => self.followed(wanted, time),
        };
        // Plus zero turns -0.0 into 0.0: some drivers tell the two apart.
        self.last = Wanted { linear_mps: motion.linear_mps + 0.0, angular_rps: motion.angular_rps + 0.0 };
        self.latest = self.latest.max(Some(input.now));
        Output {
            command: Command::passed(self.last.linear_mps, self.last.angular_rps),
            verdict,
            sequence: input.decision.map(|decision| decision.sequence),
        }
    }

    fn elapsed_s(&self, now: Monotonic) -> f64 {
        self.latest.and_then(|latest| now.ns_since(latest)).map_or(0.0, seconds)
    }

    /// The order of priority, in one place. It is the order of [`Verdict`]'s variants.
    fn passage(&self, input: &Input) -> Passage {
        match input.mode {
            Mode::EStop => return Passage::Zero(Verdict::EStopped),
            Mode::Override => return Passage::Zero(Verdict::Overridden),
            Mode::Disarmed => return Passage::Zero(Verdict::Disarmed),
            Mode::Held => return Passage::Zero(Verdict::Held),
            Mode::Armed => {}
        }
        if let Some(fault) = input.faults.first(FaultClass::StopNow) {
            return Passage::Zero(Verdict::Fault(fault));
        }
        if let Some(by_ns) = self.ns_backwards(input.now) {
            return Passage::Zero(Verdict::TimeWentBackwards { by_ns });
        }
        if let Some(verdict) = input.decision.and_then(|decision| self.unfit(input.now, &decision)) {
            return Passage::Zero(verdict);
        }
        if let Permit::Stop(reason) = input.permit
            && !reason.allows_ramp()
        {
            return Passage::Zero(Verdict::Stopped(Cause::Navigator(reason)));
        }
        if let Some(cause) = slow_cause(input) {
            // Without a fresh picture there is nothing to slow down on.
            return match input.decision {
                None => Passage::Zero(Verdict::Stopped(cause)),
                Some(_) => Passage::SlowDown(cause),
            };
        }
        let Some(decision) = input.decision else {
            return Passage::Zero(Verdict::NoDecision);
        };
        match input.faults.first(FaultClass::NeverStart) {
            Some(fault) if self.stands() => Passage::Zero(Verdict::NotStarted(fault)),
            _ => Passage::Follow(decision.wanted),
        }
    }

    fn ns_backwards(&self, now: Monotonic) -> Option<u64> {
        self.latest?.ns_since(now).filter(|backwards_ns| *backwards_ns > 0)
    }

    fn unfit(&self, now: Monotonic, decision: &Decision) -> Option<Verdict> {
        if !decision.wanted.is_finite() {
            return Some(Verdict::NonFinite);
        }
        match now.ns_since(decision.evidence_at) {
            Some(age_ns) if age_ns <= self.limits.max_age_ns() => None,
            Some(age_ns) => Some(Verdict::Stale { age_ns }),
            None => Some(Verdict::FutureEvidence { ahead_ns: decision.evidence_at.0.saturating_sub(now.0) }),
        }
    }

    fn stands(&self) -> bool {
        self.last.linear_mps == 0.0 && self.last.angular_rps == 0.0
    }

    fn slowed(&self, cause: Cause, time: StepTime) -> (Wanted, Verdict) {
        let motion = slow_down(self.last, self.limits.config(), time);
        if motion == STANDING { (motion, Verdict::Stopped(cause)) } else { (motion, Verdict::Stopping(cause)) }
    }

    fn followed(&self, wanted: Wanted, time: StepTime) -> (Wanted, Verdict) {
        let limits = self.limits.config();
        let (target, speed_limit) = within_speed(wanted, limits);
        let motion = Wanted {
            linear_mps: approach(
                self.last.linear_mps,
                target.linear_mps,
                limits.linear_accel_mps2,
                limits.linear_decel_mps2,
                time,
            ),
            angular_rps: approach(
                self.last.angular_rps,
                target.angular_rps,
                limits.angular_accel_rps2,
                limits.angular_accel_rps2,
                time,
            ),
        };
        let changed = |a: f32, b: f32| (a - b).abs() > 0.0;
        let limit = if speed_limit.is_some() {
            speed_limit
        } else if changed(motion.linear_mps, target.linear_mps) {
            Some(Limit::LinearRate)
        } else if changed(motion.angular_rps, target.angular_rps) {
            Some(Limit::AngularRate)
        } else {
            None
        };
        (motion, limit.map_or(Verdict::Passed, Verdict::Limited))
    }
}

fn slow_cause(input: &Input) -> Option<Cause> {
    match (input.faults.first(FaultClass::SlowStop), input.permit) {
        (Some(fault), _) => Some(Cause::Fault(fault)),
        (None, Permit::Stop(reason)) => Some(Cause::Navigator(reason)),
        (None, Permit::Drive) => None,
    }
}
