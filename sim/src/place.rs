//! Places as several cameras see them: what a place descriptor is trained on.
//!
//! A [`PlaceSet`] is one world: places along its routes, each seen from several poses near by, by
//! several cameras, in several lights. A view slot is one robot on one day: it has the same number
//! in all places, so that a batch compares places as one robot's map and another robot's question.

mod likeness;
mod trial;

use crate::augment::{Look, Mapping};
use crate::episode::{FRAME_BYTES, HEIGHT, WIDTH};
use crate::geometry::Pose;
use crate::light::Light;
use crate::mover::Surroundings;
use crate::people::Crowd;
use crate::physics::Motion;
use crate::render::RenderError;
use crate::rng::Rng;
use crate::robot::Robot;
use crate::route::{Route, plan_route};
use crate::sensor::SensorEffects;
use crate::trig::wrap;
use crate::world::{World, WorldId};

pub use likeness::{GreyQuestion, GreyWindow};
pub use trial::{PlaceTrial, PlaceView, QueryKind};

/// Views of one place. Slots 0 and 1 are of one robot, 2 and 3 of another, the rest of others.
pub const VIEWS: usize = 6;

const ROBOT_OF_SLOT: [usize; VIEWS] = [0, 0, 1, 1, 2, 3];
const ROBOTS: usize = 4;
/// People in a world, on half of its days.
const PEOPLE: usize = 6;
const ROUTES: usize = 3;
const MOST_PLACES: usize = 56;
/// Way between neighbouring places of one route, metres, per metre a second of the robot's pace.
const SPACING_S: f64 = 1.0;

/// How far apart two places count that cannot be confused by standing a little off: another heading, or a
/// wall between them.
pub const ELSEWHERE: f32 = 99.0;

/// A world's places and what was seen of them.
#[derive(Debug, Clone)]
pub struct PlaceSet {
    /// Where it was.
    pub world: WorldId,
    poses: Vec<Pose>,
    /// `[places, places]`, see [`PlaceSet::apart`].
    apart: Vec<f32>,
    /// `[places, VIEWS, HEIGHT, WIDTH, 3]`.
    frames: Vec<u8>,
}

impl PlaceSet {
    /// Plans routes, takes places from them and pictures all views; `None` where no robot found a way.
    ///
    /// # Errors
    /// [`RenderError`] never for these sizes; passed on rather than hidden.
    pub fn generate(world: &World, seed: u64) -> Result<Option<Self>, RenderError> {
        let mut rng = Rng::new(seed);
        let mut poses = Vec::new();
        let mut tolerance_m = 1.0f64;
        for _ in 0..ROUTES {
            let robot = Robot::sample(&mut rng, world.family());
            if let Some(route) = plan_route(world, &robot, &mut rng) {
                tolerance_m = tolerance_m.max(3.0 * robot.step_length_m());
                along(&route, &robot, &mut rng, &mut poses);
            }
        }
        while poses.len() > MOST_PLACES {
            let spare = rng.below(poses.len());
            poses.swap_remove(spare);
        }
        if poses.len() < 4 {
            return Ok(None);
        }
        let apart = poses.iter().flat_map(|a| poses.iter().map(|b| apart(world, a, b, tolerance_m)));
        let apart = apart.collect();
        let mut set = Self { world: world.id(), poses, apart, frames: Vec::new() };
        set.picture(world, &mut rng)?;
        Ok(Some(set))
    }

    /// How many places there are.
    #[must_use]
    pub fn places(&self) -> usize {
        self.poses.len()
    }

    /// Pictures held.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.poses.len() * VIEWS
    }

    /// View `slot` of place `place`, [`FRAME_BYTES`] bytes; empty where there is none.
    #[must_use]
    pub fn frame(&self, place: usize, slot: usize) -> &[u8] {
        let at = (place * VIEWS + slot) * FRAME_BYTES;
        self.frames.get(at..at + FRAME_BYTES).unwrap_or(&[])
    }

    /// How far apart places `a` and `b` are: 0 for the same one, else metres over what still counts as the same
    /// place (1 m, or three steps of the fastest robot), [`ELSEWHERE`] where they look or lie elsewhere.
    #[must_use]
    pub fn apart(&self, a: usize, b: usize) -> f32 {
        self.apart.get(a * self.poses.len() + b).copied().unwrap_or(ELSEWHERE)
    }

    fn picture(&mut self, world: &World, rng: &mut Rng) -> Result<(), RenderError> {
        let robots: [Robot; ROBOTS] = std::array::from_fn(|_| Robot::sample(rng, world.family()));
        let days: [Day; VIEWS] = std::array::from_fn(|slot| Day::sample(robots[ROBOT_OF_SLOT[slot]], 1.0, rng));
        let crowd = Crowd::sample(world, rng.next_u64(), PEOPLE);
        self.frames = vec![0; self.poses.len() * VIEWS * FRAME_BYTES];
        let mut out = self.frames.chunks_exact_mut(FRAME_BYTES);
        for place in &self.poses {
            for day in &days {
                let Some(frame) = out.next() else { continue };
                let pose = nearby(world, place, rng);
                let (v_mps, w_rps) = (day.robot.v_max_mps * rng.unit(), 0.3 * day.robot.w_max_rps * rng.normal());
                day.picture(world, &crowd, &Motion { pose, v_mps, w_rps }, rng.range(0.0, 300.0), frame)?;
            }
        }
        Ok(())
    }
}

