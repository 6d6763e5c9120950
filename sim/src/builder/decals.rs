//! What is on the sides of boxes: posters, doors, windows, signs, skirting boards.

use super::{Builder, palette};
use crate::world::Decal;

/// What the sides of a box carry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cover {
    /// With this chance a few pictures.
    Posters(f64),
    /// One picture over every side that is longer than a hand.
    Whole(u8),
    /// Rows of windows and a door here and there.
    Facade,
}

impl Builder {
    pub(super) fn decorate(&mut self, cover: Cover, wide: f64, high: f64) {
        match cover {
            Cover::Whole(texture) if wide > 0.3 => self.decal([0.0, wide], [0.0, high], texture),
            Cover::Whole(_) => {}
            Cover::Facade => self.facade(wide, high),
            Cover::Posters(chance) => {
                if high > 2.0 && wide > 0.5 {
                    self.trim(wide);
                }
                if wide > 0.5 && self.rng.chance(chance * if self.palette.plain { 0.5 } else { 1.0 }) {
                    self.pictures(wide, high);
                }
            }
        }
    }

    fn decal(&mut self, u: [f64; 2], z: [f64; 2], texture: u8) {
        self.decals.push(Decal { u: u.map(|v| v as f32), z: z.map(|v| v as f32), texture });
    }

    /// Skirting boards and rails, all over a world or nowhere.
    fn trim(&mut self, wide: f64) {
        if let Some(high) = self.skirting_m {
            self.decal([0.0, wide], [0.0, high], palette::TRIM);
        }
        if let Some(at) = self.rail_m {
            self.decal([0.0, wide], [at, at + 0.1], palette::TRIM);
        }
    }

    fn pictures(&mut self, wide: f64, high: f64) {
        let count = if wide > 2.0 { self.rng.between(1, 3) } else { 1 };
        for _ in 0..count {
            let rng = &mut self.rng;
            let (half, z0, z1, texture) = match rng.below(20) {
                // Doors reach the floor; low robots see them whole.
                0..=3 => (rng.range(0.38, 0.5), 0.0, high.min(2.1) * 0.98, palette::any_door(rng)),
                4..=6 if high > 2.0 => {
                    let low = rng.range(0.6, 1.0);
                    (rng.range(0.35, 0.8), low, low + rng.range(0.7, 1.1), palette::any_window(rng))
                }
                7..=9 => {
                    let (size, low) = (rng.range(0.15, 0.4), rng.range(0.3, 1.5));
                    let low = low.min((high - size).max(0.05));
                    (0.5 * size, low, low + size, palette::any_sign(rng))
                }
                _ => {
                    let size = rng.range(0.35, 1.1).min(high * 0.8);
                    let low = rng.range(0.05, (high - size).clamp(0.06, 1.2));
                    (rng.range(0.2, 0.7), low, low + size, palette::any_poster(rng))
                }
            };
            let half = half.min(wide * 0.45);
            let u = rng.range(half, (wide - half).max(half + 1e-3));
            self.decal([u - half, u + half], [z0, z1.min(high)], texture);
        }
    }

    fn facade(&mut self, wide: f64, high: f64) {
        let rng = &mut self.rng;
        let (pitch, storey) = (rng.range(1.3, 2.4), rng.range(2.3, 3.0));
        let (half, tall) = (rng.range(0.3, 0.42) * pitch, rng.range(0.9, 1.5));
        let (window, sill) = (palette::any_window(rng), rng.range(0.5, 1.0));
        let columns = (wide / pitch) as usize;
        let margin = 0.5 * (wide - columns as f64 * pitch);
        let entrance = if rng.chance(0.6) { rng.below(columns.max(1)) } else { usize::MAX };
        let blind = rng.range(0.0, 0.4);
        for column in 0..columns {
            let middle = margin + (column as f64 + 0.5) * pitch;
            let mut low = sill;
            if column == entrance {
                let door = palette::any_door(&mut self.rng);
                self.decal([middle - 0.5, middle + 0.5], [0.0, high.min(2.15)], door);
                low += storey;
            }
            while low + tall < high - 0.1 {
                if !self.rng.chance(blind) {
                    self.decal([middle - half, middle + half], [low, low + tall], window);
                }
                low += storey;
            }
        }
        if self.rng.chance(0.4) {
            self.pictures(wide, high.min(2.6));
        }
    }
}
