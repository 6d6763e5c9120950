//! Pilotage: drive a place once, then find the way by one camera.
//!
//! ```text
//!  FrameSource -> Intake (age, context at the model's rate) -> TickLoop (policy between the navigator's halves)
//!      camera/         age, context                                pilot, navigator, policy, pilotage-graph
//!                                                                            |
//!  CommandSink <- ControlLoop (waypoints -> wanted motion -> gate)  <--------+  Plan
//!      ros/, sim       drive, control, pilotage-gate
//! ```
//!
//! **Units and frames**: SI and radians, REP-103 axes (x forward, y left, yaw counter-clockwise). *Model units* end in
//! `_units` and *steps* of the model's period in `_steps`; metres are made of units once, in [`drive::Plan`].
//! **Time** is an argument: [`frame::Monotonic`] nanoseconds; only [`runtime`] reads a clock.
//!
//! Modules in the order in which the data flows.

pub mod age;
pub mod baseline;
pub mod camera;
pub mod cli;
pub mod cmd;
pub mod config;
pub mod context;
pub mod control;
pub mod draw;
pub mod drive;
pub mod episode;
pub mod export;
pub mod frame;
pub mod ingest;
pub mod mapping;
pub mod navigator;
pub mod pilot;
pub mod policy;
pub mod record;
pub mod replay;
#[cfg(feature = "ros")]
pub mod ros;
pub mod runtime;
pub mod sink;
