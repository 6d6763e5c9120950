//! A robot's side of the ROS graph: its sensors out, velocity commands in.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use pilotage_gate::Wanted;
use pilotage_sim::Odometry as Wheels;
use ros2_client::{MessageTypeName, Publisher};
use serde::Serialize;

use super::command_source::CommandSource;
use super::messages::{CompressedImage, Header, Image, Time, Twist, Vector3};
use super::node::{COMMAND_QOS, SENSOR_QOS};
use super::robot_messages::{
    Bool, CameraInfo, Clock, Covariance, LaserScan, Odometry, Pose, PoseWithCovariance, Quaternion, TfMessage,
    Transform, TransformStamped, TwistWithCovariance,
};
use super::sink::publish;
use super::{RosError, RosNode};
use crate::frame::Picture;
use crate::runtime::robot::{Reading, RobotFace};
use crate::sink::SinkError;

const ODOM_FRAME: &str = "odom";
const LASER_FRAME: &str = "laser";
const CAMERA_FRAME: &str = "camera_optical_frame";
/// Visually the same as the picture, at a tenth of its bytes.
const JPEG_QUALITY: u8 = 90;

/// Where a sensor sits on the robot's body.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mount {
    /// Ahead of the robot's centre, metres.
    pub forward_m: f64,
    /// Above the floor, metres.
    pub height_m: f64,
}

/// How a camera maps directions to pixels. Its optical axis is level: a tilt shifts the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lens {
    /// Focal length, pixels.
    pub focal_px: f64,
    /// Column of the optical axis, pixels, counted from the left edge of the picture.
    pub centre_x_px: f64,
    /// Row of the horizon, pixels, counted from the upper edge.
    pub horizon_px: f64,
}

/// Which way the beams of a range finder go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beams {
    /// Direction of the first, radians, 0 ahead, counter-clockwise.
    pub first_rad: f64,
    /// From one to the next, radians.
    pub step_rad: f64,
    /// Nearest that is measured, metres.
    pub nearest_m: f64,
    /// Farthest that is measured, metres.
    pub farthest_m: f64,
    /// From one scan to the next, seconds.
    pub period_s: f64,
}

/// What others have to know of a robot to read its sensors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RobotFigures {
    /// Where its camera sits.
    pub camera: Mount,
    /// How its camera sees; `None` for a lens that fits no model of ROS.
    pub lens: Option<Lens>,
    /// Where its range finder sits.
    pub laser: Mount,
    /// Its range finder.
    pub beams: Beams,
    /// Whether the time of its readings is its own, and told on `/clock`.
    pub own_time: bool,
    /// Whether it drives by itself, and tells its commands on the command topic instead of listening there.
    pub self_driven: bool,
}

/// A robot's topics. Pictures and scans are best effort, as of real drivers; the rest is reliable.
pub struct RosRobot {
    figures: RobotFigures,
    image: Topic<Image>,
    compressed: Topic<CompressedImage>,
    camera_info: Topic<CameraInfo>,
    scan: Topic<LaserScan>,
    odometry: Topic<Odometry>,
    tf: Topic<TfMessage>,
    contact: Topic<Bool>,
    clock: Option<Topic<Clock>>,
    told: Option<Topic<Twist>>,
    commands: Option<CommandSource>,
    // Last, so that the publishers are gone before the node may go.
    node: RosNode,
}

struct Topic<M: Serialize> {
    publisher: Publisher<M>,
    name: String,
}

impl<M: Serialize> Topic<M> {
    fn send(&self, message: M) -> Result<(), RosError> {
        publish(&self.publisher, message, &self.name)
    }
}

impl RosRobot {
    pub(super) fn open(node: &RosNode, figures: &RobotFigures) -> Result<Self, RosError> {
        let options = node.options();
        let image = options.resolve(&options.image_topic)?;
        let named = |topic: &str| options.resolve(topic);
        let told = if figures.self_driven {
            // Not the command topic: these never passed a gate, and a base may listen there.
            let name = named(&format!("{}_expert", options.cmd_vel_topic))?;
            Some(open(node, name, ("geometry_msgs", "Twist"), true)?)
        } else {
            None
        };
        let commands = if figures.self_driven { None } else { Some(CommandSource::open(node)?) };
        let clock =
            if figures.own_time { Some(open(node, "/clock".into(), ("rosgraph_msgs", "Clock"), true)?) } else { None };
        Ok(Self {
            figures: *figures,
            compressed: open(node, format!("{image}/compressed"), ("sensor_msgs", "CompressedImage"), false)?,
            image: open(node, image, ("sensor_msgs", "Image"), false)?,
            camera_info: open(node, named("camera_info")?, ("sensor_msgs", "CameraInfo"), false)?,
            scan: open(node, named("scan")?, ("sensor_msgs", "LaserScan"), false)?,
            odometry: open(node, named("odom")?, ("nav_msgs", "Odometry"), true)?,
            tf: open(node, "/tf".into(), ("tf2_msgs", "TFMessage"), true)?,
            contact: open(node, named("contact")?, ("std_msgs", "Bool"), true)?,
            clock,
            told,
            commands,
            node: node.clone(),
        })
    }

