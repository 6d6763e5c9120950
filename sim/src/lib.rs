//! Worlds, robots and a camera renderer for the demo, the tests and training data.
//!
//! Everything follows from seeds, with the same bits on every machine. The crate knows nothing of
//! the runtime and depends on nothing but the standard library.
//!
//! - [`World::generate`] makes a place out of a [`WorldId`]; [`render`] shows what a camera sees.
//! - [`plan_route`], [`Teleop`] and [`Expert`] drive; [`Simulation`] is driven.
//! - [`Episode`] and [`Batch`] are training data.
//! - [`PlaceSet`] and [`PlaceBatch`] train a place descriptor, [`PlaceTrial`] tests it.
//!
//! Axes: x forward (east at yaw 0), y left, yaw counter-clockwise; metres, radians, seconds.

mod augment;
mod batch;
mod builder;
mod camera;
mod caster;
mod detour;
mod episode;
mod expert;
mod families;
mod geometry;
mod grid;
mod kind;
mod light;
mod mover;
mod patterns;
mod people;
mod physics;
mod place;
mod plan_view;
mod render;
mod rng;
mod robot;
mod route;
mod scan;
mod sensor;
mod simulation;
mod teleop;
mod texture;
pub mod trig;
mod world;

pub use batch::{Batch, BatchSize, CONTEXT};
pub use camera::{Camera, Projection};
pub use episode::{
    Drive, Episode, EpisodeError, FRAME_BYTES, HEIGHT, HORIZON, MAX_STEPS, MoversAt, Recipe, STEP_S, State, Visit,
    WIDTH,
};
pub use expert::Expert;
pub use geometry::{Pose, Shape};
pub use grid::ClearanceGrid;
pub use kind::{Ranges, RobotKind};
pub use light::Light;
pub use mover::{Mover, Surroundings};
pub use people::{Crowd, CrowdSpec};
pub use physics::{Motion, StepReport, advance};
pub use place::{
    ELSEWHERE, GreyQuestion, GreyWindow, PlaceBatch, PlaceBatchSize, PlaceSet, PlaceTrial, PlaceView, QueryKind, VIEWS,
};
pub use plan_view::{PlanView, plan_view};
pub use render::{MAX_SIDE_PX, RenderError, render, render_into};
pub use rng::{Rng, mix64};
pub use robot::{Gait, Robot, Slip};
pub use route::{LEAST_ROOM_M, Route, SPACING_M, plan_route};
pub use scan::ScanSpec;
pub use sensor::SensorEffects;
pub use simulation::{Odometry, Simulation};
pub use teleop::{Teleop, TeleopStep};
pub use world::{Family, Split, World, WorldId};
