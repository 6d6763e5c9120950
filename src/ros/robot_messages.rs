//! What a robot says of itself: the messages of its sensors, by hand as in `messages.rs`.

use serde::{Deserialize, Serialize};

use super::messages::{Header, Time, Twist, Vector3};

/// `geometry_msgs/Quaternion`; the default turns nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Quaternion {
    /// Of the axis, forward.
    pub(super) x: f64,
    /// Of the axis, left.
    pub(super) y: f64,
    /// Of the axis, up.
    pub(super) z: f64,
    /// Cosine of half the angle.
    pub(super) w: f64,
}

impl Default for Quaternion {
    fn default() -> Self {
        Self { x: 0.0, y: 0.0, z: 0.0, w: 1.0 }
    }
}

impl Quaternion {
    /// A turn about the vertical axis, radians, counter-clockwise seen from above.
    pub(super) fn from_yaw(yaw_rad: f64) -> Self {
        let (sin, cos) = pilotage_sim::trig::sin_cos(0.5 * yaw_rad);
        Self { x: 0.0, y: 0.0, z: sin, w: cos }
    }

    /// From axes of a body (x forward, y left, z up) to those of a camera in it (z forward, x right, y down), by
    /// REP-103.
    pub(super) fn optical() -> Self {
        Self { x: -0.5, y: 0.5, z: -0.5, w: 0.5 }
    }
}

/// `geometry_msgs/Pose`; a `Point` has the layout of a `Vector3`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Pose {
    /// Metres.
    pub(super) position: Vector3,
    /// Which way it looks.
    pub(super) orientation: Quaternion,
}

/// Six by six, row by row: x, y, z, then the turns about these axes.
pub(super) type Covariance = [[f64; 6]; 6];

/// `geometry_msgs/PoseWithCovariance`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct PoseWithCovariance {
    /// The pose.
    pub(super) pose: Pose,
    /// How sure it is.
    pub(super) covariance: Covariance,
}

/// `geometry_msgs/TwistWithCovariance`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct TwistWithCovariance {
    /// The velocity.
    pub(super) twist: Twist,
    /// How sure it is.
    pub(super) covariance: Covariance,
}

/// `nav_msgs/Odometry`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Odometry {
    /// When it was so, and the frame of the pose.
    pub(super) header: Header,
    /// The frame of the velocity: the robot's body.
    pub(super) child_frame_id: String,
    /// Where the robot reckons to be.
    pub(super) pose: PoseWithCovariance,
    /// How it moves, in its own frame.
    pub(super) twist: TwistWithCovariance,
}

/// `geometry_msgs/Transform`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Transform {
    /// Metres.
    pub(super) translation: Vector3,
    /// Turned by.
    pub(super) rotation: Quaternion,
}

/// `geometry_msgs/TransformStamped`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct TransformStamped {
    /// When it was so, and the frame it starts from.
    pub(super) header: Header,
    /// The frame it leads to.
    pub(super) child_frame_id: String,
    /// The pose of that frame in the other.
    pub(super) transform: Transform,
}

/// `tf2_msgs/TFMessage`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct TfMessage {
    /// Any number of them.
    pub(super) transforms: Vec<TransformStamped>,
}

/// `sensor_msgs/LaserScan`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct LaserScan {
    /// When the first beam was measured, and the laser's frame.
    pub(super) header: Header,
    /// Direction of the first beam, radians, 0 ahead, counter-clockwise.
    pub(super) angle_min: f32,
    /// Direction of the last beam, radians.
    pub(super) angle_max: f32,
    /// From one beam to the next, radians.
    pub(super) angle_increment: f32,
    /// From one beam to the next, seconds.
    pub(super) time_increment: f32,
    /// From one scan to the next, seconds.
    pub(super) scan_time: f32,
    /// What is nearer is not measured, metres.
    pub(super) range_min: f32,
    /// What is farther is not measured, metres.
    pub(super) range_max: f32,
    /// Metres; infinite where nothing was met (REP-117).
    pub(super) ranges: Vec<f32>,
    /// Empty: not measured.
    pub(super) intensities: Vec<f32>,
}

/// `sensor_msgs/RegionOfInterest`; all zero for the whole picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RegionOfInterest {
    /// Pixels.
    pub(super) x_offset: u32,
    /// Pixels.
    pub(super) y_offset: u32,
    /// Pixels.
    pub(super) height: u32,
    /// Pixels.
    pub(super) width: u32,
    /// Whether it has to be cut out after rectifying.
    pub(super) do_rectify: bool,
}

/// `sensor_msgs/CameraInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct CameraInfo {
    /// That of the picture it belongs to.
    pub(super) header: Header,
    /// Pixels.
    pub(super) height: u32,
    /// Pixels.
    pub(super) width: u32,
    /// `plumb_bob`, or empty where the lens fits no model of ROS.
    pub(super) distortion_model: String,
    /// Distortion.
    pub(super) d: Vec<f64>,
    /// Camera matrix, row by row; all zero when not calibrated.
    pub(super) k: [f64; 9],
    /// Rectification.
    pub(super) r: [f64; 9],
    /// Projection, row by row.
    pub(super) p: [f64; 12],
    /// Pixels put together; 0 means none.
    pub(super) binning_x: u32,
    /// Pixels put together; 0 means none.
    pub(super) binning_y: u32,
    /// The part of the sensor.
    pub(super) roi: RegionOfInterest,
}

/// `std_msgs/Bool`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bool {
    /// Yes or no.
    pub(super) data: bool,
}

/// `rosgraph_msgs/Clock`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Clock {
    /// The time of the simulation.
    pub(super) clock: Time,
}

#[cfg(test)]
mod tests {
    use ros2_client::dds::rustdds::serialization::{RepresentationIdentifier, to_writer_with_rep_id};

    use super::*;

    fn size(message: &impl Serialize) -> usize {
        let mut bytes = Vec::new();
        to_writer_with_rep_id(&mut bytes, message, RepresentationIdentifier::CDR_LE).unwrap();
        bytes.len()
    }

    #[test]
    fn arrays_of_fixed_length_carry_no_length_on_the_wire() {
        // 7 and 6 numbers and twice 36 of them.
        assert_eq!(size(&PoseWithCovariance::default()), (7 + 36) * 8);
        assert_eq!(size(&TwistWithCovariance::default()), (6 + 36) * 8);
        assert_eq!(size(&RegionOfInterest::default()), 17);
    }

    #[test]
    fn a_yaw_turns_counter_clockwise_about_the_vertical() {
        let quarter = Quaternion::from_yaw(std::f64::consts::FRAC_PI_2);
        assert!((quarter.z - 0.5_f64.sqrt()).abs() < 1e-6 && (quarter.w - 0.5_f64.sqrt()).abs() < 1e-6, "{quarter:?}");
        assert!(quarter.x.abs() + quarter.y.abs() < 1e-12);
    }
}
