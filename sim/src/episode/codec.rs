//! Episodes as bytes, for a spool folder. What is read is not trusted.
//!
//! Little-endian: magic, version, length of the rest, the fields in order, and a check sum over all
//! that stands before it.

use super::{Episode, FRAME_BYTES, HORIZON, MAX_STEPS, State};
use crate::camera::{Camera, Projection};
use crate::geometry::Pose;
use crate::kind::RobotKind;
use crate::rng::mix64;
use crate::robot::{Gait, Robot, Slip};
use crate::route::Route;
use crate::world::{Split, WorldId};

const MAGIC: [u8; 8] = *b"PILEPIS\n";
const VERSION: u32 = 1;
const MOST_STATES: usize = 20_000;
const MOST_DRIVES: usize = 1_000;
const MOST_POINTS: usize = 100_000;
const SPLITS: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

/// Why drives or bytes make no episode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpisodeError {
    /// The bytes do not begin as an episode of this version does.
    Header,
    /// There are fewer or more bytes than the header says, or the check sum is another.
    Damaged,
    /// A value is out of its range; says which.
    Content(&'static str),
}

impl std::fmt::Display for EpisodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header => write!(f, "not an episode of version {VERSION}: write it again with this program"),
            Self::Damaged => write!(f, "episode is cut short or damaged: delete the file"),
            Self::Content(what) => write!(f, "no episode: {what}"),
        }
    }
}

impl std::error::Error for EpisodeError {}

fn check_sum(bytes: &[u8]) -> u64 {
    let mut sum = mix64(bytes.len() as u64);
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        sum = mix64(sum ^ u64::from_le_bytes(word));
    }
    sum
}

/// All figures of a robot but its kind and its projection.
fn figures(robot: &Robot) -> [f64; 24] {
    let Robot { slip, gait, camera, .. } = robot;
    [
        robot.v_max_mps,
        robot.w_max_rps,
        robot.radius_m,
        robot.v_accel_mps2,
        robot.w_accel_rps2,
        robot.min_turn_radius_m,
        robot.latency_s,
        slip.v_grip,
        slip.w_grip,
        slip.sigma,
        slip.lateral_s,
        gait.stride_hz,
        gait.bob_m,
        gait.sway_m,
        gait.pitch_rad,
        gait.roll_rad,
        gait.yaw_rad,
        camera.height_m,
        camera.pitch_rad,
        camera.forward_offset_m,
        camera.hfov_rad,
        camera.exposure,
        camera.distortion,
        camera.roll_rad,
    ]
}

/// The other way round.
fn robot(kind: RobotKind, projection: Projection, figures: [f64; 24]) -> Robot {
    let [v_max_mps, w_max_rps, radius_m, v_accel_mps2, w_accel_rps2, min_turn_radius_m, latency_s, rest @ ..] = figures;
    let [v_grip, w_grip, sigma, lateral_s, stride_hz, bob_m, sway_m, pitch, roll, yaw_rad, rest @ ..] = rest;
    let [height_m, pitch_rad, forward_offset_m, hfov_rad, exposure, distortion, roll_rad] = rest;
    Robot {
        kind,
        v_max_mps,
        w_max_rps,
        radius_m,
        v_accel_mps2,
        w_accel_rps2,
        min_turn_radius_m,
        latency_s,
        slip: Slip { v_grip, w_grip, sigma, lateral_s },
        gait: Gait { stride_hz, bob_m, sway_m, pitch_rad: pitch, roll_rad: roll, yaw_rad },
        camera: Camera { height_m, pitch_rad, forward_offset_m, hfov_rad, projection, exposure, distortion, roll_rad },
    }
}

/// Reads fields from the front; every read may find nothing left.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], EpisodeError> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(EpisodeError::Damaged)?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], EpisodeError> {
        self.take(N)?.try_into().map_err(|_| EpisodeError::Damaged)
    }

    fn count(&mut self, most: usize, what: &'static str) -> Result<usize, EpisodeError> {
        let count = u32::from_le_bytes(self.array()?) as usize;
        if count <= most { Ok(count) } else { Err(EpisodeError::Content(what)) }
    }

    fn f64(&mut self) -> Result<f64, EpisodeError> {
        let value = f64::from_le_bytes(self.array()?);
        if value.is_finite() { Ok(value) } else { Err(EpisodeError::Content("a number is not finite")) }
    }

    fn f32(&mut self) -> Result<f32, EpisodeError> {
        let value = f32::from_le_bytes(self.array()?);
        if value.is_finite() { Ok(value) } else { Err(EpisodeError::Content("a number is not finite")) }
    }

    fn one_of<T: Copy>(&mut self, values: &[T], what: &'static str) -> Result<T, EpisodeError> {
        let [number] = self.array()?;
        values.get(usize::from(number)).copied().ok_or(EpisodeError::Content(what))
    }

    fn state(&mut self) -> Result<State, EpisodeError> {
        let pose = Pose { x_m: self.f64()?, y_m: self.f64()?, yaw_rad: self.f64()? };
        let (progress_m, clean_steps) = (self.f32()?, self.f32()?);
        let contact = self.one_of(&[false, true], "contact is neither yes nor no")?;
        let mut waypoints = [[0.0; 4]; HORIZON];
        for value in waypoints.as_flattened_mut() {
            *value = self.f32()?;
        }
        let mut arcs_m = [0.0; MAX_STEPS + 1];
        for value in &mut arcs_m {
            *value = self.f32()?;
        }
        if !arcs_m.is_sorted() {
            return Err(EpisodeError::Content("progress falls"));
        }
        Ok(State { pose, progress_m, clean_steps, contact, waypoints, arcs_m })
    }
}

