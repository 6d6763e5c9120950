//! Rows of racks with aisles between and cross aisles through them.

use crate::builder::{Block, Builder, Cover, GRAVEL, any_shelf};

pub(crate) fn build(b: &mut Builder) {
    let size = [b.rng.range(15.0, 22.0), b.rng.range(12.0, 17.0)];
    let high = b.rng.range(3.4, 5.0);
    b.lay_out(size, high, 5);
    b.outer_wall(0.2, high, 0.5);
    let depth = b.rng.range(0.7, 1.2);
    let mut y = 0.2 + b.rng.range(1.6, 2.4);
    let mut row = 0;
    while y + depth + 1.7 < size[1] {
        let crossings: Vec<(f64, f64)> = {
            let ends = b.rng.range(1.7, 2.6);
            let mut gaps = vec![(0.0, ends), (size[0] - b.rng.range(1.7, 2.6), size[0])];
            let middle = b.rng.range(0.3, 0.7) * size[0];
            gaps.insert(1, (middle - 0.9, middle + b.rng.range(0.9, 1.4)));
            gaps
        };
        for pair in crossings.windows(2) {
            racks(b, (pair[0].1, pair[1].0), y + depth * 0.5, depth, high);
        }
        if row % 2 == 0 {
            let floor = b.any_surface();
            b.floor([0.0, y + depth, size[0], y + depth + 1.2], floor);
        }
        lanes(b, y + depth, size[0]);
        y += depth + b.rng.range(1.7, 2.7);
        row += 1;
    }
    clutter(b, size);
}

fn racks(b: &mut Builder, span: (f64, f64), y: f64, depth: f64, high: f64) {
    let mut x = span.0;
    while x < span.1 - 0.5 {
        let mut long = b.rng.range(1.1, 2.4);
        if span.1 - x - long < 1.0 {
            long = span.1 - x;
        }
        let texture = Some(b.any_surface());
        let height_m = b.rng.range(0.9, 2.8).min(high - 0.3);
        let cover = if b.rng.chance(0.35) { Cover::Whole(any_shelf(&mut b.rng)) } else { Cover::Posters(0.5) };
        b.block(&Block {
            centre: [x + long * 0.5, y],
            half: [long * 0.5, depth * 0.5],
            yaw_rad: 0.0,
            height_m,
            cover,
            texture,
        });
        x += long;
    }
}

/// Crates, drums and posts that hug what already stands, so that aisles stay passable.
fn clutter(b: &mut Builder, size: [f64; 2]) {
    let mut left = b.rng.between(6, 16);
    for _ in 0..400 {
        if left == 0 {
            break;
        }
        let half = b.rng.range(0.12, 0.28);
        let centre = [b.rng.range(0.5, size[0] - 0.5), b.rng.range(0.5, size[1] - 0.5)];
        let gap = b.gap_m(centre[0], centre[1]);
        if gap < half * 1.05 || gap > half * 1.6 {
            continue;
        }
        left -= 1;
        let height_m = b.rng.range(0.3, 1.3);
        if b.rng.chance(0.5) {
            b.cylinder(centre, half, height_m, None);
        } else {
            let texture = Some(b.any_surface());
            b.block(&Block {
                centre,
                half: [half * 0.75; 2],
                yaw_rad: 0.0,
                height_m,
                cover: Cover::Posters(0.2),
                texture,
            });
        }
    }
}

/// Painted lines and rows of lamps along an aisle.
fn lanes(b: &mut Builder, y: f64, long: f64) {
    if b.rng.chance(0.4) {
        b.floor([0.0, y + 0.25, long, y + 0.5], GRAVEL);
    }
    if b.rng.chance(0.6) {
        let pitch = b.rng.range(2.5, 5.0);
        let mut x = b.rng.range(0.8, pitch);
        while x < long - 0.5 {
            b.hanging_lamp([x, y + 0.85]);
            x += pitch;
        }
    }
}
