//! Teach and repeat by picture matching, without any learning.
//!
//! Places of the taught drive are kept as small contrast-normalised strips with the speed driven there. The robot's
//! place is the best match in a window around the last one; it drives at that place's speed and turns by how far the
//! picture is shifted against the remembered one. So it knows what the other methods know: pictures of places.
//!
//! [`VisualRules::REPEAT`] is the stronger kin that also knows the driver's commands: a place each quarter of a second,
//! and the taught turn rate with the shift as its correction.

use pilotage_gate::Wanted;

use super::{Method, Ruling};
use crate::config::Profile;
use crate::frame::RawFrame;
use crate::policy::{self, ModelImage, ModelSpec};
use crate::runtime::Snapshot;

/// Columns and rows of a strip.
const WIDTH: usize = 64;
const HEIGHT: usize = 24;
/// Largest shift looked for, columns.
const MOST_SHIFT: i32 = 16;
/// How far behind and ahead of the last place it is looked for, policy steps.
const BEHIND_STEPS: f64 = 2.0;
const AHEAD_STEPS: f64 = 5.0;
/// Turn rate per share of the picture's width, as a multiple of the greatest turn rate.
const TURN_GAIN: f64 = 4.0;
/// Columns of a patch whose contrast is made equal, on either side.
const PATCH: usize = 4;

/// What a visual method knows of the drive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VisualRules {
    /// Seconds of the drive between two places.
    pub place_every_s: f64,
    /// Whether the taught turn rates are repeated.
    pub repeats_turns: bool,
}

impl VisualRules {
    /// Pictures of places, one each second, as the published stack keeps them.
    pub const MATCHING: Self = Self { place_every_s: 1.0, repeats_turns: false };
    /// Pictures and commands, four a second.
    pub const REPEAT: Self = Self { place_every_s: 0.25, repeats_turns: true };
}

struct Place {
    steps: f64,
    strip: Vec<f32>,
    v_mps: f64,
    w_rps: f64,
}

/// Teach and repeat by picture matching.
pub struct Visual {
    places: Vec<Place>,
    rules: VisualRules,
    closest: usize,
    ended_ticks: u32,
    max_w_rps: f64,
    max_v_mps: f64,
}

impl Visual {
    /// Taught by the drive's pictures and the commands given at them.
    ///
    /// # Errors
    /// When a picture cannot be resized, or there are none.
    pub fn new(
        spec: &ModelSpec,
        rules: VisualRules,
        drive: &[RawFrame],
        commands: &[(f64, f64)],
        profile: &Profile,
    ) -> anyhow::Result<Self> {
        let mut places = Vec::new();
        let mut due_s = 0.0;
        let last = drive.len().saturating_sub(1);
        for (index, (frame, &(v_mps, w_rps))) in drive.iter().zip(commands).enumerate() {
            let t_s = frame.captured.0 as f64 * 1e-9;
            if t_s + 1e-6 >= due_s || index == last {
                let strip = strip(&policy::resize(&frame.picture, spec)?);
                places.push(Place { steps: t_s * spec.rate_hz, strip, v_mps, w_rps });
                due_s = t_s + rules.place_every_s;
            }
        }
        anyhow::ensure!(!places.is_empty(), "a drive without pictures teaches nothing");
        let drive = &profile.drive;
        let (max_w_rps, max_v_mps) = (drive.max_angular_rps.into(), drive.cruise_mps.into());
        Ok(Self { places, rules, closest: 0, ended_ticks: 0, max_w_rps, max_v_mps })
    }
}

impl Method for Visual {
    fn look(&mut self, snapshot: &Snapshot) -> anyhow::Result<Ruling> {
        let Some(newest) = snapshot.frames.last() else { anyhow::bail!("a context without frames") };
        let seen = strip(&newest.image);
        let last = self.places.len() - 1;
        let here = self.places.get(self.closest).map_or(0.0, |place| place.steps);
        let mut best = (self.closest, f32::NEG_INFINITY, 0.0);
        for (index, place) in self.places.iter().enumerate() {
            let beyond = place.steps - here;
            if !(-BEHIND_STEPS..=AHEAD_STEPS).contains(&beyond) {
                continue;
            }
            let (match_, shift) = best_shift(&seen, &place.strip);
            // Among equals the one a step ahead: the robot has driven since.
            let score = match_ - 0.01 * (beyond - 1.0).abs() as f32;
            if score > best.1 {
                best = (index, score, shift);
            }
        }
        let (closest, score, shift) = best;
        self.closest = closest;
        let (steps, v_mps, w_rps) =
            self.places.get(closest).map_or((0.0, 0.0, 0.0), |place| (place.steps, place.v_mps, place.w_rps));
        self.ended_ticks = if closest == last { self.ended_ticks + 1 } else { 0 };
        // What was seen in the middle lies to the left now: the robot looks too far to the right, and turns left.
        let turn = TURN_GAIN * self.max_w_rps * f64::from(shift) / WIDTH as f64;
        let w_rps = if self.rules.repeats_turns { w_rps } else { 0.0 };
        // The first and the last place may have been taught standing.
        let v_mps = if closest == last { 0.0 } else { v_mps.max(0.15 * self.max_v_mps) };
        Ok(Ruling {
            wanted: Wanted {
                linear_mps: v_mps as f32,
                angular_rps: (w_rps + turn).max(-self.max_w_rps).min(self.max_w_rps) as f32,
            },
            arrived: self.ended_ticks >= 2,
            believed_steps: steps,
            subgoal_steps: steps,
            waypoint_units: None,
            nearest_steps: Some(1.0 - score),
        })
    }
}

