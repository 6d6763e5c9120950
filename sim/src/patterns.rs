//! Fourteen generators of surface patterns, and posters.

pub(crate) mod pictures;

use crate::rng::{Rng, mix64};
use crate::trig::sin_cos;

/// A square picture being painted; channels 0..1, row-major.
#[derive(Debug, Clone)]
pub(crate) struct Canvas {
    pub(crate) side: usize,
    pub(crate) pixels: Vec<[f32; 3]>,
}

/// Side of a surface texture in texels.
pub(crate) const SIDE: usize = 128;
const POSTER_SIDE: usize = 64;

/// Repeating cloud fields, made once a world and looked up shifted by every texture.
pub(crate) struct Clouds {
    soft: Vec<f32>,
    rough: Vec<f32>,
}

fn lattice(seed: u64, x: usize, y: usize) -> f32 {
    (mix64(seed ^ ((x as u64) << 32 | y as u64)) >> 40) as f32 / 16_777_216.0
}

fn cloud_field(seed: u64, octaves: &[(usize, f32)]) -> Vec<f32> {
    let mut field = vec![0.0; SIDE * SIDE];
    let total: f32 = octaves.iter().map(|o| o.1).sum();
    for (octave, &(cells, weight)) in octaves.iter().enumerate() {
        let seed = seed ^ mix64(octave as u64);
        let knots: Vec<f32> = (0..cells * cells).map(|i| lattice(seed, i % cells, i / cells)).collect();
        let step = SIDE / cells;
        for y in 0..SIDE {
            let (cy, fy) = (y / step, smooth((y % step) as f32 / step as f32));
            let (row, next) = (cy * cells, (cy + 1) % cells * cells);
            for x in 0..SIDE {
                let (cx, fx) = (x / step, smooth((x % step) as f32 / step as f32));
                let right = (cx + 1) % cells;
                let top = knots[row + cx] + (knots[row + right] - knots[row + cx]) * fx;
                let low = knots[next + cx] + (knots[next + right] - knots[next + cx]) * fx;
                field[y * SIDE + x] += (top + (low - top) * fy) * weight / total;
            }
        }
    }
    field
}

fn smooth(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

impl Clouds {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        Self {
            soft: cloud_field(rng.next_u64(), &[(4, 1.0), (8, 0.5), (16, 0.25), (32, 0.12)]),
            rough: cloud_field(rng.next_u64(), &[(8, 0.6), (16, 0.7), (32, 0.8), (64, 0.9)]),
        }
    }
}

/// A random colour: mostly muted, sometimes loud.
pub(crate) fn colour(rng: &mut Rng, loud: f64) -> [f32; 3] {
    let hue = rng.range(0.0, 6.0) as f32;
    let saturation = if rng.chance(loud) { rng.range(0.5, 0.95) } else { rng.range(0.05, 0.45) } as f32;
    let value = rng.range(0.28, 0.95) as f32;
    let ramp = |offset: f32| {
        let k = (hue + offset) % 6.0;
        let t = k.min(4.0 - k).clamp(0.0, 1.0);
        value * (1.0 - saturation * t)
    };
    [ramp(5.0), ramp(3.0), ramp(1.0)]
}

fn blend(a: [f32; 3], b: [f32; 3], t: f32) -> [f32; 3] {
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
}

fn scaled(a: [f32; 3], k: f32) -> [f32; 3] {
    [a[0] * k, a[1] * k, a[2] * k]
}

/// How many kinds `surface` knows.
pub(crate) const KINDS: usize = 14;

/// How strongly a surface speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mood {
    /// How far the colours of the pattern lie apart, 1 for as drawn.
    pub(crate) contrast: f64,
    /// How far everything is drawn towards white.
    pub(crate) pale: f64,
    /// Chance of strong colours.
    pub(crate) loudness: f64,
}

