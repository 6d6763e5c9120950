//! Cheap changes to training pictures: light, mounting, dirt, mirror.

use crate::episode::{FRAME_BYTES, HEIGHT, WIDTH};
use crate::rng::Rng;

/// Which source row and column each pixel comes from.
pub(crate) struct Mapping {
    rows: [u8; HEIGHT],
    columns: [u8; WIDTH],
    plain: bool,
}

impl Mapping {
    /// Keeps every pixel, or mirrors left and right.
    pub(crate) fn upright(flip: bool) -> Self {
        Self::new(flip, 1.0, 0.0, 0.0)
    }

    /// As if the camera had been mounted a little differently (up to about 3 %).
    pub(crate) fn remounted(flip: bool, rng: &mut Rng) -> Self {
        let zoom = rng.range(0.97, 1.02) as f32;
        let (right, down) = (rng.range(-2.0, 2.0) as f32, rng.range(-1.6, 1.6) as f32);
        Self::new(flip, zoom, right, down)
    }

    fn new(flip: bool, zoom: f32, right: f32, down: f32) -> Self {
        let place = |i: usize, count: usize, shift: f32| {
            let middle = (count - 1) as f32 * 0.5;
            ((i as f32 - middle) * zoom + middle + shift + 0.5).clamp(0.0, (count - 1) as f32) as u8
        };
        let mut columns: [u8; WIDTH] = std::array::from_fn(|x| place(x, WIDTH, right));
        if flip {
            columns.reverse();
        }
        let rows = std::array::from_fn(|y| place(y, HEIGHT, down));
        Self { rows, columns, plain: !flip && zoom.to_bits() == 1.0f32.to_bits() }
    }
}

/// A change of light and lens, the same for all frames it is applied to.
pub(crate) struct Look {
    tables: [[u8; 256]; 3],
    blur: bool,
    noise: Option<(u64, i32)>,
    patch: Option<([usize; 4], [u8; 3])>,
}

impl Look {
    /// Draws a look; `strength` 1 for observations, less for goals.
    pub(crate) fn sample(rng: &mut Rng, strength: f64) -> Self {
        let spread = |rng: &mut Rng, width: f64| 1.0 + strength * width * rng.range(-1.0, 1.0);
        let gain = spread(rng, 0.25);
        let gamma = spread(rng, 0.25);
        let bias = strength * rng.range(-18.0, 18.0);
        let curve: [f64; 256] = std::array::from_fn(|i| (i as f64 / 255.0).powf(gamma) * 255.0 * gain);
        let tables = std::array::from_fn(|_| {
            let colour = spread(rng, 0.1);
            std::array::from_fn(|i| (curve[i] * colour + bias).clamp(0.0, 255.0) as u8)
        });
        let noise = rng.chance(0.25 * strength).then(|| (rng.next_u64(), rng.between(3, 12) as i32));
        let patch = rng.chance(0.05).then(|| {
            let (wide, high) = (rng.between(8, 34), rng.between(8, 30));
            let (x, y) = (rng.below(WIDTH - wide), rng.below(HEIGHT - high));
            ([x, y, x + wide, y + high], std::array::from_fn(|_| rng.below(256) as u8))
        });
        Self { tables, blur: rng.chance(0.15), noise, patch }
    }

    /// The plain look: nothing changes.
    pub(crate) fn plain() -> Self {
        Self { tables: [std::array::from_fn(|i| i as u8); 3], blur: false, noise: None, patch: None }
    }

    /// Writes `from` to `to` (both [`FRAME_BYTES`] bytes); `newest` says that dirt may show.
    pub(crate) fn apply(&self, from: &[u8], to: &mut [u8], mapping: &Mapping, newest: bool) {
        if from.len() != FRAME_BYTES || to.len() != FRAME_BYTES {
            return;
        }
        let [red, green, blue] = &self.tables;
        for (row, &source) in to.chunks_exact_mut(WIDTH * 3).zip(&mapping.rows) {
            let start = usize::from(source) * WIDTH * 3;
            let line = &from[start..start + WIDTH * 3];
            if mapping.plain {
                for (out, pixel) in row.chunks_exact_mut(3).zip(line.chunks_exact(3)) {
                    out[0] = red[usize::from(pixel[0])];
                    out[1] = green[usize::from(pixel[1])];
                    out[2] = blue[usize::from(pixel[2])];
                }
            } else {
                for (out, &column) in row.chunks_exact_mut(3).zip(&mapping.columns) {
                    let pixel = &line[usize::from(column) * 3..usize::from(column) * 3 + 3];
                    out[0] = red[usize::from(pixel[0])];
                    out[1] = green[usize::from(pixel[1])];
                    out[2] = blue[usize::from(pixel[2])];
                }
            }
        }
        if self.blur {
            blur(to);
        }
        if let Some((seed, size)) = self.noise {
            speckle(to, seed, size);
        }
        if let (Some(([x0, y0, x1, y1], ink)), true) = (self.patch, newest) {
            for row in to.chunks_exact_mut(WIDTH * 3).take(y1).skip(y0) {
                for pixel in row.chunks_exact_mut(3).take(x1).skip(x0) {
                    pixel.copy_from_slice(&ink);
                }
            }
        }
    }
}

/// Blends every pixel with its right and lower neighbours: half a pixel of soft focus.
fn blur(image: &mut [u8]) {
    let stride = WIDTH * 3;
    for i in 0..image.len() - stride - 3 {
        let sum = u16::from(image[i])
            + u16::from(image[i + 3])
            + u16::from(image[i + stride])
            + u16::from(image[i + stride + 3]);
        image[i] = ((sum + 2) >> 2) as u8;
    }
}

fn speckle(image: &mut [u8], seed: u64, size: i32) {
    let mut state = seed | 1;
    for chunk in image.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        for (byte, grain) in chunk.iter_mut().zip(state.to_le_bytes()) {
            *byte = (i32::from(*byte) + (((i32::from(grain) - 128) * size) >> 7)).clamp(0, 255) as u8;
        }
    }
}