    /// Full names of the topics it publishes, the command topic included where it drives by itself.
    #[must_use]
    pub fn publishes(&self) -> Vec<&str> {
        let mut names = vec![
            self.image.name.as_str(),
            &self.compressed.name,
            &self.camera_info.name,
            &self.scan.name,
            &self.odometry.name,
            &self.tf.name,
            &self.contact.name,
        ];
        names.extend(self.clock.as_ref().map(|topic| topic.name.as_str()));
        names.extend(self.told.as_ref().map(|topic| topic.name.as_str()));
        names
    }

    /// Full name of the topic whose commands it obeys; `None` where it drives by itself.
    #[must_use]
    pub fn obeys(&self) -> Option<&str> {
        self.commands.as_ref().map(CommandSource::topic)
    }

    /// Full name of the topic of raw pictures.
    #[must_use]
    pub fn image_topic(&self) -> &str {
        &self.image.name
    }

    /// Commands that were not obeyed: old, unreadable, or not numbers.
    #[must_use]
    pub fn refused_commands(&self) -> u64 {
        self.commands.as_ref().map_or(0, CommandSource::refused)
    }

    fn header(stamp: Time, frame_id: &str) -> Header {
        Header { stamp, frame_id: frame_id.to_owned() }
    }

    fn send_picture(&self, stamp: Time, picture: &Picture) -> Result<(), RosError> {
        let (width, height) = (picture.width(), picture.height());
        let header = Self::header(stamp, CAMERA_FRAME);
        self.camera_info.send(camera_info(header.clone(), width, height, self.figures.lens))?;
        if self.node.subscribers_of(&self.compressed.publisher) > 0 {
            let data =
                jpeg(picture).map_err(|reason| RosError::Send { topic: self.compressed.name.clone(), reason })?;
            let format = "rgb8; jpeg compressed rgb8".to_owned();
            self.compressed.send(CompressedImage { header: header.clone(), format, data })?;
        }
        if self.node.subscribers_of(&self.image.publisher) > 0 {
            let (encoding, step, data) = ("rgb8".to_owned(), 3 * width, picture.rgb().to_vec());
            self.image.send(Image { header, height, width, encoding, is_bigendian: 0, step, data })?;
        }
        Ok(())
    }

    fn send_scan(&self, stamp: Time, ranges: &[f32]) -> Result<(), RosError> {
        let Beams { first_rad, step_rad, nearest_m, farthest_m, period_s } = self.figures.beams;
        let last = ranges.len().saturating_sub(1) as f64;
        self.scan.send(LaserScan {
            header: Self::header(stamp, LASER_FRAME),
            angle_min: first_rad as f32,
            angle_max: (first_rad + last * step_rad) as f32,
            angle_increment: step_rad as f32,
            // The whole scan is of one moment.
            time_increment: 0.0,
            scan_time: period_s as f32,
            range_min: nearest_m as f32,
            range_max: farthest_m as f32,
            ranges: ranges.to_vec(),
            intensities: Vec::new(),
        })
    }

    fn send_odometry(&self, stamp: Time, wheels: &Wheels) -> Result<(), RosError> {
        let base = self.node.options().base_frame.clone();
        let translation = Vector3 { x: wheels.pose.x_m, y: wheels.pose.y_m, z: 0.0 };
        let rotation = Quaternion::from_yaw(wheels.pose.yaw_rad);
        let moving = Transform { translation, rotation };
        let fixed = |mount: Mount, rotation| Transform {
            translation: Vector3 { x: mount.forward_m, y: 0.0, z: mount.height_m },
            rotation,
        };
        let link = |from: &str, to: &str, transform| TransformStamped {
            header: Self::header(stamp, from),
            child_frame_id: to.to_owned(),
            transform,
        };
        let Self { figures, .. } = self;
        // The fixed ones along with the moving one: whoever comes late knows them at once.
        self.tf.send(TfMessage {
            transforms: vec![
                link(ODOM_FRAME, &base, moving),
                link(&base, LASER_FRAME, fixed(figures.laser, Quaternion::default())),
                link(&base, CAMERA_FRAME, fixed(figures.camera, Quaternion::optical())),
            ],
        })?;
        let twist = Twist {
            linear: Vector3 { x: wheels.v_mps, ..Vector3::default() },
            angular: Vector3 { z: wheels.w_rps, ..Vector3::default() },
        };
        self.odometry.send(Odometry {
            header: Self::header(stamp, ODOM_FRAME),
            child_frame_id: base,
            pose: PoseWithCovariance {
                pose: Pose { position: translation, orientation: rotation },
                covariance: planar(1e-2, 1e-2),
            },
            twist: TwistWithCovariance { twist, covariance: planar(1e-3, 1e-3) },
        })
    }

