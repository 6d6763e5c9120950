#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod command;
mod fault;
mod gate;
mod input;
mod limits;
mod rates;
mod time;
mod verdict;

pub use command::Command;
pub use fault::{Fault, FaultClass, Faults};
pub use gate::{Gate, Output};
pub use input::{Decision, Input, Mode, Permit, StopReason, Wanted};
pub use limits::{
    ACCELERATION_CEILING_MPS2, ANGULAR_ACCELERATION_CEILING_RPS2, ANGULAR_CEILING_RPS, Limits, LimitsConfig,
    LimitsError, MAX_AGE_CEILING_S, MAX_AGE_FLOOR_S, PERIOD_CEILING_S, PERIOD_FLOOR_S, RAMP_CEILING_S, RATE_FLOOR,
    SPEED_CEILING_MPS,
};
pub use time::Monotonic;
pub use verdict::{Cause, Limit, Reaction, Verdict};
