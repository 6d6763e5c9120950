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
