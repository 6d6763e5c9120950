//! Where on the map the robot is: a Bayes filter over the drivable ways.
//!
//! ```text
//!            motion                      answers (node, predicted distance)
//!              |                                     |
//!  belief -> moved -> weighed by how well each cell explains the answers -> belief -> Estimate
//!
//!  Localized --- far answers, or none, for some ticks --> Lost
//!      |  ^                                                |
//!      |  +--- one place explains the views for ticks -----+
//!      v  |
//!     Diffuse      (the start of an unknown robot; also where the mass is spread)
//! ```
//!
//! Words: a **cell** is half a step of a usable edge (or of the overrun beyond a node without successor); the **belief**
//! is a probability over cells; a node is **ahead** of a cell when the graph leads there within 20 steps, and **just
//! passed** up to 2.5 steps behind. Time enters only through [`Motion`]; equal inputs give equal bits.

mod arrival;
mod ask;
mod belief;
mod chart;
mod config;
mod estimate;
mod filter;
mod measure;
mod motion;
mod reach;
mod state;
mod types;

pub use config::{LocalizerConfig, LocalizerError};
pub use filter::Localizer;
pub use state::LocalizerState;
pub use types::{Estimate, LostReason, Motion, Start, Tracking};

/// Distances end here: a policy of the GNM family says 20 for "passed, too far or elsewhere".
pub(crate) const MAX_DISTANCE_STEPS: f32 = 20.0;
