//! The policy contract, held against golden values, between engines, and against bad folders.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use pilotage::frame::Picture;
use pilotage::policy::{
    self, EngineChoice, GOLDEN_TOLERANCE, ModelImage, ModelSpec, Policy, PolicyError, Prediction, SPLIT_TOLERANCE,
};
use sha2::{Digest, Sha256};

const BOTH: [EngineChoice; 2] = [EngineChoice::Ort, EngineChoice::Builtin];

fn load(folder: &Path, engine: EngineChoice) -> Result<Box<dyn Policy>, PolicyError> {
    policy::load(folder, engine, None)
}

/// The engines that can run here. ONNX Runtime may be missing on a fresh machine, which is said.
fn engines() -> Vec<EngineChoice> {
    match load(&common::shipped_policy(), EngineChoice::Ort) {
        Err(PolicyError::LibraryMissing { .. } | PolicyError::EngineNotBuilt { .. }) => {
            common::skip("ONNX Runtime is not there, only the built-in engine is checked: run `cargo xtask ort`");
            vec![EngineChoice::Builtin]
        }
        _ => BOTH.to_vec(),
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

// ---------------------------------------------------------------- preprocessing

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

// ---------------------------------------------------------------- parity

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

// ---------------------------------------------------------------- same inputs, same bits

/// A picture that differs with `seed` in every region.
fn scene(spec: &ModelSpec, seed: u32) -> ModelImage {
    let pixel = |i: u32| {
        let (x, y, c) = (i / 3 % spec.width, i / 3 / spec.width, i % 3);
        ((x * (3 + seed % 5) + y * (2 + seed % 3) + c * 70 + seed * 37) % 251) as u8
    };
    let rgb: Vec<u8> = (0..spec.width * spec.height * 3).map(pixel).collect();
    ModelImage { width: spec.width, height: spec.height, rgb: rgb.into() }
}

fn context(spec: &ModelSpec, seed: u32) -> Vec<ModelImage> {
    (0..spec.context_frames as u32).map(|i| scene(spec, seed + i)).collect()
}

fn bits(predictions: &[Prediction]) -> Vec<u32> {
    let numbers = |p: &Prediction| {
        let waypoints = p.waypoints().iter().flat_map(|w| [w.x_units, w.y_units, w.cos_yaw, w.sin_yaw]);
        std::iter::once(p.distance_steps).chain(waypoints).map(f32::to_bits).collect::<Vec<_>>()
    };
    predictions.iter().flat_map(numbers).collect()
}

#[test]
fn caches_cleared_in_mid_run_give_the_same_bits() {
    for engine in engines() {
        let folder = common::shipped_policy();
        let mut kept = load(&folder, engine).unwrap();
        let mut cleared = load(&folder, engine).unwrap();
        let spec = kept.spec().clone();
        let goals: Vec<ModelImage> = (0..10).map(|i| scene(&spec, 50 + i)).collect();
        let nodes: Vec<_> = goals.iter().map(|g| kept.remember(g).unwrap()).collect();
        for tick in 0..4 {
            kept.observe(&context(&spec, tick)).unwrap();
            let expected = kept.predict(&nodes.iter().collect::<Vec<_>>()).unwrap();
            if tick == 2 {
                cleared = load(&folder, engine).unwrap();
            }
            // Features computed again, in another order, with a question in between.
            let mut again: Vec<_> = goals.iter().rev().map(|g| cleared.remember(g).unwrap()).collect();
            again.reverse();
            cleared.observe(&context(&spec, 99)).unwrap();
            cleared.predict(&[&again[3]]).unwrap();
            cleared.observe(&context(&spec, tick)).unwrap();
            let found = cleared.predict(&again.iter().collect::<Vec<_>>()).unwrap();
            assert_eq!(bits(&expected), bits(&found), "{engine}, tick {tick}");
        }
    }
}

#[test]
fn answers_come_in_the_order_of_the_question_whatever_its_length() {
    for engine in engines() {
        let mut policy = load(&common::shipped_policy(), engine).unwrap();
        let spec = policy.spec().clone();
        let nodes: Vec<_> = (0..3).map(|i| policy.remember(&scene(&spec, 10 + i)).unwrap()).collect();
        policy.observe(&context(&spec, 0)).unwrap();
        assert!(policy.predict(&[]).unwrap().is_empty());
        let alone: Vec<Prediction> = nodes.iter().map(|n| policy.predict(&[n]).unwrap()[0]).collect();
        assert!((alone[0].distance_steps - alone[1].distance_steps).abs() > 1e-2, "the scenes must differ");
        // Longer than one batch of the candidate graph.
        let question: Vec<_> = (0..70).map(|i| &nodes[i % 3]).collect();
        let answers = policy.predict(&question).unwrap();
        assert_eq!(answers.len(), question.len());
        for (i, answer) in answers.iter().enumerate() {
            assert_eq!(answer.waypoints().len(), spec.waypoints);
            assert!((answer.distance_steps - alone[i % 3].distance_steps).abs() <= SPLIT_TOLERANCE, "{engine}, {i}");
        }
    }
}

// ---------------------------------------------------------------- wrong questions

#[test]
fn a_question_before_any_context_is_an_error_and_after_a_bad_context_too() {
    let mut policy = load(&common::shipped_policy(), EngineChoice::Builtin).unwrap();
    let spec = policy.spec().clone();
    let node = policy.remember(&scene(&spec, 1)).unwrap();
    assert!(matches!(policy.predict(&[&node]), Err(PolicyError::NothingObserved)));
    policy.observe(&context(&spec, 0)).unwrap();
    policy.predict(&[&node]).unwrap();
    let short = &context(&spec, 0)[1..];
    assert!(matches!(policy.observe(short), Err(PolicyError::ContextLength { got: 5, .. })));
    assert!(matches!(policy.predict(&[&node]), Err(PolicyError::NothingObserved)), "an old context answered");
}

#[test]
fn a_picture_of_another_size_is_an_error() {
    let mut policy = load(&common::shipped_policy(), EngineChoice::Builtin).unwrap();
    let small = ModelImage { width: 2, height: 1, rgb: vec![0; 6].into() };
    let lying = ModelImage { rgb: vec![0; 6].into(), ..scene(policy.spec(), 0) };
    for picture in [small, lying] {
        assert!(matches!(policy.remember(&picture), Err(PolicyError::PictureSize { .. })));
        let context = vec![picture; policy.spec().context_frames];
        assert!(matches!(policy.observe(&context), Err(PolicyError::PictureSize { .. })));
    }
}

#[test]
fn features_of_another_model_are_an_error() {
    let Some(folder) = common::reference_policy() else {
        return common::skip("no reference GNM to take features from");
    };
    let mut other = load(&folder, EngineChoice::Builtin).unwrap();
    let mut policy = load(&common::shipped_policy(), EngineChoice::Builtin).unwrap();
    let spec = policy.spec().clone();
    let foreign = other.remember(&scene(&spec, 1)).unwrap();
    policy.observe(&context(&spec, 0)).unwrap();
    assert!(matches!(policy.predict(&[&foreign]), Err(PolicyError::ForeignFeatures { index: 0, .. })));
}

// ---------------------------------------------------------------- bad folders

/// A copy of a policy folder that a test may spoil.
struct Copy(tempfile::TempDir);

impl Copy {
    fn of(folder: &Path) -> Self {
        let copy = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
        }
        Self(copy)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn manifest(&self) -> toml::Table {
        toml::from_str(&fs::read_to_string(self.path().join("manifest.toml")).unwrap()).unwrap()
    }

    fn write(&self, manifest: &toml::Table) {
        fs::write(self.path().join("manifest.toml"), toml::to_string(manifest).unwrap()).unwrap();
    }

    /// Name and bytes of the file of a section (`golden`, or a graph's name).
    fn file(&self, section: &str) -> (String, Vec<u8>) {
        let mut manifest = self.manifest();
        let name = entry(&mut manifest, section)["file"].as_str().unwrap().to_string();
        let bytes = fs::read(self.path().join(&name)).unwrap();
        (name, bytes)
    }

    /// Writes other bytes and their right hash, as someone would who makes a bad model in good faith.
    fn replace(&self, section: &str, file: &str, bytes: &[u8]) {
        fs::write(self.path().join(file), bytes).unwrap();
        let mut manifest = self.manifest();
        entry(&mut manifest, section)["sha256"] = hex(bytes).into();
        self.write(&manifest);
    }
}

fn entry<'a>(manifest: &'a mut toml::Table, section: &str) -> &'a mut toml::Value {
    if section == "golden" { &mut manifest["golden"] } else { &mut manifest["graphs"][section] }
}