/// Paints surface pattern `kind` (modulo [`KINDS`]).
pub(crate) fn surface(kind: usize, clouds: &Clouds, rng: &mut Rng, mood: Mood) -> Canvas {
    let loud = if rng.chance(mood.loudness) { 0.8 } else { 0.3 * mood.loudness };
    let drawn = [colour(rng, loud), colour(rng, loud), colour(rng, loud)];
    let (contrast, pale) = (mood.contrast as f32, mood.pale as f32);
    let palette = drawn.map(|c| blend(blend(drawn[0], c, contrast), [0.8, 0.79, 0.77], pale));
    pattern(kind, clouds, rng, palette, contrast)
}

/// Paints pattern `kind` in shades of one colour.
pub(crate) fn tinted(kind: usize, clouds: &Clouds, rng: &mut Rng, colour: [f32; 3]) -> Canvas {
    let mut shade = |low, high| scaled(colour, rng.range(low, high) as f32);
    let palette = [shade(0.9, 1.1), shade(1.2, 1.6), shade(0.5, 0.7)];
    pattern(kind, clouds, rng, palette, 1.0)
}

fn pattern(kind: usize, clouds: &Clouds, rng: &mut Rng, palette: [[f32; 3]; 3], contrast: f32) -> Canvas {
    let salt = rng.next_u64();
    let parts = [2usize, 4, 4, 8, 8, 16][rng.below(6)];
    let grain = rng.range(0.1, 0.5) as f32 * (0.35 + 0.65 * contrast);
    let mean: [f32; 3] = std::array::from_fn(|c| palette.iter().map(|p| p[c]).sum::<f32>() / 3.0);
    let (shift_x, shift_y) = (rng.below(SIDE), rng.below(SIDE));
    let tilt = rng.chance(0.5);
    let sites = sites(kind, salt, parts);
    let mut pixels = Vec::with_capacity(SIDE * SIDE);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let at = (y + shift_y) % SIDE * SIDE + (x + shift_x) % SIDE;
            let (soft, rough) = (clouds.soft[at], clouds.rough[at]);
            let (u, v) = if tilt { (y, x) } else { (x, y) };
            let base = point(kind % KINDS, u, v, parts, salt, palette, soft, rough, &sites);
            // Seams and shades that a pattern draws of itself are softened with the rest.
            let base = if contrast < 1.0 { blend(mean, base, 0.3 + 0.7 * contrast) } else { base };
            pixels.push(scaled(base, 1.0 - grain * 0.5 + grain * (0.4 * soft + 0.6 * rough)));
        }
    }
    Canvas { side: SIDE, pixels }
}

fn sites(kind: usize, salt: u64, parts: usize) -> Vec<[f32; 2]> {
    if !matches!(kind % KINDS, 6 | 13) {
        return Vec::new();
    }
    (0..parts * parts).map(|i| [lattice(salt, i, 1), lattice(salt, i, 2)]).collect()
}

/// Distances (texels) to the nearest and second nearest site, and the nearest site's number.
fn nearest_sites(x: usize, y: usize, parts: usize, sites: &[[f32; 2]]) -> (f32, f32, usize) {
    let cell = SIDE / parts;
    let (cx, cy) = (x / cell, y / cell);
    let (mut first, mut second, mut who) = (f32::MAX, f32::MAX, 0);
    for dy in 0..3 {
        for dx in 0..3 {
            let (nx, ny) = ((cx + parts + dx - 1) % parts, (cy + parts + dy - 1) % parts);
            let index = ny * parts + nx;
            let site = sites.get(index).copied().unwrap_or([0.5; 2]);
            let px = (cx as f32 + dx as f32 - 1.0 + site[0]) * cell as f32 - x as f32;
            let py = (cy as f32 + dy as f32 - 1.0 + site[1]) * cell as f32 - y as f32;
            let d = (px * px + py * py).sqrt();
            if d < first {
                (second, first, who) = (first, d, index);
            } else if d < second {
                second = d;
            }
        }
    }
    (first, second, who)
}

