//! Worlds from above, for people.

use crate::geometry::Shape;
use crate::texture::rough_log2;
use crate::world::World;

/// An overhead picture: RGB8, row-major, north up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanView {
    /// Width, pixels.
    pub width: usize,
    /// Height, pixels.
    pub height: usize,
    /// `width * height * 3` bytes.
    pub rgb: Vec<u8>,
    px_per_m: u32,
}

const LARGEST_PX: f64 = 4096.0;

/// Draws `world` from above at `px_per_m` pixels a metre (1 to 100; fewer where the picture would
/// exceed 4096 pixels a side).
#[must_use]
pub fn plan_view(world: &World, px_per_m: u32) -> PlanView {
    let [wide, high] = world.size_m;
    let scale = px_per_m.clamp(1, 100).min((LARGEST_PX / wide.max(high)) as u32).max(1);
    let width = (wide * f64::from(scale)).ceil() as usize;
    let height = (high * f64::from(scale)).ceil() as usize;
    let mut view = PlanView { width, height, rgb: vec![0; width * height * 3], px_per_m: scale };
    for y in 0..height {
        for x in 0..width {
            let at = [(x as f64 + 0.5) / f64::from(scale), (height as f64 - y as f64 - 0.5) / f64::from(scale)];
            let (texture, lamp) = world.ground.at(at[0] as f32, at[1] as f32);
            let texel = world.textures.get(usize::from(texture)).map_or(0, |t| {
                t.level(-rough_log2(scale as f32)).at(at[0] as f32 * t.tiles_per_m, at[1] as f32 * t.tiles_per_m)
            });
            // Pale, so that paths stand out.
            let pale = |c: u32| (160 + ((c * u32::from(lamp)) >> 7) / 3).min(255) as u8;
            view.set(x, y, [pale(texel & 255), pale((texel >> 8) & 255), pale((texel >> 16) & 255)]);
        }
    }
    for shape in &world.shapes {
        let b = shape.bounds();
        let (x0, y0) = view.world_to_px(b[0], b[3]);
        let (x1, y1) = view.world_to_px(b[2], b[1]);
        let ink = if matches!(shape, Shape::Disc { .. }) { [70, 80, 60] } else { [60, 55, 70] };
        for y in y0.max(0)..=y1.min(height as i64 - 1) {
            for x in x0.max(0)..=x1.min(width as i64 - 1) {
                let at = [(x as f64 + 0.5) / f64::from(scale), (height as f64 - y as f64 - 0.5) / f64::from(scale)];
                if shape.distance_m(at[0], at[1]) <= 0.0 {
                    view.set(x as usize, y as usize, ink);
                }
            }
        }
    }
    view
}

impl PlanView {
    /// The pixel (column, row) that shows the place (`x_m`, `y_m`); may lie outside the picture.
    #[must_use]
    pub fn world_to_px(&self, x_m: f64, y_m: f64) -> (i64, i64) {
        let scale = f64::from(self.px_per_m);
        ((x_m * scale).floor() as i64, (self.height as f64 - y_m * scale).floor() as i64)
    }

    /// Paints the pixel (`x`, `y`); outside the picture nothing happens.
    pub fn set(&mut self, x: usize, y: usize, rgb: [u8; 3]) {
        if x >= self.width || y >= self.height {
            return;
        }
        let at = (y * self.width + x) * 3;
        if let Some(pixel) = self.rgb.get_mut(at..at + 3) {
            pixel.copy_from_slice(&rgb);
        }
    }

    /// Paints a dot of `radius_px` around the place (`x_m`, `y_m`).
    pub fn dot(&mut self, x_m: f64, y_m: f64, radius_px: u32, rgb: [u8; 3]) {
        let (cx, cy) = self.world_to_px(x_m, y_m);
        let r = i64::from(radius_px);
        for dy in -r..=r {
            for dx in -r..=r {
                if dx * dx + dy * dy <= r * r
                    && let (Ok(x), Ok(y)) = (usize::try_from(cx + dx), usize::try_from(cy + dy))
                {
                    self.set(x, y, rgb);
                }
            }
        }
    }

    /// Paints a line of dots through `places` (x, y in metres).
    pub fn path(&mut self, places: impl IntoIterator<Item = [f64; 2]>, radius_px: u32, rgb: [u8; 3]) {
        let mut last: Option<[f64; 2]> = None;
        for place in places {
            let from = last.unwrap_or(place);
            let (dx, dy) = (place[0] - from[0], place[1] - from[1]);
            let count = ((dx.abs() + dy.abs()) * f64::from(self.px_per_m)).ceil().clamp(1.0, 4096.0) as usize;
            for i in 1..=count {
                let part = i as f64 / count as f64;
                self.dot(from[0] + dx * part, from[1] + dy * part, radius_px, rgb);
            }
            last = Some(place);
        }
    }
}
