//! Every engine gives the answers the model gave where it was made.

use std::path::Path;

use pilotage::policy::{self, GOLDEN_TOLERANCE, SPLIT_TOLERANCE};

use crate::{Copy, common, engines};

fn check_parity(folder: &Path, golden_tolerance: f32) {
    let engines = engines();
    let report = policy::parity(folder, None).unwrap();
    println!("{report}");
    assert_eq!(report.engines.len(), engines.len());
    assert!(report.passes(), "{report}");
    for engine in &report.engines {
        assert!(engine.golden_max_diff <= golden_tolerance, "{report}");
        assert!(engine.split_max_diff.unwrap() <= SPLIT_TOLERANCE, "{report}");
    }
    if engines.len() == 2 {
        assert!(report.between_engines_max_diff.unwrap() <= GOLDEN_TOLERANCE, "{report}");
    }
}

#[test]
fn the_shipped_policy_answers_what_its_trainer_answered_on_every_engine() {
    check_parity(&common::shipped_policy(), GOLDEN_TOLERANCE);
}

#[test]
fn the_reference_gnm_answers_what_torch_eager_answers() {
    match common::reference_policy() {
        // Tighter than for other models: its golden values come from an independent implementation.
        Some(folder) => check_parity(&folder, 1e-4),
        None => common::skip("no reference GNM: python models/gnm/build_reference.py --out CACHE/gnm-reference"),
    }
}

#[test]
fn parity_fails_when_the_golden_values_differ() {
    let copy = Copy::of(&common::shipped_policy());
    let (file, mut bytes) = copy.file("golden");
    let end = bytes.len();
    let last = f32::from_le_bytes(bytes[end - 4..].try_into().unwrap());
    bytes[end - 4..].copy_from_slice(&(last + 0.01).to_le_bytes());
    copy.replace("golden", &file, &bytes);
    let report = policy::parity(copy.path(), None).unwrap();
    assert!(!report.passes(), "{report}");
}
