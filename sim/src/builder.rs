//! What the family generators build with: textures by region, boxes, walls, posters, light.

mod ambience;
mod decals;
mod fittings;
mod palette;

pub(crate) use decals::Cover;
pub(crate) use palette::{GRASS, GRAVEL, LEAVES, any_door, any_shelf};

use crate::geometry::Shape;
use crate::grid::{ClearanceGrid, VisibleGrid};
use crate::rng::Rng;
use crate::texture::Texture;
use crate::trig::{length, sin_cos};
use crate::world::{Body, Column, Decal, Face, World, WorldId};

use palette::Palette;

/// A box to be put up; sizes in metres, standing on the floor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    pub(crate) centre: [f64; 2],
    pub(crate) half: [f64; 2],
    pub(crate) yaw_rad: f64,
    pub(crate) height_m: f64,
    /// What is on its sides.
    pub(crate) cover: Cover,
    /// The texture of all sides; by region and chance where `None`.
    pub(crate) texture: Option<u8>,
}

/// A patch of the world with its own surfaces.
#[derive(Debug, Clone, Copy)]
struct Region {
    centre: [f64; 2],
    wall: u8,
    floor: u8,
}

/// A world under construction.
pub(crate) struct Builder {
    id: WorldId,
    pub(crate) rng: Rng,
    pub(crate) size_m: [f64; 2],
    pub(crate) ceiling_m: f64,
    regions: Vec<Region>,
    variety: f64,
    shapes: Vec<Shape>,
    faces: Vec<Face>,
    columns: Vec<Column>,
    decals: Vec<Decal>,
    textures: Vec<Texture>,
    floor_override: Vec<([f64; 4], u8)>,
    /// Heights of the shapes, for their shadows.
    tall: Vec<f64>,
    /// Brighter or darker pieces of floor.
    bright: Vec<([f64; 4], f64)>,
    /// Crowns of trees, for their shadows.
    shades: Vec<([f64; 2], f64)>,
    pub(crate) palette: Palette,
    skirting_m: Option<f64>,
    rail_m: Option<f64>,
    sun: [f64; 2],
    contrast: f64,
}

impl Builder {
    pub(crate) fn new(id: WorldId) -> Self {
        let mut rng = Rng::new(id.seed());
        let mut paint = rng.fork(1);
        let (palette, textures) = Palette::paint(id.family(), &mut paint);
        let sun = sin_cos(rng.range(0.0, std::f64::consts::TAU));
        let variety = rng.range(0.15, 0.5);
        let contrast = rng.range(0.08, 0.3);
        let skirting_m = rng.chance(0.35).then(|| rng.range(0.06, 0.16));
        let rail_m = rng.chance(0.15).then(|| rng.range(0.6, 1.1));
        Self {
            id,
            rng,
            size_m: [10.0; 2],
            ceiling_m: 2.6,
            regions: Vec::new(),
            variety,
            shapes: Vec::new(),
            faces: Vec::new(),
            columns: Vec::new(),
            decals: Vec::new(),
            textures,
            floor_override: Vec::new(),
            tall: Vec::new(),
            bright: Vec::new(),
            shades: Vec::new(),
            palette,
            skirting_m,
            rail_m,
            sun: [sun.1, sun.0],
            contrast,
        }
    }

    /// Sets the size and scatters `count` regions of different surfaces over it.
    pub(crate) fn lay_out(&mut self, size_m: [f64; 2], ceiling_m: f64, count: usize) {
        self.size_m = size_m;
        self.ceiling_m = ceiling_m;
        for _ in 0..count {
            let centre = [self.rng.range(0.0, size_m[0]), self.rng.range(0.0, size_m[1])];
            let (wall, floor) = (self.palette.wall(&mut self.rng), self.any_surface());
            self.regions.push(Region { centre, wall, floor });
        }
    }

    /// A surface for floors and things.
    pub(crate) fn any_surface(&mut self) -> u8 {
        self.palette.other(&mut self.rng)
    }

    /// Makes the rectangle lighter (above 1) or darker.
    pub(crate) fn patch_of_light(&mut self, area: [f64; 4], gain: f64) {
        self.bright.push((area, gain));
    }

    /// Gives the rectangle (min x, min y, max x, max y) its own floor; later ones win.
    pub(crate) fn floor(&mut self, area: [f64; 4], texture: u8) {
        self.floor_override.push((area, texture));
    }

    fn region(&self, x: f64, y: f64) -> Region {
        let fallback = Region { centre: [0.0; 2], wall: 0, floor: 1 };
        let distance = |r: &Region| length(r.centre[0] - x, r.centre[1] - y);
        self.regions.iter().copied().min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(fallback)
    }

    fn wall_texture(&mut self, x: f64, y: f64) -> u8 {
        if self.rng.chance(self.variety) { self.palette.wall(&mut self.rng) } else { self.region(x, y).wall }
    }

    /// Puts up a box that robots can touch.
    pub(crate) fn block(&mut self, block: &Block) {
        let (sin, cos) = sin_cos(block.yaw_rad);
        self.shapes.push(Shape::Rect { centre: block.centre, half: block.half, cos, sin });
        self.tall.push(block.height_m);
        let z = (0.0, block.height_m.min(self.ceiling_m));
        self.sides(block, z, sin, cos);
    }

