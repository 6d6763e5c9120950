//! What is in a world now but on no map: people, carts, boxes left in the way.

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

/// A world and who is in it at one moment: what a robot can touch.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The world itself.
    pub world: &'a World,
    /// What is in it besides, now.
    pub movers: &'a [Mover],
}

impl<'a> From<&'a World> for Surroundings<'a> {
    fn from(world: &'a World) -> Self {
        Self { world, movers: &[] }
    }
}

impl Surroundings<'_> {
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
