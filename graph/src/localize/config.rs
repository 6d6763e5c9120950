//! The filter's numbers, with the measured recipe as defaults.

use crate::NodeId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The filter's numbers. Distances in policy steps, times in ticks of the policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LocalizerConfig {
    /// How fast a known start's prior falls with distance; default 1.5.
    pub prior_scale_steps: f32,
    /// Beyond this distance a known start's prior is 0; without the cut its tail lets the filter jump. Default 4.
    pub prior_cut_steps: f32,
    /// Spread of the motion kernel; default 0.5.
    pub motion_sigma_steps: f32,
    /// Added to each of the kernel's six weights before they are normalised; default 0.004.
    pub motion_floor: f32,
    /// How fast the pace is learned, as a share of what each tick corrects; 0 believes [`Motion`](super::Motion) as told.
    /// The pace multiplies the told advance. Default 0.05.
    pub pace_gain: f32,
    /// The pace stays between 1 / this and this; default 2.
    pub pace_range: f32,
    /// Power of the likelihood, against counting correlated answers as independent ones; 0..=1, default 0.25.
    pub tempering: f32,
    /// Share of answers that mean nothing, spread evenly over 0..20 steps; default 0.15.
    pub outlier_share: f32,
    /// Laplace scale of an answer at distance 0; default 1.5.
    pub noise_steps: f32,
    /// What that scale gains per step of distance; default 0.1.
    pub noise_per_step: f32,
    /// When no answer is below this, the tick says nothing and moves no belief; default 12.
    pub far_steps: f32,
    /// So many such ticks in a row make a robot lost; default 4 (1 s at 4 Hz).
    pub lost_ticks: u32,
    /// So many moving ticks in a row without a usable answer make it lost; default 8.
    pub blind_ticks: u32,
    /// Share of the mass that is spread over the whole map when the robot gets lost; default 0.5.
    pub lost_share: f32,
    /// A lost or diffuse robot is found again when the likeliest place has this confidence ...; default 0.6.
    pub found_confidence: f32,
    /// ... and a place right ahead of it looks closer than this ...; default 8.
    pub found_distance_steps: f32,
    /// ... for so many ticks in a row; default 3.
    pub found_ticks: u32,
    /// Below this confidence a localised robot becomes diffuse; default 0.35, below `found_confidence` against flicker.
    pub diffuse_confidence: f32,
    /// How many nodes ahead of the estimate are asked about when localised; default 4.
    pub window_ahead_nodes: u32,
    /// Half-step cells beyond a node that nothing follows; default 8.
    pub overrun_cells: u32,
    /// Arrived when the mass from this far before the goal on ...; default 2.5.
    pub arrive_before_steps: f32,
    /// ... to this far past it ...; default 6.
    pub arrive_past_steps: f32,
    /// ... exceeds this; default 0.6.
    pub arrive_probability: f32,
    /// Arrived as well when the goal looks closer than this ...; default 2.
    pub arrive_distance_steps: f32,
    /// ... and the estimate is at most this far before it; default 4.
    pub arrive_near_steps: f32,
    /// So many ticks in a row must say so; default 2.
    pub arrive_ticks: u32,
    /// Refuse maps that need more cells (8 bytes each, three times over); default 20 million.
    pub max_cells: u64,
}

impl Default for LocalizerConfig {
    fn default() -> Self {
        Self {
            prior_scale_steps: 1.5,
            prior_cut_steps: 4.0,
            motion_sigma_steps: 0.5,
            motion_floor: 0.004,
            pace_gain: 0.05,
            pace_range: 2.0,
            tempering: 0.25,
            outlier_share: 0.15,
            noise_steps: 1.5,
            noise_per_step: 0.1,
            far_steps: 12.0,
            lost_ticks: 4,
            blind_ticks: 8,
            lost_share: 0.5,
            found_confidence: 0.6,
            found_distance_steps: 8.0,
            found_ticks: 3,
            diffuse_confidence: 0.35,
            window_ahead_nodes: 4,
            overrun_cells: 8,
            arrive_before_steps: 2.5,
            arrive_past_steps: 6.0,
            arrive_probability: 0.6,
            arrive_distance_steps: 2.0,
            arrive_near_steps: 4.0,
            arrive_ticks: 2,
            max_cells: 20_000_000,
        }
    }
}

