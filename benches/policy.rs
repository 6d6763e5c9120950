//! What a decision costs: context in, ten places asked about. Compares, in one run, the engines, the split
//! and cached graphs with the whole one, and the shipped model with the full-size reference.
//!
//! `cargo bench --profile dev --bench policy` (CPU time of all threads, median, so the machine need not be
//! quiet; the dev profile is optimised and already built, without it everything is compiled again).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::fs;
use std::path::Path;

use pilotage::policy::{self, EngineChoice, ModelImage, ModelSpec, Whole};

const CANDIDATES: u32 = 10;
const CONTEXTS: usize = 8;
const BATCHES: usize = 7;
const BATCH_MS: f64 = 150.0;

/// CPU time of all threads of this process so far, ms; the built-in engine works on a thread of its own.
fn cpu_ms() -> f64 {
    let threads = fs::read_dir("/proc/self/task").expect("a Linux /proc");
    let spent = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    spent.sum::<u64>() as f64 / 1e6
}

/// CPU time of one call, ms: the median over batches of calls, since the kernel's counter moves only with
/// its tick and a single call may cost less than that.
fn median_ms(mut call: impl FnMut(usize)) -> f64 {
    let before = cpu_ms();
    call(0);
    call(1);
    let batch = (BATCH_MS / ((cpu_ms() - before) / 2.0).max(0.5)).ceil() as usize;
    let mut times: Vec<f64> = (0..BATCHES)
        .map(|_| {
            let before = cpu_ms();
            (0..batch).for_each(&mut call);
            (cpu_ms() - before) / batch as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[BATCHES / 2]
}

fn scene(spec: &ModelSpec, seed: u32) -> ModelImage {
    let rgb: Vec<u8> = (0..spec.width * spec.height * 3).map(|i| (i * (7 + seed) / 5 % 253) as u8).collect();
    ModelImage { width: spec.width, height: spec.height, rgb: rgb.into() }
}

fn measure(model: &str, folder: &Path, engine: EngineChoice) {
    let mut split = match policy::load(folder, engine, None) {
        Ok(policy) => policy,
        Err(error) => return println!("{model:<9} {engine:<8} not measured: {error}"),
    };
    let spec = split.spec().clone();
    let goals: Vec<ModelImage> = (0..CANDIDATES).map(|i| scene(&spec, 100 + i)).collect();
    let contexts: Vec<Vec<ModelImage>> =
        (0..CONTEXTS as u32).map(|r| (0..spec.context_frames as u32).map(|f| scene(&spec, r + f)).collect()).collect();
    let nodes: Vec<_> = goals.iter().map(|g| split.remember(g).expect("a goal")).collect();
    let nodes: Vec<_> = nodes.iter().collect();
    let remember = median_ms(|r| drop(split.remember(&goals[r % goals.len()]).expect("a goal")));
    let observe = median_ms(|r| split.observe(&contexts[r % CONTEXTS]).expect("a context"));
    let one = median_ms(|_| drop(split.predict(&nodes[..1]).expect("an answer")));
    let decision = median_ms(|r| {
        split.observe(&contexts[r % CONTEXTS]).expect("a context");
        split.predict(&nodes).expect("answers");
    });
    let mut oracle = Whole::open(folder, engine, None).expect("the whole graph").expect("a whole graph");
    let whole = median_ms(|r| drop(oracle.predict(&contexts[r % CONTEXTS], &goals).expect("answers")));
    println!(
        "{model:<9} {engine:<8} {remember:>9.2} {observe:>9.2} {one:>9.2} {decision:>11.2} {whole:>9.2} {:>7.2}x",
        whole / decision
    );
}

fn main() {
    println!(
        "CPU ms, median of {BATCHES} batches; a decision is one context and {CANDIDATES} places whose features are kept"
    );
    println!("model     engine    remember   observe   ask one  decision 10  whole 10    gain");
    let reference = common::reference_policy();
    for engine in [EngineChoice::Ort, EngineChoice::Builtin] {
        measure("shipped", &common::shipped_policy(), engine);
        match &reference {
            Some(folder) => measure("full-size", folder, engine),
            None => println!("full-size {engine:<8} not measured: build it with models/gnm/build_reference.py"),
        }
    }
}
