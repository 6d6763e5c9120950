//! Rooms by repeated splitting, a door in every dividing wall, furniture away from the doors.

use crate::builder::{Block, Builder, Cover, any_door, any_shelf};
use crate::trig::{length, sin_cos};

const THICK_M: f64 = 0.14;
const DOOR_TOP_M: f64 = 2.1;

struct Door {
    centre: [f64; 2],
    half_m: f64,
    /// The axis that the way through runs along.
    axis: usize,
    /// Another door leads through the same wall.
    spare: bool,
    closed: bool,
}

/// The leaf of an open door: its middle.
struct Leaf {
    middle: [f64; 2],
}

pub(crate) fn build(b: &mut Builder) {
    let size = [b.rng.range(14.0, 20.0), b.rng.range(11.0, 16.0)];
    let high = b.rng.range(2.4, 3.0);
    b.lay_out(size, high, 5);
    let posters = b.rng.range(0.3, 0.65);
    b.outer_wall(THICK_M, high, posters);
    let mut doors = Vec::new();
    let mut rooms = vec![[THICK_M, THICK_M, size[0] - THICK_M, size[1] - THICK_M]];
    let mut leaves = Vec::new();
    while let Some(room) = rooms.pop() {
        match split(b, room, &doors) {
            Some((axis, at)) => {
                divide(b, room, axis, at, high, posters, &mut doors);
                let (mut low, mut up) = (room, room);
                low[2 + axis] = at - THICK_M * 0.5;
                up[axis] = at + THICK_M * 0.5;
                rooms.extend([low, up]);
            }
            None => leaves.push(room),
        }
    }
    let hung = hang(b, &mut doors);
    for room in leaves {
        let floor = b.any_surface();
        b.floor(room, floor);
        dress(b, room);
        furnish(b, room, &doors, &hung);
    }
}

/// Where to split a room: (axis, coordinate); `None` to leave it whole.
fn split(b: &mut Builder, room: [f64; 4], doors: &[Door]) -> Option<(usize, f64)> {
    let extent = [room[2] - room[0], room[3] - room[1]];
    let axis = usize::from(extent[1] > extent[0]);
    let smallest = 3.0;
    if extent[axis] < 2.0 * smallest + 0.3 || (extent[axis] < 7.5 && b.rng.chance(0.25)) {
        return None;
    }
    for _ in 0..12 {
        // A narrow slice makes a corridor out of a long room.
        let margin = if extent[1 - axis] > 7.0 && b.rng.chance(0.3) { 1.7 } else { smallest };
        let at = b.rng.range(room[axis] + margin, room[axis + 2] - margin);
        let clear = |door: &Door| {
            let across = door.centre[1 - axis];
            let touches = across > room[1 - axis] - 0.3 && across < room[3 - axis] + 0.3;
            !touches || (door.centre[axis] - at).abs() > door.half_m + 0.5
        };
        if doors.iter().all(clear) {
            return Some((axis, at));
        }
    }
    None
}

fn divide(b: &mut Builder, room: [f64; 4], axis: usize, at: f64, high: f64, posters: f64, doors: &mut Vec<Door>) {
    let other = 1 - axis;
    let (from, to) = (room[other], room[other + 2]);
    let count = if to - from > 6.0 && b.rng.chance(0.6) { 2 } else { 1 };
    let mut gaps: Vec<(f64, f64)> = Vec::new();
    for part in 0..count {
        let span = (to - from) / count as f64;
        let half = b.rng.range(0.58, 0.75);
        let low = from + span * part as f64 + half + 0.5;
        let up = (from + span * (part + 1) as f64 - half - 0.5).max(low + 1e-6);
        let middle = b.rng.range(low, up);
        gaps.push((middle - half, middle + half));
        let mut centre = [0.0; 2];
        centre[axis] = at;
        centre[other] = middle;
        doors.push(Door { centre, half_m: half, axis, spare: count > 1, closed: false });
        let mut half_size = [THICK_M * 0.5; 2];
        half_size[other] = half;
        b.lintel(
            &Block { centre, half: half_size, yaw_rad: 0.0, height_m: high, cover: Cover::Posters(0.0), texture: None },
            DOOR_TOP_M,
        );
    }
    let mut start = from;
    for (low, up) in gaps.into_iter().chain([(to, to)]) {
        let mut ends = [[0.0; 2]; 2];
        ends[0][axis] = at;
        ends[1][axis] = at;
        ends[0][other] = start;
        ends[1][other] = low;
        b.wall(ends[0], ends[1], THICK_M, high, posters);
        start = up;
    }
}

