//! What lies over a whole world: floor, lamplight, fog, sky.

use super::Builder;
use crate::grid::GroundMap;
use crate::patterns;
use crate::world::{Air, Family, Sky};

impl Builder {
    /// The floor of every cell, and lamplight that varies over a few metres.
    pub(super) fn ground(&mut self) -> GroundMap {
        let per_m = f64::from(GroundMap::PER_M);
        let columns = (self.size_m[0] * per_m).ceil() as usize + 1;
        let rows = (self.size_m[1] * per_m).ceil() as usize + 1;
        let spacing = self.rng.range(3.0, 6.0);
        let depth = self.rng.range(0.05, 0.3);
        let knots_across = (self.size_m[0] / spacing) as usize + 3;
        let knots: Vec<f64> =
            (0..knots_across * ((self.size_m[1] / spacing) as usize + 3)).map(|_| self.rng.range(-1.0, 1.0)).collect();
        let knot = |cx: usize, cy: usize| knots.get(cy * knots_across + cx).copied().unwrap_or(0.0);
        let mut cells = Vec::with_capacity(columns * rows);
        for cy in 0..rows {
            for cx in 0..columns {
                let (x, y) = ((cx as f64 + 0.5) / per_m, (cy as f64 + 0.5) / per_m);
                let inside = |a: &[f64; 4]| x >= a[0] && y >= a[1] && x < a[2] && y < a[3];
                let texture = self
                    .floor_override
                    .iter()
                    .rev()
                    .find(|(area, _)| inside(area))
                    .map_or_else(|| self.region(x, y).floor, |o| o.1);
                let (gx, gy) = (x / spacing, y / spacing);
                let (kx, ky) = (gx as usize, gy as usize);
                let ease = |t: f64| t * t * (3.0 - 2.0 * t);
                let (ax, ay) = (ease(gx - kx as f64), ease(gy - ky as f64));
                let low = knot(kx, ky) * (1.0 - ax) + knot(kx + 1, ky) * ax;
                let high = knot(kx, ky + 1) * (1.0 - ax) + knot(kx + 1, ky + 1) * ax;
                let light = 1.0 + depth * (low * (1.0 - ay) + high * ay);
                cells.push((texture, (light * 128.0) as u8));
            }
        }
        let mut ground = GroundMap { columns, rows, cells };
        for (area, gain) in &self.bright {
            ground.scale(*area, *gain, |_, _| true);
        }
        if self.id.family() == Family::Outdoor && self.rng.chance(0.65) {
            self.shadows(&mut ground);
        }
        ground
    }

    /// What stands between the floor and the sun.
    fn shadows(&mut self, ground: &mut GroundMap) {
        let (slope, gain) = (self.rng.range(0.4, 1.3), self.rng.range(0.55, 0.8));
        let [sx, sy] = self.sun;
        let mut dark = GroundMap { cells: vec![(0, 128); ground.cells.len()], ..*ground };
        for (shape, tall) in self.shapes.iter().zip(&self.tall).filter(|(_, tall)| **tall > 0.3) {
            let long = (tall * slope).min(4.5);
            let (b, back) = (shape.bounds(), [-sx * long, -sy * long]);
            let area =
                [b[0] + back[0].min(0.0), b[1] + back[1].min(0.0), b[2] + back[0].max(0.0), b[3] + back[1].max(0.0)];
            let steps = (long / 0.4).ceil().max(1.0) as usize;
            dark.set(area, 0, |x, y| {
                (0..=steps).any(|i| {
                    let far = long * i as f64 / steps as f64;
                    shape.distance_m(x + sx * far, y + sy * far) <= 0.0
                })
            });
        }
        for (centre, radius) in &self.shades {
            let off = (2.8 * slope).min(4.0);
            let at = [centre[0] - sx * off, centre[1] - sy * off];
            let area = [at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius];
            dark.set(area, 0, |x, y| crate::trig::length(x - at[0], y - at[1]) <= *radius);
        }
        for (cell, dark) in ground.cells.iter_mut().zip(&dark.cells) {
            if dark.1 == 0 {
                cell.1 = (f64::from(cell.1) * gain) as u8;
            }
        }
    }

    /// Fog, and a sky with a silhouette all round where there is no ceiling.
    pub(super) fn air(&mut self) -> Air {
        let rng = &mut self.rng;
        let outdoor = self.id.family() == Family::Outdoor;
        let grey = rng.range(0.45, 0.9) as f32;
        let fog: [f32; 3] = std::array::from_fn(|_| grey * rng.range(0.92, 1.08) as f32);
        let fog_m = if outdoor { rng.range(25.0, 140.0) } else { rng.range(15.0, 70.0) } as f32;
        let sky = outdoor.then(|| {
            let blue = rng.range(0.35, 1.0) as f32;
            let zenith = [0.35 * blue + 0.1, 0.5 * blue + 0.12, 0.75 * blue + 0.2];
            let mut skyline = Vec::with_capacity(512);
            let (mut height, mut ink, mut left) = (0.05, [0.4; 3], 0);
            for _ in 0..512 {
                if left == 0 {
                    height = if rng.chance(0.25) { 0.0 } else { rng.range(0.01, 0.16) as f32 };
                    ink = patterns::colour(rng, 0.2).map(|c| c * 0.6 + 0.2);
                    left = rng.between(6, 40);
                }
                left -= 1;
                skyline.push((height, ink));
            }
            Sky { zenith, horizon: fog, skyline }
        });
        Air { fog, fog_m, sky }
    }
}
