//! What is in a world now but on no map: people, carts, boxes left in the way.

use crate::light::Light;
use crate::trig::length;
use crate::world::World;

/// An upright cylinder that is somewhere at one moment. Who moves it, and how, is not its concern.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mover {
    /// Centre (x, y), metres.
    pub centre: [f64; 2],
    /// Radius, metres.
    pub radius_m: f64,
    /// Height above the floor, metres.
    pub height_m: f64,
    /// Which of the looks it has; any number will do.
    pub look: u8,
}

/// A world, who is in it at one moment, and in what light it is seen then.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The world itself.
    pub world: &'a World,
    /// What is in it besides, now.
    pub movers: &'a [Mover],
    /// The light of the moment; changes pictures and nothing else.
    pub light: Light,
}

impl<'a> From<&'a World> for Surroundings<'a> {
    fn from(world: &'a World) -> Self {
        Self { world, movers: &[], light: Light::default() }
    }
}

impl<'a> Surroundings<'a> {
    /// `world` with `movers` in it, in the light that it was built in.
    #[must_use]
    pub fn new(world: &'a World, movers: &'a [Mover]) -> Self {
        Self { world, movers, light: Light::default() }
    }

    /// The same in another light.
    #[must_use]
    pub fn with_light(self, light: Light) -> Self {
        Self { light, ..self }
    }

    /// As [`World::clearance_m`], movers included.
    #[must_use]
    pub fn clearance_m(&self, x_m: f64, y_m: f64) -> f64 {
        self.least(self.world.clearance_m(x_m, y_m), x_m, y_m)
    }

    /// As [`World::clearance_field_m`], movers included.
    #[must_use]
    pub fn clearance_field_m(&self, x_m: f64, y_m: f64) -> f64 {
        self.least(self.world.clearance_field_m(x_m, y_m), x_m, y_m)
    }

    fn least(&self, still_m: f64, x_m: f64, y_m: f64) -> f64 {
        let to = |m: &Mover| length(x_m - m.centre[0], y_m - m.centre[1]) - m.radius_m;
        self.movers.iter().map(to).fold(still_m, f64::min)
    }
}

/// How far a driver with eyes looks into the future of those who walk, seconds.
const LATER_S: f64 = 0.6;

/// Those whom a driver with eyes minds at `t_s`: everybody where they are, and those who walk also
/// where they will be in a moment.
pub(crate) fn foreseen(movers_at: &dyn Fn(f64) -> Vec<Mover>, t_s: f64) -> Vec<Mover> {
    let mut all = movers_at(t_s);
    let walk = |(then, now): (Mover, &Mover)| {
        let way = length(then.centre[0] - now.centre[0], then.centre[1] - now.centre[1]);
        (way > 0.0).then_some(then)
    };
    let then: Vec<Mover> = movers_at(t_s + LATER_S).into_iter().zip(&all).filter_map(walk).collect();
    all.extend(then);
    all
}