    fn send(&self, stamp_ns: i64, reading: Reading<'_>) -> Result<(), RosError> {
        let stamp = Time::from_ns(stamp_ns)?;
        match reading {
            Reading::Time => self.clock.as_ref().map_or(Ok(()), |clock| clock.send(Clock { clock: stamp })),
            Reading::Odometry(wheels) => self.send_odometry(stamp, wheels),
            Reading::Scan(ranges) => self.send_scan(stamp, ranges),
            Reading::Picture(picture) => self.send_picture(stamp, picture),
            Reading::Contact(data) => self.contact.send(Bool { data }),
            Reading::Commanded(Wanted { linear_mps, angular_rps }) => {
                let twist = Twist::planar(linear_mps, angular_rps)?;
                self.told.as_ref().map_or(Ok(()), |told| told.send(twist))
            }
        }
    }
}

impl RobotFace for RosRobot {
    fn command(&mut self) -> Option<Wanted> {
        self.commands.as_ref().and_then(CommandSource::take)
    }

    fn wants_pictures(&self) -> bool {
        let node = &self.node;
        node.subscribers_of(&self.image.publisher) > 0
            || node.subscribers_of(&self.compressed.publisher) > 0
            || node.subscribers_of(&self.camera_info.publisher) > 0
    }

    fn show(&mut self, stamp_ns: i64, reading: Reading<'_>) -> Result<(), SinkError> {
        self.send(stamp_ns, reading).map_err(|error| SinkError(error.to_string()))
    }
}

fn open<M: Serialize>(
    node: &RosNode,
    name: String,
    (package, message): (&str, &str),
    reliable: bool,
) -> Result<Topic<M>, RosError> {
    let qos = if reliable { COMMAND_QOS } else { SENSOR_QOS };
    let publisher = node.publish(&name, MessageTypeName::new(package, message), qos)?;
    Ok(Topic { publisher, name })
}

/// Variances of what a robot on a floor can do; what it cannot do is certain to be zero.
fn planar(way: f64, turn: f64) -> Covariance {
    let mut covariance = Covariance::default();
    let variances = [way, way, 1e-9, 1e-9, 1e-9, turn];
    for (index, (row, variance)) in covariance.iter_mut().zip(variances).enumerate() {
        if let Some(cell) = row.get_mut(index) {
            *cell = variance;
        }
    }
    covariance
}

fn camera_info(header: Header, width: u32, height: u32, lens: Option<Lens>) -> CameraInfo {
    let info = CameraInfo { header, width, height, ..CameraInfo::default() };
    let Some(Lens { focal_px: f, centre_x_px, horizon_px }) = lens else {
        // All zero means "not calibrated".
        return info;
    };
    // ROS counts from the middle of the first pixel.
    let (cx, cy) = (centre_x_px - 0.5, horizon_px - 0.5);
    CameraInfo {
        distortion_model: "plumb_bob".into(),
        d: vec![0.0; 5],
        k: [f, 0.0, cx, 0.0, f, cy, 0.0, 0.0, 1.0],
        r: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p: [f, 0.0, cx, 0.0, 0.0, f, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
        ..info
    }
}

fn jpeg(picture: &Picture) -> Result<Vec<u8>, String> {
    let mut file = Cursor::new(Vec::new());
    JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY)
        .encode(picture.rgb(), picture.width(), picture.height(), image::ExtendedColorType::Rgb8)
        .map_err(|error| error.to_string())?;
    Ok(file.into_inner())
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // Set, not reckoned.
mod tests {
    use super::*;

    #[test]
    fn a_lens_without_a_model_is_told_as_not_calibrated() {
        let info = camera_info(Header::default(), 160, 120, None);
        assert_eq!((info.width, info.height, info.k[0], info.distortion_model.as_str()), (160, 120, 0.0, ""));
        let lens = Lens { focal_px: 80.0, centre_x_px: 80.0, horizon_px: 50.0 };
        let info = camera_info(Header::default(), 160, 120, Some(lens));
        assert_eq!(info.k, [80.0, 0.0, 79.5, 0.0, 80.0, 49.5, 0.0, 0.0, 1.0]);
        assert_eq!((info.p[0], info.p[2], info.p[6]), (80.0, 79.5, 49.5));
    }

    #[test]
    fn a_picture_becomes_a_jpeg_that_shows_the_same() {
        let rgb: Vec<u8> = [200, 120, 40].repeat(32 * 16);
        let file = jpeg(&Picture::from_rgb8(32, 16, rgb).unwrap()).unwrap();
        let message = CompressedImage { data: file, ..CompressedImage::default() };
        let back = super::super::pixels::picture_from_compressed(&message).unwrap();
        assert_eq!((back.width(), back.height()), (32, 16));
        let (pixels, _) = back.rgb().as_chunks();
        assert!(pixels.iter().all(|&[r, g, b]| r.abs_diff(200) < 5 && g.abs_diff(120) < 5 && b.abs_diff(40) < 5));
    }

    #[test]
    fn variances_stand_on_the_diagonal() {
        let covariance = planar(0.5, 0.25);
        assert_eq!((covariance[0][0], covariance[1][1], covariance[5][5], covariance[0][1]), (0.5, 0.5, 0.25, 0.0));
    }
}
