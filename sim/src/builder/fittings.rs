//! Things that are more than a box or a drum: tables, chairs, plants, trees, lamps, door leaves.
//!
//! What floats (table tops, crowns, lamp shades) is only seen; what a robot can touch is a footprint
//! on the floor that covers all of it that hangs low.

use super::{Block, Builder, Cover, palette};
use crate::geometry::Shape;
use crate::trig::sin_cos;
use crate::world::{Body, Column};

impl Builder {
    /// A round footprint.
    pub(super) fn disc(&mut self, centre: [f64; 2], radius_m: f64, height_m: f64) {
        self.shapes.push(Shape::Disc { centre, radius_m });
        self.tall.push(height_m);
    }

    /// A box's footprint without the box.
    fn footprint(&mut self, block: &Block) {
        let (sin, cos) = sin_cos(block.yaw_rad);
        self.shapes.push(Shape::Rect { centre: block.centre, half: block.half, cos, sin });
        self.tall.push(block.height_m);
    }

    /// A box between two heights that is only seen.
    fn slab(&mut self, block: &Block, z: (f64, f64)) {
        let (sin, cos) = sin_cos(block.yaw_rad);
        self.sides(block, z, sin, cos);
    }

    /// A cylinder between two heights that is only seen.
    fn stem(&mut self, centre: [f64; 2], radius_m: f64, z: [f64; 2], texture: u8) {
        self.columns.push(Column {
            centre: centre.map(|v| v as f32),
            radius: radius_m as f32,
            body: Body {
                z_low: z[0] as f32,
                z_high: z[1].min(self.ceiling_m) as f32,
                texture,
                top_texture: texture,
                full: false,
            },
        });
    }