/// Loads with every engine, wants an error each time, and holds it to one line.
fn refused(folder: &Path) -> Vec<PolicyError> {
    let load = |engine| load(folder, engine).err().unwrap_or_else(|| panic!("{engine} accepted a bad folder"));
    let errors: Vec<PolicyError> = engines().into_iter().map(load).collect();
    for error in &errors {
        let text = error.to_string();
        println!("{text}");
        assert!(!text.contains('\n'), "{text}");
    }
    errors
}

macro_rules! assert_refused {
    ($folder:expr, $pattern:pat) => {
        for error in refused($folder) {
            assert!(matches!(error, $pattern), "{error:?}");
        }
    };
}

#[test]
fn a_missing_folder_manifest_or_graph_is_named() {
    assert_refused!(Path::new("/nonexistent/policy"), PolicyError::FolderMissing { .. });
    let copy = Copy::of(&common::shipped_policy());
    let (node, _) = copy.file("node");
    fs::remove_file(copy.path().join(node)).unwrap();
    assert_refused!(copy.path(), PolicyError::FileMissing { .. });
    fs::remove_file(copy.path().join("manifest.toml")).unwrap();
    assert_refused!(copy.path(), PolicyError::FileMissing { .. });
}

#[test]
fn a_damaged_graph_is_refused_with_both_hashes() {
    let copy = Copy::of(&common::shipped_policy());
    let (file, mut bytes) = copy.file("tick");
    let expected = hex(&bytes);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(copy.path().join(file), &bytes).unwrap();
    for error in refused(copy.path()) {
        let text = error.to_string();
        assert!(text.contains(&expected) && text.contains(&hex(&bytes)), "{text}");
    }
}