/// A filter that cannot be made or restored.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum LocalizerError {
    /// There is nowhere to be.
    #[error("the map has no nodes, so nothing can be localised on it; build it from a drive first")]
    EmptyMap,
    /// The start is not on the map.
    #[error("the start, node {node}, is not on this map; `map info` lists the nodes")]
    UnknownStart {
        /// The number asked for.
        node: NodeId,
    },
    /// The map is too long for the memory that may be used.
    #[error(
        "this map needs {cells} cells of half a step, more than the {max_cells} of localizer.max_cells; \
         raise that or split the map"
    )]
    TooManyCells {
        /// How many it needs.
        cells: u64,
        /// How many it may.
        max_cells: u64,
    },
    /// A number of the configuration is out of its range.
    #[error("localizer.{field} is {value}; it must be {rule}")]
    Config {
        /// The field.
        field: &'static str,
        /// What it says.
        value: f64,
        /// What it may say.
        rule: &'static str,
    },
    /// A saved state that belongs to another map or configuration, or is damaged.
    #[error("the saved filter state does not fit this map: {why}; start the filter afresh")]
    State {
        /// What does not fit.
        why: String,
    },
}

impl LocalizerConfig {
    /// Checks every number.
    ///
    /// # Errors
    /// [`LocalizerError::Config`] for the first one out of range.
    pub fn validate(&self) -> Result<(), LocalizerError> {
        let bad = |field, value: f64, rule| Err(LocalizerError::Config { field, value, rule });
        for (field, value) in [
            ("prior_scale_steps", self.prior_scale_steps),
            ("prior_cut_steps", self.prior_cut_steps),
            ("motion_sigma_steps", self.motion_sigma_steps),
            ("noise_steps", self.noise_steps),
            ("far_steps", self.far_steps),
            ("found_distance_steps", self.found_distance_steps),
            ("arrive_before_steps", self.arrive_before_steps),
            ("arrive_past_steps", self.arrive_past_steps),
            ("arrive_distance_steps", self.arrive_distance_steps),
            ("arrive_near_steps", self.arrive_near_steps),
        ] {
            // The lower end keeps divisions and logarithms of the filter within numbers that exist.
            if !(0.01..=1000.0).contains(&value) {
                return bad(field, value.into(), "from 0.01 to 1000 steps");
            }
        }
        for (field, value) in [
            ("motion_floor", self.motion_floor),
            ("tempering", self.tempering),
            ("outlier_share", self.outlier_share),
            ("lost_share", self.lost_share),
            ("found_confidence", self.found_confidence),
            ("arrive_probability", self.arrive_probability),
        ] {
            if !(1e-6..=1.0).contains(&value) {
                return bad(field, value.into(), "above 0 (at least 1e-6) and at most 1");
            }
        }
        if !(0.0..=10.0).contains(&self.noise_per_step) {
            return bad("noise_per_step", self.noise_per_step.into(), "from 0 to 10");
        }
        if !(0.0..=0.5).contains(&self.pace_gain) {
            return bad("pace_gain", self.pace_gain.into(), "from 0 to 0.5");
        }
        if !(1.0..=4.0).contains(&self.pace_range) {
            return bad("pace_range", self.pace_range.into(), "from 1 to 4");
        }
        if !(0.0..=self.found_confidence).contains(&self.diffuse_confidence) {
            return bad("diffuse_confidence", self.diffuse_confidence.into(), "from 0 to found_confidence");
        }
        for (field, value, most, rule) in [
            ("lost_ticks", self.lost_ticks, 10_000, "from 1 to 10000 ticks"),
            ("blind_ticks", self.blind_ticks, 10_000, "from 1 to 10000 ticks"),
            ("found_ticks", self.found_ticks, 10_000, "from 1 to 10000 ticks"),
            ("arrive_ticks", self.arrive_ticks, 10_000, "from 1 to 10000 ticks"),
            ("window_ahead_nodes", self.window_ahead_nodes, 64, "from 1 to 64 nodes"),
            ("overrun_cells", self.overrun_cells, 1000, "from 1 to 1000 cells"),
        ] {
            if !(1..=most).contains(&value) {
                return bad(field, value.into(), rule);
            }
        }
        Ok(())
    }
}
