//! Every way a policy folder can be wrong is told apart, on one line, by every engine.

use std::fs;
use std::path::Path;

use pilotage::policy::{self, PolicyError};

use crate::{Copy, common, engines, hex, load};

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
fn a_graph_with_a_wrong_byte_is_an_error_or_another_model_but_never_a_panic() {
    let copy = Copy::of(&common::shipped_policy());
    let (file, bytes) = copy.file("node");
    let mut refused = 0;
    // The structure lies at both ends of the file (nodes first, then weights, then inputs and outputs).
    for step in 0..24 {
        let place = step / 2 * 167 % 2_000;
        let place = if step % 2 == 0 { place } else { bytes.len() - 1 - place };
        let mut wrong = bytes.clone();
        wrong[place] = wrong[place].wrapping_add(1 + step as u8);
        copy.replace("node", &file, &wrong);
        for engine in engines() {
            refused += usize::from(load(copy.path(), engine).is_err());
        }
    }
    assert!(refused > 0, "no place was one of structure");
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
