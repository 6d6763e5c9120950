//! A generated world: what can be seen, what can be touched, and how far away it is.

use crate::families;
use crate::geometry::Shape;
use crate::grid::{ClearanceGrid, GroundMap, VisibleGrid};
use crate::rng::mix64;
use crate::texture::Texture;

/// Which of the three disjoint sets of worlds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Split {
    /// For training.
    Train,
    /// For choosing between trained models.
    Validation,
    /// For the figures that are reported, and for demonstrations.
    Test,
}

impl Split {
    /// The name used on command lines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// The split called `name`, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Train, Self::Validation, Self::Test].into_iter().find(|s| s.name() == name)
    }
}

/// Names one world. Different ids never share a seed, so the splits are disjoint by construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WorldId {
    /// The set it belongs to.
    pub split: Split,
    /// Its number in that set (the low 62 bits count).
    pub index: u64,
}

impl WorldId {
    /// The seed that everything in the world follows from; one-to-one in (split, index).
    #[must_use]
    pub fn seed(self) -> u64 {
        mix64(self.index << 2 | self.split as u64)
    }

    /// The kind of place: by index, in turn, so that any run of four has one of each.
    #[must_use]
    pub fn family(self) -> Family {
        match self.index % 4 {
            0 => Family::Maze,
            1 => Family::Office,
            2 => Family::Outdoor,
            _ => Family::Warehouse,
        }
    }
}

/// The kinds of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Corridors between walls, with loops.
    Maze,
    /// Rooms with doors and furniture.
    Office,
    /// Buildings, poles, fences and hedges under a sky.
    Outdoor,
    /// Aisles between racks.
    Warehouse,
}

impl Family {
    /// All families, in the order of [`WorldId::family`].
    pub const ALL: [Self; 4] = [Self::Maze, Self::Office, Self::Outdoor, Self::Warehouse];

    /// The family's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Maze => "maze",
            Self::Office => "office",
            Self::Outdoor => "outdoor",
            Self::Warehouse => "warehouse",
        }
    }

    /// True where there is a ceiling and robots are slow and small.
    #[must_use]
    pub fn indoor(self) -> bool {
        self != Self::Outdoor
    }
}

/// An upright rectangle that a ray can hit: a side of a box.
#[derive(Debug, Clone)]
pub(crate) struct Face {
    pub(crate) start: [f32; 2],
    pub(crate) along: [f32; 2],
    pub(crate) normal: [f32; 2],
    pub(crate) length: f32,
    pub(crate) body: Body,
    pub(crate) u_offset: f32,
    pub(crate) shade: f32,
    pub(crate) decals: (u32, u32),
    /// The first of the sides of its box; the others follow.
    pub(crate) first_side: u32,
}

/// An upright cylinder.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) centre: [f32; 2],
    pub(crate) radius: f32,
    pub(crate) body: Body,
}

/// What faces and cylinders have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    pub(crate) z_low: f32,
    pub(crate) z_high: f32,
    pub(crate) texture: u8,
    pub(crate) top_texture: u8,
    /// Nothing can be seen behind or above it.
    pub(crate) full: bool,
}

/// A picture on a face.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decal {
    pub(crate) u: [f32; 2],
    pub(crate) z: [f32; 2],
    pub(crate) texture: u8,
}

/// What is above an outdoor world, by direction.
#[derive(Debug, Clone)]
pub(crate) struct Sky {
    pub(crate) zenith: [f32; 3],
    pub(crate) horizon: [f32; 3],
    /// By azimuth: height of the far silhouette (tangent of elevation) and its colour.
    pub(crate) skyline: Vec<(f32, [f32; 3])>,
}

/// Light and air.
#[derive(Debug, Clone)]
pub(crate) struct Air {
    pub(crate) fog: [f32; 3],
    /// Distance at which 63 % of a thing is fog, metres.
    pub(crate) fog_m: f32,
    pub(crate) sky: Option<Sky>,
}

/// A generated world; immutable, and the same bits for the same id on every machine.
#[derive(Debug, Clone)]
pub struct World {
    pub(crate) id: WorldId,
    pub(crate) size_m: [f64; 2],
    pub(crate) ceiling_m: f32,
    pub(crate) ceiling_texture: u8,
    /// Nearly white, for what brings its own colour.
    pub(crate) cloth_texture: u8,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) faces: Vec<Face>,
    pub(crate) columns: Vec<Column>,
    pub(crate) decals: Vec<Decal>,
    pub(crate) textures: Vec<Texture>,
    pub(crate) ground: GroundMap,
    pub(crate) visible: VisibleGrid,
    pub(crate) clearance: ClearanceGrid,
    pub(crate) air: Air,
}

impl World {
    /// Makes the world called `id`: 5 to 30 ms of work, always the same result.
    #[must_use]
    pub fn generate(id: WorldId) -> Self {
        families::generate(id)
    }

    /// The name it was made from.
    #[must_use]
    pub fn id(&self) -> WorldId {
        self.id
    }

    /// The kind of place.
    #[must_use]
    pub fn family(&self) -> Family {
        self.id.family()
    }

    /// Size in metres (x, y); everything lies between (0, 0) and this.
    #[must_use]
    pub fn size_m(&self) -> [f64; 2] {
        self.size_m
    }

    /// The footprints of everything that a robot can touch.
    #[must_use]
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// Exact metres from (`x_m`, `y_m`) to the nearest obstacle, negative inside one, never more
    /// than [`ClearanceGrid::EXACT_REACH_M`]; negative outside the world.
    #[must_use]
    pub fn clearance_m(&self, x_m: f64, y_m: f64) -> f64 {
        self.clearance.exact_m(&self.shapes, x_m, y_m)
    }

    /// Like [`World::clearance_m`] but interpolated on a 0.1 m grid, reaching to
    /// [`ClearanceGrid::REACH_M`]: for planning.
    #[must_use]
    pub fn clearance_field_m(&self, x_m: f64, y_m: f64) -> f64 {
        self.clearance.smooth_m(x_m, y_m)
    }
}
