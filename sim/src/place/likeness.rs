//! What a place descriptor has to beat: plain correlation of grey pictures, the best over small sideways shifts.

use crate::episode::{HEIGHT, WIDTH};

/// Shifts tried, pixels.
const SHIFTS: [usize; 9] = [0, 2, 4, 6, 8, 10, 12, 14, 16];
/// Columns left and right that the middle window leaves.
const MARGIN: usize = 8;
const COLUMNS: usize = WIDTH - 2 * MARGIN;

/// A window of a grey picture with mean 0 and length 1.
#[derive(Debug, Clone)]
pub struct GreyWindow(Vec<f32>);

impl GreyWindow {
    /// The middle window of an 85 x 64 RGB8 picture.
    #[must_use]
    pub fn of(rgb: &[u8]) -> Self {
        Self::window(&grey(rgb), MARGIN)
    }

    fn window(grey: &[f32], from: usize) -> Self {
        let rows = grey.chunks_exact(WIDTH).take(HEIGHT);
        let mut numbers: Vec<f32> =
            rows.flat_map(|row| row.get(from..from + COLUMNS).unwrap_or(&[])).copied().collect();
        let mean = numbers.iter().sum::<f32>() / numbers.len().max(1) as f32;
        numbers.iter_mut().for_each(|x| *x -= mean);
        let length = numbers.iter().map(|x| x * x).sum::<f32>().sqrt();
        // A picture of one colour is like nothing.
        numbers.iter_mut().for_each(|x| *x /= length.max(1e-3));
        Self(numbers)
    }
}

fn grey(rgb: &[u8]) -> Vec<f32> {
    let (pixels, _) = rgb.as_chunks::<3>();
    pixels.iter().map(|&[r, g, b]| 0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b)).collect()
}

/// A question: its windows at all shifts.
#[derive(Debug, Clone)]
pub struct GreyQuestion(Vec<GreyWindow>);

impl GreyQuestion {
    /// The windows of an 85 x 64 RGB8 picture.
    #[must_use]
    pub fn of(rgb: &[u8]) -> Self {
        let grey = grey(rgb);
        Self(SHIFTS.iter().map(|&from| GreyWindow::window(&grey, from)).collect())
    }

    /// The best correlation with each of the places.
    #[must_use]
    pub fn likeness(&self, places: &[&GreyWindow]) -> Vec<f32> {
        let best = |place: &GreyWindow| self.0.iter().map(|window| dot(&window.0, &place.0)).fold(-1.0, f32::max);
        places.iter().map(|place| best(place)).collect()
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    let mut lanes = [0.0f32; 16];
    for (a, b) in a.iter().zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(shift: usize, gain: f64) -> Vec<u8> {
        let pixel = |i: usize| {
            let (x, y) = (i % WIDTH + shift, i / WIDTH);
            (gain * ((x * 37 + y * 11 + x * y) % 160) as f64) as u8
        };
        (0..WIDTH * HEIGHT).flat_map(|i| [pixel(i); 3]).collect()
    }

    #[test]
    fn a_shifted_and_darker_picture_correlates_almost_fully() {
        let place = GreyWindow::of(&picture(20, 1.0));
        for shift in [12, 16, 20, 24, 28] {
            let likeness = GreyQuestion::of(&picture(shift, 0.6)).likeness(&[&place]);
            assert!(likeness[0] > 0.98, "{shift}: {likeness:?}");
        }
    }

    #[test]
    fn a_picture_of_one_colour_is_like_nothing() {
        let flat = vec![90; WIDTH * HEIGHT * 3];
        let likeness = GreyQuestion::of(&flat).likeness(&[&GreyWindow::of(&flat), &GreyWindow::of(&picture(3, 1.0))]);
        assert!(likeness.iter().all(|l| l.abs() < 0.2), "{likeness:?}");
    }
}