#[test]
fn a_cut_off_graph_is_refused_even_with_the_right_hash() {
    let copy = Copy::of(&common::shipped_policy());
    let (file, bytes) = copy.file("candidate");
    for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        copy.replace("candidate", &file, &bytes[..length]);
        assert_refused!(copy.path(), PolicyError::NotOnnx { .. });
    }
}

#[test]
fn weights_in_another_file_are_refused() {
    let copy = Copy::of(&common::shipped_policy());
    let (file, bytes) = copy.file("node");
    // Appended protobuf merges: graph { initializer { name: "w", data_location: EXTERNAL } }.
    let outside = [bytes, vec![0x3a, 7, 0x2a, 5, 0x42, 1, b'w', 0x70, 1]].concat();
    copy.replace("node", &file, &outside);
    assert_refused!(copy.path(), PolicyError::ExternalData { .. });
}

#[test]
fn a_graph_with_another_shape_than_declared_is_refused() {
    let copy = Copy::of(&common::shipped_policy());
    let mut manifest = copy.manifest();
    let name = manifest["graphs"]["node"]["outputs"][0]["name"].clone();
    let widen = |tensor: &mut toml::Value| {
        let shape = tensor["shape"].as_array_mut().unwrap();
        let last = shape.last_mut().unwrap();
        *last = (last.as_integer().unwrap() + 1).into();
    };
    widen(&mut manifest["graphs"]["node"]["outputs"][0]);
    let inputs = manifest["graphs"]["candidate"]["inputs"].as_array_mut().unwrap();
    inputs.iter_mut().filter(|t| t["name"] == name).for_each(widen);
    copy.write(&manifest);
    assert_refused!(copy.path(), PolicyError::TensorMismatch { .. });
}

