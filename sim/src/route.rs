//! Routes: where a robot is asked to go, and a smooth path with room on both sides.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::geometry::Pose;
use crate::rng::Rng;
use crate::robot::Robot;
use crate::teleop::Teleop;
use crate::trig::{atan2, length, wrap};
use crate::world::World;

/// Spacing of the points of a route, metres.
pub const SPACING_M: f64 = 0.05;

/// Room a route always keeps beyond the robot's radius, metres.
pub const LEAST_ROOM_M: f64 = 0.1;

/// Room beyond which more room is no better, metres.
const COMFORT_M: f64 = 0.8;

/// A smooth path. It runs on a little beyond the goal, so that near the goal it still says which
/// way the drive would have gone on.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    points: Vec<[f64; 2]>,
    goal_arc_m: f64,
}

impl Route {
    /// The route over `points`, [`SPACING_M`] apart, with its goal at `goal_arc_m`; `None` where the
    /// goal is not on it.
    #[must_use]
    pub fn from_points(points: Vec<[f64; 2]>, goal_arc_m: f64) -> Option<Self> {
        let route = Self { points, goal_arc_m };
        (goal_arc_m > 0.0 && goal_arc_m <= route.total_m() + 1e-9).then_some(route)
    }

    /// Way from the start to the goal, metres.
    #[must_use]
    pub fn length_m(&self) -> f64 {
        self.goal_arc_m
    }

    /// Way from the start to the end of the path beyond the goal, metres.
    #[must_use]
    pub fn total_m(&self) -> f64 {
        self.points.len().saturating_sub(1) as f64 * SPACING_M
    }

    /// The points of the path, [`SPACING_M`] apart: (x, y) in metres.
    #[must_use]
    pub fn points(&self) -> &[[f64; 2]] {
        &self.points
    }

    /// Where the drive starts.
    #[must_use]
    pub fn start(&self) -> Pose {
        self.at(0.0)
    }

    /// Where the drive ends.
    #[must_use]
    pub fn goal(&self) -> Pose {
        self.at(self.goal_arc_m)
    }

    /// The point of the path with number `index`, clamped to the ends.
    pub(crate) fn point(&self, index: usize) -> [f64; 2] {
        let last = self.points.len().saturating_sub(1);
        self.points.get(index.min(last)).copied().unwrap_or([0.0; 2])
    }

    /// The pose on the path `arc_m` metres from its start, looking along it.
    #[must_use]
    pub fn at(&self, arc_m: f64) -> Pose {
        let place = (arc_m / SPACING_M).clamp(0.0, self.points.len().saturating_sub(1) as f64);
        let index = place as usize;
        let rest = place - index as f64;
        let (a, b) = (self.point(index), self.point(index + 1));
        let (back, ahead) = (self.point(index.saturating_sub(3)), self.point(index + 4));
        Pose {
            x_m: a[0] + (b[0] - a[0]) * rest,
            y_m: a[1] + (b[1] - a[1]) * rest,
            yaw_rad: atan2(ahead[1] - back[1], ahead[0] - back[0]),
        }
    }

    /// The place on the path nearest to `pose`, as (arc from the start, distance), metres; looked
    /// for from 0.6 m behind to 1.2 m ahead of `near_arc_m`, because a path may pass a place twice.
    #[must_use]
    pub fn project(&self, pose: &Pose, near_arc_m: f64) -> (f64, f64) {
        let from = ((near_arc_m - 0.6) / SPACING_M).max(0.0) as usize;
        let to = ((near_arc_m + 1.2) / SPACING_M).max(0.0) as usize;
        let last = self.points.len().saturating_sub(1);
        let (mut best, mut best_arc) = (f64::MAX, 0.0);
        for index in from.min(last)..=to.min(last) {
            let (a, b) = (self.point(index), self.point(index + 1));
            let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
            let square = dx * dx + dy * dy;
            let (px, py) = (pose.x_m - a[0], pose.y_m - a[1]);
            let part = if square > 0.0 { ((px * dx + py * dy) / square).clamp(0.0, 1.0) } else { 0.0 };
            let d = length(px - part * dx, py - part * dy);
            if d < best {
                (best, best_arc) = (d, (index as f64 + part) * SPACING_M);
            }
        }
        (best_arc, best)
    }