/// A robot on one day: its sensor, the light, and whether people are about.
#[derive(Debug, Clone, Copy)]
struct Day {
    robot: Robot,
    sensor: SensorEffects,
    light: Light,
    people: bool,
    supersample: usize,
}

impl Day {
    /// A random day; `strength` 1 for the full range of sensors.
    fn sample(robot: Robot, strength: f64, rng: &mut Rng) -> Self {
        let strength = strength * rng.range(0.1, 1.0);
        Self {
            robot,
            sensor: SensorEffects::sample(rng, strength),
            light: Light::sample(rng),
            people: rng.chance(0.5),
            supersample: if rng.chance(1.0 / 3.0) { 2 } else { 1 },
        }
    }

    fn picture(
        &self,
        world: &World,
        crowd: &Crowd,
        motion: &Motion,
        t_s: f64,
        out: &mut [u8],
    ) -> Result<(), RenderError> {
        let movers = if self.people { crowd.at(t_s) } else { Vec::new() };
        let around = Surroundings::new(world, &movers).with_light(self.light);
        self.sensor.picture_into(around, &self.robot, motion, t_s, [WIDTH, HEIGHT, self.supersample], out)
    }
}

/// Places of a route, some of them as seen on the way back.
fn along(route: &Route, robot: &Robot, rng: &mut Rng, poses: &mut Vec<Pose>) {
    let spacing_m = (SPACING_S * robot.v_max_mps).clamp(0.45, 1.5);
    let back = rng.chance(0.35);
    let mut arc_m = rng.range(0.0, spacing_m);
    while arc_m < route.length_m() {
        let pose = route.at(arc_m);
        poses.push(pose);
        if back {
            poses.push(pose.moved(0.0, 0.0, std::f64::consts::PI));
        }
        arc_m += spacing_m;
    }
}

/// A pose from which the same place is seen: up to about 0.5 m aside and 30 degrees off.
fn nearby(world: &World, place: &Pose, rng: &mut Rng) -> Pose {
    for _ in 0..8 {
        let aside_m = (0.25 * rng.normal()).clamp(-0.55, 0.55);
        let turn_rad = (0.22 * rng.normal()).clamp(-0.55, 0.55);
        let pose = place.moved(rng.range(-0.3, 0.3), aside_m, turn_rad);
        if world.clearance_m(pose.x_m, pose.y_m) > 0.12 && in_sight(world, place, &pose) {
            return pose;
        }
    }
    *place
}

/// Whether nothing stands between two poses.
fn in_sight(world: &World, a: &Pose, b: &Pose) -> bool {
    (1..12).all(|i| {
        let part = f64::from(i) / 12.0;
        world.clearance_m(a.x_m + (b.x_m - a.x_m) * part, a.y_m + (b.y_m - a.y_m) * part) > 0.03
    })
}

fn apart(world: &World, a: &Pose, b: &Pose, tolerance_m: f64) -> f32 {
    let (apart_m, turn_rad) = (a.distance_m(b), wrap(a.yaw_rad - b.yaw_rad).abs());
    let parted = apart_m > 0.8 && !in_sight(world, a, b);
    if turn_rad > 1.2 || parted { ELSEWHERE } else { ((apart_m / tolerance_m) as f32).min(ELSEWHERE) }
}

/// How much is in a batch of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceBatchSize {
    /// Worlds.
    pub worlds: usize,
    /// Places a world.
    pub places: usize,
    /// Views a place.
    pub views: usize,
}

