//! Grids over a world: which surfaces a cell holds, how far obstacles are, what the floor is.

use crate::geometry::Shape;
use crate::world::{Column, Face};

/// Surfaces by cells of one metre, for the ray caster.
#[derive(Debug, Clone)]
pub(crate) struct VisibleGrid {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    starts: Vec<u32>,
    items: Vec<u32>,
}

/// Set in an item of [`VisibleGrid`] that is a cylinder and not a face.
pub(crate) const COLUMN_BIT: u32 = 1 << 31;

impl VisibleGrid {
    pub(crate) fn new(size_m: [f64; 2], faces: &[Face], cylinders: &[Column]) -> Self {
        let (columns, rows) = (size_m[0].ceil() as usize + 1, size_m[1].ceil() as usize + 1);
        let mut cells: Vec<Vec<u32>> = vec![Vec::new(); columns * rows];
        let mut add = |low: [f32; 2], high: [f32; 2], item: u32, hit: &dyn Fn(f32, f32) -> bool| {
            for cy in low[1].max(0.0) as usize..=(high[1].max(0.0) as usize).min(rows - 1) {
                for cx in low[0].max(0.0) as usize..=(high[0].max(0.0) as usize).min(columns - 1) {
                    if hit(cx as f32 + 0.5, cy as f32 + 0.5) {
                        cells[cy * columns + cx].push(item);
                    }
                }
            }
        };
        const SLACK: f32 = 0.01;
        for (i, face) in faces.iter().enumerate() {
            let end = [0, 1].map(|k| face.start[k] + face.along[k] * face.length);
            let low = [0, 1].map(|k| face.start[k].min(end[k]) - SLACK);
            let high = [0, 1].map(|k| face.start[k].max(end[k]) + SLACK);
            let reach = 0.5 * (face.normal[0].abs() + face.normal[1].abs()) + SLACK;
            add(low, high, i as u32, &|x, y| {
                ((x - face.start[0]) * face.normal[0] + (y - face.start[1]) * face.normal[1]).abs() <= reach
            });
        }
        for (i, cylinder) in cylinders.iter().enumerate() {
            let low = [0, 1].map(|k| cylinder.centre[k] - cylinder.radius - SLACK);
            let high = [0, 1].map(|k| cylinder.centre[k] + cylinder.radius + SLACK);
            add(low, high, i as u32 | COLUMN_BIT, &|_, _| true);
        }
        let mut starts = Vec::with_capacity(cells.len() + 1);
        let mut items = Vec::new();
        for cell in &cells {
            starts.push(items.len() as u32);
            items.extend_from_slice(cell);
        }
        starts.push(items.len() as u32);
        Self { columns, rows, starts, items }
    }

    #[inline]
    pub(crate) fn cell(&self, cx: usize, cy: usize) -> &[u32] {
        let index = cy * self.columns + cx;
        match (self.starts.get(index), self.starts.get(index + 1)) {
            (Some(&from), Some(&to)) => self.items.get(from as usize..to as usize).unwrap_or(&[]),
            _ => &[],
        }
    }
}

/// Distances to obstacles.
#[derive(Debug, Clone)]
pub struct ClearanceGrid {
    size_m: [f64; 2],
    columns: usize,
    rows: usize,
    field: Vec<f32>,
    near_columns: usize,
    near: Vec<Vec<u32>>,
}

impl ClearanceGrid {
    /// The interpolated field tells distances up to this, metres.
    pub const REACH_M: f64 = 1.3;
    /// Exact distances are told up to this, metres.
    pub const EXACT_REACH_M: f64 = 0.6;
    /// Spacing of the field, metres.
    pub const CELL_M: f64 = 0.1;

    pub(crate) fn new(size_m: [f64; 2], shapes: &[Shape]) -> Self {
        let columns = (size_m[0] / Self::CELL_M) as usize + 2;
        let rows = (size_m[1] / Self::CELL_M) as usize + 2;
        let mut field = vec![Self::REACH_M as f32; columns * rows];
        let near_columns = size_m[0] as usize + 1;
        let near_rows = size_m[1] as usize + 1;
        let mut near = vec![Vec::new(); near_columns * near_rows];
        for (number, shape) in shapes.iter().enumerate() {
            let b = shape.bounds();
            let span = |low: f64, high: f64, cell: f64, count: usize| {
                let from = (low / cell).floor().max(0.0) as usize;
                let to = ((high / cell).ceil().max(0.0) as usize).min(count.saturating_sub(1));
                from..=to
            };
            for cy in span(b[1] - Self::REACH_M, b[3] + Self::REACH_M, Self::CELL_M, rows) {
                for cx in span(b[0] - Self::REACH_M, b[2] + Self::REACH_M, Self::CELL_M, columns) {
                    let d = shape.distance_m(cx as f64 * Self::CELL_M, cy as f64 * Self::CELL_M) as f32;
                    let old = &mut field[cy * columns + cx];
                    *old = old.min(d);
                }
            }
            let reach = Self::EXACT_REACH_M + 0.01;
            for cy in span(b[1] - reach - 1.0, b[3] + reach, 1.0, near_rows) {
                for cx in span(b[0] - reach - 1.0, b[2] + reach, 1.0, near_columns) {
                    if shape.distance_m(cx as f64 + 0.5, cy as f64 + 0.5) < reach + 0.7072 {
                        near[cy * near_columns + cx].push(number as u32);
                    }
                }
            }
        }
        Self { size_m, columns, rows, field, near_columns, near }
    }

