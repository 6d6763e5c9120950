//! Kinds of robots: the ranges each kind's figures are drawn from.

use crate::camera::{Camera, Projection};
use crate::rng::Rng;
use crate::robot::{Gait, Robot, Slip};
use crate::world::Family;

/// A kind of robot. Six are for training; two are kept back to see what a policy does on robots
/// that it has never met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RobotKind {
    /// A small differential drive.
    Compact,
    /// A tall differential drive with its camera at chest height.
    Tall,
    /// A differential drive with a wide lens.
    WideView,
    /// A radio-controlled car: it steers, it does not turn on the spot.
    Car,
    /// A small quadruped: its camera bobs and sways with the gait.
    Legged,
    /// A skid-steered rover for outdoors: it slips sideways in curves.
    Rover,
    /// Never in training: a slow heavy car with a high, narrow camera and a long latency.
    Hauler,
    /// Never in training: a tall walker that looks down in front of its feet.
    Strider,
}

/// The ranges a kind's figures are drawn from, each (least, most). Lengths in metres, angles in
/// degrees, times in seconds, speeds per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranges {
    /// Cruise speed indoors, metres per second.
    pub v_indoor_mps: (f64, f64),
    /// Cruise speed outdoors, metres per second.
    pub v_outdoor_mps: (f64, f64),
    /// Greatest turn rate, radians per second.
    pub w_rps: (f64, f64),
    /// Footprint radius indoors.
    pub radius_indoor_m: (f64, f64),
    /// Footprint radius outdoors.
    pub radius_outdoor_m: (f64, f64),
    /// Tightest curve; (0, 0) where it turns on the spot.
    pub turn_radius_m: (f64, f64),
    /// Acceleration in cruise speeds per second.
    pub v_accel_share: (f64, f64),
    /// Angular acceleration, radians per second squared.
    pub w_accel_rps2: (f64, f64),
    /// Height of the camera.
    pub height_m: (f64, f64),
    /// Pitch of the camera, degrees, positive up.
    pub pitch_deg: (f64, f64),
    /// Horizontal field of view, degrees.
    pub fov_deg: (f64, f64),
    /// Radial distortion, see [`Camera::distortion`].
    pub distortion: (f64, f64),
    /// Command latency.
    pub latency_s: (f64, f64),
    /// Share of the commanded speed that reaches the ground.
    pub v_grip: (f64, f64),
    /// Share of the commanded turn rate that reaches the ground.
    pub w_grip: (f64, f64),
    /// Standard deviation of the slow random part of both shares.
    pub slip_sigma: (f64, f64),
    /// Sideways slip, see [`Slip::lateral_s`].
    pub lateral_s: (f64, f64),
    /// Strength of the gait, see [`RobotKind::sample`]; (0, 0) on wheels.
    pub gait: (f64, f64),
}

const WHEELS: Ranges = Ranges {
    v_indoor_mps: (0.25, 0.9),
    v_outdoor_mps: (0.5, 1.6),
    w_rps: (0.8, 1.8),
    radius_indoor_m: (0.12, 0.3),
    radius_outdoor_m: (0.12, 0.4),
    turn_radius_m: (0.0, 0.0),
    v_accel_share: (1.5, 5.0),
    w_accel_rps2: (3.0, 9.0),
    height_m: (0.15, 1.3),
    pitch_deg: (-9.0, 7.0),
    fov_deg: (60.0, 110.0),
    distortion: (0.0, 0.3),
    latency_s: (0.0, 0.12),
    v_grip: (0.96, 1.02),
    w_grip: (0.94, 1.02),
    slip_sigma: (0.0, 0.04),
    lateral_s: (0.0, 0.0),
    gait: (0.0, 0.0),
};

impl RobotKind {
    /// All kinds.
    pub const ALL: [Self; 8] =
        [Self::Compact, Self::Tall, Self::WideView, Self::Car, Self::Legged, Self::Rover, Self::Hauler, Self::Strider];

    /// The kinds that training may see.
    pub const TRAINING: [Self; 6] = [Self::Compact, Self::Tall, Self::WideView, Self::Car, Self::Legged, Self::Rover];

    /// The kinds that training never sees.
    pub const HELD_OUT: [Self; 2] = [Self::Hauler, Self::Strider];

