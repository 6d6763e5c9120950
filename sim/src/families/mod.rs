//! The generators of the four kinds of places.

mod maze;
mod office;
mod outdoor;
mod warehouse;

use crate::builder::Builder;
use crate::world::{Family, World, WorldId};

pub(crate) fn generate(id: WorldId) -> World {
    let mut builder = Builder::new(id);
    match id.family() {
        Family::Maze => maze::build(&mut builder),
        Family::Office => office::build(&mut builder),
        Family::Outdoor => outdoor::build(&mut builder),
        Family::Warehouse => warehouse::build(&mut builder),
    }
    builder.finish()
}
