//! The two ends of the scale: commands without looking, and driving by the simulator's truth.

use pilotage_sim::Expert;

use crate::episode::{Drive, Episode, LOG_RATE_HZ, TickNote};
use crate::navigator::Phase;
use crate::runtime::CONTROL_RATE_HZ;

/// Open loop: the teleoperator's commands from the perturbed start, without looking.
#[must_use]
pub fn replay(episode: &Episode) -> Drive {
    let mut probe = episode.probe(LOG_RATE_HZ);
    let dt_s = 1.0 / CONTROL_RATE_HZ;
    let steps = (episode.teleop_s() * CONTROL_RATE_HZ).round() as usize;
    for step in 0..steps {
        let t_s = step as f64 * dt_s;
        let index = ((t_s + 1e-6) * LOG_RATE_HZ) as usize;
        let (v_mps, w_rps) = episode.teleop.get(index).map_or((0.0, 0.0), |taught| (taught.v_mps, taught.w_rps));
        probe.step(v_mps, w_rps, t_s, dt_s);
    }
    let end_s = steps as f64 * dt_s;
    let track = probe.into_track();
    let note = TickNote {
        t_s: end_s,
        believed_steps: None,
        phase: Phase::Arrived,
        subgoal_steps: None,
        waypoint_units: None,
        nearest_steps: None,
        command: [0.0; 2],
    };
    let outcome = episode.judge(&track, std::slice::from_ref(&note), Some(end_s), None);
    Drive { outcome, track, notes: vec![note], policy: None }
}

/// The driver that taught the way, from the perturbed start, with all that the simulator knows.
#[must_use]
pub fn oracle(episode: &Episode) -> Drive {
    let mut probe = episode.probe(LOG_RATE_HZ);
    let dt_s = 1.0 / CONTROL_RATE_HZ;
    let limit_s = episode.limit_s(4.0, 6);
    let (mut progress_m, mut t_s) = (0.0, 0.0);
    let mut declared_s = None;
    let mut notes = Vec::new();
    while t_s < limit_s && !probe.is_stuck() {
        let expert = Expert::new(probe.surroundings(), &episode.robot, &episode.route);
        progress_m = expert.progress_m(&probe.pose(), progress_m);
        if progress_m >= episode.route.length_m() {
            declared_s = Some(t_s);
            break;
        }
        let (v_mps, w_rps) = expert.command(&probe.pose(), progress_m);
        notes.push(TickNote {
            t_s,
            believed_steps: None,
            phase: Phase::Driving,
            subgoal_steps: None,
            waypoint_units: None,
            nearest_steps: None,
            command: [v_mps as f32, w_rps as f32],
        });
        probe.step(v_mps, w_rps, t_s, dt_s);
        t_s += dt_s;
    }
    let track = probe.into_track();
    let outcome = episode.judge(&track, &notes, declared_s, None);
    Drive { outcome, track, notes, policy: None }
}
