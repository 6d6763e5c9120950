//! People and things that no map knows: where each of them is, as a pure function of time.

mod near_route;

pub use near_route::CrowdSpec;

use crate::mover::Mover;
use crate::rng::{Rng, mix64};
use crate::trig::{length, sin_cos};
use crate::world::World;

/// Gap that walkers keep to walls, metres.
const WALL_GAP_M: f64 = 0.08;
/// Spacing of the points of a way, metres.
const STEP_M: f64 = 0.1;
/// A walker takes so long to reach its speed, and to stop before it turns back.
const RAMP_S: f64 = 0.6;
/// Two walkers are looked at for so long and may not run into each other in that time.
const APART_S: f64 = 120.0;

/// Somebody who goes to and fro on a way for ever, or something that stands.
#[derive(Debug, Clone, PartialEq)]
struct Walker {
    /// Points [`STEP_M`] apart; one where it stands.
    way: Vec<[f64; 2]>,
    speed_mps: f64,
    /// Rest at either end.
    pause_s: f64,
    phase_s: f64,
    body: Mover,
}

impl Walker {
    fn standing(body: Mover) -> Self {
        Self { way: vec![body.centre], speed_mps: 0.0, pause_s: 0.0, phase_s: 0.0, body }
    }

    /// Somebody on `way`, at a pace of their own.
    fn on(way: Vec<[f64; 2]>, radius_m: f64, speeds_mps: [f64; 2], pauses_s: [f64; 2], rng: &mut Rng) -> Self {
        let [slow, fast] = speeds_mps;
        let speed_mps = rng.range(slow, fast);
        let pause_s = rng.range(pauses_s[0], pauses_s[1]);
        let phase_s = rng.range(0.0, 1.0) * 2.0 * (way.len() as f64 * STEP_M / speed_mps + pause_s);
        let centre = way.first().copied().unwrap_or([0.0; 2]);
        let body = Mover { centre, radius_m, height_m: rng.range(1.5, 1.92), look: person(rng) };
        Self { way, speed_mps, pause_s, phase_s, body }
    }

    /// Metres along the way after `t_s`: up to speed, along, to a stop, a rest, and the
    /// same way back.
    fn arc_m(&self, t_s: f64) -> f64 {
        let size = self.way.len().saturating_sub(1) as f64 * STEP_M;
        if size <= 0.0 || self.speed_mps <= 0.0 || !t_s.is_finite() {
            return 0.0;
        }
        let ramp_s = RAMP_S.min(size / self.speed_mps);
        let one_way_s = size / self.speed_mps + ramp_s;
        let half_s = one_way_s + self.pause_s;
        let t = (t_s + self.phase_s).rem_euclid(2.0 * half_s);
        let t = if t > half_s { (2.0 * half_s - self.pause_s - t).max(0.0) } else { t.min(one_way_s) };
        let ramp = |t: f64| 0.5 * self.speed_mps * t * t / ramp_s;
        let arc = if t < ramp_s {
            ramp(t)
        } else if t > one_way_s - ramp_s {
            size - ramp(one_way_s - t)
        } else {
            self.speed_mps * (t - 0.5 * ramp_s)
        };
        arc.clamp(0.0, size)
    }

    fn at(&self, t_s: f64) -> Mover {
        let place = self.arc_m(t_s) / STEP_M;
        let index = place as usize;
        let rest = place - index as f64;
        let last = self.way.len().saturating_sub(1);
        let point = |i: usize| self.way.get(i.min(last)).copied().unwrap_or(self.body.centre);
        let (a, b) = (point(index), point(index + 1));
        Mover { centre: [0, 1].map(|k| a[k] + (b[k] - a[k]) * rest), ..self.body }
    }
}

/// The looks of people are those with a remainder below 5 (see how movers are drawn).
fn person(rng: &mut Rng) -> u8 {
    (rng.below(31) * 8 + rng.below(5)) as u8
}

fn thing(rng: &mut Rng) -> u8 {
    (rng.below(31) * 8 + 5 + rng.below(3)) as u8
}

