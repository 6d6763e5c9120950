//! Corridors: a spanning tree over cells, with some walls taken out again for loops.

use crate::builder::{Block, Builder, Cover};

pub(crate) fn build(b: &mut Builder) {
    let cell = b.rng.range(2.0, 2.6);
    let (nx, ny) = (b.rng.between(5, 8), b.rng.between(5, 7));
    let thick = b.rng.range(0.12, 0.22);
    let high = b.rng.range(2.2, 3.0);
    let regions = b.rng.between(4, 8);
    b.lay_out([nx as f64 * cell + thick, ny as f64 * cell + thick], high, regions);
    let posters = b.rng.range(0.3, 0.7);
    b.outer_wall(thick, high, posters);

    // open[0]: the way east of a cell; open[1]: the way north.
    let mut open = [vec![false; nx * ny], vec![false; nx * ny]];
    let mut seen = vec![false; nx * ny];
    let mut stack = vec![(b.rng.below(nx), b.rng.below(ny))];
    seen[stack[0].1 * nx + stack[0].0] = true;
    while let Some(&(x, y)) = stack.last() {
        let mut ways = Vec::with_capacity(4);
        for (dx, dy) in [(1i64, 0i64), (-1, 0), (0, 1), (0, -1)] {
            let (tx, ty) = (x as i64 + dx, y as i64 + dy);
            if tx >= 0 && ty >= 0 && tx < nx as i64 && ty < ny as i64 {
                let to = (tx as usize, ty as usize);
                if !seen[to.1 * nx + to.0] {
                    ways.push(to);
                }
            }
        }
        if ways.is_empty() {
            stack.pop();
            continue;
        }
        let to = ways[b.rng.below(ways.len())];
        seen[to.1 * nx + to.0] = true;
        let axis = usize::from(to.0 == x);
        open[axis][y.min(to.1) * nx + x.min(to.0)] = true;
        stack.push(to);
    }
    let loops = b.rng.range(0.08, 0.25);
    for y in 0..ny {
        for x in 0..nx {
            for (axis, ways) in open.iter().enumerate() {
                let edge = if axis == 0 { x + 1 == nx } else { y + 1 == ny };
                if edge || ways[y * nx + x] || b.rng.chance(loops) {
                    continue;
                }
                let h = thick * 0.5;
                let (x0, y0) = (x as f64 * cell + h, y as f64 * cell + h);
                let (from, to) = if axis == 0 {
                    ([x0 + cell, y0 - h], [x0 + cell, y0 + cell + h])
                } else {
                    ([x0 - h, y0 + cell], [x0 + cell + h, y0 + cell])
                };
                b.wall(from, to, thick, high, posters);
            }
        }
    }
    furnish(b, nx, ny, cell, thick);
}

/// A few low or slim things in corners, so that corridors differ in shape as well.
fn furnish(b: &mut Builder, nx: usize, ny: usize, cell: f64, thick: f64) {
    for y in 0..ny {
        for x in 0..nx {
            light(b, [x as f64 * cell, y as f64 * cell], cell);
            if !b.rng.chance(0.25) {
                continue;
            }
            let size = b.rng.range(0.1, 0.17);
            let inset = thick * 0.5 + size + 0.02;
            let corner = |at: usize, far: bool| at as f64 * cell + thick * 0.5 + if far { cell - inset } else { inset };
            let centre = [corner(x, b.rng.chance(0.5)), corner(y, b.rng.chance(0.5))];
            if b.gap_m(centre[0], centre[1]) > 0.4 {
                continue;
            }
            let height_m = b.rng.range(0.3, 1.8);
            if b.rng.chance(0.2) {
                b.plant(centre, size, height_m);
            } else if b.rng.chance(0.5) {
                b.cylinder(centre, size, height_m, None);
            } else {
                let texture = Some(b.any_surface());
                b.block(&Block {
                    centre,
                    half: [size; 2],
                    yaw_rad: 0.0,
                    height_m,
                    cover: Cover::Posters(0.0),
                    texture,
                });
            }
        }
    }
}

/// Brighter and darker cells, and a lamp in some.
fn light(b: &mut Builder, low: [f64; 2], cell: f64) {
    if b.rng.chance(0.2) {
        let gain = b.rng.range(0.65, 1.4);
        b.patch_of_light([low[0], low[1], low[0] + cell, low[1] + cell], gain);
    }
    if b.rng.chance(0.12) {
        b.hanging_lamp([low[0] + 0.5 * cell, low[1] + 0.5 * cell]);
    }
}
