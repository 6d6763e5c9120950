//! What finding a place costs: one description on each engine, and the search over ten thousand places beside a naive
//! scan that computes every similarity by the definition, keeps all of them and sorts.
//!
//! `cargo bench --bench place` (CPU time, median; with `--profile dev` nothing is compiled anew, but the root package is
//! then only lightly optimised and the search several times slower).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::fs;
use std::hint::black_box;
use std::path::PathBuf;

use pilotage::policy::{Descriptor, EngineChoice, ModelImage, PlaceDescriber, PlaceIndex, PlaceMatch};

const PLACES: usize = 10_000;
const BEST: usize = 10;
const BATCHES: usize = 7;
const BATCH_MS: f64 = 100.0;

/// CPU time of all threads of this process so far, ms; the built-in engine works on a thread of its own.
fn cpu_ms() -> f64 {
    let threads = fs::read_dir("/proc/self/task").expect("a Linux /proc");
    let spent = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    spent.sum::<u64>() as f64 / 1e6
}

/// CPU time of one call, ms: the median over batches of calls, since the kernel's counter moves only with its tick and
/// a single call may cost less than that.
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

/// Reproducible unit vectors.
fn descriptor(seed: u64, numbers: usize) -> Descriptor {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let drawn: Vec<f32> = (0..numbers).map(|_| draw()).collect();
    let length = drawn.iter().map(|x| x * x).sum::<f32>().sqrt();
    Descriptor::new(drawn.iter().map(|x| x / length).collect()).expect("a unit vector")
}

fn naive(places: &[Descriptor], question: &Descriptor) -> Vec<PlaceMatch> {
    let product = |place: &Descriptor| {
        let sum: f32 = place.numbers().iter().zip(question.numbers()).map(|(a, b)| a * b).sum();
        sum.clamp(-1.0, 1.0)
    };
    let mut all: Vec<PlaceMatch> =
        places.iter().enumerate().map(|(index, place)| PlaceMatch { index, similarity: product(place) }).collect();
    all.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.index.cmp(&b.index)));
    all.truncate(BEST);
    all
}

fn main() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/place-sim");
    let mut numbers = 256;
    println!("CPU ms, median of {BATCHES} batches");
    for engine in [EngineChoice::Ort, EngineChoice::Builtin] {
        let mut describer = match PlaceDescriber::load(&folder, engine, None) {
            Ok(describer) => describer,
            Err(error) => {
                println!("one description, {engine:<8} not measured: {error}");
                continue;
            }
        };
        let spec = describer.spec().clone();
        numbers = spec.descriptor;
        let pictures: Vec<ModelImage> = (0..8u32)
            .map(|seed| {
                let rgb: Vec<u8> =
                    (0..spec.width * spec.height * 3).map(|i| (i * (7 + seed) / 5 % 253) as u8).collect();
                ModelImage { width: spec.width, height: spec.height, rgb: rgb.into() }
            })
            .collect();
        let ms = median_ms(|i| drop(black_box(describer.describe(&pictures[i % 8]).expect("a descriptor"))));
        println!("one description, {engine:<8} {ms:>31.3}");
    }
    let places: Vec<Descriptor> = (0..PLACES as u64).map(|seed| descriptor(seed, numbers)).collect();
    let index = PlaceIndex::of(&places).expect("descriptors of one length");
    let questions: Vec<Descriptor> = (0..8).map(|seed| descriptor(1_000_000 + seed, numbers)).collect();
    let same = questions.iter().all(|question| {
        let found = index.search(question, BEST).expect("a search");
        found.iter().map(|m| m.index).eq(naive(&places, question).iter().map(|m| m.index))
    });
    assert!(same, "the search and the naive scan disagree");
    let title = format!("best {BEST} of {PLACES} places of {numbers} numbers");
    let search = median_ms(|i| drop(black_box(index.search(&questions[i % 8], BEST).expect("a search"))));
    let scan = median_ms(|i| drop(black_box(naive(&places, &questions[i % 8]))));
    println!("{title}, search {search:>7.3}");
    println!("{title}, naive  {scan:>7.3}  ({:.1} times the search)", scan / search);
}
