//! Where the robot is, seen from where it was.

/// A pose in the plane: the robot seen from an earlier robot frame (REP-103: x forward, y left,
/// yaw counter-clockwise).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose2 {
    /// Forward, metres.
    pub x_m: f64,
    /// To the left, metres.
    pub y_m: f64,
    /// Counter-clockwise, radians; not wrapped, so two turns stay two turns.
    pub yaw_rad: f64,
}

impl Pose2 {
    /// Not moved.
    pub const IDENTITY: Self = Self { x_m: 0.0, y_m: 0.0, yaw_rad: 0.0 };

    /// The pose after driving on at constant speed and turn rate for `duration_s`: an exact arc, no
    /// matter how long.
    #[must_use]
    pub fn driven(self, linear_mps: f64, angular_rps: f64, duration_s: f64) -> Self {
        let half_turn_rad = 0.5 * angular_rps * duration_s;
        // The chord of an arc is its length times sin(h)/h, h half the turn.
        let chord_share = if half_turn_rad.abs() < 1e-9 { 1.0 } else { half_turn_rad.sin() / half_turn_rad };
        let chord_m = linear_mps * duration_s * chord_share;
        let direction_rad = self.yaw_rad + half_turn_rad;
        Self {
            x_m: self.x_m + chord_m * direction_rad.cos(),
            y_m: self.y_m + chord_m * direction_rad.sin(),
            yaw_rad: self.yaw_rad + 2.0 * half_turn_rad,
        }
    }

    /// A point of the earlier frame, `(x_m, y_m)`, as this pose sees it.
    #[must_use]
    pub fn sees_point(&self, x_m: f64, y_m: f64) -> (f64, f64) {
        self.sees_direction(x_m - self.x_m, y_m - self.y_m)
    }

    /// A direction of the earlier frame as this pose sees it: turned, not moved.
    #[must_use]
    pub fn sees_direction(&self, x: f64, y: f64) -> (f64, f64) {
        let (sin, cos) = self.yaw_rad.sin_cos();
        (cos * x + sin * y, cos * y - sin * x)
    }
}

/// A way travelled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    /// The end of the way seen from its beginning.
    pub pose: Pose2,
    /// Length of the way forwards less that backwards, metres.
    pub travelled_m: f64,
}

impl Motion {
    /// No motion.
    pub const NONE: Self = Self { pose: Pose2::IDENTITY, travelled_m: 0.0 };

    /// This way, and then on at constant speed and turn rate for `duration_s`.
    #[must_use]
    pub fn driven(self, linear_mps: f64, angular_rps: f64, duration_s: f64) -> Self {
        Self {
            pose: self.pose.driven(linear_mps, angular_rps, duration_s),
            travelled_m: self.travelled_m + linear_mps * duration_s,
        }
    }
}