#[allow(clippy::too_many_arguments, reason = "one call site; a struct would only rename the arguments")]
fn point(
    kind: usize,
    x: usize,
    y: usize,
    parts: usize,
    salt: u64,
    palette: [[f32; 3]; 3],
    soft: f32,
    rough: f32,
    sites: &[[f32; 2]],
) -> [f32; 3] {
    let [a, b, c] = palette;
    let cell = SIDE / parts;
    let (cx, cy, fx, fy) = (x / cell, y / cell, x % cell, y % cell);
    let seam = 1 + cell / 16;
    let pick = |i: usize, j: usize| lattice(salt, i, j);
    match kind {
        // Clouds of two colours.
        0 => blend(a, b, smooth(((soft - 0.3) * 2.5).clamp(0.0, 1.0))),
        // Bricks.
        1 => {
            let height = (cell / 2).max(4);
            let (row, fy) = (y / height, y % height);
            let x = (x + if row % 2 == 1 { cell / 2 } else { 0 }) % SIDE;
            if fy < seam || x % cell < seam {
                c
            } else {
                scaled(blend(a, b, 0.35 * pick(x / cell, row)), 0.8 + 0.4 * pick(row, x / cell))
            }
        }
        // Tiles with seams.
        2 => {
            if fx < seam || fy < seam {
                c
            } else {
                scaled(a, 0.82 + 0.3 * pick(cx, cy))
            }
        }
        // Chequers.
        3 => {
            if (cx + cy) % 2 == 0 {
                a
            } else {
                b
            }
        }
        // Stripes of two widths.
        4 => {
            if fx * 3 < cell * (1 + (salt % 2) as usize) {
                a
            } else if cx % 3 == 0 {
                c
            } else {
                b
            }
        }
        // Planks.
        5 => {
            let offset = (pick(cx, 7) * SIDE as f32) as usize;
            let end = (y + offset) % SIDE;
            if fx < 1 + cell / 24 || end < 2 {
                scaled(a, 0.35)
            } else {
                scaled(blend(a, b, 0.5 * pick(cx, 3)), 0.75 + 0.35 * rough + 0.2 * pick(cx, 5))
            }
        }
        // Cells of a Voronoi diagram, as stones with joints.
        6 => {
            let (first, second, who) = nearest_sites(x, y, parts, sites);
            if second - first < seam as f32 + 1.0 {
                c
            } else {
                scaled(blend(a, b, pick(who, 4)), 0.7 + 0.5 * pick(who, 9))
            }
        }
        // Blocks of random colour.
        7 => palette[(pick(cx, cy) * 2.999) as usize],
        // Dots.
        8 => {
            let (dx, dy) = (fx as f32 / cell as f32 - 0.5, fy as f32 / cell as f32 - 0.5);
            let r = 0.18 + 0.25 * pick(cx, cy);
            if dx * dx + dy * dy < r * r { if pick(cy, cx) < 0.3 { c } else { b } } else { a }
        }
        // Zigzag.
        9 => {
            let wave = if fx * 2 < cell { fx } else { cell - fx };
            if (y + wave) % cell * 2 < cell { a } else { b }
        }
        // Diamonds.
        10 => {
            let (dx, dy) = (fx.abs_diff(cell / 2), fy.abs_diff(cell / 2));
            if dx + dy < cell / 4 {
                c
            } else if dx + dy < cell / 2 {
                b
            } else {
                a
            }
        }
        // Speckles.
        11 => {
            let speck = pick(x / 2 + 1000, y / 2);
            if speck < 0.12 {
                b
            } else if speck > 0.93 {
                c
            } else {
                scaled(a, 0.85 + 0.3 * soft)
            }
        }
        // Weave.
        12 => {
            let lane = cell / 2;
            let over = (x / lane.max(1) + y / lane.max(1)).is_multiple_of(2);
            let across = if over { y % lane.max(1) } else { x % lane.max(1) };
            let round = 1.0 - (across as f32 / lane.max(1) as f32 - 0.5).abs();
            scaled(if over { a } else { b }, 0.55 + 0.6 * round)
        }
        // Leaves: soft blobs around sites over dark clouds.
        _ => {
            let (first, _, who) = nearest_sites(x, y, parts, sites);
            let t = (1.0 - first / (0.8 * cell as f32)).clamp(0.0, 1.0);
            blend(scaled(a, 0.45 + 0.3 * rough), blend(a, b, pick(who, 2)), t)
        }
    }
}