    /// A table top on four legs.
    pub(crate) fn table(&mut self, place: &Block) {
        let texture = place.texture.unwrap_or_else(|| self.any_surface());
        self.footprint(place);
        let top = Block { texture: Some(texture), cover: Cover::Posters(0.0), ..*place };
        self.slab(&top, (place.height_m - 0.05, place.height_m));
        let (sin, cos) = sin_cos(place.yaw_rad);
        let leg = self.rng.range(0.02, 0.04);
        for (sx, sy) in [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)] {
            let (x, y) = (sx * (place.half[0] - 0.05).max(0.02), sy * (place.half[1] - 0.05).max(0.02));
            let at = [place.centre[0] + cos * x - sin * y, place.centre[1] + sin * x + cos * y];
            self.stem(at, leg, [0.0, place.height_m - 0.05], palette::TRIM);
        }
    }

    /// A chair that looks along `yaw_rad`: a seat on legs and a back.
    pub(crate) fn chair(&mut self, centre: [f64; 2], yaw_rad: f64, texture: u8) {
        let half = [0.2, 0.2];
        let seat = Block { centre, half, yaw_rad, height_m: 0.46, cover: Cover::Posters(0.0), texture: Some(texture) };
        self.table(&seat);
        let (sin, cos) = sin_cos(yaw_rad);
        let back = Block { centre: [centre[0] - 0.18 * cos, centre[1] - 0.18 * sin], half: [0.02, 0.2], ..seat };
        self.slab(&back, (0.46, 0.9));
    }

    /// A low seat with a back along its first side.
    pub(crate) fn sofa(&mut self, place: &Block, back_axis: usize, sign: f64) {
        let texture = place.texture.unwrap_or_else(|| self.any_surface());
        let seat = Block { height_m: 0.42, texture: Some(texture), cover: Cover::Posters(0.0), ..*place };
        self.block(&seat);
        let (mut centre, mut half) = (place.centre, place.half);
        if let (Some(c), Some(h)) = (centre.get_mut(back_axis), half.get_mut(back_axis)) {
            *c += sign * (*h - 0.08);
            *h = 0.08;
        }
        self.slab(&Block { centre, half, ..seat }, (0.42, 0.85));
    }

    /// A plant in a pot.
    pub(crate) fn plant(&mut self, centre: [f64; 2], radius_m: f64, height_m: f64) {
        self.disc(centre, radius_m, height_m);
        let pot = 0.3 * height_m.min(1.0);
        let clay = self.any_surface();
        self.stem(centre, 0.55 * radius_m, [0.0, pot], clay);
        self.crown(centre, radius_m, [pot, height_m]);
    }

    /// Leaves: three layers, the middle one widest.
    fn crown(&mut self, centre: [f64; 2], radius_m: f64, z: [f64; 2]) {
        let leaves = palette::LEAVES + self.rng.below(2) as u8;
        let mut low = z[0];
        for (share, wide) in [(0.3, 0.8), (0.45, 1.0), (0.25, 0.65)] {
            let high = low + share * (z[1] - z[0]);
            self.stem(centre, wide * radius_m, [low, high], leaves);
            low = high;
        }
    }

    /// A tree: its crown hangs above all robots, its trunk stands in the way.
    pub(crate) fn tree(&mut self, centre: [f64; 2], trunk_m: f64) {
        let clear = self.rng.range(1.6, 2.4);
        let (radius, high) = (self.rng.range(0.7, 1.7), clear + self.rng.range(1.2, 3.0));
        self.disc(centre, trunk_m, 0.0);
        self.stem(centre, trunk_m, [0.0, clear + 0.2], palette::BARK);
        self.crown(centre, radius, [clear, high]);
        self.shades.push((centre, radius));
    }

    /// A bush: round, green, down to the floor.
    pub(crate) fn bush(&mut self, centre: [f64; 2], radius_m: f64, height_m: f64) {
        self.disc(centre, radius_m, height_m);
        let leaves = palette::LEAVES + self.rng.below(2) as u8;
        for (low, high, wide) in [(0.0, 0.3, 0.88), (0.3, 0.75, 1.0), (0.75, 1.0, 0.65)] {
            self.stem(centre, wide * radius_m, [low * height_m, high * height_m], leaves);
        }
    }

    /// A lamp on a post, as tall as a person.
    pub(crate) fn floor_lamp(&mut self, centre: [f64; 2]) {
        let high = self.rng.range(1.3, 1.8);
        self.disc(centre, 0.16, high);
        self.stem(centre, 0.16, [0.0, 0.04], palette::TRIM);
        self.stem(centre, 0.02, [0.04, high - 0.3], palette::TRIM);
        self.stem(centre, 0.2, [high - 0.3, high], palette::LAMP);
        self.patch_of_light([centre[0] - 0.8, centre[1] - 0.8, centre[0] + 0.8, centre[1] + 0.8], 1.2);
    }

    /// A lamp that hangs from the ceiling, and the light below it.
    pub(crate) fn hanging_lamp(&mut self, centre: [f64; 2]) {
        let low = (self.ceiling_m - self.rng.range(0.3, 0.8)).max(1.9);
        let radius = self.rng.range(0.12, 0.3);
        self.stem(centre, radius, [low, low + 0.15], palette::LAMP);
        self.stem(centre, 0.012, [low + 0.15, self.ceiling_m], palette::TRIM);
        let reach = self.rng.range(0.8, 1.6);
        let area = [centre[0] - reach, centre[1] - reach, centre[0] + reach, centre[1] + reach];
        let gain = self.rng.range(1.1, 1.35);
        self.patch_of_light(area, gain);
    }

    /// A door leaf between two points of the floor, open or closed as these are chosen.
    pub(crate) fn door_leaf(&mut self, hinge: [f64; 2], tip: [f64; 2], height_m: f64, texture: u8) {
        let (dx, dy) = (tip[0] - hinge[0], tip[1] - hinge[1]);
        self.block(&Block {
            centre: [0.5 * (hinge[0] + tip[0]), 0.5 * (hinge[1] + tip[1])],
            half: [0.5 * crate::trig::length(dx, dy), 0.025],
            yaw_rad: crate::trig::atan2(dy, dx),
            height_m,
            cover: Cover::Whole(texture),
            texture: Some(palette::TRIM),
        });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]
mod tests {
    use super::*;
    use crate::camera::{Camera, Projection};
    use crate::geometry::Pose;
    use crate::grid::VisibleGrid;
    use crate::render::render;
    use crate::world::{Split, World, WorldId};

    const CAMERA: Camera = Camera {
        height_m: 0.5,
        pitch_rad: 0.2,
        forward_offset_m: 0.0,
        hfov_rad: 1.4,
        projection: Projection::Pinhole,
        exposure: 1.0,
        distortion: 0.0,
        roll_rad: 0.0,
    };

