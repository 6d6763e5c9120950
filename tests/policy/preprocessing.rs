//! From a camera's picture to a graph's numbers: the bytes of Pillow, the bits of torchvision.

use std::fs;
use std::path::PathBuf;

use pilotage::frame::Picture;
use pilotage::policy::{self, ModelImage, ModelSpec};

use crate::hex;

fn golden_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/golden")
}

fn golden_cases() -> serde_json::Value {
    serde_json::from_slice(&fs::read(golden_folder().join("cases.json")).unwrap()).unwrap()
}

fn png(name: &str) -> Picture {
    let image = image::open(golden_folder().join(name)).unwrap().to_rgb8();
    Picture::from_rgb8(image.width(), image.height(), image.into_raw()).unwrap()
}

fn gnm_spec() -> ModelSpec {
    ModelSpec {
        name: "golden".to_string(),
        width: 85,
        height: 64,
        context_frames: 6,
        rate_hz: 4.0,
        waypoints: 5,
        max_distance_steps: 20.0,
    }
}

fn constants(cases: &serde_json::Value, key: &str) -> [f32; 3] {
    let list = cases[key].as_array().unwrap();
    std::array::from_fn(|i| list[i].as_f64().unwrap() as f32)
}

#[test]
fn resizing_is_pillow_bicubic_within_one_level() {
    let cases = golden_cases();
    let names: Vec<&String> = cases["normalised_sha256"].as_object().unwrap().keys().collect();
    assert!(names.len() >= 10);
    for name in names {
        let ours = policy::resize(&png(&format!("{name}.in.png")), &gnm_spec()).unwrap();
        let pillow = png(&format!("{name}.out.png"));
        assert_eq!((ours.width, ours.height), (pillow.width(), pillow.height()));
        let differences: Vec<u8> = ours.rgb.iter().zip(pillow.rgb()).map(|(a, b)| a.abs_diff(*b)).collect();
        let largest = *differences.iter().max().unwrap();
        let share = differences.iter().filter(|d| **d > 0).count() as f64 / differences.len() as f64;
        println!("{name}: largest difference {largest}, {:.2} % differ", 100.0 * share);
        assert!(largest <= 1, "{name}: {largest}");
        assert!(share < 0.02, "{name}: {share}");
    }
}

#[test]
fn a_picture_of_the_models_size_is_passed_on_untouched() {
    let picture = png("noise-85x64.in.png");
    let ours = policy::resize(&picture, &gnm_spec()).unwrap();
    assert_eq!(&ours.rgb[..], picture.rgb());
}

#[test]
fn normalising_gives_the_bits_of_torchvision() {
    let cases = golden_cases();
    let (mean, std) = (constants(&cases, "mean"), constants(&cases, "std"));
    for (name, expected) in cases["normalised_sha256"].as_object().unwrap() {
        let picture = png(&format!("{name}.out.png"));
        let image = ModelImage { width: 85, height: 64, rgb: picture.shared() };
        let mut numbers = vec![0.0; 3 * 64 * 85];
        policy::normalise(&[image], mean, std, &mut numbers).unwrap();
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        assert_eq!(hex(&bytes), expected.as_str().unwrap(), "{name}");
    }
}

#[test]
fn a_context_goes_in_frame_by_frame_on_the_channels() {
    let cases = golden_cases();
    let frames = cases["context"].as_array().unwrap().iter().map(|name| {
        let picture = png(&format!("{}.out.png", name.as_str().unwrap()));
        ModelImage { width: 85, height: 64, rgb: picture.shared() }
    });
    let frames: Vec<ModelImage> = frames.collect();
    let mut numbers = vec![0.0; frames.len() * 3 * 64 * 85];
    policy::normalise(&frames, constants(&cases, "mean"), constants(&cases, "std"), &mut numbers).unwrap();
    let golden = fs::read(golden_folder().join("context.f32")).unwrap();
    let golden: Vec<f32> = golden.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    assert_eq!(numbers.len(), golden.len());
    let largest = numbers.iter().zip(&golden).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(largest <= 1e-5, "{largest}");
}