/// Hangs leaves into doorways: folded back at some angle, or closed where another door leads
/// through the same wall.
fn hang(b: &mut Builder, doors: &mut [Door]) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    let mut shut = 0;
    for door in doors.iter_mut() {
        let texture = any_door(&mut b.rng);
        let (axis, other) = (door.axis, 1 - door.axis);
        // Two doors of one wall follow each other; of these one at most is closed.
        shut = if door.spare { shut } else { 0 };
        if door.spare && shut == 0 && b.rng.chance(0.25) {
            let (mut from, mut to) = (door.centre, door.centre);
            from[other] -= door.half_m;
            to[other] += door.half_m;
            b.door_leaf(from, to, DOOR_TOP_M, texture);
            door.closed = true;
            shut = 1;
            continue;
        }
        shut = 0;
        if !b.rng.chance(0.7) {
            continue;
        }
        let long = b.rng.range(0.75, 0.95);
        let side = if b.rng.chance(0.5) { 1.0 } else { -1.0 };
        let end = if b.rng.chance(0.5) { 1.0 } else { -1.0 };
        // From across the doorway (90 degrees) to flat against the wall.
        let (sin, cos) = sin_cos(b.rng.range(1.65, 2.95));
        let place = |out: f64, along: f64| {
            let mut p = door.centre;
            p[axis] += side * (THICK_M * 0.5 + 0.03 + out);
            p[other] += end * (door.half_m + along);
            p
        };
        let tip = place(long * sin, -long * cos);
        // The leaf must not touch another wall, and the room must leave a way past its tip.
        let free = (4..=10).all(|i| {
            let part = long * f64::from(i) / 10.0;
            let p = place(part * sin, -part * cos);
            b.gap_m(p[0], p[1]) > if sin * part > 0.12 { 0.06 } else { 0.015 }
        });
        let way = (0..14).all(|i| {
            let p = place(long * sin + 0.15 + f64::from(i) * 0.1, -0.5 * long * cos);
            b.gap_m(p[0], p[1]) > 0.06
        });
        if free && way {
            b.door_leaf(place(0.0, 0.0), tip, DOOR_TOP_M, texture);
            leaves.push(Leaf { middle: place(0.5 * long * sin, -0.5 * long * cos) });
        }
    }
    leaves
}

/// Rugs, light that falls through windows, lamps.
fn dress(b: &mut Builder, room: [f64; 4]) {
    if b.rng.chance(0.4) {
        let inset = b.rng.range(0.3, 0.9);
        let rug = b.any_surface();
        b.floor([room[0] + inset, room[1] + inset, room[2] - inset, room[3] - inset], rug);
    }
    if b.rng.chance(0.4) {
        let gain = b.rng.range(0.65, 1.25);
        b.patch_of_light(room, gain);
    }
    if b.rng.chance(0.4) {
        let (gain, wide) = (b.rng.range(1.2, 1.6), b.rng.range(0.5, 1.2));
        let start = [b.rng.range(room[0], room[2] - 1.5), b.rng.range(room[1], room[3] - 1.5)];
        for pane in 0..b.rng.between(1, 2) {
            let x = start[0] + 1.5 * wide * pane as f64;
            b.patch_of_light([x, start[1], x + wide, start[1] + 1.5], gain);
        }
    }
    if b.rng.chance(0.5) {
        b.hanging_lamp([(room[0] + room[2]) * 0.5, (room[1] + room[3]) * 0.5]);
    }
}