    /// Hangs a box from the ceiling down to `bottom_m`, above all robots.
    pub(crate) fn lintel(&mut self, block: &Block, bottom_m: f64) {
        let (sin, cos) = sin_cos(block.yaw_rad);
        self.sides(block, (bottom_m, self.ceiling_m), sin, cos);
    }

    fn sides(&mut self, block: &Block, z: (f64, f64), sin: f64, cos: f64) {
        let full = z.0 <= 0.0 && self.id.family().indoor() && z.1 >= self.ceiling_m;
        let own = block.texture.filter(|_| z.0 > 0.0);
        let top_texture = own.unwrap_or_else(|| self.any_surface());
        let corner = |i: usize| {
            let sx = if i == 0 || i == 3 { -1.0 } else { 1.0 } * block.half[0];
            let sy = if i < 2 { -1.0 } else { 1.0 } * block.half[1];
            [block.centre[0] + cos * sx - sin * sy, block.centre[1] + sin * sx + cos * sy]
        };
        let first_side = self.faces.len() as u32;
        for side in 0..4 {
            let (a, b) = (corner(side), corner((side + 1) % 4));
            let size = length(b[0] - a[0], b[1] - a[1]);
            if size < 1e-6 {
                continue;
            }
            let along = [(b[0] - a[0]) / size, (b[1] - a[1]) / size];
            let normal = [along[1], -along[0]];
            let middle = [(a[0] + b[0]) * 0.5, (a[1] + b[1]) * 0.5];
            let texture = match block.texture {
                Some(t) => t,
                None => self.wall_texture(middle[0] + 0.6 * normal[0], middle[1] + 0.6 * normal[1]),
            };
            let lit = normal[0] * self.sun[0] + normal[1] * self.sun[1];
            let first = self.decals.len() as u32;
            if z.0 <= 0.0 {
                self.decorate(block.cover, size, z.1);
            }
            self.faces.push(Face {
                start: a.map(|v| v as f32),
                along: along.map(|v| v as f32),
                normal: normal.map(|v| v as f32),
                length: size as f32,
                body: Body { z_low: z.0 as f32, z_high: z.1 as f32, texture, top_texture, full },
                u_offset: self.rng.range(0.0, 3.0) as f32,
                shade: (0.9 + self.contrast * lit) as f32,
                decals: (first, self.decals.len() as u32 - first),
                first_side,
            });
        }
    }

    /// A straight wall in pieces of 1.2 to 3 m, so that its surface changes along the way.
    pub(crate) fn wall(&mut self, from: [f64; 2], to: [f64; 2], thick_m: f64, height_m: f64, posters: f64) {
        let total = length(to[0] - from[0], to[1] - from[1]);
        if total < 0.05 {
            return;
        }
        let along = [(to[0] - from[0]) / total, (to[1] - from[1]) / total];
        let yaw_rad = crate::trig::atan2(along[1], along[0]);
        let mut done = 0.0;
        while done < total - 1e-9 {
            let mut piece = self.rng.range(1.2, 3.0);
            if total - done - piece < 0.8 {
                piece = total - done;
            }
            let middle = done + piece * 0.5;
            self.block(&Block {
                centre: [from[0] + along[0] * middle, from[1] + along[1] * middle],
                half: [piece * 0.5, thick_m * 0.5],
                yaw_rad,
                height_m,
                cover: Cover::Posters(posters),
                texture: None,
            });
            done += piece;
        }
    }

    /// The outer wall around the whole world.
    pub(crate) fn outer_wall(&mut self, thick_m: f64, height_m: f64, posters: f64) {
        let h = thick_m * 0.5;
        let [x, y] = self.size_m;
        for (from, to) in [
            ([0.0, h], [x, h]),
            ([0.0, y - h], [x, y - h]),
            ([h, thick_m], [h, y - thick_m]),
            ([x - h, thick_m], [x - h, y - thick_m]),
        ] {
            self.wall(from, to, thick_m, height_m, posters);
        }
    }

    /// An upright cylinder that robots can touch.
    pub(crate) fn cylinder(&mut self, centre: [f64; 2], radius_m: f64, height_m: f64, texture: Option<u8>) {
        self.disc(centre, radius_m, height_m);
        let texture = texture.unwrap_or_else(|| self.any_surface());
        let z_high = height_m.min(self.ceiling_m);
        let full = self.id.family().indoor() && z_high >= self.ceiling_m;
        let top_texture = self.any_surface();
        self.columns.push(Column {
            centre: centre.map(|v| v as f32),
            radius: radius_m as f32,
            body: Body { z_low: 0.0, z_high: z_high as f32, texture, top_texture, full },
        });
    }

    /// Metres from (`x`, `y`) to the nearest thing put up so far.
    pub(crate) fn gap_m(&self, x: f64, y: f64) -> f64 {
        self.shapes.iter().fold(f64::MAX, |best, s| best.min(s.distance_m(x, y)))
    }

    pub(crate) fn finish(mut self) -> World {
        let ground = self.ground();
        let air = self.air();
        World {
            id: self.id,
            size_m: self.size_m,
            ceiling_m: self.ceiling_m as f32,
            ceiling_texture: palette::CEILING,
            cloth_texture: palette::CLOTH,
            visible: VisibleGrid::new(self.size_m, &self.faces, &self.columns),
            clearance: ClearanceGrid::new(self.size_m, &self.shapes),
            shapes: self.shapes,
            faces: self.faces,
            columns: self.columns,
            decals: self.decals,
            textures: self.textures,
            ground,
            air,
        }
    }
}
