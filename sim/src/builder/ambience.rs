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
        GroundMap { columns, rows, cells }
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