/// One batch; shapes are row-major. Places of different worlds are different places.
#[derive(Debug, Clone)]
pub struct PlaceBatch {
    /// Its sizes: W worlds, P places, V views.
    pub size: PlaceBatchSize,
    /// `[W, P, V, 64, 85, 3]`.
    pub pictures: Vec<u8>,
    /// `[W, P, P]`: [`PlaceSet::apart`] of places of one world.
    pub apart: Vec<f32>,
}

impl PlaceBatch {
    /// An empty batch with buffers of the right size.
    #[must_use]
    pub fn new(size: PlaceBatchSize) -> Self {
        let places = size.worlds * size.places;
        Self { size, pictures: vec![0; places * size.views * FRAME_BYTES], apart: vec![0.0; places * size.places] }
    }

    /// Fills the part of world number `block` from a set: random places, the same view slots for all
    /// of them. `augment` false leaves the pictures as they are (no mirror, no change of light).
    pub fn fill(&mut self, block: usize, set: &PlaceSet, rng: &mut Rng, augment: bool) {
        let PlaceBatchSize { places, views, .. } = self.size;
        let mut slots: Vec<usize> = (0..VIEWS).collect();
        shuffle(&mut slots, rng);
        let mut chosen: Vec<usize> = (0..set.places()).collect();
        shuffle(&mut chosen, rng);
        let flip = augment && rng.chance(0.5);
        for p in 0..places {
            // A world with fewer places shows some twice; they are the same place then.
            let Some(&place) = chosen.get(p % chosen.len().max(1)) else { continue };
            for v in 0..views {
                let slot = slots.get(v % VIEWS).copied().unwrap_or(0);
                let at = ((block * places + p) * views + v) * FRAME_BYTES;
                let Some(out) = self.pictures.get_mut(at..at + FRAME_BYTES) else { continue };
                let (look, mapping) = if augment {
                    let mapping = if rng.chance(0.5) { Mapping::remounted(flip, rng) } else { Mapping::upright(flip) };
                    (Look::sample(rng, 0.6), mapping)
                } else {
                    (Look::plain(), Mapping::upright(flip))
                };
                look.apply(set.frame(place, slot), out, &mapping, true);
            }
            for q in 0..places {
                let Some(&other) = chosen.get(q % chosen.len().max(1)) else { continue };
                if let Some(to) = self.apart.get_mut((block * places + p) * places + q) {
                    *to = set.apart(place, other);
                }
            }
        }
    }
}

fn shuffle(items: &mut [usize], rng: &mut Rng) {
    for i in (1..items.len()).rev() {
        items.swap(i, rng.below(i + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Split;

    fn set(index: u64) -> PlaceSet {
        let world = World::generate(WorldId { split: Split::Train, index });
        match PlaceSet::generate(&world, 3) {
            Ok(Some(set)) => set,
            other => unreachable!("world {index} has routes: {:?}", other.map(|s| s.is_some())),
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_places_and_pictures() {
        let (a, b) = (set(5), set(5));
        assert_eq!(a.poses, b.poses);
        assert_eq!(a.frames, b.frames);
        assert_eq!(a.frames.len(), a.frames() * FRAME_BYTES);
    }

    #[test]
    fn a_place_is_no_way_apart_from_itself_alone_and_as_far_there_as_back() {
        let set = set(7);
        let mut far = 0;
        for a in 0..set.places() {
            for b in 0..set.places() {
                assert_eq!(set.apart(a, b) <= 0.0, a == b);
                assert!((set.apart(a, b) - set.apart(b, a)).abs() < 1e-6, "{a} {b}");
                far += usize::from(set.apart(a, b) > 2.0);
            }
        }
        assert!(far * 2 > set.places() * set.places(), "{far} of {}", set.places());
    }

    #[test]
    fn a_batch_holds_what_the_set_holds_under_one_slot_a_view() {
        let set = set(6);
        let size = PlaceBatchSize { worlds: 2, places: 5, views: 2 };
        let mut batch = PlaceBatch::new(size);
        batch.fill(1, &set, &mut Rng::new(4), false);
        let (empty, filled) = batch.pictures.split_at(batch.pictures.len() / 2);
        assert!(empty.iter().all(|b| *b == 0));
        let mut slots = [None; 2];
        for (n, picture) in filled.chunks_exact(FRAME_BYTES).enumerate() {
            let found = (0..set.places() * VIEWS).find(|i| set.frame(i / VIEWS, i % VIEWS) == picture);
            let slot = found.map(|i| i % VIEWS);
            assert!(slot.is_some(), "picture {n} is of the set");
            assert_eq!(*slots[n % 2].get_or_insert(slot), slot);
        }
    }
}
