//! Streets between blocks of buildings, hedges and fences, with poles and bushes.

use crate::builder::{Block, Builder, Cover, GRASS, GRAVEL, LEAVES};

pub(crate) fn build(b: &mut Builder) {
    let (nx, ny) = (b.rng.between(3, 4), b.rng.between(3, 4));
    let pitch = [b.rng.range(8.5, 11.0), b.rng.range(8.5, 11.0)];
    let street = b.rng.range(3.4, 4.6);
    let size = [nx as f64 * pitch[0] + street, ny as f64 * pitch[1] + street];
    b.lay_out(size, 60.0, 8);
    let fence = b.rng.range(0.9, 2.2);
    b.outer_wall(0.3, fence, 0.15);
    if b.rng.chance(0.5) {
        b.floor([0.0, 0.0, size[0], size[1]], GRASS);
    }
    let kerb = b.rng.chance(0.6).then(|| if b.rng.chance(0.5) { GRAVEL } else { b.any_surface() });
    for (axis, count) in [(0, nx), (1, ny)] {
        for i in 0..=count {
            let paving = if b.rng.chance(0.3) { GRAVEL } else { b.any_surface() };
            let at = i as f64 * pitch[axis];
            let mut area = [0.0, 0.0, size[0], size[1]];
            if let Some(kerb) = kerb {
                area[axis] = at + 0.45;
                area[axis + 2] = at + street - 0.45;
                b.floor(area, kerb);
            }
            area[axis] = at + 0.7;
            area[axis + 2] = at + street - 0.7;
            b.floor(area, paving);
        }
    }
    for iy in 0..ny {
        for ix in 0..nx {
            let low = [ix as f64 * pitch[0] + street, iy as f64 * pitch[1] + street];
            let high = [(ix + 1) as f64 * pitch[0], (iy + 1) as f64 * pitch[1]];
            plot(b, low, high);
        }
    }
    scatter(b, size);
}

fn plot(b: &mut Builder, low: [f64; 2], high: [f64; 2]) {
    let centre = [(low[0] + high[0]) * 0.5, (low[1] + high[1]) * 0.5];
    let half = [(high[0] - low[0]) * 0.5, (high[1] - low[1]) * 0.5];
    let floor = if b.rng.chance(0.5) { GRASS } else { b.any_surface() };
    b.floor([low[0], low[1], high[0], high[1]], floor);
    match b.rng.below(10) {
        0..=4 => {
            let shrink = b.rng.range(0.75, 1.0);
            let yaw_rad = if b.rng.chance(0.3) { b.rng.range(-0.25, 0.25) } else { 0.0 };
            let height = b.rng.range(2.8, 8.0);
            building(b, centre, [half[0] * shrink, half[1] * shrink], yaw_rad, height);
        }
        5..=6 => {
            for sx in [-1.0, 1.0] {
                let height = b.rng.range(2.6, 6.0);
                let wide = b.rng.range(0.3, 0.42);
                let deep = b.rng.range(0.6, 0.95);
                let at = [centre[0] + sx * half[0] * 0.5, centre[1]];
                building(b, at, [half[0] * wide, half[1] * deep], 0.0, height);
            }
        }
        7..=8 => {
            // A court behind hedges, open on one side.
            let hedge = LEAVES + b.rng.below(2) as u8;
            let texture = Some(if b.rng.chance(0.6) { hedge } else { b.any_surface() });
            let height_m = b.rng.range(0.7, 2.0);
            let gate = b.rng.below(4);
            for side in (0..4).filter(|s| *s != gate) {
                let axis = side % 2;
                let mut at = centre;
                at[axis] += if side < 2 { -half[axis] } else { half[axis] };
                let mut size = [0.25; 2];
                size[1 - axis] = half[1 - axis];
                b.block(&Block { centre: at, half: size, yaw_rad: 0.0, height_m, cover: Cover::Posters(0.1), texture });
            }
            let radius = b.rng.range(0.5, 1.3);
            let height = b.rng.range(0.8, 4.0);
            if b.rng.chance(0.5) {
                b.tree(centre, 0.3 * radius);
            } else {
                b.cylinder(centre, radius, height, None);
            }
        }
        _ => {
            for _ in 0..3 {
                let at = [centre[0] + half[0] * b.rng.range(-0.8, 0.8), centre[1] + half[1] * b.rng.range(-0.8, 0.8)];
                let (radius, height) = (b.rng.range(0.3, 0.9), b.rng.range(0.8, 3.5));
                if b.rng.chance(0.5) {
                    b.tree(at, 0.3 * radius);
                } else {
                    b.bush(at, radius, 0.7 * height);
                }
            }
        }
    }
}

/// A building in sections, so that its sides differ along the street.
fn building(b: &mut Builder, centre: [f64; 2], half: [f64; 2], yaw_rad: f64, height_m: f64) {
    let axis = usize::from(half[1] > half[0]);
    let sections = b.rng.between(1, 3);
    let (sin, cos) = crate::trig::sin_cos(yaw_rad);
    let cover = if b.rng.chance(0.7) { Cover::Facade } else { Cover::Posters(0.85) };
    for i in 0..sections {
        let width = half[axis] / sections as f64;
        let mut local = [0.0; 2];
        local[axis] = -half[axis] + width * (2 * i + 1) as f64;
        let mut size = half;
        size[axis] = width;
        let height_m = height_m * b.rng.range(0.7, 1.0);
        b.block(&Block {
            centre: [centre[0] + cos * local[0] - sin * local[1], centre[1] + sin * local[0] + cos * local[1]],
            half: size,
            yaw_rad,
            height_m,
            cover,
            texture: None,
        });
    }
}

fn scatter(b: &mut Builder, size: [f64; 2]) {
    let mut left = b.rng.between(14, 34);
    for _ in 0..500 {
        if left == 0 {
            break;
        }
        let centre = [b.rng.range(1.0, size[0] - 1.0), b.rng.range(1.0, size[1] - 1.0)];
        let gap = b.gap_m(centre[0], centre[1]);
        if gap > 0.9 && gap < 1.55 && b.rng.chance(0.7) {
            continue;
        }
        if gap < 0.15 {
            continue;
        }
        left -= 1;
        match b.rng.below(5) {
            0 => {
                let trunk = b.rng.range(0.08, 0.2);
                b.tree(centre, trunk);
            }
            1 => {
                let (radius, height) = (b.rng.range(0.2, 0.5).min(gap.max(0.2)), b.rng.range(0.5, 1.5));
                b.bush(centre, radius, height);
            }
            2 => {
                let (radius, height) = (b.rng.range(0.06, 0.16), b.rng.range(2.5, 5.0));
                b.cylinder(centre, radius, height, None);
            }
            3 => {
                let (radius, height) = (b.rng.range(0.2, 0.5).min(gap.max(0.2)), b.rng.range(0.5, 1.6));
                b.cylinder(centre, radius, height, None);
            }
            _ => {
                let half = [b.rng.range(0.2, 0.9), b.rng.range(0.1, 0.35)];
                let yaw_rad = b.rng.range(0.0, std::f64::consts::PI);
                let height_m = b.rng.range(0.4, 1.5);
                b.block(&Block { centre, half, yaw_rad, height_m, cover: Cover::Posters(0.4), texture: None });
            }
        }
    }
}