    /// Sum of all changes of direction up to the goal, radians.
    #[must_use]
    pub fn turning_rad(&self) -> f64 {
        turning(&self.points, 8)
    }
}

fn turning(points: &[[f64; 2]], stride: usize) -> f64 {
    let coarse: Vec<[f64; 2]> = points.iter().step_by(stride.max(1)).copied().collect();
    let heading = |a: &[f64; 2], b: &[f64; 2]| atan2(b[1] - a[1], b[0] - a[0]);
    coarse.windows(3).map(|w| wrap(heading(&w[1], &w[2]) - heading(&w[0], &w[1])).abs()).sum()
}

/// Plans a random route for `robot`: 6 to 16 m indoors, about as many steps outdoors, with turns
/// where the place has any, and driven once by the expert to see that it touches nothing.
///
/// `None` where the robot does not fit; try another robot or world.
#[must_use]
pub fn plan_route(world: &World, robot: &Robot, rng: &mut Rng) -> Option<Route> {
    (0..6).find_map(|_| attempt(world, robot, rng))
}

fn wanted_length(world: &World, robot: &Robot) -> (f64, f64) {
    let step = robot.step_length_m();
    if world.family().indoor() {
        (6.0, (110.0 * step).clamp(8.0, 16.0))
    } else {
        ((26.0 * step).max(8.0), (100.0 * step).clamp(16.0, 34.0))
    }
}

fn attempt(world: &World, robot: &Robot, rng: &mut Rng) -> Option<Route> {
    let field = Field::new(world, robot);
    let start = (0..80).map(|_| rng.below(field.cost.len())).find(|&i| field.roomy(i))?;
    let tail = 6.5 * robot.step_length_m() + 0.2;
    let (shortest, longest) = wanted_length(world, robot);
    let reach = field.explore(start, longest + tail);
    let mut best: Option<(f64, Vec<[f64; 2]>)> = None;
    let mut candidates = 0;
    for _ in 0..400 {
        let goal = rng.below(field.cost.len());
        let way = reach.way_m.get(goal).copied().unwrap_or(f32::MAX);
        if !field.roomy(goal) || f64::from(way) < shortest + tail || f64::from(way) > longest + tail {
            continue;
        }
        let path = field.path(&reach, goal);
        let turns = turning(&path, if world.family().indoor() { 6 } else { 4 });
        if best.as_ref().is_none_or(|b| turns > b.0) {
            best = Some((turns, path));
        }
        candidates += 1;
        if candidates >= 3 && best.as_ref().is_some_and(|b| b.0 > 1.8) || candidates >= 14 {
            break;
        }
    }
    let points = resample(&smooth(world, robot, best?.1));
    let total = points.len().saturating_sub(1) as f64 * SPACING_M;
    let route = Route { points, goal_arc_m: total - tail };
    let room = |p: &[f64; 2]| world.clearance_m(p[0], p[1]) >= robot.radius_m + LEAST_ROOM_M;
    if route.goal_arc_m < shortest * 0.85 || !route.points.iter().all(room) {
        return None;
    }
    let whole = Route { goal_arc_m: total - 0.15, ..route.clone() };
    let drive = Teleop::drive(world, robot, &whole, 4.0);
    let ended =
        drive.last().is_some_and(|last| whole.project(&last.pose, whole.goal_arc_m).0 >= whole.goal_arc_m - 0.01);
    (ended && drive.iter().all(|step| !step.contact)).then_some(route)
}

/// The planning grid: what a cell costs per metre; infinite where the robot does not fit.
struct Field {
    cell_m: f64,
    columns: usize,
    cost: Vec<f32>,
}

struct Reach {
    way_m: Vec<f32>,
    parent: Vec<u32>,
}

#[derive(PartialEq)]
struct Entry {
    cost: f32,
    cell: u32,
}