fn furnish(b: &mut Builder, room: [f64; 4], doors: &[Door], leaves: &[Leaf]) {
    let area = (room[2] - room[0]) * (room[3] - room[1]);
    let count = (area / b.rng.range(4.0, 9.0)) as usize;
    for _ in 0..count {
        let half = [b.rng.range(0.15, 0.6), b.rng.range(0.15, 0.45)];
        let reach = length(half[0], half[1]);
        let by_wall = b.rng.chance(0.75);
        let mut centre = [0.0; 2];
        let mut yaw_rad = 0.0;
        let mut wall = None;
        if by_wall {
            let side = b.rng.below(4);
            let axis = side % 2;
            let other = 1 - axis;
            wall = Some((axis, if side < 2 { -1.0 } else { 1.0 }));
            centre[axis] = if side < 2 { room[axis] + half[axis] + 0.02 } else { room[axis + 2] - half[axis] - 0.02 };
            centre[other] = b.rng.range(room[other] + half[other], room[other + 2] - half[other]);
        } else {
            yaw_rad = b.rng.range(0.0, std::f64::consts::PI);
            if room[2] - room[0] < 4.2 || room[3] - room[1] < 4.2 {
                continue;
            }
            centre = [b.rng.range(room[0] + 1.7, room[2] - 1.7), b.rng.range(room[1] + 1.7, room[3] - 1.7)];
        }
        let blocks_door =
            |door: &Door| length(door.centre[0] - centre[0], door.centre[1] - centre[1]) < door.half_m + reach + 0.75;
        let blocks_leaf =
            |leaf: &Leaf| length(leaf.middle[0] - centre[0], leaf.middle[1] - centre[1]) < 0.5 + reach + 0.65;
        if doors.iter().any(blocks_door) || leaves.iter().any(blocks_leaf) {
            continue;
        }
        piece(b, centre, half, yaw_rad, wall);
    }
}

/// One piece of furniture; `wall` is the axis and the side of the wall that it stands at.
fn piece(b: &mut Builder, centre: [f64; 2], half: [f64; 2], yaw_rad: f64, wall: Option<(usize, f64)>) {
    let height_m = if b.rng.chance(0.6) { b.rng.range(0.35, 0.95) } else { b.rng.range(1.2, 2.1) };
    let texture = b.any_surface();
    let block = Block { centre, half, yaw_rad, height_m, cover: Cover::Posters(0.3), texture: Some(texture) };
    match (b.rng.below(10), wall) {
        (0, _) => b.cylinder(centre, half[1].min(0.3), height_m, None),
        (1, _) => b.plant(centre, half[1].min(0.3), height_m.max(0.6)),
        (2, _) => b.floor_lamp(centre),
        (3 | 4, _) => {
            let height_m = b.rng.range(0.68, 0.78);
            b.table(&Block { height_m, ..block });
        }
        (5, Some(_)) => {
            let cover = Cover::Whole(any_shelf(&mut b.rng));
            let height_m = b.rng.range(1.2, 2.1);
            b.block(&Block { height_m, cover, ..block });
        }
        (6, Some((axis, sign))) => b.sofa(&block, axis, sign),
        (6, None) => {
            let cover = any_door(&mut b.rng);
            b.block(&Block { cover: Cover::Whole(cover), ..block });
        }
        (7, _) => {
            let yaw_rad = wall.map_or(yaw_rad, |(axis, sign)| match (axis, sign > 0.0) {
                (0, true) => std::f64::consts::PI,
                (0, false) => 0.0,
                (_, true) => -std::f64::consts::FRAC_PI_2,
                (_, false) => std::f64::consts::FRAC_PI_2,
            });
            // A chair is smaller than the room that was looked for.
            let mut at = centre;
            if let Some((axis, sign)) = wall {
                at[axis] += sign * (half[axis] - 0.21);
            }
            b.chair(at, yaw_rad, texture);
        }
        _ => b.block(&block),
    }
}
