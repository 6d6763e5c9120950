//! Crowds that matter to one drive: people who cross its way or follow it, things left beside it.

use super::{Crowd, STEP_M, WALL_GAP_M, Walker, even, free, person, thing};
use crate::mover::Mover;
use crate::rng::{Rng, mix64};
use crate::trig::{length, sin_cos};
use crate::world::World;

/// Who and what is put near a route, at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CrowdSpec {
    /// People who go to and fro across the route.
    pub crossing: usize,
    /// People who go to and fro along the route, on one side of it.
    pub following: usize,
    /// Standing people and things beside the route or partly on it.
    pub standing: usize,
    /// Share of the standing ones that reach into the passage along the route, so that the way past
    /// them leads off it; the rest stand beside.
    pub on_route: f64,
    /// Width of the way past everything that stands or follows, metres; what would leave less is
    /// put elsewhere or left out.
    pub passage_m: f64,
    /// Nothing and nobody is put on the last metres of the route. A planned route runs on beyond its
    /// goal, up to 2.6 m; the default keeps the goal clear as well.
    pub clear_end_m: f64,
}

impl Default for CrowdSpec {
    fn default() -> Self {
        Self { crossing: 2, following: 1, standing: 3, on_route: 0.3, passage_m: 1.0, clear_end_m: 3.5 }
    }
}

/// The way round a standing thing leaves the route and comes back within this, metres.
const DETOUR_M: f64 = 1.3;
const TRIES: usize = 40;

/// A route with points [`STEP_M`] apart, and the world that it runs through.
struct Way<'a> {
    world: &'a World,
    points: Vec<[f64; 2]>,
    from: usize,
    to: usize,
    clear_start_m: f64,
    spec: &'a CrowdSpec,
}

impl Crowd {
    /// People and things near the route through `route_points` (x, y in metres, the start first),
    /// none of them ever within `clear_start_m` of the start.
    ///
    /// What stands leaves a way round it that is `spec.passage_m` wide, and so does who follows the
    /// route; who crosses it does so in their own time.
    #[must_use]
    pub fn near_route(
        world: &World,
        route_points: &[[f64; 2]],
        clear_start_m: f64,
        seed: u64,
        spec: &CrowdSpec,
    ) -> Self {
        let mut rng = Rng::new(mix64(seed ^ 0x00C0_FFEE) ^ world.id().seed());
        let points = even(route_points);
        let steps = |metres: f64| (metres.max(0.0) / STEP_M) as usize;
        let (from, to) = (steps(clear_start_m), points.len().saturating_sub(steps(spec.clear_end_m)));
        let way = Way { world, points, from, to, clear_start_m, spec };
        let mut crowd = Self::default();
        way.place(&mut crowd, spec.standing, &mut rng, |w, c, r| w.standing(c, r));
        way.place(&mut crowd, spec.following, &mut rng, |w, c, r| w.following(c, r));
        way.place(&mut crowd, spec.crossing, &mut rng, |w, c, r| w.crossing(c, r));
        crowd
    }
}

