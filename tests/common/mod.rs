//! What integration tests share: how a test that lacks something says so.

// Every test binary compiles this file on its own and uses its own part of it.
#![allow(dead_code, unreachable_pub)]

use std::io::Write;
use std::path::PathBuf;

/// Says that the running test checks nothing, because something it needs is not on this machine.
///
/// Prints the line `PILOTAGE-SKIP: test: reason`, which `cargo xtask` counts; it goes past the test
/// harness's capture. With `CI=true` in the environment nothing may be skipped, so the test fails.
///
/// # Panics
/// With `CI=true`.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("?");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{name} may not be skipped when CI=true: {reason}");
    let _ = writeln!(std::io::stdout(), "PILOTAGE-SKIP: {name}: {reason}\nSKIPPED ({reason})");
}

/// The folder `pilotage` keeps what it fetched or computed in.
pub fn cache() -> PathBuf {
    let named = std::env::var_os("XDG_CACHE_HOME").filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    named.unwrap_or_else(home).join("pilotage")
}

/// The policy that is shipped; `PILOTAGE_POLICY_MODEL` names another while models are being developed.
pub fn shipped_policy() -> PathBuf {
    let named = std::env::var_os("PILOTAGE_POLICY_MODEL").map(PathBuf::from);
    named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/gnm-sim"))
}

/// The full-size reference policy: `PILOTAGE_GNM_REFERENCE`, else in the cache; `None` where it was not built.
pub fn reference_policy() -> Option<PathBuf> {
    let named = std::env::var_os("PILOTAGE_GNM_REFERENCE").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| cache().join("gnm-reference"));
    folder.join("manifest.toml").is_file().then_some(folder)
}
