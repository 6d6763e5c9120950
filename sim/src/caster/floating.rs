//! What neither stands through nor hangs through: painted over the finished column, far to near.
//!
//! A floating thing is hidden by whatever was painted before the ray met it, so it may use just the
//! rows that were empty then. Farther things painted into them since are what it hides.

use super::surfaces::fetch;
use super::{FAR_M, Frame, Hit, NEAR_M, Strip};
use crate::camera::Ray;
use crate::texture::rough_log2;
use crate::world::Body;

/// Something met on the way, with the rows that nothing nearer has taken.
pub(super) struct Floating {
    hit: Hit,
    top: usize,
    bottom: usize,
}

impl Floating {
    pub(super) fn new(hit: &Hit, strip: &Strip<'_>) -> Self {
        Self { hit: *hit, top: strip.top, bottom: strip.bottom }
    }
}

impl Frame<'_> {
    /// Where the ray comes out of the box or cylinder that it hit.
    pub(super) fn leaves(&self, hit: &Hit, [dx, dy]: [f32; 2]) -> f32 {
        let Some(face) = self.face(hit.item) else {
            return hit.leaving_t;
        };
        let sides = self.world.faces.iter().skip(face.first_side as usize).take(4);
        let beyond = sides.filter(|side| side.first_side == face.first_side).filter_map(|side| {
            let (rx, ry) = (side.start[0] - self.eye[0], side.start[1] - self.eye[1]);
            let cross = dx * side.along[1] - dy * side.along[0];
            let leaving = dx * side.normal[0] + dy * side.normal[1] > 0.0;
            let (t, u) = ((rx * side.along[1] - ry * side.along[0]) / cross, (rx * dy - ry * dx) / cross);
            (leaving && u >= -1e-3 && u <= side.length + 1e-3).then_some(t)
        });
        beyond.fold(hit.t, f32::max)
    }

    /// Paints what was met, nearest last.
    pub(super) fn paint_floating(&self, strip: &mut Strip<'_>, met: &[Floating], direction: [f32; 2], ray: Ray) {
        for Floating { hit, top, bottom } in met.iter().rev() {
            let Some(body) = self.body(hit.item) else {
                continue;
            };
            (strip.top, strip.bottom) = (*top, *bottom);
            let depth = (hit.t * ray.depth_per_m).max(NEAR_M);
            let far = (hit.leaving_t * ray.depth_per_m).max(depth);
            let row_of = |z: f32, depth: f32| self.rounded(self.horizon - (z - self.eye_z) * self.focal / depth);
            let (start, end) = (row_of(body.z_high, depth), row_of(body.z_low, depth));
            self.wall_rows(strip, hit, body, start, end, depth, direction);
            if body.z_high < self.eye_z {
                self.level_rows(strip, hit, body, (row_of(body.z_high, far), start), direction, ray);
            } else if body.z_low > self.eye_z {
                self.level_rows(strip, hit, body, (end, row_of(body.z_low, far)), direction, ray);
            }
        }
    }

    /// The rows of the upper side as seen from above, or of the under side as seen from below.
    fn level_rows(
        &self,
        strip: &mut Strip<'_>,
        hit: &Hit,
        body: &Body,
        (from, to): (usize, usize),
        direction: [f32; 2],
        ray: Ray,
    ) {
        let (from, to) = (from.max(strip.top), to.min(strip.bottom));
        let above = body.z_high < self.eye_z;
        let Some(texture) = self.world.textures.get(usize::from(body.top_texture)) else {
            return;
        };
        if from >= to {
            return;
        }
        let drop = self.eye_z - if above { body.z_high } else { body.z_low };
        let mut shade = self.shade(hit.t * ray.depth_per_m, if above { 1.1 } else { 0.5 });
        if let Some(part) = self.part(hit.item) {
            shade.tint(part.tint);
        }
        for y in from..to {
            let below = y as f32 + 0.5 - self.horizon;
            let below = if above { below.max(0.1) } else { below.min(-0.1) };
            let depth = (drop * self.focal / below).clamp(NEAR_M, FAR_M);
            let t = depth / ray.depth_per_m;
            let (x, z) = (self.eye[0] + direction[0] * t, self.eye[1] + direction[1] * t);
            let level = texture.level(rough_log2(depth / self.focal * 2.0));
            let texel = fetch(&level, x * texture.tiles_per_m, z * texture.tiles_per_m, false);
            shade.apply(texel, 128, strip.pixel(y));
        }
    }
}