/// A small grey picture of the middle rows, each patch with mean 0 and length 1 over all.
fn strip(image: &ModelImage) -> Vec<f32> {
    let (width, height) = (image.width as usize, image.height as usize);
    let grey = |x: usize, y: usize| {
        let at = (y * width + x) * 3;
        image.rgb.get(at..at + 3).map_or(0.0, |rgb| rgb.iter().map(|&c| f32::from(c)).sum::<f32>())
    };
    // The floor right ahead and the ceiling say little about the place.
    let (top, rows) = (height / 8, height * 5 / 8);
    let mut small = vec![0.0_f32; WIDTH * HEIGHT];
    for (index, value) in small.iter_mut().enumerate() {
        let (column, row) = (index % WIDTH, index / WIDTH);
        let (x0, x1) = (column * width / WIDTH, ((column + 1) * width / WIDTH).max(column * width / WIDTH + 1));
        let (y0, y1) =
            (top + row * rows / HEIGHT, (top + (row + 1) * rows / HEIGHT).max(top + row * rows / HEIGHT + 1));
        let (mut sum, mut count) = (0.0, 0.0);
        for y in y0..y1 {
            for x in x0..x1 {
                sum += grey(x, y);
                count += 1.0;
            }
        }
        *value = sum / count;
    }
    normalised(&small)
}

/// Each pixel less the mean of its patch, over the deviation there: light that changes slowly is gone.
fn normalised(small: &[f32]) -> Vec<f32> {
    let at = |x: usize, y: usize| small.get(y * WIDTH + x).copied().unwrap_or(0.0);
    let mut out = Vec::with_capacity(small.len());
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let (x0, x1) = (x.saturating_sub(PATCH), (x + PATCH + 1).min(WIDTH));
            let (y0, y1) = (y.saturating_sub(PATCH), (y + PATCH + 1).min(HEIGHT));
            let (mut sum, mut square) = (0.0_f32, 0.0_f32);
            for py in y0..y1 {
                for px in x0..x1 {
                    let value = at(px, py);
                    sum += value;
                    square += value * value;
                }
            }
            let count = ((x1 - x0) * (y1 - y0)) as f32;
            let mean = sum / count;
            let deviation = (square / count - mean * mean).max(0.0).sqrt();
            out.push((at(x, y) - mean) / (deviation + 6.0));
        }
    }
    out
}

/// The best normalised correlation over horizontal shifts, and the shift: columns by which the remembered picture lies
/// to the left in what is seen (positive: turn left to see it in the middle).
fn best_shift(seen: &[f32], remembered: &[f32]) -> (f32, f32) {
    let scores: Vec<f32> = (-MOST_SHIFT..=MOST_SHIFT).map(|shift| correlation(seen, remembered, shift)).collect();
    let mut best = (0, f32::NEG_INFINITY);
    for (index, &score) in scores.iter().enumerate() {
        if score > best.1 {
            best = (index, score);
        }
    }
    let (index, score) = best;
    // A parabola through the neighbours: a fraction of a column.
    let neighbour = |at: Option<usize>| at.and_then(|at| scores.get(at)).copied();
    let fine = match (neighbour(index.checked_sub(1)), neighbour(Some(index + 1))) {
        (Some(before), Some(after)) => {
            let bend = before - 2.0 * score + after;
            if bend < -1e-6 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 }
        }
        _ => 0.0,
    };
    (score, index as f32 - MOST_SHIFT as f32 + fine)
}

/// How well `seen` at column x fits `remembered` at column x + shift.
fn correlation(seen: &[f32], remembered: &[f32], shift: i32) -> f32 {
    let (mut product, mut a_square, mut b_square) = (0.0_f32, 0.0_f32, 0.0_f32);
    let skip_seen = (-shift).max(0) as usize;
    let skip_remembered = shift.max(0) as usize;
    let count = WIDTH - shift.unsigned_abs() as usize;
    for (seen, remembered) in seen.chunks_exact(WIDTH).zip(remembered.chunks_exact(WIDTH)) {
        let pairs = seen.iter().skip(skip_seen).zip(remembered.iter().skip(skip_remembered)).take(count);
        for (a, b) in pairs {
            product += a * b;
            a_square += a * a;
            b_square += b * b;
        }
    }
    product / (a_square * b_square).sqrt().max(1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_shifted_to_the_left_is_found_shifted_to_the_left() {
        let image = |offset: usize| {
            let (width, height) = (85_usize, 64_usize);
            let value =
                |x: usize, y: usize| ((x + offset) * 37 % 101 + (y * 13) % 29 + (x + offset) / 5 * 17 % 60) as u8;
            let rgb: Vec<u8> = (0..width * height).flat_map(|i| [value(i % width, i / width); 3]).collect();
            ModelImage { width: 85, height: 64, rgb: rgb.into() }
        };
        let (plain, moved) = (strip(&image(0)), strip(&image(8)));
        let (same, none) = best_shift(&plain, &plain);
        assert!(same > 0.99 && none.abs() < 0.1, "{same} {none}");
        // Eight columns of 85 are six of 64; what is remembered lies further left in what is seen.
        let (score, shift) = best_shift(&moved, &plain);
        assert!((shift - 6.0).abs() <= 1.0, "{shift} at {score}");
    }
}
