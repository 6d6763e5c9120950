//! Pilotage: drive a place once, then find the way by one camera.

pub mod camera;
pub mod frame;
pub mod ingest;
pub mod policy;
pub mod record;
#[cfg(feature = "ros")]
pub mod ros;