/// Paints a poster: a ground, a frame and a few loud shapes, all different.
pub(crate) fn poster(rng: &mut Rng) -> Canvas {
    let ground = colour(rng, 0.6);
    let mut pixels = vec![ground; POSTER_SIDE * POSTER_SIDE];
    let side = POSTER_SIDE as f64;
    for _ in 0..rng.between(3, 7) {
        let ink = colour(rng, 0.8);
        let (cx, cy) = (rng.range(0.1, 0.9) * side, rng.range(0.1, 0.9) * side);
        let (rx, ry) = (rng.range(0.08, 0.4) * side, rng.range(0.08, 0.4) * side);
        let (sin, cos) = sin_cos(rng.range(-0.6, 0.6));
        let kind = rng.below(5);
        let period = rng.range(5.0, 14.0);
        for y in 0..POSTER_SIDE {
            for x in 0..POSTER_SIDE {
                let (dx, dy) = (x as f64 - cx, y as f64 - cy);
                let (u, v) = (cos * dx + sin * dy, cos * dy - sin * dx);
                let inside = match kind {
                    0 => (u / rx).abs() < 1.0 && (v / ry).abs() < 1.0,
                    1 => u * u + v * v < rx * rx,
                    2 => (u / rx).abs() + (v / ry).abs() < 1.0,
                    3 => (v / ry).abs() < 1.0 && (u + 10.0 * side) % period < period * 0.5,
                    _ => (u * u + v * v - rx * rx).abs() < rx * 5.0,
                };
                if inside {
                    pixels[y * POSTER_SIDE + x] = ink;
                }
            }
        }
    }
    let frame = if rng.chance(0.5) { [0.08; 3] } else { [0.95; 3] };
    for i in 0..POSTER_SIDE {
        for k in 0..2 {
            let far = POSTER_SIDE - 1 - k;
            for (x, y) in [(i, k), (i, far), (k, i), (far, i)] {
                pixels[y * POSTER_SIDE + x] = frame;
            }
        }
    }
    Canvas { side: POSTER_SIDE, pixels }
}

/// Paints a ceiling: panels with some lamps.
pub(crate) fn ceiling(rng: &mut Rng, clouds: &Clouds) -> Canvas {
    let base = scaled(colour(rng, 0.05), 0.9);
    let seam = scaled(base, 0.6);
    let parts = [2, 4, 4, 8][rng.below(4)];
    let cell = SIDE / parts;
    let lamp = rng.below(parts * parts);
    let pixels = (0..SIDE * SIDE)
        .map(|i| {
            let (x, y) = (i % SIDE, i / SIDE);
            if x % cell < 2 || y % cell < 2 {
                seam
            } else if y / cell * parts + x / cell == lamp {
                [1.0, 1.0, 0.95]
            } else {
                scaled(base, 0.85 + 0.25 * clouds.rough[i])
            }
        })
        .collect();
    Canvas { side: SIDE, pixels }
}

/// Paints cloth: nearly white, for what takes its colour from elsewhere.
pub(crate) fn cloth(clouds: &Clouds) -> Canvas {
    let pixels = clouds
        .rough
        .iter()
        .zip(&clouds.soft)
        .enumerate()
        .map(|(i, (rough, soft))| {
            let weave = if (i % SIDE + i / SIDE).is_multiple_of(4) { 0.94 } else { 1.0 };
            [weave * (0.66 + 0.2 * rough + 0.2 * soft); 3]
        })
        .collect();
    Canvas { side: SIDE, pixels }
}