/// Walkers and standing things in one world. Where they are follows from the time alone, with the
/// same bits on every machine: nobody waits for a robot.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Crowd {
    walkers: Vec<Walker>,
}

impl Crowd {
    /// Up to `count` people who stroll between free places of `world`, fewer where it is cramped.
    #[must_use]
    pub fn sample(world: &World, seed: u64, count: usize) -> Self {
        let mut rng = Rng::new(mix64(seed) ^ world.id().seed());
        let mut crowd = Self::default();
        for _ in 0..count.min(1000) * 6 {
            if crowd.walkers.len() >= count {
                break;
            }
            let radius_m = rng.range(0.2, 0.3);
            if let Some(way) = stroll(world, radius_m, &mut rng) {
                crowd.admit(Walker::on(way, radius_m, [0.3, 1.2], [0.0, 2.0], &mut rng));
            }
        }
        crowd
    }

    /// Everybody and everything as it is `t_s` seconds after the start.
    #[must_use]
    pub fn at(&self, t_s: f64) -> Vec<Mover> {
        self.walkers.iter().map(|walker| walker.at(t_s)).collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.walkers.len()
    }

    /// True where there is nobody and nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.walkers.is_empty()
    }

    /// Takes `walker` in unless they would walk through somebody in the first minutes.
    fn admit(&mut self, walker: Walker) {
        let meets = |other: &Walker| {
            let touch = walker.body.radius_m + other.body.radius_m;
            (0..(APART_S / 0.4) as u32).any(|i| {
                let t = f64::from(i) * 0.4;
                let (a, b) = (walker.at(t).centre, other.at(t).centre);
                length(a[0] - b[0], a[1] - b[1]) < touch
            })
        };
        if !self.walkers.iter().any(meets) {
            self.walkers.push(walker);
        }
    }
}

/// One to three legs between free places in sight of each other, with rounded corners.
fn stroll(world: &World, radius_m: f64, rng: &mut Rng) -> Option<Vec<[f64; 2]>> {
    let [x, y] = world.size_m();
    let least = radius_m + WALL_GAP_M;
    let mut at =
        (0..40).map(|_| [rng.range(0.0, x), rng.range(0.0, y)]).find(|p| world.clearance_m(p[0], p[1]) >= least)?;
    let mut corners = vec![at];
    for _ in 0..rng.between(1, 3) {
        let next = (0..12)
            .map(|_| {
                let (sin, cos) = sin_cos(rng.range(0.0, std::f64::consts::TAU));
                let far = rng.range(1.2, 6.0);
                [at[0] + far * cos, at[1] + far * sin]
            })
            .find(|to| free(world, &even(&[at, *to]), least));
        let Some(next) = next else { break };
        corners.push(next);
        at = next;
    }
    let (sharp, soft) = (even(&corners), even(&rounded(&rounded(&corners))));
    let way = if free(world, &soft, least) { soft } else { sharp };
    (way.len() as f64 * STEP_M > 1.2).then_some(way)
}

/// True where all of `way` keeps `least_m` from everything that stands in the world.
fn free(world: &World, way: &[[f64; 2]], least_m: f64) -> bool {
    way.iter().all(|p| world.clearance_m(p[0], p[1]) >= least_m)
}

/// Cuts the corners of a way once.
fn rounded(corners: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut out = Vec::with_capacity(2 * corners.len());
    out.extend(corners.first());
    for pair in corners.windows(2) {
        if let [a, b] = pair {
            for part in [0.25, 0.75] {
                out.push([0, 1].map(|k| a[k] + (b[k] - a[k]) * part));
            }
        }
    }
    out.extend(corners.last());
    out
}

/// Points [`STEP_M`] apart along the straight lines between `corners`.
fn even(corners: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut out = Vec::new();
    let mut carry = 0.0;
    for pair in corners.windows(2) {
        let [a, b] = pair else { continue };
        let size = length(b[0] - a[0], b[1] - a[1]);
        while carry <= size && size > 0.0 {
            out.push([0, 1].map(|k| a[k] + (b[k] - a[k]) * carry / size));
            carry += STEP_M;
        }
        carry -= size;
    }
    out
}
