//! Rooms by repeated splitting, a door in every dividing wall, furniture away from the doors.

use crate::builder::{Block, Builder};
use crate::trig::length;

const THICK_M: f64 = 0.14;
const DOOR_TOP_M: f64 = 2.1;

struct Door {
    centre: [f64; 2],
    half_m: f64,
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
    for room in leaves {
        let floor = b.any_surface();
        b.floor(room, floor);
        furnish(b, room, &doors);
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
        doors.push(Door { centre, half_m: half });
        let mut half_size = [THICK_M * 0.5; 2];
        half_size[other] = half;
        b.lintel(
            &Block { centre, half: half_size, yaw_rad: 0.0, height_m: high, poster_chance: 0.0, texture: None },
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

fn furnish(b: &mut Builder, room: [f64; 4], doors: &[Door]) {
    let area = (room[2] - room[0]) * (room[3] - room[1]);
    let count = (area / b.rng.range(4.0, 9.0)) as usize;
    for _ in 0..count {
        let half = [b.rng.range(0.15, 0.6), b.rng.range(0.15, 0.45)];
        let reach = length(half[0], half[1]);
        let by_wall = b.rng.chance(0.75);
        let mut centre = [0.0; 2];
        let mut yaw_rad = 0.0;
        if by_wall {
            let side = b.rng.below(4);
            let axis = side % 2;
            let other = 1 - axis;
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
        if doors.iter().any(blocks_door) {
            continue;
        }
        let height_m = if b.rng.chance(0.6) { b.rng.range(0.35, 0.95) } else { b.rng.range(1.2, 2.1) };
        if b.rng.chance(0.2) {
            b.cylinder(centre, half[1].min(0.3), height_m, None);
        } else {
            let texture = Some(b.any_surface());
            b.block(&Block { centre, half, yaw_rad, height_m, poster_chance: 0.3, texture });
        }
    }
}
