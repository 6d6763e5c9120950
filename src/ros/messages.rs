//! The messages on the wire, written by hand: field order and types are those of ROS 2.
//!
//! Bytes go through `serde_bytes`: element by element, a VGA picture takes some milliseconds to
//! decode; as one block, some microseconds.

use serde::{Deserialize, Serialize};

use super::RosError;

const NS_PER_S: i64 = 1_000_000_000;

/// `builtin_interfaces/Time`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Time {
    /// Whole seconds since 1970.
    pub sec: i32,
    /// Nanoseconds within the second; below 1 000 000 000 when valid.
    pub nanosec: u32,
}

impl Time {
    /// From nanoseconds since 1970.
    ///
    /// # Errors
    /// [`RosError::Stamp`] when the seconds do not fit into 32 bits.
    pub fn from_ns(stamp_ns: i64) -> Result<Self, RosError> {
        let sec = i32::try_from(stamp_ns.div_euclid(NS_PER_S)).map_err(|_| RosError::Stamp { stamp_ns })?;
        let nanosec = u32::try_from(stamp_ns.rem_euclid(NS_PER_S)).map_err(|_| RosError::Stamp { stamp_ns })?;
        Ok(Self { sec, nanosec })
    }

    /// Nanoseconds since 1970; `None` when `nanosec` is a second or more, which no sane sender sends.
    #[must_use]
    pub fn to_ns(self) -> Option<i64> {
        let nanosec = i64::from(self.nanosec);
        (nanosec < NS_PER_S).then(|| i64::from(self.sec) * NS_PER_S + nanosec)
    }
}

/// `std_msgs/Header`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// When what the message says was true.
    pub stamp: Time,
    /// The frame its coordinates are in.
    pub frame_id: String,
}

/// `geometry_msgs/Vector3`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vector3 {
    /// Forward (or about the forward axis).
    pub x: f64,
    /// Left (or about the left axis).
    pub y: f64,
    /// Up (or about the up axis, counter-clockwise seen from above).
    pub z: f64,
}

/// `geometry_msgs/Twist`, metres and radians a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Twist {
    /// Linear velocity, metres a second.
    pub linear: Vector3,
    /// Angular velocity, radians a second.
    pub angular: Vector3,
}

impl Twist {
    /// A command of a robot that drives forward and turns in place, and does nothing else.
    ///
    /// # Errors
    /// [`RosError::NotFinite`] when a number is not finite.
    pub fn planar(linear_mps: f32, angular_rps: f32) -> Result<Self, RosError> {
        if !(linear_mps.is_finite() && angular_rps.is_finite()) {
            return Err(RosError::NotFinite { linear_mps, angular_rps });
        }
        Ok(Self {
            linear: Vector3 { x: f64::from(linear_mps), ..Vector3::default() },
            angular: Vector3 { z: f64::from(angular_rps), ..Vector3::default() },
        })
    }
}

/// `geometry_msgs/TwistStamped`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TwistStamped {
    /// When the command was decided, and the frame it is in.
    pub header: Header,
    /// The command.
    pub twist: Twist,
}

/// `sensor_msgs/Image`. Nothing in it is checked yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// When the picture was taken, on the sender's clock.
    pub header: Header,
    /// Height in pixels.
    pub height: u32,
    /// Width in pixels.
    pub width: u32,
    /// Pixel format, for example `rgb8`.
    pub encoding: String,
    /// Whether samples of more than 8 bits have the most significant byte first.
    pub is_bigendian: u8,
    /// Bytes from the start of a row to the start of the next; may be more than the pixels need.
    pub step: u32,
    /// `step * height` bytes.
    #[serde(with = "serde_bytes")]
    pub data: Vec<u8>,
}

/// `sensor_msgs/CompressedImage`. Nothing in it is checked yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompressedImage {
    /// When the picture was taken, on the sender's clock.
    pub header: Header,
    /// What the sender says of the bytes, for example `jpeg` or `rgb8; jpeg compressed bgr8`.
    pub format: String,
    /// The file.
    #[serde(with = "serde_bytes")]
    pub data: Vec<u8>,
}

/// `std_msgs/String`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StringMessage {
    /// The text.
    pub data: String,
}

#[cfg(test)]
mod tests {
    use ros2_client::dds::rustdds::serialization::{
        RepresentationIdentifier, deserialize_from_cdr_with_rep_id, to_writer_with_rep_id,
    };

    use super::*;

    #[test]
    fn stamps_survive_the_way_there_and_back() {
        for ns in [0, 1, 999_999_999, 1_000_000_000, 1_795_000_000_123_456_789, -1, -1_500_000_000] {
            let time = Time::from_ns(ns).unwrap();
            assert!(time.nanosec < 1_000_000_000);
            assert_eq!(time.to_ns(), Some(ns));
        }
    }

    #[test]
    fn a_stamp_that_does_not_fit_is_refused() {
        assert!(matches!(Time::from_ns(i64::MAX), Err(RosError::Stamp { .. })));
        assert_eq!(Time { sec: 1, nanosec: 1_000_000_000 }.to_ns(), None);
    }

    #[test]
    fn a_command_that_is_not_a_number_becomes_no_message() {
        for (linear, angular) in [(f32::NAN, 0.0), (0.0, f32::INFINITY), (f32::NEG_INFINITY, f32::NAN)] {
            assert!(matches!(Twist::planar(linear, angular), Err(RosError::NotFinite { .. })));
        }
    }

    #[test]
    fn the_layout_on_the_wire_is_that_of_ros() {
        let message = CompressedImage {
            header: Header { stamp: Time { sec: 1, nanosec: 2 }, frame_id: "ab".into() },
            format: "png".into(),
            data: vec![7, 8, 9],
        };
        // Strings carry their closing zero; lengths are aligned to four bytes.
        let expected = [
            1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, b'a', b'b', 0, 0, 4, 0, 0, 0, b'p', b'n', b'g', 0, 3, 0, 0, 0, 7, 8, 9,
        ];
        let mut bytes = Vec::new();
        to_writer_with_rep_id(&mut bytes, &message, RepresentationIdentifier::CDR_LE).unwrap();
        assert_eq!(bytes, expected);
        let (back, used) =
            deserialize_from_cdr_with_rep_id::<CompressedImage>(&bytes, RepresentationIdentifier::CDR_LE).unwrap();
        assert_eq!((back, used), (message, expected.len()));
    }

    #[test]
    fn a_length_beyond_the_message_is_refused() {
        let mut bytes = vec![1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(u32::MAX.to_le_bytes());
        bytes.extend([7, 8, 9]);
        let parsed = deserialize_from_cdr_with_rep_id::<CompressedImage>(&bytes, RepresentationIdentifier::CDR_LE);
        assert!(parsed.is_err());
    }
}
