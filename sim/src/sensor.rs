//! What a cheap camera does to a picture: exposure, colour, blur, noise, flicker, compression.

use std::f64::consts::TAU;

use crate::camera::Camera;
use crate::mover::Surroundings;
use crate::physics::Motion;
use crate::render::{RenderError, check_size, render_into};
use crate::rng::{Rng, mix64};
use crate::robot::Robot;
use crate::trig::sin_cos;

/// The ways of one sensor. Everything it does follows from its own figures and the time of the
/// picture, so the same picture gets the same bits twice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SensorEffects {
    /// Steady brightness factor.
    pub gain: f64,
    /// Slow drift of the brightness: (share, hertz, phase in radians).
    pub drift: [f64; 3],
    /// How far auto-exposure pulls a picture's mean towards middle grey, 0 to 1.
    pub auto_exposure: f64,
    /// Factors for red, green, blue.
    pub colour: [f64; 3],
    /// Share of brightness lost in the corners.
    pub vignette: f64,
    /// Time the shutter is open, seconds: what blurs when turning.
    pub shutter_s: f64,
    /// Standard deviation of the noise of a white pixel (of 255); dark ones have half of it.
    pub noise: f64,
    /// Rolling brightness bands: (share, bands in a picture, hertz).
    pub bands: [f64; 3],
    /// Softness, 0 to 1: how much of its neighbours a pixel takes on.
    pub soft: f64,
    /// Steps of brightness that compression leaves apart; 1 for all.
    pub coarse: u8,
    /// Decides the noise.
    pub seed: u64,
}

/// Brightness that auto-exposure aims for, of 255.
const MIDDLE_GREY: f64 = 110.0;

impl SensorEffects {
    /// A sensor that does nothing.
    #[must_use]
    pub fn none() -> Self {
        Self {
            gain: 1.0,
            drift: [0.0; 3],
            auto_exposure: 0.0,
            colour: [1.0; 3],
            vignette: 0.0,
            shutter_s: 0.0,
            noise: 0.0,
            bands: [0.0; 3],
            soft: 0.0,
            coarse: 1,
            seed: 0,
        }
    }

    /// A random sensor; `strength` 0 for a perfect one, 1 for the range of cheap ones.
    pub fn sample(rng: &mut Rng, strength: f64) -> Self {
        let strength = if strength.is_finite() { strength.clamp(0.0, 3.0) } else { 0.0 };
        let spread = |rng: &mut Rng, width: f64| 1.0 + (strength * width).min(0.9) * rng.range(-1.0, 1.0);
        let gain = spread(rng, 0.18);
        let drift = [strength * rng.range(0.0, 0.12), rng.range(0.02, 0.3), rng.range(0.0, TAU)];
        let auto_exposure = if rng.chance(0.6) { (strength * rng.range(0.0, 0.6)).min(1.0) } else { 0.0 };
        let colour = std::array::from_fn(|_| spread(rng, 0.1));
        let vignette = (strength * rng.range(0.0, 0.3)).min(0.7);
        let shutter_s = strength * rng.range(0.0, 0.03);
        let noise = strength * if rng.chance(0.5) { rng.range(0.0, 3.0) } else { rng.range(2.0, 9.0) };
        let flickers = rng.chance(0.25);
        let bands = [rng.range(0.02, 0.12) * strength, rng.range(0.5, 4.0), rng.range(0.2, 9.0)];
        let bands = if flickers && strength > 0.0 { bands } else { [0.0; 3] };
        let soft = if rng.chance(0.4) { (strength * rng.range(0.1, 0.7)).min(1.0) } else { 0.0 };
        let coarse = if rng.chance(0.3) && strength > 0.0 { rng.between(2, 7) as u8 } else { 1 };
        Self {
            gain,
            drift,
            auto_exposure,
            colour,
            vignette,
            shutter_s,
            noise,
            bands,
            soft,
            coarse,
            seed: rng.next_u64(),
        }
    }

