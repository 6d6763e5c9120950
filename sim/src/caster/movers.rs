//! How movers look: stacks of upright cylinders, people mostly.

use super::{FAR_M, Frame, Hit, PART_BIT};
use crate::mover::{Mover, Surroundings};
use crate::rng::mix64;
use crate::trig::sin_cos;
use crate::world::Body;

/// One cylinder of a mover.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) centre: [f32; 2],
    pub(super) radius: f32,
    pub(super) body: Body,
    /// Colour, in 1/256.
    pub(super) tint: [u32; 3],
}

/// Of [`KINDS`] looks in turn so many are people.
const PEOPLE: u8 = 5;
const KINDS: u8 = 8;

const SKIN: [[u32; 3]; 4] = [[250, 205, 175], [225, 170, 130], [160, 110, 78], [98, 66, 48]];
const HAIR: [[u32; 3]; 5] = [[38, 30, 28], [80, 52, 32], [150, 110, 60], [170, 165, 160], [120, 50, 25]];
/// Walking length of one turn of the legs, radians a metre.
const STRIDE: f64 = 4.0;

/// A stack that is being built up from the floor.
struct Stack<'p> {
    mover: &'p Mover,
    cloth: u8,
    parts: &'p mut Vec<Part>,
}

impl Stack<'_> {
    /// Adds a cylinder between two shares of the height, with a share of the radius.
    fn add(&mut self, low: f64, high: f64, radius: f64, tint: [u32; 3]) {
        self.add_aside([0.0; 2], low, high, radius, tint);
    }

    fn add_aside(&mut self, aside: [f64; 2], low: f64, high: f64, radius: f64, tint: [u32; 3]) {
        let m = self.mover;
        self.parts.push(Part {
            centre: [0, 1].map(|k| (m.centre[k] + aside[k] * m.radius_m) as f32),
            radius: (radius * m.radius_m) as f32,
            body: Body {
                z_low: (low * m.height_m) as f32,
                z_high: (high * m.height_m) as f32,
                texture: self.cloth,
                top_texture: self.cloth,
                full: false,
            },
            tint,
        });
    }

    fn textured(&mut self, low: f64, high: f64, radius: f64, texture: u8) {
        self.add(low, high, radius, [256; 3]);
        if let Some(last) = self.parts.last_mut() {
            last.body.texture = texture;
            last.body.top_texture = texture;
        }
    }

    fn person(&mut self, dice: u64) {
        let skin = choose(&SKIN, dice);
        let (coat, trousers) = (clothes(dice >> 8), clothes(dice >> 28).map(|c| c * 2 / 3));
        // The legs turn about each other as the walker gets on; standing still they stand.
        let along = self.mover.centre[0] + 1.3 * self.mover.centre[1];
        let (sin, cos) = sin_cos(STRIDE * along);
        for side in [-0.34, 0.34] {
            let aside = [side * cos, side * sin];
            self.add_aside(aside, 0.0, 0.05, 0.34, [40, 36, 34]);
            self.add_aside(aside, 0.05, 0.48, 0.3, trousers);
        }
        // A long coat now and then.
        let hem = if dice >> 60 < 4 { 0.28 } else { 0.46 };
        self.add(hem, 0.8, 0.74, coat);
        self.add(0.8, 0.84, 0.55, coat);
        self.add(0.84, 0.87, 0.22, skin);
        let hair = choose(&HAIR, dice >> 48);
        self.add(0.87, 0.95, 0.36, skin);
        self.add(0.95, 1.0, 0.37, hair);
    }

    fn thing(&mut self, kind: u8, dice: u64) {
        let surface = (dice % 16) as u8;
        match kind {
            // A drum with hoops.
            5 => {
                for k in 0..3 {
                    let low = f64::from(k) / 3.0;
                    self.textured(low, low + 0.3, 0.95, surface);
                    self.add(low + 0.3, low + 1.0 / 3.0, 1.0, [90, 90, 96]);
                }
            }
            // A marking cone.
            6 => {
                self.add(0.0, 0.06, 1.0, [50, 48, 46]);
                for k in 0..6 {
                    let low = 0.06 + 0.94 * f64::from(k) / 6.0;
                    let stripe = if k == 2 || k == 4 { [250, 250, 245] } else { [255, 92, 20] };
                    self.add(low, low + 0.94 / 6.0, 0.8 - 0.12 * f64::from(k), stripe);
                }
            }
            // A bin with a lid.
            _ => {
                self.add(0.0, 0.88, 0.92, clothes(dice >> 8));
                self.add(0.88, 1.0, 1.0, clothes(dice >> 28));
            }
        }
    }
}

fn choose(colours: &[[u32; 3]], dice: u64) -> [u32; 3] {
    let index = dice % colours.len().max(1) as u64;
    colours.get(index as usize).copied().unwrap_or([128; 3])
}

/// Any colour that clothes have: grey or strong, dark or light.
fn clothes(dice: u64) -> [u32; 3] {
    let value = 60 + (dice & 0xFF) * 3 / 4;
    let strength = if dice >> 8 & 1 == 0 { 40 } else { 190 };
    std::array::from_fn(|c| (value - value * strength * (dice >> (9 + 3 * c) & 7) / (7 * 256)) as u32)
}

/// All cylinders of all movers that `eye` may see.
pub(super) fn parts(around: &Surroundings<'_>, eye: [f32; 2]) -> Vec<Part> {
    let mut parts = Vec::new();
    for mover in around.movers {
        let off = [0, 1].map(|k| mover.centre[k] as f32 - eye[k]);
        let near = off[0] * off[0] + off[1] * off[1] < FAR_M * FAR_M;
        if !(near && mover.radius_m > 0.0 && mover.height_m > 0.0) {
            continue;
        }
        let dice = mix64(u64::from(mover.look));
        let mut stack = Stack { mover, cloth: around.world.cloth_texture, parts: &mut parts };
        match mover.look % KINDS {
            look if look < PEOPLE => stack.person(dice),
            kind => stack.thing(kind, dice),
        }
    }
    parts
}

impl Frame<'_> {
    /// Where the ray meets movers, nearest first.
    #[inline]
    pub(super) fn meet_movers(&self, direction: [f32; 2], met: &mut Vec<Hit>) {
        met.clear();
        for (item, part) in self.parts.iter().enumerate() {
            let hit = self.round(part.centre, part.radius, item as u32 | PART_BIT, direction);
            met.extend(hit.filter(|h| h.t > 0.0));
        }
        met.sort_unstable_by(|a, b| a.t.total_cmp(&b.t));
    }
}