    /// The name used on command lines and for [`Robot::preset`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Compact => "compact",
            Self::Tall => "tall",
            Self::WideView => "wide-view",
            Self::Car => "car",
            Self::Legged => "legged",
            Self::Rover => "rover",
            Self::Hauler => "hauler",
            Self::Strider => "strider",
        }
    }

    /// The kind called `name`, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// True where such a robot has room in such a place: what steers like a car needs wide aisles,
    /// the rover stays outdoors.
    #[must_use]
    pub fn suits(self, family: Family) -> bool {
        match self {
            Self::Car | Self::Hauler => matches!(family, Family::Outdoor | Family::Warehouse),
            Self::Rover => family == Family::Outdoor,
            _ => true,
        }
    }

    /// One of `among` that suits `family`; `None` where none does.
    pub fn pick(rng: &mut Rng, family: Family, among: &[Self]) -> Option<Self> {
        let fit: Vec<Self> = among.iter().copied().filter(|kind| kind.suits(family)).collect();
        fit.get(rng.below(fit.len())).copied()
    }

    /// The ranges its figures are drawn from.
    #[must_use]
    pub fn ranges(self) -> Ranges {
        match self {
            Self::Compact => Ranges { radius_indoor_m: (0.12, 0.22), height_m: (0.15, 0.7), ..WHEELS },
            Self::Tall => Ranges {
                radius_indoor_m: (0.2, 0.3),
                radius_outdoor_m: (0.2, 0.4),
                height_m: (0.5, 1.3),
                latency_s: (0.0, 0.15),
                ..WHEELS
            },
            Self::WideView => Ranges { fov_deg: (100.0, 170.0), distortion: (0.0, 0.0), ..WHEELS },
            Self::Car => Ranges {
                v_indoor_mps: (0.4, 0.9),
                v_outdoor_mps: (0.5, 2.0),
                radius_indoor_m: (0.12, 0.25),
                turn_radius_m: (0.4, 1.0),
                height_m: (0.15, 0.6),
                w_grip: (0.88, 1.02),
                lateral_s: (0.0, 0.02),
                ..WHEELS
            },
            Self::Legged => Ranges {
                v_outdoor_mps: (0.5, 1.4),
                radius_indoor_m: (0.18, 0.3),
                radius_outdoor_m: (0.18, 0.35),
                height_m: (0.25, 0.9),
                latency_s: (0.02, 0.15),
                v_grip: (0.85, 1.05),
                w_grip: (0.85, 1.05),
                slip_sigma: (0.03, 0.1),
                gait: (0.3, 1.0),
                ..WHEELS
            },
            Self::Rover => Ranges {
                v_outdoor_mps: (0.5, 2.0),
                radius_outdoor_m: (0.22, 0.4),
                latency_s: (0.02, 0.15),
                v_grip: (0.88, 1.0),
                w_grip: (0.7, 1.0),
                slip_sigma: (0.02, 0.1),
                lateral_s: (0.02, 0.08),
                ..WHEELS
            },
            Self::Hauler => Ranges {
                v_indoor_mps: (0.4, 0.7),
                v_outdoor_mps: (0.6, 1.1),
                w_rps: (0.6, 0.75),
                radius_indoor_m: (0.26, 0.32),
                radius_outdoor_m: (0.42, 0.5),
                turn_radius_m: (0.7, 0.95),
                v_accel_share: (1.0, 1.4),
                height_m: (1.4, 1.6),
                pitch_deg: (-8.0, -3.0),
                fov_deg: (50.0, 57.0),
                latency_s: (0.16, 0.2),
                ..WHEELS
            },
            Self::Strider => Ranges {
                v_indoor_mps: (0.4, 0.8),
                v_outdoor_mps: (0.6, 1.2),
                radius_indoor_m: (0.22, 0.3),
                radius_outdoor_m: (0.22, 0.3),
                height_m: (1.35, 1.5),
                pitch_deg: (-17.0, -12.0),
                fov_deg: (75.0, 100.0),
                latency_s: (0.05, 0.12),
                v_grip: (0.85, 1.0),
                w_grip: (0.85, 1.0),
                slip_sigma: (0.03, 0.08),
                gait: (1.1, 1.4),
                ..WHEELS
            },
        }
    }

    /// A random robot of this kind for `family`; the same for the same generator state.
    ///
    /// The gait's strength 1 stands for 2 cm of bob, 2 cm of sway, and 2 to 3 degrees of pitch,
    /// roll and yaw.
    pub fn sample(self, rng: &mut Rng, family: Family) -> Robot {
        let ranges = self.ranges();
        let degree = std::f64::consts::PI / 180.0;
        let mut draw = |(least, most): (f64, f64)| rng.range(least, most);
        let indoor = family.indoor();
        let v_max_mps = draw(if indoor { ranges.v_indoor_mps } else { ranges.v_outdoor_mps });
        let radius_m = draw(if indoor { ranges.radius_indoor_m } else { ranges.radius_outdoor_m });
        let wide = self == Self::WideView;
        let camera = Camera {
            height_m: draw(ranges.height_m),
            pitch_rad: draw(ranges.pitch_deg) * degree,
            forward_offset_m: draw((0.0, 0.2f64.min(radius_m * 0.8))),
            hfov_rad: draw(ranges.fov_deg) * degree,
            projection: if wide { Projection::Cylindrical } else { Projection::Pinhole },
            exposure: 1.0,
            // Two in three lenses are good.
            distortion: if draw((0.0, 3.0)) < 2.0 { 0.0 } else { draw(ranges.distortion) },
            roll_rad: 0.0,
        };
        let slip = Slip {
            v_grip: draw(ranges.v_grip),
            w_grip: draw(ranges.w_grip),
            sigma: draw(ranges.slip_sigma),
            lateral_s: draw(ranges.lateral_s),
        };
        let strength = draw(ranges.gait);
        let gait = if strength > 0.0 {
            Gait {
                stride_hz: draw((1.2, 2.4)),
                bob_m: strength * draw((0.01, 0.02)),
                sway_m: strength * draw((0.01, 0.02)),
                pitch_rad: strength * draw((1.0, 2.5)) * degree,
                roll_rad: strength * draw((1.0, 3.0)) * degree,
                yaw_rad: strength * draw((0.5, 2.5)) * degree,
            }
        } else {
            Gait::default()
        };
        Robot {
            kind: self,
            v_max_mps,
            w_max_rps: draw(ranges.w_rps),
            radius_m,
            v_accel_mps2: v_max_mps * draw(ranges.v_accel_share),
            w_accel_rps2: draw(ranges.w_accel_rps2),
            min_turn_radius_m: draw(ranges.turn_radius_m),
            latency_s: draw(ranges.latency_s),
            slip,
            gait,
            camera,
        }
    }
}