impl Episode {
    /// The episode as bytes, pictures included; see [`Episode::from_bytes`].
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.frames.len() + self.states.len() * 256 + 4096);
        body.push(SPLITS.iter().position(|s| *s == self.world.split).unwrap_or(0) as u8);
        body.extend(self.world.index.to_le_bytes());
        body.push(RobotKind::ALL.iter().position(|k| *k == self.robot.kind).unwrap_or(0) as u8);
        body.push(u8::from(self.robot.camera.projection == Projection::Cylindrical));
        body.extend(figures(&self.robot).iter().flat_map(|x| x.to_le_bytes()));
        body.extend(self.route.length_m().to_le_bytes());
        body.extend((self.route.points().len() as u32).to_le_bytes());
        body.extend(self.route.points().iter().flatten().flat_map(|x| x.to_le_bytes()));
        body.extend((self.drives.len() as u32).to_le_bytes());
        body.extend(self.drives.iter().flat_map(|d| (d.len() as u32).to_le_bytes()));
        for state in &self.states {
            let Pose { x_m, y_m, yaw_rad } = state.pose;
            body.extend([x_m, y_m, yaw_rad].iter().flat_map(|x| x.to_le_bytes()));
            body.extend([state.progress_m, state.clean_steps].iter().flat_map(|x| x.to_le_bytes()));
            body.push(u8::from(state.contact));
            body.extend(state.waypoints.as_flattened().iter().chain(&state.arcs_m).flat_map(|x| x.to_le_bytes()));
        }
        body.extend_from_slice(&self.frames);
        let mut bytes = Vec::with_capacity(body.len() + 28);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((body.len() as u64).to_le_bytes());
        bytes.append(&mut body);
        let sum = check_sum(&bytes);
        bytes.extend(sum.to_le_bytes());
        bytes
    }

    /// The episode that [`Episode::to_bytes`] wrote. Takes any bytes: what is cut short, damaged or
    /// absurd is refused, and nothing is allocated that the bytes do not pay for.
    ///
    /// # Errors
    /// [`EpisodeError`] for bytes that are no episode of this version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EpisodeError> {
        let mut reader = Reader(bytes);
        if reader.array() != Ok(MAGIC) || reader.array() != Ok(VERSION.to_le_bytes()) {
            return Err(EpisodeError::Header);
        }
        let length = u64::from_le_bytes(reader.array()?);
        let Some((said, sum)) = bytes.split_last_chunk::<8>() else { return Err(EpisodeError::Damaged) };
        if reader.0.len() as u64 != length.saturating_add(8) || check_sum(said) != u64::from_le_bytes(*sum) {
            return Err(EpisodeError::Damaged);
        }
        let split = reader.one_of(&SPLITS, "unknown split")?;
        let world = WorldId { split, index: u64::from_le_bytes(reader.array()?) };
        let kind = reader.one_of(&RobotKind::ALL, "unknown kind of robot")?;
        let projection = reader.one_of(&[Projection::Pinhole, Projection::Cylindrical], "unknown projection")?;
        let mut numbers = [0.0; 24];
        for value in &mut numbers {
            *value = reader.f64()?;
        }
        let robot = robot(kind, projection, numbers);
        if !(robot.v_max_mps > 0.0 && robot.w_max_rps > 0.0 && robot.radius_m > 0.0) {
            return Err(EpisodeError::Content("a robot that cannot move"));
        }
        let goal_arc_m = reader.f64()?;
        let count = reader.count(MOST_POINTS, "too many points on the route")?;
        let mut points = Vec::new();
        for _ in 0..count {
            points.push([reader.f64()?, reader.f64()?]);
        }
        let route = Route::from_points(points, goal_arc_m).ok_or(EpisodeError::Content("a route without its goal"))?;
        let mut drives = Vec::new();
        let mut end = 0usize;
        for _ in 0..reader.count(MOST_DRIVES, "too many drives")? {
            let start = end;
            end += reader.count(MOST_STATES, "too long a drive")?;
            drives.push(start..end);
        }
        if end > MOST_STATES || drives.first().is_none_or(|d| d.is_empty()) {
            return Err(EpisodeError::Content("no clean drive, or too many states"));
        }
        let mut states = Vec::new();
        for _ in 0..end {
            states.push(reader.state()?);
        }
        let frames = reader.take(end * FRAME_BYTES)?.to_vec();
        if reader.0.len() != 8 {
            return Err(EpisodeError::Content("something is left over"));
        }
        Ok(Self { world, robot, route, drives, states, frames })
    }
}
