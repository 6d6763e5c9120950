//! Square repeating pictures with their smaller copies (mips).

use crate::patterns::Canvas;

/// A square picture, side a power of two, that repeats in both directions.
#[derive(Debug, Clone)]
pub(crate) struct Texture {
    texels: Vec<u32>,
    levels: Vec<(usize, u32)>,
    /// Repeats per metre.
    pub(crate) tiles_per_m: f32,
    /// Logarithm (base 2) of the texels per metre: what a footprint in metres is compared with.
    pub(crate) log2_density: f32,
}

/// Logarithm to base 2 by the bits of the number: within 0.09, the same everywhere.
pub(crate) fn rough_log2(x: f32) -> f32 {
    x.max(1e-9).to_bits() as f32 / 8_388_608.0 - 127.0
}

impl Texture {
    /// Takes over a canvas whose side covers `tile_m` metres.
    pub(crate) fn new(canvas: &Canvas, tile_m: f32) -> Self {
        let mut side = canvas.side;
        let mut level: Vec<[f32; 3]> = canvas.pixels.clone();
        let mut texels = Vec::with_capacity(side * side * 4 / 3 + 4);
        let mut levels = Vec::new();
        loop {
            levels.push((texels.len(), side as u32 - 1));
            texels.extend(level.iter().map(|p| pack(*p)));
            if side == 1 {
                break;
            }
            let half = side / 2;
            let mut next = Vec::with_capacity(half * half);
            for y in 0..half {
                for x in 0..half {
                    let i = 2 * y * side + 2 * x;
                    let mut sum = [0.0; 3];
                    for (c, s) in sum.iter_mut().enumerate() {
                        *s = (level[i][c] + level[i + 1][c] + level[i + side][c] + level[i + side + 1][c]) * 0.25;
                    }
                    next.push(sum);
                }
            }
            level = next;
            side = half;
        }
        Self { texels, levels, tiles_per_m: 1.0 / tile_m, log2_density: rough_log2(canvas.side as f32 / tile_m) }
    }

    /// Which mip suits a pixel that covers 2^`log2_footprint_m` metres.
    #[inline]
    pub(crate) fn level(&self, log2_footprint_m: f32) -> Level<'_> {
        let wanted = (log2_footprint_m + self.log2_density + 0.35).max(0.0) as usize;
        let (start, mask) = self.levels[wanted.min(self.levels.len() - 1)];
        let side = mask as usize + 1;
        Level { texels: &self.texels[start..start + side * side], mask, side: side as f32 }
    }
}

/// One mip: `side * side` packed texels.
#[derive(Clone, Copy)]
pub(crate) struct Level<'t> {
    texels: &'t [u32],
    mask: u32,
    side: f32,
}

impl Level<'_> {
    /// The nearest texel at (`u`, `v`) tiles, packed as 0x00BBGGRR.
    #[inline]
    pub(crate) fn at(&self, u: f32, v: f32) -> u32 {
        // The offset keeps the conversion on the fast side of zero for any coordinate met here.
        let x = (u * self.side + 4_194_304.0) as u32 & self.mask;
        let y = (v * self.side + 4_194_304.0) as u32 & self.mask;
        let index = (y * (self.mask + 1) + x) as usize;
        self.texels.get(index).copied().unwrap_or(0)
    }

    /// Like `at`, blended between the four texels around: for close-ups.
    #[inline(never)]
    pub(crate) fn smooth(&self, u: f32, v: f32) -> u32 {
        let (fu, fv) = (u * self.side - 0.5 + 65_536.0, v * self.side - 0.5 + 65_536.0);
        let (x, y) = (fu as u32, fv as u32);
        let (ax, ay) = (((fu - x as f32) * 256.0) as u32, ((fv - y as f32) * 256.0) as u32);
        let row = self.mask + 1;
        let fetch =
            |x: u32, y: u32| self.texels.get(((y & self.mask) * row + (x & self.mask)) as usize).copied().unwrap_or(0);
        let (a, b, c, d) = (fetch(x, y), fetch(x + 1, y), fetch(x, y + 1), fetch(x + 1, y + 1));
        let mut out = 0;
        for shift in [0, 8, 16] {
            let of = |t: u32| (t >> shift) & 255;
            let top = of(a) * (256 - ax) + of(b) * ax;
            let low = of(c) * (256 - ax) + of(d) * ax;
            out |= ((top * (256 - ay) + low * ay) >> 16) << shift;
        }
        out
    }

    /// Texels across one tile.
    #[inline]
    pub(crate) fn side(&self) -> f32 {
        self.side
    }
}

/// Packs linear 0..1 channels as 0x00BBGGRR.
pub(crate) fn pack(colour: [f32; 3]) -> u32 {
    let byte = |x: f32| (x.clamp(0.0, 1.0) * 255.0 + 0.5) as u32;
    byte(colour[0]) | byte(colour[1]) << 8 | byte(colour[2]) << 16
}