    /// What this sensor on `robot` sees at `t_s`: gait, world, movers, effects. RGB8, row-major,
    /// `width * height * 3` bytes, two samples a pixel along each side.
    ///
    /// # Errors
    /// [`RenderError::Size`] where the size is zero or too large.
    pub fn picture<'a>(
        &self,
        around: impl Into<Surroundings<'a>>,
        robot: &Robot,
        motion: &Motion,
        t_s: f64,
        width: usize,
        height: usize,
    ) -> Result<Vec<u8>, RenderError> {
        check_size(width, height, 2)?;
        let mut out = vec![0; width * height * 3];
        self.picture_into(around, robot, motion, t_s, [width, height, 2], &mut out)?;
        Ok(out)
    }

    /// Like [`SensorEffects::picture`] into the caller's buffer; the size is width, height and
    /// samples a pixel along each side.
    ///
    /// # Errors
    /// [`RenderError`] where the size or the buffer does not fit.
    pub fn picture_into<'a>(
        &self,
        around: impl Into<Surroundings<'a>>,
        robot: &Robot,
        motion: &Motion,
        t_s: f64,
        [width, height, supersample]: [usize; 3],
        out: &mut [u8],
    ) -> Result<(), RenderError> {
        let (pose, camera) = robot.view(motion, t_s);
        render_into(around, &pose, &camera, width, height, supersample, out)?;
        self.apply(out, width, height, motion, &camera, t_s);
        Ok(())
    }

    /// Changes a finished picture (RGB8, row-major, `width` x `height` pixels) taken by `camera` at
    /// `t_s` from a robot in `motion`. A buffer of another size is left alone.
    pub fn apply(&self, rgb: &mut [u8], width: usize, height: usize, motion: &Motion, camera: &Camera, t_s: f64) {
        if width == 0 || height == 0 || width.checked_mul(height).and_then(|n| n.checked_mul(3)) != Some(rgb.len()) {
            return;
        }
        self.smear(rgb, width, motion, camera);
        self.soften(rgb, width);
        self.expose(rgb, width, height, t_s);
        self.grain(rgb, t_s);
    }

    /// Motion blur: a box along the rows as long as the picture moves while the shutter is open.
    fn smear(&self, rgb: &mut [u8], width: usize, motion: &Motion, camera: &Camera) {
        if self.shutter_s <= 0.0 {
            return;
        }
        // Turning moves everything alike; driving moves what is near and aside, on average little.
        let pixels =
            (motion.w_rps.abs() * camera.focal_px(width) + 0.06 * motion.v_mps.abs() * width as f64) * self.shutter_s;
        let reach = (pixels * 0.5 * 256.0).min(256.0 * 0.25 * width as f64);
        if reach.is_nan() || reach < 40.0 {
            return;
        }
        // Whole pixels on either side count fully, the outermost ones by what is left.
        let whole = (reach / 256.0) as usize;
        let rest = (reach as u32) & 255;
        let full = (2 * whole as u32 + 1) * 256 + 2 * rest;
        let scale = (1u32 << 16) / full.max(1);
        // The row with its ends repeated, so that the box never leaves it.
        let pad = (whole + 1) * 3;
        let mut line = vec![0u8; width * 3 + 2 * pad];
        for row in rgb.chunks_exact_mut(width * 3) {
            let (Some(first), Some(last)) = (row.first_chunk::<3>().copied(), row.last_chunk::<3>().copied()) else {
                return;
            };
            line[pad..pad + width * 3].copy_from_slice(row);
            line[..pad].chunks_exact_mut(3).for_each(|p| p.copy_from_slice(&first));
            line[pad + width * 3..].chunks_exact_mut(3).for_each(|p| p.copy_from_slice(&last));
            let mut sums = [0u32; 3];
            for pixel in line[3..3 + (2 * whole + 1) * 3].chunks_exact(3) {
                sums.iter_mut().zip(pixel).for_each(|(sum, byte)| *sum += u32::from(*byte));
            }
            let (left, right) = (line.chunks_exact(3), line[2 * pad..].chunks_exact(3));
            let leaving = line[3..].chunks_exact(3);
            for (((out, left), leaving), right) in row.chunks_exact_mut(3).zip(left).zip(leaving).zip(right) {
                for c in 0..3 {
                    let edges = u32::from(left[c]) + u32::from(right[c]);
                    out[c] = (((sums[c] * 256 + edges * rest) * scale) >> 16).min(255) as u8;
                    sums[c] = sums[c] + u32::from(right[c]) - u32::from(leaving[c]);
                }
            }
        }
    }

    /// Every pixel takes on a part of the mean of its right and lower neighbours, as a poor lens
    /// and compression do.
    fn soften(&self, rgb: &mut [u8], width: usize) {
        let part = (self.soft.clamp(0.0, 1.0) * 64.0) as u32;
        let stride = width * 3;
        let Some(count) = rgb.len().checked_sub(stride + 3) else { return };
        if part == 0 {
            return;
        }
        let keep = 256 - 3 * part;
        let from = rgb.to_vec();
        let (here, right, below, across) = (&from[..count], &from[3..], &from[stride..], &from[stride + 3..]);
        let near = right.iter().zip(below).zip(across);
        for ((out, here), ((right, below), across)) in rgb.iter_mut().zip(here).zip(near) {
            let near = u32::from(*right) + u32::from(*below) + u32::from(*across);
            *out = ((u32::from(*here) * keep + near * part + 128) >> 8) as u8;
        }
    }

    /// Brightness: gain, drift, auto-exposure, colour, vignette, bands; and coarse steps.
    fn expose(&self, rgb: &mut [u8], width: usize, height: usize, t_s: f64) {
        let [share, hertz, phase] = self.drift;
        let mut gain = self.gain * (1.0 + share * sin_cos(TAU * hertz * t_s + phase).0);
        if self.auto_exposure > 0.0 {
            let sum: u64 = rgb.iter().step_by(7).map(|b| u64::from(*b)).sum();
            let mean = sum as f64 / rgb.len().div_ceil(7) as f64 * gain;
            let wanted = (MIDDLE_GREY / mean.max(8.0)).clamp(0.4, 2.5);
            gain *= 1.0 + self.auto_exposure * (wanted - 1.0);
        }
        let bent = |i: usize, count: usize| {
            let place = (i as f64 + 0.5) * 2.0 / count as f64 - 1.0;
            1.0 - 0.5 * self.vignette * place * place
        };
        // Factors in 1/1024 by column and colour, and by row.
        let columns: Vec<u32> = (0..width)
            .flat_map(|x| self.colour.map(|c| (1024.0 * c * gain * bent(x, width)).clamp(0.0, 16_384.0) as u32))
            .collect();
        let plain = columns.iter().all(|c| *c == 1024) && self.bands[0] <= 0.0;
        let coarse = u32::from(self.coarse.max(1));
        if plain && coarse == 1 {
            return;
        }
        let steps: [u8; 256] = std::array::from_fn(|i| {
            let value = i as u32;
            if coarse == 1 { value as u8 } else { (value / coarse * coarse + coarse / 2).min(255) as u8 }
        });
        for (y, row) in rgb.chunks_exact_mut(width * 3).enumerate() {
            let turn = TAU * (self.bands[1] * y as f64 / height as f64 + self.bands[2] * t_s);
            let factor = bent(y, height) * (1.0 + self.bands[0] * sin_cos(turn).0);
            let factor = (1024.0 * factor).clamp(0.0, 4096.0) as u32;
            for (byte, column) in row.iter_mut().zip(&columns) {
                *byte = ((u32::from(*byte) * ((column * factor) >> 10) + 512) >> 10).min(255) as u8;
            }
            if coarse > 1 {
                row.iter_mut().for_each(|byte| *byte = steps[usize::from(*byte)]);
            }
        }
    }

    /// Noise that grows with the light.
    fn grain(&self, rgb: &mut [u8], t_s: f64) {
        if self.noise <= 0.0 {
            return;
        }
        // A uniform byte less 128 has a deviation of 73.9. In 1/65536: at black, and more for each step.
        let white = (65_536.0 * self.noise / 73.9).min(262_144.0) as i32;
        let (black, more) = (white / 2, white / 510);
        let mut state = mix64(self.seed ^ mix64((t_s * 1000.0).round() as i64 as u64)) | 1;
        for chunk in rgb.chunks_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            for (byte, grain) in chunk.iter_mut().zip(state.to_le_bytes()) {
                let change = ((i32::from(grain) - 128) * (black + more * i32::from(*byte))) >> 16;
                *byte = (i32::from(*byte) + change).clamp(0, 255) as u8;
            }
        }
    }
}
