//! The ray caster: one ray per image column, front to back, floor to sky.
//!
//! Nearly everything stands on the floor or hangs from the ceiling, so the finished rows of a column
//! are always one run from the bottom and one from the top; what is nearer simply gets there first.
//! What floats between, and who walks about, is noted with the rows that were still empty where the
//! ray met it, and painted over the finished column from far to near ([`floating`]).

mod floating;
mod movers;
mod surfaces;

use crate::camera::{Camera, Ray};
use crate::geometry::Pose;
use crate::grid::COLUMN_BIT;
use crate::mover::Surroundings;
use crate::texture::rough_log2;
use crate::trig::{atan2, exp, sin_cos};
use crate::world::{Body, Face, World};
use floating::Floating;
use movers::Part;

const FAR_M: f32 = 80.0;
const NEAR_M: f32 = 0.02;

/// Brightness and fog at one distance, in 1/256.
#[derive(Clone, Copy, Default)]
struct Shade {
    keep: [u32; 3],
    fog: [u32; 3],
}

impl Shade {
    /// Colours what it shades, by factors in 1/256.
    fn tint(&mut self, tint: [u32; 3]) {
        for (keep, tint) in self.keep.iter_mut().zip(tint) {
            *keep = keep.saturating_mul(tint) >> 8;
        }
    }

    #[allow(clippy::inline_always, reason = "once a pixel; a call costs as much as the work")]
    #[inline(always)]
    fn apply(&self, texel: u32, light: u32, out: &mut [u8]) {
        // Far beyond white; no light, however absurd, may overflow what follows.
        let keep = self.keep.map(|k| (k.saturating_mul(light) >> 7).min(1 << 20));
        if let [r, g, b] = out {
            *r = ((((texel & 255) * keep[0]) >> 8) + self.fog[0]).min(255) as u8;
            *g = (((((texel >> 8) & 255) * keep[1]) >> 8) + self.fog[1]).min(255) as u8;
            *b = (((((texel >> 16) & 255) * keep[2]) >> 8) + self.fog[2]).min(255) as u8;
        }
    }
}

/// One row's view of the floor (below the horizon) or the ceiling (above it).
#[derive(Clone, Copy, Default)]
struct Row {
    depth: f32,
    log2_footprint: f32,
    shade: Shade,
}

#[derive(Clone, Copy)]
struct Hit {
    t: f32,
    u: f32,
    item: u32,
    entering: bool,
    facing: f32,
    leaving_t: f32,
}

/// Set in an item that is a part of a mover; see [`COLUMN_BIT`] for the others.
const PART_BIT: u32 = 1 << 30;

/// Lists that are filled anew for every column.
#[derive(Default)]
struct Scratch {
    hits: Vec<Hit>,
    movers: Vec<Hit>,
    floating: Vec<Floating>,
}

/// One picture being made.
pub(crate) struct Frame<'a> {
    world: &'a World,
    camera: &'a Camera,
    eye: [f32; 2],
    eye_z: f32,
    forward: [f32; 2],
    width: usize,
    height: usize,
    focal: f32,
    horizon: f32,
    rows: Vec<Row>,
    parts: Vec<Part>,
    /// Exposure and light, by channel.
    exposure: [f32; 3],
    sun: Option<([f32; 2], f32)>,
}

/// The column being painted: rows `[top, bottom)` are still empty.
struct Strip<'o> {
    out: &'o mut [u8],
    at: usize,
    stride: usize,
    top: usize,
    bottom: usize,
}

impl Strip<'_> {
    #[inline]
    fn pixel(&mut self, y: usize) -> &mut [u8] {
        let i = y * self.stride + self.at;
        self.out.get_mut(i..i + 3).unwrap_or(&mut [])
    }

    fn full(&self) -> bool {
        self.top >= self.bottom
    }
}

impl<'a> Frame<'a> {
    pub(crate) fn new(around: &Surroundings<'a>, pose: &Pose, camera: &'a Camera, width: usize, height: usize) -> Self {
        let world = around.world;
        let (sin, cos) = sin_cos(pose.yaw_rad);
        let ahead = camera.forward_offset_m;
        let eye = [(pose.x_m + cos * ahead) as f32, (pose.y_m + sin * ahead) as f32];
        let mut frame = Self {
            world,
            camera,
            eye,
            eye_z: camera.height_m.clamp(0.02, 20.0) as f32,
            forward: [cos as f32, sin as f32],
            width,
            height,
            focal: camera.focal_px(width) as f32,
            horizon: camera.horizon_px(width, height) as f32,
            rows: Vec::new(),
            parts: movers::parts(around, eye),
            exposure: around.light.channels().map(|c| c * camera.exposure as f32),
            sun: if world.air.sky.is_some() { around.light.sun() } else { None },
        };
        frame.rows = (0..height).map(|y| frame.row(y)).collect();
        frame
    }

