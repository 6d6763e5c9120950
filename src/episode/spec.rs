//! What an episode follows from, and which robot drives in which world.

use pilotage_sim::{Family, Rng, Robot, WorldId};

/// Everything an episode follows from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpisodeSpec {
    /// The world.
    pub world: WorldId,
    /// The kind of robot.
    pub kind: Kind,
    /// How much light and camera change between the two drives.
    pub effects: Effects,
    /// Whether people and boxes are about that no map knows.
    pub movers: bool,
}

impl EpisodeSpec {
    /// A world with any robot that suits it, the same light on both drives, nobody about.
    #[must_use]
    pub fn plain(world: WorldId) -> Self {
        Self { world, kind: Kind::Any, effects: Effects::None, movers: false }
    }
}

/// The kind of robot of an episode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Whatever the world's seed gives.
    Any,
}

impl Kind {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        "any"
    }

    /// Whether training knew this kind; `None` where that cannot be said.
    #[must_use]
    pub fn seen_in_training(&self) -> Option<bool> {
        None
    }

    /// One robot of this kind.
    #[must_use]
    pub fn sample(&self, rng: &mut Rng, family: Family) -> Robot {
        Robot::sample(rng, family)
    }
}

/// How much light and camera change between the two drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effects {
    /// Perfect pictures in the same light.
    None,
    /// What a good camera does on an ordinary day.
    Mild,
    /// What a poor camera does on a bad one.
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
}
