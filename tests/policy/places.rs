//! The shipped place descriptor: unit vectors, the same on every engine, refused when damaged.

use std::fs;
use std::path::PathBuf;

use pilotage::policy::{self, Descriptor, EngineChoice, ModelImage, PlaceDescriber, PlaceIndex, PolicyError};

use crate::{Copy, common, engines, hex};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/place-sim")
}

fn picture(describer: &PlaceDescriber, seed: u32) -> ModelImage {
    let spec = describer.spec();
    let byte =
        |i: u32| ((i / 3 % spec.width * (3 + seed % 7) + i / 3 / spec.width * (5 + seed) + i % 3 * 40) % 251) as u8;
    let rgb: Vec<u8> = (0..spec.width * spec.height * 3).map(byte).collect();
    ModelImage { width: spec.width, height: spec.height, rgb: rgb.into() }
}

fn flat(describer: &PlaceDescriber, level: u8) -> ModelImage {
    let (width, height) = (describer.spec().width, describer.spec().height);
    ModelImage { width, height, rgb: vec![level; width as usize * height as usize * 3].into() }
}

#[test]
fn every_picture_gets_finite_numbers_of_length_one_and_the_same_bits_twice() {
    for engine in engines() {
        let mut describer = PlaceDescriber::load(&folder(), engine, None).unwrap();
        let mut pictures: Vec<ModelImage> = (0..6).map(|seed| picture(&describer, seed)).collect();
        pictures.extend([0, 128, 255].map(|level| flat(&describer, level)));
        for picture in &pictures {
            let descriptor = describer.describe(picture).unwrap();
            assert_eq!(descriptor.numbers().len(), describer.spec().descriptor);
            let length: f32 = descriptor.numbers().iter().map(|x| x * x).sum();
            assert!(descriptor.numbers().iter().all(|x| x.is_finite()) && (length - 1.0).abs() < 1e-5, "{length}");
            assert_eq!(describer.describe(picture).unwrap(), descriptor, "{engine}");
        }
    }
}

#[test]
fn the_shipped_descriptor_answers_what_its_trainer_answered_on_every_engine() {
    let report = policy::place_parity(&folder(), None).unwrap();
    println!("{report}");
    assert_eq!(report.engines.len(), engines().len());
    assert!(report.passes(), "{report}");
}

#[test]
fn the_place_another_camera_saw_is_the_most_alike_on_the_golden_pictures() {
    // Pairs: a place on the map, and the same place seen by another kind of robot on another day.
    let mut describer = PlaceDescriber::load(&folder(), EngineChoice::Builtin, None).unwrap();
    let (width, height) = (describer.spec().width, describer.spec().height);
    let bytes = fs::read(folder().join("golden.bin")).unwrap();
    let pictures = bytes.chunks_exact(width as usize * height as usize * 3).take(8);
    let all: Vec<Descriptor> =
        pictures.map(|rgb| describer.describe(&ModelImage { width, height, rgb: rgb.into() }).unwrap()).collect();
    assert_eq!(all.len(), 8);
    let map: Vec<Descriptor> = all.iter().step_by(2).cloned().collect();
    let map = PlaceIndex::of(&map).unwrap();
    let right = (0..4).filter(|&i| map.search(&all[2 * i + 1], 1).unwrap()[0].index == i).count();
    assert!(right >= 3, "{right} of 4");
}

#[test]
fn a_damaged_folder_is_refused() {
    for engine in engines() {
        let refused = |copy: &Copy| PlaceDescriber::load(copy.path(), engine, None).err().unwrap();
        let copy = Copy::of(&folder());
        let (file, mut bytes) = copy.file("place");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(copy.path().join(&file), &bytes).unwrap();
        assert!(refused(&copy).to_string().contains(&hex(&bytes)));
        copy.replace("place", &file, &bytes[..middle]);
        assert!(matches!(refused(&copy), PolicyError::NotOnnx { .. }));
        fs::remove_file(copy.path().join(&file)).unwrap();
        assert!(matches!(refused(&copy), PolicyError::FileMissing { .. }));
        let copy = Copy::of(&folder());
        let mut manifest = copy.manifest();
        manifest["output"]["descriptor"] = 64.into();
        manifest["graphs"]["place"]["outputs"][0]["shape"][1] = 64.into();
        copy.write(&manifest);
        assert!(matches!(refused(&copy), PolicyError::TensorMismatch { .. }));
    }
}

#[test]
fn a_golden_file_of_another_length_or_with_other_numbers_does_not_pass() {
    let copy = Copy::of(&folder());
    let (file, mut bytes) = copy.file("golden");
    copy.replace("golden", &file, &bytes[..bytes.len() - 4]);
    assert!(matches!(policy::place_parity(copy.path(), None), Err(PolicyError::GoldenLength { .. })));
    let end = bytes.len();
    let last = f32::from_le_bytes(bytes[end - 4..].try_into().unwrap());
    bytes[end - 4..].copy_from_slice(&(last + 0.01).to_le_bytes());
    copy.replace("golden", &file, &bytes);
    assert!(!policy::place_parity(copy.path(), None).unwrap().passes());
}

#[test]
fn a_policy_is_no_place_descriptor_and_the_other_way_round() {
    assert!(policy::is_place_folder(&folder()).unwrap());
    assert!(!policy::is_place_folder(&common::shipped_policy()).unwrap());
    let error = policy::load(&folder(), EngineChoice::Builtin, None).err().unwrap().to_string();
    assert!(error.contains("family") && error.contains("place"), "{error}");
    let error = PlaceDescriber::load(&common::shipped_policy(), EngineChoice::Builtin, None).err().unwrap().to_string();
    assert!(error.contains("family") && error.contains("gnm"), "{error}");
}

#[test]
fn a_picture_of_another_size_is_an_error() {
    let mut describer = PlaceDescriber::load(&folder(), EngineChoice::Builtin, None).unwrap();
    let small = ModelImage { width: 2, height: 1, rgb: vec![0; 6].into() };
    assert!(matches!(describer.describe(&small), Err(PolicyError::PictureSize { .. })));
}