    fn shade(&self, distance: f32, light: f32) -> Shade {
        let clear = exp(f64::from(-distance / self.world.air.fog_m)) as f32;
        let veil = (1.0 - clear) * 255.0;
        let fog = &self.world.air.fog;
        Shade {
            keep: self.exposure.map(|e| (256.0 * clear * light * e).max(0.0) as u32),
            fog: std::array::from_fn(|c| (fog[c] * veil * self.exposure[c]).clamp(0.0, 65_535.0) as u32),
        }
    }

    fn row(&self, y: usize) -> Row {
        let below = y as f32 + 0.5 - self.horizon;
        let drop = if below > 0.0 { self.eye_z } else { (self.eye_z - self.world.ceiling_m).min(-0.1) };
        let depth = (drop * self.focal / below).clamp(0.0, FAR_M);
        // Along the view a pixel covers more floor than across; the mean of both keeps detail.
        let across = depth / self.focal;
        let deep = depth * depth / (self.focal * drop.abs());
        Row { depth, log2_footprint: rough_log2((across * deep).sqrt()), shade: self.shade(depth, 1.0) }
    }

    /// Paints the whole picture into `width * height * 3` bytes.
    pub(crate) fn draw(&self, out: &mut [u8]) {
        let mut scratch = Scratch::default();
        for x in 0..self.width {
            let ray = self.camera.ray(x, self.width);
            let [ahead, left] = ray.direction;
            let direction =
                [self.forward[0] * ahead - self.forward[1] * left, self.forward[1] * ahead + self.forward[0] * left];
            let mut strip = Strip { out, at: x * 3, stride: self.width * 3, top: 0, bottom: self.height };
            self.column(&mut strip, direction, ray, &mut scratch);
            self.paint_floating(&mut strip, &scratch.floating, direction, ray);
        }
    }

    fn column(&self, strip: &mut Strip<'_>, direction: [f32; 2], ray: Ray, scratch: &mut Scratch) {
        let Scratch { hits, movers, floating } = scratch;
        floating.clear();
        self.meet_movers(direction, movers);
        let mut met = 0;
        let grid = &self.world.visible;
        let [ox, oy] = self.eye;
        let [dx, dy] = direction;
        let (mut cx, mut cy) = (ox.floor() as i64, oy.floor() as i64);
        let inverse = |d: f32| if d.abs() < 1e-9 { 1e9 } else { 1.0 / d.abs() };
        let (ix, iy) = (inverse(dx), inverse(dy));
        let first = |o: f32, d: f32, i: f32| {
            if d >= 0.0 { (o.floor() + 1.0 - o) * i } else { (o - o.floor()) * i }
        };
        let (mut tx, mut ty) = (first(ox, dx, ix), first(oy, dy, iy));
        let mut from = 0.0;
        let inside = |cx: i64, cy: i64| cx >= 0 && cy >= 0 && cx < grid.columns as i64 && cy < grid.rows as i64;
        // An eye outside the world still gets a picture: open floor and sky.
        while from < FAR_M && inside(cx, cy) {
            let to = tx.min(ty);
            hits.clear();
            for &item in grid.cell(cx as usize, cy as usize) {
                self.intersect(item, direction, from, to, hits);
            }
            hits.sort_unstable_by(|a, b| a.t.total_cmp(&b.t));
            for hit in hits.iter() {
                while let Some(mover) = movers.get(met).filter(|m| m.t < hit.t) {
                    floating.push(Floating::new(mover, strip));
                    met += 1;
                }
                self.paint_hit(strip, hit, direction, ray, floating);
                if strip.full() {
                    return;
                }
            }
            from = to;
            if tx < ty {
                tx += ix;
                cx += if dx >= 0.0 { 1 } else { -1 };
            } else {
                ty += iy;
                cy += if dy >= 0.0 { 1 } else { -1 };
            }
        }
        floating.extend(movers.iter().skip(met).map(|mover| Floating::new(mover, strip)));
        let split = self.rounded(self.horizon);
        self.floor_rows(strip, split, direction, ray);
        self.above_rows(strip, self.height, direction, ray);
    }

    #[inline]
    fn rounded(&self, y: f32) -> usize {
        (y + 0.5).clamp(0.0, self.height as f32) as usize
    }

