//! What an episode follows from, and how light and camera change between its two drives.

use pilotage_sim::{Crowd, CrowdSpec, Family, Light, Rng, Robot, RobotKind, Route, SensorEffects, World, WorldId};

use crate::camera::sim::Scene;

/// Everything an episode follows from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpisodeSpec {
    /// The world.
    pub world: WorldId,
    /// The kind of robot; `None` for one that training knows, by the world's seed.
    pub kind: Option<RobotKind>,
    /// How much light and camera change between the two drives.
    pub effects: Effects,
    /// Whether people and boxes are about that no map knows.
    pub movers: bool,
}

impl EpisodeSpec {
    /// A world with any robot that suits it, perfect pictures in the same light on both drives, nobody about.
    #[must_use]
    pub fn plain(world: WorldId) -> Self {
        Self { world, kind: None, effects: Effects::None, movers: false }
    }

    pub(super) fn robot(&self, rng: &mut Rng, family: Family) -> Robot {
        match self.kind {
            Some(kind) => kind.sample(rng, family),
            None => Robot::sample(rng, family),
        }
    }
}

/// How much light and camera change between the two drives. Each drive has a draw of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effects {
    /// Perfect pictures in the same light.
    None,
    /// Half of what cheap cameras do, and half of the way to some other hour of some other day.
    Mild,
    /// The whole range of cheap cameras, at any hour of any day.
    Strong,
}

impl Effects {
    /// By its name on the command line.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::None, Self::Mild, Self::Strong].into_iter().find(|effects| effects.name() == name)
    }

    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Mild => "mild",
            Self::Strong => "strong",
        }
    }

    fn share(self) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Mild => 0.5,
            Self::Strong => 1.0,
        }
    }

    /// One drive's light and sensor.
    pub(super) fn draw(self, rng: &mut Rng) -> Scene {
        let share = self.share();
        let (effects, light) = (SensorEffects::sample(rng, share), Light::sample(rng));
        if self == Self::None {
            return Scene::default();
        }
        let towards = |value: f64| 1.0 + share * (value - 1.0);
        let light = Light {
            ambient: towards(light.ambient),
            sun_strength: share * light.sun_strength,
            tint: light.tint.map(towards),
            ..light
        };
        Scene { light, effects, crowd: Crowd::default() }
    }
}

/// Who is about near a route: nobody near the start, the goal kept clear, a way left past everything that stands.
pub(super) fn crowd(world: &World, robot: &Robot, route: &Route, seed: u64) -> Crowd {
    let spec = CrowdSpec { passage_m: (2.0 * robot.radius_m + 0.5).max(1.0), ..CrowdSpec::default() };
    Crowd::near_route(world, route.points(), 1.0 + 2.0 * robot.radius_m, seed, &spec)
}
