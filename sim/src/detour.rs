//! The way round those who stand or walk on a route: a small plan on a grid about the robot.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::geometry::Pose;
use crate::mover::{Mover, Surroundings};
use crate::robot::Robot;
use crate::route::{Route, SPACING_M};
use crate::trig::length;

/// Cells along a side, the robot in the middle one.
const SIDE: usize = 35;
/// Size of a cell, metres.
const CELL_M: f64 = 0.13;
/// How far ahead along the route others matter, metres.
const AHEAD_M: f64 = 1.9;
/// Room that is left to others where there is enough, metres.
const POLITE_ROOM_M: f64 = 0.4;
/// Room without which there is no passing, metres.
const LEAST_ROOM_M: f64 = 0.04;

/// What others leave of the way ahead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Passage {
    /// Nobody is in the way.
    Free,
    /// There is a way round, by this point (x, y), metres.
    By([f64; 2]),
    /// There is none now; wait.
    Shut,
}

/// The way ahead of `pose`, at `arc_m` on the route, with all movers where they are now.
pub(crate) fn passage(around: &Surroundings<'_>, robot: &Robot, route: &Route, pose: &Pose, arc_m: f64) -> Passage {
    let reach = AHEAD_M + robot.radius_m + POLITE_ROOM_M;
    let near = |m: &&Mover| length(m.centre[0] - pose.x_m, m.centre[1] - pose.y_m) < reach + m.radius_m;
    let movers: Vec<Mover> = around.movers.iter().filter(near).copied().collect();
    if movers.is_empty() {
        return Passage::Free;
    }
    let near = Surroundings { movers: &movers, ..*around };
    let room = |p: [f64; 2]| near.clearance_field_m(p[0], p[1]) - robot.radius_m;
    let from_movers = |p: [f64; 2]| {
        let gaps = movers.iter().map(|m| length(p[0] - m.centre[0], p[1] - m.centre[1]) - m.radius_m);
        gaps.fold(f64::MAX, f64::min) - robot.radius_m
    };
    let index = |arc: f64| (arc.max(0.0) / SPACING_M) as usize;
    let end = index((arc_m + AHEAD_M).min(route.total_m()));
    let way = || (index(arc_m)..=end).step_by(2).map(|i| route.point(i));
    if way().chain([[pose.x_m, pose.y_m]]).all(|p| from_movers(p) > POLITE_ROOM_M - 0.1) {
        return Passage::Free;
    }
    // Back onto the route as far ahead as can be reached.
    let goals = (index(arc_m + 0.3)..=end).rev().step_by(2).map(|i| route.point(i));
    let Some(path) = Grid::new(pose, &room).path(goals) else {
        return Passage::Shut;
    };
    // People move on: rather wait for a moment than turn back for a long way round.
    let (way_m, ahead) = (path.len() as f64 * CELL_M, path.last().copied().unwrap_or([pose.x_m, pose.y_m]));
    if way_m > 1.5 * length(ahead[0] - pose.x_m, ahead[1] - pose.y_m) + 0.5 {
        return Passage::Shut;
    }
    // The farthest point of the plan that can be driven to in a straight line.
    let straight = |to: [f64; 2]| {
        let (dx, dy) = (to[0] - pose.x_m, to[1] - pose.y_m);
        let here = room([pose.x_m, pose.y_m]);
        (1..=8).all(|k| {
            let part = f64::from(k) / 8.0;
            room([pose.x_m + dx * part, pose.y_m + dy * part]) > 0.2f64.min(here - 0.02)
        })
    };
    let least = path.iter().find(|p| length(p[0] - pose.x_m, p[1] - pose.y_m) > 0.25);
    let look = path.iter().take(9).rev().find(|p| straight(**p));
    let farther = |a: &&[f64; 2], b: &&[f64; 2]| {
        let d = |p: &[f64; 2]| length(p[0] - pose.x_m, p[1] - pose.y_m);
        d(a).total_cmp(&d(b))
    };
    least.into_iter().chain(look).max_by(farther).map_or(Passage::Shut, |p| Passage::By(*p))
}

/// What the cells about a robot cost per metre; infinite where it does not fit.
struct Grid {
    low: [f64; 2],
    cost: Vec<f32>,
}

#[derive(PartialEq)]
struct Entry(f32, usize);

impl Eq for Entry {}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.total_cmp(&self.0).then(other.1.cmp(&self.1))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Grid {
    fn new(pose: &Pose, room: &dyn Fn([f64; 2]) -> f64) -> Self {
        let half = (SIDE / 2) as f64 * CELL_M;
        let mut grid = Self { low: [pose.x_m - half, pose.y_m - half], cost: Vec::with_capacity(SIDE * SIDE) };
        for cell in 0..SIDE * SIDE {
            let room = room(grid.point(cell));
            let lack = ((POLITE_ROOM_M - room) / POLITE_ROOM_M).max(0.0);
            let cost = if room < LEAST_ROOM_M { f32::INFINITY } else { (1.0 + 12.0 * lack * lack) as f32 };
            grid.cost.push(cost);
        }
        grid
    }

    fn point(&self, cell: usize) -> [f64; 2] {
        [self.low[0] + (cell % SIDE) as f64 * CELL_M, self.low[1] + (cell / SIDE) as f64 * CELL_M]
    }

    /// The cheapest way from the middle to the first of `goals` that can be reached, the start left
    /// out.
    fn path(&self, goals: impl Iterator<Item = [f64; 2]>) -> Option<Vec<[f64; 2]>> {
        let start = SIDE / 2 * SIDE + SIDE / 2;
        let most = (SIDE - 1) as f64;
        let cell = |goal: [f64; 2]| {
            let [gx, gy] = [0, 1].map(|k| ((goal[k] - self.low[k]) / CELL_M).round());
            let inside = (0.0..=most).contains(&gx) && (0.0..=most).contains(&gy);
            inside.then(|| gy as usize * SIDE + gx as usize).filter(|cell| *cell != start)
        };
        let goals: Vec<usize> = goals.filter_map(cell).filter(|c| self.cost[*c].is_finite()).collect();
        let first = goals.first().copied();
        let mut best = vec![f32::INFINITY; SIDE * SIDE];
        let mut parent = vec![usize::MAX; SIDE * SIDE];
        let mut heap = BinaryHeap::from([Entry(0.0, start)]);
        best[start] = 0.0;
        while let Some(Entry(cost, at)) = heap.pop() {
            if Some(at) == first {
                break;
            }
            if cost > best[at] {
                continue;
            }
            let (x, y) = ((at % SIDE) as i64, (at / SIDE) as i64);
            for (dx, dy) in [(1i64, 0i64), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)] {
                let side = 0..SIDE as i64;
                if !side.contains(&(x + dx)) || !side.contains(&(y + dy)) {
                    continue;
                }
                let next = (y + dy) as usize * SIDE + (x + dx) as usize;
                let way = if dx != 0 && dy != 0 { std::f32::consts::SQRT_2 } else { 1.0 } * CELL_M as f32;
                let total = cost + way * self.cost[next];
                if total < best[next] {
                    best[next] = total;
                    parent[next] = at;
                    heap.push(Entry(total, next));
                }
            }
        }
        let goal = goals.into_iter().find(|cell| best[*cell].is_finite())?;
        let mut cells = Vec::new();
        let mut at = goal;
        while at != start && at != usize::MAX {
            cells.push(self.point(at));
            at = parent[at];
        }
        cells.reverse();
        Some(cells)
    }
}
