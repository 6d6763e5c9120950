//! The taught drive as a line: how far along it a pose is, how far beside it, and how it is turned.

use pilotage_sim::{Pose, TeleopStep, trig};

use super::LOG_RATE_HZ;

/// How far back and ahead of the last place a pose is looked for, metres: a way may pass a place twice.
const BACK_M: f64 = 1.0;
const AHEAD_M: f64 = 2.5;

/// The taught drive as a line.
pub struct Way {
    poses: Vec<Pose>,
    /// Metres from the start to each pose.
    arcs_m: Vec<f64>,
    /// Policy steps per pose.
    steps_per_pose: f64,
}

/// Where a pose is, seen from the way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OnWay {
    /// Position between poses.
    pub place: f64,
    /// How far along, policy steps of the teleoperator's time.
    pub steps: f64,
    /// How far along, metres.
    pub arc_m: f64,
    /// How far to the left of the way, metres.
    pub lateral_m: f64,
    /// How far turned to the left of the way, radians.
    pub heading_rad: f64,
}

impl Way {
    /// The way of a drive, in policy steps at `rate_hz`.
    #[must_use]
    pub fn new(teleop: &[TeleopStep], rate_hz: f64) -> Self {
        let poses: Vec<Pose> = teleop.iter().map(|step| step.pose).collect();
        let mut arcs_m = Vec::with_capacity(poses.len());
        let mut arc_m = 0.0;
        let mut before: Option<Pose> = None;
        for pose in &poses {
            arc_m += before.map_or(0.0, |before| before.distance_m(pose));
            arcs_m.push(arc_m);
            before = Some(*pose);
        }
        Self { poses, arcs_m, steps_per_pose: rate_hz / LOG_RATE_HZ }
    }

    /// Its length, metres.
    #[must_use]
    pub fn length_m(&self) -> f64 {
        self.arcs_m.last().copied().unwrap_or(0.0)
    }

    /// Its length, policy steps.
    #[must_use]
    pub fn length_steps(&self) -> f64 {
        self.poses.len().saturating_sub(1) as f64 * self.steps_per_pose
    }

    /// Where `pose` is, looked for near where the robot was a moment ago.
    #[must_use]
    pub fn find(&self, pose: &Pose, near: &OnWay) -> OnWay {
        let mut best = (f64::INFINITY, *near);
        for (index, (pair, arcs)) in self.poses.windows(2).zip(self.arcs_m.windows(2)).enumerate() {
            let ([a, b], [from_m, to_m]) = (pair, arcs) else { continue };
            if *to_m < near.arc_m - BACK_M || *from_m > near.arc_m + AHEAD_M {
                continue;
            }
            let (dx, dy) = (b.x_m - a.x_m, b.y_m - a.y_m);
            let (px, py) = (pose.x_m - a.x_m, pose.y_m - a.y_m);
            let square = dx * dx + dy * dy;
            let part = if square > 1e-12 { ((px * dx + py * dy) / square).clamp(0.0, 1.0) } else { 0.0 };
            let away_m = trig::length(px - part * dx, py - part * dy);
            // The turn on the spot stands at one place: the pose that looks the same way is the nearer one.
            let turned = trig::wrap(pose.yaw_rad - a.yaw_rad);
            let score = away_m + 0.05 * turned.abs();
            if score < best.0 {
                let place = index as f64 + part;
                let yaw = a.yaw_rad + part * trig::wrap(b.yaw_rad - a.yaw_rad);
                let (sin, cos) = trig::sin_cos(a.yaw_rad);
                let left = cos * (py - part * dy) - sin * (px - part * dx);
                best = (
                    score,
                    OnWay {
                        place,
                        steps: place * self.steps_per_pose,
                        arc_m: from_m + part * (to_m - from_m),
                        lateral_m: if left < 0.0 { -away_m } else { away_m },
                        heading_rad: trig::wrap(pose.yaw_rad - yaw),
                    },
                );
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pose_beside_the_way_is_told_by_arc_side_and_turn() {
        let step = |i: usize| TeleopStep {
            t_s: i as f64 / LOG_RATE_HZ,
            pose: Pose { x_m: 0.1 * i as f64, y_m: 0.0, yaw_rad: 0.0 },
            ..TeleopStep::default()
        };
        let way = Way::new(&(0..41).map(step).collect::<Vec<_>>(), 4.0);
        assert!((way.length_m() - 4.0).abs() < 1e-9);
        assert!((way.length_steps() - 20.0).abs() < 1e-9);
        let near = way.find(&Pose { x_m: 1.0, ..Pose::default() }, &OnWay::default());
        let found = way.find(&Pose { x_m: 1.25, y_m: -0.3, yaw_rad: 0.2 }, &near);
        assert!((found.arc_m - 1.25).abs() < 1e-9 && (found.steps - 6.25).abs() < 1e-9, "{found:?}");
        assert!((found.lateral_m + 0.3).abs() < 1e-9 && (found.heading_rad - 0.2).abs() < 1e-9, "{found:?}");
    }
}
