//! What fills the rows of a column: walls with their pictures, floors, tops, ceilings, sky.

use super::{FAR_M, Frame, Hit, NEAR_M, Shade, Strip};
use crate::camera::Ray;
use crate::texture::{Level, rough_log2};
use crate::trig::atan2;
use crate::world::{Body, Face};

impl Frame<'_> {
    /// Light on a face: what the builder gave it, or the sun of the hour.
    fn sunlit(&self, face: &Face) -> f32 {
        let Some((to_sun, strength)) = self.sun else {
            return face.shade;
        };
        let lit = (face.normal[0] * to_sun[0] + face.normal[1] * to_sun[1]).max(0.0);
        face.shade * (1.0 - 0.45 * strength) + 0.8 * strength * lit
    }

    #[allow(clippy::too_many_arguments, reason = "the innermost painter; a struct would be built per hit")]
    pub(super) fn wall_rows(
        &self,
        strip: &mut Strip<'_>,
        hit: &Hit,
        body: &Body,
        start: usize,
        end: usize,
        depth: f32,
        direction: [f32; 2],
    ) {
        let (start, end) = (start.max(strip.top), end.min(strip.bottom));
        if start >= end {
            return;
        }
        let Some(texture) = self.world.textures.get(usize::from(body.texture)) else {
            return;
        };
        let at = [0, 1].map(|k| self.eye[k] + direction[k] * (hit.t - 0.05));
        let (_, lamp) = self.world.ground.at(at[0], at[1]);
        let face = self.face(hit.item);
        let light = face.map_or(0.72 + 0.28 * hit.facing, |f| self.sunlit(f));
        let mut shade = self.shade(depth, light);
        if let Some(part) = self.part(hit.item) {
            shade.tint(part.tint);
        }
        let pixel_m = depth / self.focal;
        let footprint = rough_log2(pixel_m / hit.facing.max(0.12).sqrt());
        let z_of = |y: usize| self.eye_z + (self.horizon - y as f32 - 0.5) * pixel_m;
        let level = texture.level(footprint);
        let along = face.map_or_else(|| self.turn_m(hit, direction), |f| hit.u + f.u_offset);
        let u = along * texture.tiles_per_m;
        let close = pixel_m * texture.tiles_per_m * level.side() < 0.4;
        for y in start..end {
            let v = -z_of(y) * texture.tiles_per_m;
            shade.apply(fetch(&level, u, v, close), u32::from(lamp), strip.pixel(y));
        }
        let Some(face) = face else { return };
        let (first, count) = face.decals;
        for decal in self.world.decals.iter().skip(first as usize).take(count as usize) {
            if hit.u < decal.u[0] || hit.u >= decal.u[1] {
                continue;
            }
            let Some(texture) = self.world.textures.get(usize::from(decal.texture)) else {
                continue;
            };
            let (wide, high) = (decal.u[1] - decal.u[0], decal.z[1] - decal.z[0]);
            let row_of = |z: f32| self.rounded(self.horizon - (z - self.eye_z) / pixel_m);
            let level = texture.level(footprint - rough_log2(wide.min(high)));
            let u = (hit.u - decal.u[0]) / wide * 0.998;
            let close = pixel_m / wide * level.side() < 0.4;
            for y in row_of(decal.z[1]).max(start)..row_of(decal.z[0]).min(end) {
                let v = ((decal.z[1] - z_of(y)) / high).clamp(0.0, 0.998);
                shade.apply(fetch(&level, u, v, close), u32::from(lamp), strip.pixel(y));
            }
        }
    }

    /// Floor from row `until` down to what is painted already.
    pub(super) fn floor_rows(&self, strip: &mut Strip<'_>, until: usize, direction: [f32; 2], ray: Ray) {
        let until = until.max(strip.top);
        for y in until..strip.bottom {
            let Some(row) = self.rows.get(y) else {
                continue;
            };
            let t = row.depth / ray.depth_per_m;
            let (x, z) = (self.eye[0] + direction[0] * t, self.eye[1] + direction[1] * t);
            let (texture, lamp) = self.world.ground.at(x, z);
            let Some(texture) = self.world.textures.get(usize::from(texture)) else {
                continue;
            };
            let level = texture.level(row.log2_footprint);
            let close = row.log2_footprint + texture.log2_density < -1.5;
            let texel = fetch(&level, x * texture.tiles_per_m, z * texture.tiles_per_m, close);
            row.shade.apply(texel, u32::from(lamp), strip.pixel(y));
        }
        strip.bottom = strip.bottom.min(until);
    }

    /// The upper side of a low thing, from row `until` down.
    pub(super) fn top_rows(&self, strip: &mut Strip<'_>, until: usize, body: &Body, direction: [f32; 2], ray: Ray) {
        let until = until.max(strip.top);
        let Some(texture) = self.world.textures.get(usize::from(body.top_texture)) else {
            return;
        };
        let drop = self.eye_z - body.z_high;
        for y in until..strip.bottom {
            let below = (y as f32 + 0.5 - self.horizon).max(0.1);
            let depth = (drop * self.focal / below).clamp(NEAR_M, FAR_M);
            let t = depth / ray.depth_per_m;
            let (x, z) = (self.eye[0] + direction[0] * t, self.eye[1] + direction[1] * t);
            let level = texture.level(rough_log2(depth / self.focal * 2.0));
            let shade = self.rows.get(y).map_or(Shade::default(), |r| r.shade);
            shade.apply(level.at(x * texture.tiles_per_m, z * texture.tiles_per_m), 140, strip.pixel(y));
        }
        strip.bottom = strip.bottom.min(until);
    }

    /// Ceiling or sky from what is painted already down to row `until`.
    pub(super) fn above_rows(&self, strip: &mut Strip<'_>, until: usize, direction: [f32; 2], ray: Ray) {
        let until = until.min(strip.bottom);
        let start = strip.top;
        if start >= until {
            return;
        }
        if let Some(sky) = &self.world.air.sky {
            let azimuth = atan2(f64::from(direction[1]), f64::from(direction[0])) + std::f64::consts::PI;
            let count = sky.skyline.len();
            let index = (azimuth / std::f64::consts::TAU * count as f64) as usize % count.max(1);
            let (height, ink) = sky.skyline.get(index).copied().unwrap_or((0.0, sky.horizon));
            for y in start..until {
                let up = (self.horizon - y as f32 - 0.5) / self.focal * ray.depth_per_m;
                let blend = (up * 1.6).clamp(0.0, 1.0);
                let colour: [f32; 3] = if up < height {
                    ink
                } else {
                    std::array::from_fn(|c| sky.horizon[c] + (sky.zenith[c] - sky.horizon[c]) * blend)
                };
                if let [r, g, b] = strip.pixel(y) {
                    let byte = |c: usize| (colour[c] * self.exposure[c] * 255.0).clamp(0.0, 255.0) as u8;
                    (*r, *g, *b) = (byte(0), byte(1), byte(2));
                }
            }
        } else if let Some(texture) = self.world.textures.get(usize::from(self.world.ceiling_texture)) {
            for y in start..until {
                let Some(row) = self.rows.get(y) else {
                    continue;
                };
                let t = row.depth / ray.depth_per_m;
                let (x, z) = (self.eye[0] + direction[0] * t, self.eye[1] + direction[1] * t);
                let level = texture.level(row.log2_footprint);
                let close = row.log2_footprint + texture.log2_density < -1.5;
                let texel = fetch(&level, x * texture.tiles_per_m, z * texture.tiles_per_m, close);
                row.shade.apply(texel, 128, strip.pixel(y));
            }
        }
        strip.top = strip.top.max(until);
    }
}

#[allow(clippy::inline_always, reason = "once a pixel; a call costs as much as the work")]
#[inline(always)]
pub(super) fn fetch(level: &Level<'_>, u: f32, v: f32, close: bool) -> u32 {
    if close { level.smooth(u, v) } else { level.at(u, v) }
}
