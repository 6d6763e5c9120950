//! All textures of a world, and which number is what.

use crate::patterns::{self, Canvas, Clouds, Mood, pictures};
use crate::rng::Rng;
use crate::texture::Texture;
use crate::world::Family;

/// Surfaces of walls, floors and furniture: the first numbers.
pub(crate) const SURFACES: usize = 16;
/// Of these the walls of a plain world are made, the floors of the rest.
const PLAIN_WALLS: usize = 4;
const POSTERS: usize = 12;

/// Numbers of the textures that stand for one thing.
pub(crate) const CEILING: u8 = (SURFACES + POSTERS) as u8;
pub(crate) const CLOTH: u8 = CEILING + 1;
pub(crate) const LAMP: u8 = CEILING + 2;
/// Skirting boards and rails; painted wood of furniture.
pub(crate) const TRIM: u8 = CEILING + 3;
pub(crate) const WINDOW: u8 = CEILING + 4;
const WINDOWS: usize = 2;
pub(crate) const DOOR: u8 = CEILING + 6;
const DOORS: usize = 3;
const SIGN: u8 = CEILING + 9;
const SIGNS: usize = 3;
const SHELF: u8 = CEILING + 12;
const SHELVES: usize = 2;
pub(crate) const LEAVES: u8 = CEILING + 14;
pub(crate) const BARK: u8 = CEILING + 16;
pub(crate) const GRASS: u8 = CEILING + 17;
pub(crate) const GRAVEL: u8 = CEILING + 18;

/// How a world is painted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Palette {
    /// White or pale walls with little on them, as in most offices.
    pub(crate) plain: bool,
}

impl Palette {
    /// Paints everything that a world of `family` needs; one world in five is plain.
    pub(crate) fn paint(family: Family, rng: &mut Rng) -> (Self, Vec<Texture>) {
        let clouds = Clouds::new(rng);
        let tint: [f32; 3] = std::array::from_fn(|_| rng.range(0.82, 1.12) as f32);
        let plain = rng.chance(if family == Family::Office { 0.3 } else { 0.15 });
        // Half of the worlds are as muted as most real places.
        let loudness = if plain || rng.chance(0.5) { rng.range(0.0, 0.2) } else { rng.range(0.2, 0.6) };
        let first_kind = rng.below(patterns::KINDS);
        let mut textures = Vec::new();
        for i in 0..SURFACES {
            let kind = if i < patterns::KINDS { first_kind + i } else { rng.below(patterns::KINDS) };
            let mood = match (plain, i < PLAIN_WALLS) {
                (true, true) => Mood { contrast: rng.range(0.03, 0.2), pale: rng.range(0.6, 0.9), loudness: 0.0 },
                (true, false) => Mood { contrast: rng.range(0.15, 0.6), pale: rng.range(0.0, 0.5), loudness },
                _ => Mood { contrast: if rng.chance(0.3) { rng.range(0.1, 0.5) } else { 1.0 }, pale: 0.0, loudness },
            };
            let mut canvas = patterns::surface(kind, &clouds, rng, mood);
            for pixel in &mut canvas.pixels {
                for (c, t) in pixel.iter_mut().zip(tint) {
                    *c *= t;
                }
            }
            textures.push(Texture::new(&canvas, rng.range(0.9, 2.6) as f32));
        }
        let mut picture = |canvas: &Canvas| textures.push(Texture::new(canvas, 1.0));
        for _ in 0..POSTERS {
            picture(&patterns::poster(rng));
        }
        textures.push(Texture::new(&patterns::ceiling(rng, &clouds), rng.range(1.6, 3.2) as f32));
        textures.push(Texture::new(&patterns::cloth(&clouds), 0.6));
        let mut picture = |canvas: &Canvas| textures.push(Texture::new(canvas, 1.0));
        picture(&pictures::plain([1.0, 0.98, rng.range(0.75, 0.95) as f32]));
        let trim = patterns::colour(rng, 0.1);
        picture(&pictures::plain(trim));
        for _ in 0..WINDOWS {
            picture(&pictures::window(rng));
        }
        for _ in 0..DOORS {
            picture(&pictures::door(rng));
        }
        for _ in 0..SIGNS {
            picture(&pictures::sign(rng));
        }
        for _ in 0..SHELVES {
            picture(&pictures::shelf(rng));
        }
        // A plant needs leaves indoors as well.
        let summer = rng.range(-0.25, 0.35) as f32;
        for (kind, colour, tile_m) in [
            (13, [0.2 + summer.max(0.0), 0.42, 0.14], 1.3),
            (13, [0.26, 0.36 + 0.3 * summer, 0.12], 0.9),
            (4, [0.34, 0.25, 0.18], 0.5),
            (11, [0.26 + 0.5 * summer.max(0.0), 0.42, 0.16], 1.5),
            (11, [0.5, 0.48, 0.45], 1.1),
        ] {
            textures.push(Texture::new(&patterns::tinted(kind, &clouds, rng, colour), tile_m));
        }
        (Self { plain }, textures)
    }

    /// A surface for walls.
    pub(crate) fn wall(&self, rng: &mut Rng) -> u8 {
        rng.below(if self.plain { PLAIN_WALLS } else { SURFACES }) as u8
    }

    /// A surface for floors and furniture.
    pub(crate) fn other(&self, rng: &mut Rng) -> u8 {
        if self.plain { rng.between(PLAIN_WALLS, SURFACES - 1) as u8 } else { rng.below(SURFACES) as u8 }
    }
}

pub(crate) fn any_poster(rng: &mut Rng) -> u8 {
    (SURFACES + rng.below(POSTERS)) as u8
}

pub(crate) fn any_window(rng: &mut Rng) -> u8 {
    WINDOW + rng.below(WINDOWS) as u8
}

pub(crate) fn any_door(rng: &mut Rng) -> u8 {
    DOOR + rng.below(DOORS) as u8
}

pub(crate) fn any_sign(rng: &mut Rng) -> u8 {
    SIGN + rng.below(SIGNS) as u8
}

pub(crate) fn any_shelf(rng: &mut Rng) -> u8 {
    SHELF + rng.below(SHELVES) as u8
}