    #[inline]
    fn intersect(&self, item: u32, [dx, dy]: [f32; 2], from: f32, to: f32, hits: &mut Vec<Hit>) {
        let [ox, oy] = self.eye;
        if item & COLUMN_BIT == 0 {
            let Some(face) = self.world.faces.get(item as usize) else {
                return;
            };
            let (rx, ry) = (face.start[0] - ox, face.start[1] - oy);
            let cross = dx * face.along[1] - dy * face.along[0];
            if cross.abs() < 1e-7 {
                return;
            }
            let t = (rx * face.along[1] - ry * face.along[0]) / cross;
            if t < from || t >= to {
                return;
            }
            let u = (rx * dy - ry * dx) / cross;
            if u < -1e-4 || u > face.length + 1e-4 {
                return;
            }
            let facing = -(dx * face.normal[0] + dy * face.normal[1]);
            hits.push(Hit { t, u, item, entering: facing > 0.0, facing: facing.abs(), leaving_t: t });
        } else {
            let Some(column) = self.world.columns.get((item & !COLUMN_BIT) as usize) else {
                return;
            };
            if let Some(hit) = self.round(column.centre, column.radius, item, [dx, dy])
                && hit.t >= from
                && hit.t < to
            {
                hits.push(hit);
            }
        }
    }

    /// Where the ray meets an upright cylinder, if it does; `t` may lie behind the eye. Where around
    /// the cylinder is left to [`Frame::turn_m`]: most hits are hidden.
    #[inline]
    fn round(&self, centre: [f32; 2], radius: f32, item: u32, [dx, dy]: [f32; 2]) -> Option<Hit> {
        let (rx, ry) = (centre[0] - self.eye[0], centre[1] - self.eye[1]);
        let middle = rx * dx + ry * dy;
        let aside = rx * rx + ry * ry - middle * middle;
        let room = radius * radius - aside;
        if room <= 0.0 {
            return None;
        }
        let half = room.sqrt();
        let t = middle - half;
        let facing = half / radius;
        Some(Hit { t, u: 0.0, item, entering: true, facing, leaving_t: middle + half })
    }

    /// Way around the cylinder of `hit` to where the ray meets it, metres.
    fn turn_m(&self, hit: &Hit, direction: [f32; 2]) -> f32 {
        let (centre, radius) = match (self.part(hit.item), self.world.columns.get((hit.item & !COLUMN_BIT) as usize)) {
            (Some(part), _) => (part.centre, part.radius),
            (None, Some(column)) => (column.centre, column.radius),
            (None, None) => return 0.0,
        };
        let [nx, ny] = [0, 1].map(|k| f64::from(self.eye[k] + direction[k] * hit.t - centre[k]));
        (atan2(ny, nx) as f32 + 4.0) * radius
    }

    #[inline]
    fn face(&self, item: u32) -> Option<&Face> {
        if item & (COLUMN_BIT | PART_BIT) == 0 { self.world.faces.get(item as usize) } else { None }
    }

    #[inline]
    fn part(&self, item: u32) -> Option<&Part> {
        if item & PART_BIT == 0 { None } else { self.parts.get((item & !PART_BIT) as usize) }
    }

    #[inline]
    fn body(&self, item: u32) -> Option<&Body> {
        if item & COLUMN_BIT != 0 {
            self.world.columns.get((item & !COLUMN_BIT) as usize).map(|c| &c.body)
        } else if item & PART_BIT != 0 {
            self.part(item).map(|p| &p.body)
        } else {
            self.world.faces.get(item as usize).map(|f| &f.body)
        }
    }

    fn paint_hit(&self, strip: &mut Strip<'_>, hit: &Hit, direction: [f32; 2], ray: Ray, floating: &mut Vec<Floating>) {
        let Some(&body) = self.body(hit.item) else {
            return;
        };
        let depth = (hit.t * ray.depth_per_m).max(NEAR_M);
        let scale = self.focal / depth;
        let row_of = |z: f32| self.rounded(self.horizon - (z - self.eye_z) * scale);
        if body.z_low > 0.0 {
            if body.z_high < self.world.ceiling_m {
                if hit.entering {
                    let leaving_t = self.leaves(hit, direction);
                    floating.push(Floating::new(&Hit { leaving_t, ..*hit }, strip));
                }
            } else if hit.entering {
                self.above_rows(strip, row_of(body.z_high), direction, ray);
                let end = row_of(body.z_low).min(strip.bottom);
                let start = strip.top;
                self.wall_rows(strip, hit, &body, start, end, depth, direction);
                strip.top = strip.top.max(end);
            }
            return;
        }
        if hit.entering || body.full {
            self.floor_rows(strip, row_of(0.0), direction, ray);
            let start = row_of(body.z_high).max(strip.top);
            let end = strip.bottom;
            self.wall_rows(strip, hit, &body, start, end, depth, direction);
            strip.bottom = strip.bottom.min(start);
            if body.full {
                self.above_rows(strip, strip.bottom, direction, ray);
                strip.top = strip.bottom;
                return;
            }
        }
        let far_t = if hit.item & COLUMN_BIT == 0 {
            if hit.entering {
                return;
            }
            hit.t
        } else {
            hit.leaving_t
        };
        if body.z_high < self.eye_z {
            let far = (far_t * ray.depth_per_m).max(NEAR_M);
            let start = self.rounded(self.horizon + (self.eye_z - body.z_high) * self.focal / far);
            self.top_rows(strip, start, &body, direction, ray);
        }
    }
}