    fn with(fit: impl FnOnce(&mut Builder)) -> World {
        let mut b = Builder::new(WorldId { split: Split::Validation, index: 2 });
        b.lay_out([12.0, 12.0], 60.0, 3);
        b.outer_wall(0.2, 3.0, 0.5);
        fit(&mut b);
        b.finish()
    }

    /// The same world without what floats.
    fn fallen(world: &World) -> World {
        let mut bare = world.clone();
        bare.columns.retain(|c| c.body.z_low <= 0.0);
        bare.faces.retain(|f| f.body.z_low <= 0.0);
        bare.visible = VisibleGrid::new(bare.size_m, &bare.faces, &bare.columns);
        bare
    }

    /// Rows of a 96 x 72 picture in which two worlds differ.
    fn rows(a: &World, b: &World) -> Vec<usize> {
        let pose = Pose { x_m: 2.0, y_m: 6.0, yaw_rad: 0.0 };
        let look = |world: &World| render(world, &pose, &CAMERA, 96, 72, 1).unwrap();
        let (a, b) = (look(a), look(b));
        let lines = a.chunks_exact(96 * 3).zip(b.chunks_exact(96 * 3)).enumerate();
        lines.filter(|(_, (a, b))| a != b).map(|(y, _)| y).collect()
    }

    #[test]
    fn a_tree_crown_hangs_above_robots_and_only_the_trunk_is_in_the_way() {
        let world = with(|b| b.tree([6.0, 6.0], 0.15));
        let crown: Vec<&Column> = world.columns.iter().filter(|c| c.body.z_low > 0.0).collect();
        assert!(crown.len() >= 3 && crown.iter().all(|c| c.body.z_low >= 1.6 && c.radius > 0.25));
        let beside = 6.0 - f64::from(crown.iter().map(|c| c.radius).fold(0.0, f32::max)) + 0.02;
        assert!(world.clearance_m(beside, 6.0) > 0.4, "the crown is in the way");
        assert!(world.clearance_m(5.8, 6.0) < 0.06, "there is no trunk");
        let seen = rows(&world, &fallen(&world));
        // What hangs at 1.6 m or more, 5.7 m away at most, leaves the rows below it as they were.
        let lowest = CAMERA.horizon_px(96, 72) - (1.6 - 0.5) * CAMERA.focal_px(96) / 5.8;
        assert!(!seen.is_empty() && seen.iter().all(|y| (*y as f64) < lowest), "{seen:?} above {lowest}");
    }

    #[test]
    fn nobody_drives_under_a_table_but_one_sees_through_between_its_legs() {
        let block = Block {
            centre: [5.0, 6.0],
            half: [0.6, 0.4],
            yaw_rad: 0.3,
            height_m: 0.75,
            cover: Cover::Posters(0.0),
            texture: None,
        };
        let world = with(|b| b.table(&block));
        assert!(world.clearance_m(5.0, 6.0) < -0.3, "the footprint has a hole");
        let seen = rows(&world, &fallen(&world));
        let floor = CAMERA.horizon_px(96, 72) as usize;
        assert!(!seen.is_empty() && seen.iter().all(|y| *y <= floor), "{seen:?} reaches below {floor}");
    }

    #[test]
    fn worlds_have_trees_tables_door_leaves_and_plain_walls_somewhere() {
        let (mut trees, mut tops, mut doors, mut plain) = (0, 0, 0, 0);
        for index in 0..24 {
            let world = World::generate(WorldId { split: Split::Train, index });
            trees += world.columns.iter().filter(|c| c.body.texture == palette::BARK).count();
            tops += world.faces.iter().filter(|f| f.body.z_low > 0.4 && f.body.z_high < 1.0).count();
            doors += world.faces.iter().filter(|f| f.body.z_high > 2.0 && f.length < 1.6 && f.decals.1 == 1).count();
            plain += usize::from(Builder::new(world.id()).palette.plain);
        }
        assert!(trees > 10 && tops > 20 && doors > 5 && plain >= 2, "{trees} {tops} {doors} {plain}");
    }
}