impl Way<'_> {
    fn place(
        &self,
        crowd: &mut Crowd,
        count: usize,
        rng: &mut Rng,
        make: impl Fn(&Self, &Crowd, &mut Rng) -> Option<Walker>,
    ) {
        let wanted = crowd.walkers.len() + count.min(100);
        for _ in 0..TRIES * count.min(100) {
            if crowd.walkers.len() >= wanted || self.from + 8 >= self.to {
                return;
            }
            let made = make(self, crowd, rng);
            if let Some(walker) = made.filter(|w| self.leaves_the_start(w)) {
                crowd.admit(walker);
            }
        }
    }

    fn leaves_the_start(&self, walker: &Walker) -> bool {
        let Some(start) = self.points.first() else { return false };
        let least = self.clear_start_m + walker.body.radius_m;
        walker.way.iter().all(|p| length(p[0] - start[0], p[1] - start[1]) >= least)
    }

    fn point(&self, index: usize) -> [f64; 2] {
        self.points.get(index.min(self.points.len().saturating_sub(1))).copied().unwrap_or([0.0; 2])
    }

    /// Unit vector to the left of the route at point `index`.
    fn left(&self, index: usize) -> [f64; 2] {
        let (back, ahead) = (self.point(index.saturating_sub(3)), self.point(index + 3));
        let (dx, dy) = (ahead[0] - back[0], ahead[1] - back[1]);
        let size = length(dx, dy).max(1e-9);
        [-dy / size, dx / size]
    }

    fn beside(&self, index: usize, aside_m: f64) -> [f64; 2] {
        let (at, left) = (self.point(index), self.left(index));
        [at[0] + left[0] * aside_m, at[1] + left[1] * aside_m]
    }

    /// Somebody across the route, from one side to the other.
    fn crossing(&self, crowd: &Crowd, rng: &mut Rng) -> Option<Walker> {
        let radius_m = rng.range(0.2, 0.28);
        let index = self.from + rng.below(self.to - self.from);
        let (at, left) = (self.point(index), self.left(index));
        let (sin, cos) = sin_cos(rng.range(-0.6, 0.6));
        let along = [cos * left[0] - sin * left[1], sin * left[0] + cos * left[1]];
        let place = |d: f64| [at[0] + along[0] * d, at[1] + along[1] * d];
        let mut reach = |sign: f64| {
            let wanted = rng.range(0.8, 3.0);
            let mut d = 0.0;
            while d < wanted && self.holds(crowd, place(sign * (d + STEP_M)), radius_m) {
                d += STEP_M;
            }
            d
        };
        let (one, other) = (reach(-1.0), reach(1.0));
        if one < 0.45 || other < 0.45 || one + other < 1.0 {
            return None;
        }
        Some(Walker::on(even(&[place(-one), place(other)]), radius_m, [0.3, 0.9], [2.0, 6.0], rng))
    }

    /// True where somebody of `radius_m` can stand at `p`, clear of walls and standing things.
    fn holds(&self, crowd: &Crowd, p: [f64; 2], radius_m: f64) -> bool {
        let apart = |w: &Walker| {
            w.way.len() > 1 || {
                let c = w.body.centre;
                length(c[0] - p[0], c[1] - p[1]) >= w.body.radius_m + radius_m + WALL_GAP_M
            }
        };
        free(self.world, &[p], radius_m + WALL_GAP_M) && crowd.walkers.iter().all(apart)
    }

    /// Somebody along the route, as far to one side as leaves the passage on the other.
    fn following(&self, crowd: &Crowd, rng: &mut Rng) -> Option<Walker> {
        let radius_m = rng.range(0.2, 0.28);
        let long = (rng.range(2.0, 7.0) / STEP_M) as usize;
        let first = self.from + rng.below((self.to - self.from).saturating_sub(long).max(1));
        let last = (first + long).min(self.to);
        let side = if rng.chance(0.5) { 1.0 } else { -1.0 };
        let aside = rng.range(0.35, 1.3).max(0.2 + radius_m);
        let mut way = Vec::new();
        for index in first..last {
            // Out from the route gently, and back to it: nobody steps out of a wall's way at once.
            let p = self.beside(index, side * aside);
            if !self.holds(crowd, p, radius_m) {
                break;
            }
            let half = 0.5 * self.spec.passage_m;
            let past = self.beside(index, side * (aside - radius_m - half));
            if self.world.clearance_field_m(past[0], past[1]) < half {
                break;
            }
            way.push(p);
        }
        let way = even(&way);
        (way.len() as f64 * STEP_M > 1.2).then(|| Walker::on(way, radius_m, [0.3, 0.9], [0.0, 2.0], rng))
    }

    /// Something that stands beside the route or partly on it, with a way round.
    fn standing(&self, crowd: &Crowd, rng: &mut Rng) -> Option<Walker> {
        let index = self.from + rng.below(self.to - self.from);
        let somebody = rng.chance(0.3);
        let (radius_m, height_m, look) = if somebody {
            (rng.range(0.2, 0.28), rng.range(1.5, 1.92), person(rng))
        } else {
            (rng.range(0.12, 0.32), rng.range(0.35, 1.1), thing(rng))
        };
        let beside = radius_m + 0.5 * self.spec.passage_m;
        let aside = if rng.chance(self.spec.on_route) {
            rng.range(-beside, beside)
        } else {
            rng.range(beside, beside + 0.5) * if rng.chance(0.5) { 1.0 } else { -1.0 }
        };
        let body = Mover { centre: self.beside(index, aside), radius_m, height_m, look };
        let [x, y] = body.centre;
        if self.world.clearance_m(x, y) < radius_m || !self.holds(crowd, body.centre, radius_m - WALL_GAP_M) {
            return None;
        }
        let mut all: Vec<Mover> = crowd.walkers.iter().filter(|w| w.way.len() == 1).map(|w| w.body).collect();
        all.push(body);
        // It must not stand in the way round what stands already, either.
        all.iter().all(|m| self.passable(&all, m)).then(|| Walker::standing(body))
    }

    fn passable(&self, all: &[Mover], body: &Mover) -> bool {
        let off = |i: &usize| {
            let p = self.point(*i);
            length(p[0] - body.centre[0], p[1] - body.centre[1])
        };
        let nearest = (self.from..self.to).min_by(|a, b| off(a).total_cmp(&off(b))).unwrap_or(self.from);
        [1.0, -1.0].iter().any(|sign| self.passes(all, body, nearest, *sign))
    }

    /// True where a disc as wide as the passage can roll past `body` on the side `sign`, off the
    /// route and back onto it.
    fn passes(&self, all: &[Mover], body: &Mover, index: usize, sign: f64) -> bool {
        let half = 0.5 * self.spec.passage_m;
        let at = self.point(index);
        let left = self.left(index);
        let off = (body.centre[0] - at[0]) * left[0] + (body.centre[1] - at[1]) * left[1];
        // How far the middle of the passage lies off the route, to the left.
        let swerve = sign * (sign * off + body.radius_m + half).max(0.0);
        let reach = (DETOUR_M / STEP_M) as usize;
        let clear =
            |m: &Mover, p: [f64; 2], least: f64| length(m.centre[0] - p[0], m.centre[1] - p[1]) >= m.radius_m + least;
        let window = index.saturating_sub(reach)..=index + reach;
        // The route may come by here once more.
        let elsewhere = (0..self.points.len()).filter(|i| !window.contains(i));
        elsewhere.into_iter().all(|i| clear(body, self.point(i), half))
            && window.clone().all(|i| {
                let near = 1.0 - i.abs_diff(index) as f64 / reach as f64;
                // Past the thing itself the swerve is full.
                let t = (near * 1.6).min(1.0);
                let p = self.beside(i, swerve * t * t * (3.0 - 2.0 * t));
                // Away from the thing the route's own room is enough.
                let wide = if near > 0.4 { half } else { half.min(self.room(i)) } - 0.02;
                self.world.clearance_field_m(p[0], p[1]) >= wide
                    && clear(body, p, (half - 0.1).max(0.05))
                    && all.iter().filter(|m| *m != body).all(|m| clear(m, p, wide))
            })
    }

    fn room(&self, index: usize) -> f64 {
        let p = self.point(index);
        self.world.clearance_field_m(p[0], p[1])
    }
}