impl Eq for Entry {}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.cost.total_cmp(&self.cost).then(other.cell.cmp(&self.cell))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Field {
    fn new(world: &World, robot: &Robot) -> Self {
        let cell_m = if world.family().indoor() { 0.1 } else { 0.2 };
        let [wide, high] = world.size_m();
        let (columns, rows) = ((wide / cell_m) as usize + 1, (high / cell_m) as usize + 1);
        let mut cost = Vec::with_capacity(columns * rows);
        for cy in 0..rows {
            for cx in 0..columns {
                let room = world.clearance_field_m(cx as f64 * cell_m, cy as f64 * cell_m) - robot.radius_m;
                cost.push(if room < LEAST_ROOM_M + 0.04 {
                    f32::INFINITY
                } else {
                    let lack = ((COMFORT_M - room) / COMFORT_M).max(0.0);
                    (1.0 + 9.0 * lack * lack) as f32
                });
            }
        }
        Self { cell_m, columns, cost }
    }

    fn roomy(&self, cell: usize) -> bool {
        // That is the cost at a room of 0.27 m.
        let lack = (COMFORT_M - 0.27) / COMFORT_M;
        self.cost.get(cell).is_some_and(|c| f64::from(*c) < 1.0 + 9.0 * lack * lack)
    }

    fn explore(&self, start: usize, longest_m: f64) -> Reach {
        let mut best = vec![f32::INFINITY; self.cost.len()];
        let mut reach = Reach { way_m: vec![f32::MAX; self.cost.len()], parent: vec![u32::MAX; self.cost.len()] };
        let mut heap = BinaryHeap::from([Entry { cost: 0.0, cell: start as u32 }]);
        best[start] = 0.0;
        reach.way_m[start] = 0.0;
        let diagonal = std::f64::consts::SQRT_2 * self.cell_m;
        while let Some(Entry { cost, cell }) = heap.pop() {
            let at = cell as usize;
            if cost > best[at] || f64::from(reach.way_m[at]) > longest_m {
                continue;
            }
            let x = at % self.columns;
            for (dx, dy) in [(1i64, 0i64), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)] {
                if (dx < 0 && x == 0) || (dx > 0 && x + 1 == self.columns) {
                    continue;
                }
                let Ok(next) = usize::try_from(at as i64 + dy * self.columns as i64 + dx) else {
                    continue;
                };
                let Some(&price) = self.cost.get(next) else {
                    continue;
                };
                let way = if dx != 0 && dy != 0 { diagonal } else { self.cell_m } as f32;
                let total = cost + way * 0.5 * (price + self.cost[at]);
                if total < best[next] {
                    best[next] = total;
                    reach.way_m[next] = reach.way_m[at] + way;
                    reach.parent[next] = cell;
                    heap.push(Entry { cost: total, cell: next as u32 });
                }
            }
        }
        reach
    }

    fn path(&self, reach: &Reach, goal: usize) -> Vec<[f64; 2]> {
        let mut points = Vec::new();
        let mut at = goal;
        while at != u32::MAX as usize && points.len() <= self.cost.len() {
            points.push([(at % self.columns) as f64 * self.cell_m, (at / self.columns) as f64 * self.cell_m]);
            at = reach.parent.get(at).map_or(u32::MAX as usize, |p| *p as usize);
        }
        points.reverse();
        points
    }
}

/// Pulls the path straight like a string, except where that would cost it its room.
fn smooth(world: &World, robot: &Robot, mut points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    let enough = robot.radius_m + 0.55;
    let mut room: Vec<f64> = points.iter().map(|p| world.clearance_field_m(p[0], p[1])).collect();
    let rounds = if robot.min_turn_radius_m > 0.0 { 160 } else { 70 };
    for _ in 0..rounds {
        for i in 1..points.len().saturating_sub(1) {
            let [a, p, b] = [points[i - 1], points[i], points[i + 1]];
            let to = [0, 1].map(|k| p[k] + 0.4 * (a[k] + b[k] - 2.0 * p[k]));
            let then = world.clearance_field_m(to[0], to[1]);
            if then >= room[i].min(enough) {
                points[i] = to;
                room[i] = then;
            }
        }
    }
    points
}

fn resample(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut out = Vec::new();
    let mut carry = 0.0;
    for pair in points.windows(2) {
        let (dx, dy) = (pair[1][0] - pair[0][0], pair[1][1] - pair[0][1]);
        let size = length(dx, dy);
        while carry <= size && size > 0.0 {
            out.push([pair[0][0] + dx * carry / size, pair[0][1] + dy * carry / size]);
            carry += SPACING_M;
        }
        carry -= size;
    }
    out
}
