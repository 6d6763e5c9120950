//! Pictures that hang or are built into walls: windows, doors, signs, shelves.

use super::{Canvas, colour};
use crate::rng::Rng;

const SIDE: usize = 64;

/// Paints by place: x and y from 0 to 1, y down.
fn painted(mut ink: impl FnMut(f32, f32) -> [f32; 3]) -> Canvas {
    let at = |i: usize| (i as f32 + 0.5) / SIDE as f32;
    let pixels = (0..SIDE * SIDE).map(|i| ink(at(i % SIDE), at(i / SIDE))).collect();
    Canvas { side: SIDE, pixels }
}

fn grey(value: f32) -> [f32; 3] {
    [value; 3]
}

fn darker(colour: [f32; 3], by: f32) -> [f32; 3] {
    colour.map(|c| c * by)
}

/// One even colour, for skirting boards, rails, lamps.
pub(crate) fn plain(colour: [f32; 3]) -> Canvas {
    Canvas { side: 16, pixels: vec![colour; 256] }
}

/// A window with bars and something far away behind it.
pub(crate) fn window(rng: &mut Rng) -> Canvas {
    let frame = if rng.chance(0.6) { grey(0.93) } else { darker(colour(rng, 0.1), 0.6) };
    let (across, down) = (rng.between(1, 3) as f32, rng.between(1, 3) as f32);
    let bright = rng.range(0.55, 1.0) as f32;
    let far: Vec<(f32, [f32; 3])> =
        (0..9).map(|_| (rng.range(0.45, 0.95) as f32, darker(colour(rng, 0.15), bright))).collect();
    painted(|x, y| {
        let bar = |v: f32, count: f32| (v * count).fract().min(1.0 - (v * count).fract()) < 0.035 * count;
        if bar(x, across) || bar(y, down) {
            return frame;
        }
        match far.get((x * 9.0) as usize) {
            Some((height, ink)) if y > *height => *ink,
            _ => [(0.62 + 0.3 * y) * bright, (0.74 + 0.2 * y) * bright, (0.92 + 0.05 * y) * bright],
        }
    })
}

/// A closed door: frame, leaf with panels or a pane, handle, sometimes a plate at the foot.
pub(crate) fn door(rng: &mut Rng) -> Canvas {
    let leaf = match rng.below(3) {
        0 => [0.5, 0.33, 0.2].map(|c: f32| c * rng.range(0.7, 1.5) as f32),
        1 => grey(rng.range(0.55, 0.95) as f32),
        _ => colour(rng, 0.4),
    };
    let frame = darker(leaf, if rng.chance(0.5) { 0.5 } else { 1.25 });
    let (panels, pane, plate) = (rng.between(0, 3), rng.chance(0.35), rng.chance(0.3));
    let right = rng.chance(0.5);
    painted(|x, y| {
        if !(0.07..0.93).contains(&x) || y < 0.04 {
            return frame;
        }
        let side = if right { x } else { 1.0 - x };
        if (0.78..0.9).contains(&side) && (0.5..0.53).contains(&y) {
            return grey(0.15);
        }
        if pane && (0.3..0.7).contains(&x) && (0.12..0.4).contains(&y) {
            return [0.75, 0.85, 0.9];
        }
        if plate && y > 0.88 {
            return grey(0.68);
        }
        if panels > 0 {
            let (v, u) = ((y * panels as f32).fract(), (x - 0.5).abs());
            let rim = |d: f32| (0.0..0.03).contains(&d);
            if (rim(0.34 - u) && v > 0.14 && v < 0.86) || ((rim(v - 0.14) || rim(0.86 - v)) && u < 0.34) {
                return darker(leaf, 0.72);
            }
        }
        leaf
    })
}

/// A small sign: a figure of few strokes on a plain ground, every one different.
pub(crate) fn sign(rng: &mut Rng) -> Canvas {
    const GROUNDS: [[f32; 3]; 6] = [
        [0.05, 0.5, 0.25],
        [0.1, 0.25, 0.65],
        [0.95, 0.8, 0.1],
        [0.8, 0.1, 0.1],
        [0.95, 0.95, 0.95],
        [0.12, 0.12, 0.14],
    ];
    let ground = rng.pick(&GROUNDS, [0.5; 3]);
    let light = ground.iter().sum::<f32>() > 1.6;
    let ink = if light { grey(0.08) } else { grey(0.97) };
    // Five by five fields, mirrored now and then, as arrows and letters are.
    let mirrored = rng.chance(0.5);
    let fields: Vec<bool> = (0..25).map(|_| rng.chance(0.5)).collect();
    painted(|x, y| {
        let (u, v) = ((x - 0.15) / 0.7, (y - 0.15) / 0.7);
        if !(0.0..1.0).contains(&u) || !(0.0..1.0).contains(&v) {
            return if (0.04..0.96).contains(&x) && (0.04..0.96).contains(&y) { ground } else { ink };
        }
        let (cx, cy) = ((u * 5.0) as usize, (v * 5.0) as usize);
        let cx = if mirrored && cx > 2 { 4 - cx } else { cx };
        if fields.get(cy * 5 + cx).copied().unwrap_or(false) { ink } else { ground }
    })
}

/// Shelves with books, boxes or bottles: bars of all colours and heights.
pub(crate) fn shelf(rng: &mut Rng) -> Canvas {
    let wood = darker(colour(rng, 0.05), 0.7);
    let boards = rng.between(3, 6);
    let loud = rng.range(0.1, 0.8);
    let mut goods = Vec::new();
    for _ in 0..boards {
        let mut row = Vec::new();
        while row.len() < SIDE {
            let (ink, high) = (colour(rng, loud), rng.range(0.45, 0.95) as f32);
            let gap = rng.chance(0.1);
            for _ in 0..rng.between(2, 7) {
                row.push((ink, if gap { 0.0 } else { high }));
            }
            row.push((darker(ink, 0.4), if gap { 0.0 } else { high }));
        }
        goods.push(row);
    }
    painted(|x, y| {
        if !(0.04..0.96).contains(&x) {
            return wood;
        }
        let place = y * boards as f32;
        let inside = place.fract();
        if inside > 0.9 {
            return wood;
        }
        let good = goods.get(place as usize).and_then(|row| row.get((x * SIDE as f32) as usize));
        match good {
            Some((ink, high)) if inside > 0.9 - 0.8 * high => *ink,
            _ => darker(wood, 0.35),
        }
    })
}