    fn inside(&self, x: f64, y: f64) -> bool {
        x >= 0.0 && y >= 0.0 && x <= self.size_m[0] && y <= self.size_m[1]
    }

    pub(crate) fn exact_m(&self, shapes: &[Shape], x: f64, y: f64) -> f64 {
        if !self.inside(x, y) {
            return -1.0;
        }
        let list = self.near.get(y as usize * self.near_columns + x as usize);
        list.into_iter()
            .flatten()
            .filter_map(|&i| shapes.get(i as usize))
            .fold(Self::EXACT_REACH_M, |best, shape| best.min(shape.distance_m(x, y)))
    }

    pub(crate) fn smooth_m(&self, x: f64, y: f64) -> f64 {
        if !self.inside(x, y) {
            return -1.0;
        }
        let (fx, fy) = (x / Self::CELL_M, y / Self::CELL_M);
        let (cx, cy) = (fx as usize, fy as usize);
        let (ax, ay) = (fx - cx as f64, fy - cy as f64);
        let at = |cx: usize, cy: usize| {
            let index = cy.min(self.rows - 1) * self.columns + cx.min(self.columns - 1);
            self.field.get(index).map_or(-1.0, |&d| f64::from(d))
        };
        let low = at(cx, cy) * (1.0 - ax) + at(cx + 1, cy) * ax;
        let high = at(cx, cy + 1) * (1.0 - ax) + at(cx + 1, cy + 1) * ax;
        low * (1.0 - ay) + high * ay
    }
}

/// Floor texture and light by cells of a quarter metre.
#[derive(Debug, Clone)]
pub(crate) struct GroundMap {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    /// (texture, light with 128 as plain).
    pub(crate) cells: Vec<(u8, u8)>,
}

impl GroundMap {
    /// Cells per metre.
    pub(crate) const PER_M: f32 = 4.0;

    /// Calls `change` with the light of every cell of `area` (min x, min y, max x, max y) whose middle
    /// is `inside`.
    fn each(&mut self, area: [f64; 4], inside: impl Fn(f64, f64) -> bool, change: impl Fn(&mut u8)) {
        let per_m = f64::from(Self::PER_M);
        let span = |low: f64, high: f64, count: usize| {
            let from = (low * per_m - 0.5).ceil().max(0.0) as usize;
            from..((high * per_m - 0.5).ceil().max(0.0) as usize).min(count)
        };
        for cy in span(area[1], area[3], self.rows) {
            for cx in span(area[0], area[2], self.columns) {
                if inside((cx as f64 + 0.5) / per_m, (cy as f64 + 0.5) / per_m)
                    && let Some(cell) = self.cells.get_mut(cy * self.columns + cx)
                {
                    change(&mut cell.1);
                }
            }
        }
    }

    /// Multiplies the light of cells.
    pub(crate) fn scale(&mut self, area: [f64; 4], gain: f64, inside: impl Fn(f64, f64) -> bool) {
        self.each(area, inside, |light| *light = (f64::from(*light) * gain).clamp(20.0, 180.0) as u8);
    }

    /// Sets the light of cells.
    pub(crate) fn set(&mut self, area: [f64; 4], light: u8, inside: impl Fn(f64, f64) -> bool) {
        self.each(area, inside, |old| *old = light);
    }

    #[inline]
    pub(crate) fn at(&self, x: f32, y: f32) -> (u8, u8) {
        let cx = ((x * Self::PER_M).max(0.0) as usize).min(self.columns - 1);
        let cy = ((y * Self::PER_M).max(0.0) as usize).min(self.rows - 1);
        self.cells.get(cy * self.columns + cx).copied().unwrap_or((0, 128))
    }
}