#[test]
fn a_graph_with_another_name_than_declared_is_refused() {
    let copy = Copy::of(&common::shipped_policy());
    let mut manifest = copy.manifest();
    manifest["graphs"]["tick"]["inputs"][0]["name"] = "no_such_input".into();
    copy.write(&manifest);
    assert_refused!(copy.path(), PolicyError::TensorMismatch { .. });
}

#[test]
fn a_graph_file_outside_the_folder_is_refused() {
    let copy = Copy::of(&common::shipped_policy());
    for name in ["../tick.onnx", "/etc/passwd", "sub/tick.onnx"] {
        let mut manifest = copy.manifest();
        manifest["graphs"]["tick"]["file"] = name.into();
        copy.write(&manifest);
        assert_refused!(copy.path(), PolicyError::ManifestValue { .. });
    }
}

#[cfg(unix)]
#[test]
fn a_symlinked_graph_is_refused() {
    let copy = Copy::of(&common::shipped_policy());
    let (file, bytes) = copy.file("tick");
    let elsewhere = tempfile::NamedTempFile::new().unwrap();
    fs::write(elsewhere.path(), bytes).unwrap();
    fs::remove_file(copy.path().join(&file)).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), copy.path().join(&file)).unwrap();
    assert_refused!(copy.path(), PolicyError::NotAPlainFile { .. });
}

#[test]
fn a_huge_manifest_is_refused_before_it_is_read() {
    let copy = Copy::of(&common::shipped_policy());
    fs::write(copy.path().join("manifest.toml"), vec![b'#'; 1 << 20]).unwrap();
    assert_refused!(copy.path(), PolicyError::TooLarge { .. });
}

#[test]
fn a_golden_file_of_another_length_is_refused() {
    let copy = Copy::of(&common::shipped_policy());
    let (file, bytes) = copy.file("golden");
    copy.replace("golden", &file, &bytes[..bytes.len() - 4]);
    let error = policy::parity(copy.path(), None).unwrap_err();
    assert!(matches!(error, PolicyError::GoldenLength { .. }), "{error}");
}

// ---------------------------------------------------------------- engines

#[cfg(feature = "ort")]
#[test]
fn a_library_that_is_not_there_is_an_error_even_for_auto() {
    for engine in [EngineChoice::Ort, EngineChoice::Auto] {
        let library = Path::new("/nonexistent/libonnxruntime.so");
        let error = policy::load(&common::shipped_policy(), engine, Some(library)).err().unwrap();
        assert!(matches!(error, PolicyError::LibraryMissing { .. }), "{error}");
        assert!(error.to_string().contains("/nonexistent/libonnxruntime.so"), "{error}");
    }
}

#[cfg(feature = "ort")]
#[test]
fn a_file_that_is_no_library_is_an_error_and_not_a_panic() {
    let text = tempfile::NamedTempFile::new().unwrap();
    fs::write(text.path(), "not a library").unwrap();
    let error = policy::load(&common::shipped_policy(), EngineChoice::Ort, Some(text.path())).err().unwrap();
    assert!(matches!(error, PolicyError::LibraryUnusable { .. }), "{error}");
}

#[test]
fn the_report_says_which_engine_runs() {
    let builtin = load(&common::shipped_policy(), EngineChoice::Builtin).unwrap().describe();
    assert!(builtin.contains("rten"), "{builtin}");
    let auto = load(&common::shipped_policy(), EngineChoice::Auto).unwrap().describe();
    assert!(auto.contains("ONNX Runtime"), "it names the engine, or why that one is not used: {auto}");
}
