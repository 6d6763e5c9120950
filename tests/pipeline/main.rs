//! The whole program end to end: logs become maps, maps become commands, recordings become the same run again.
//!
//! All of it runs the shipped policy on the built-in engine (`PILOTAGE_POLICY_MODEL` names another one). What a
//! machine lacks is said by a line that starts with `PILOTAGE-SKIP:`, and fails when `CI=true`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::disallowed_methods)]
// Commands and recorded numbers are the same or they are not.
#![allow(clippy::float_cmp)]

#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "ros")]
#[path = "../peers/mod.rs"]
mod peers;

mod bad_input;
mod closed_loop;
#[cfg(feature = "ros")]
mod drive_wire;
mod export;
mod faults;
mod mapping;
#[cfg(feature = "ros")]
mod notes;
mod realtime_faults;
mod replay;
#[cfg(feature = "ros")]
mod robot_wire;
mod support;
mod two_clocks;
