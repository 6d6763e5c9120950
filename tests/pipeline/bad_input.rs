//! Bad input gives one line on stderr that says what is wrong and what to do, a code, and leaves nothing behind.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::{
    Said, copy_folder, episode_map_path, episode_pictures, files_in, policy_folder, program, renamed_policy, said,
    scratch, with_policy,
};

/// That the program refused: exit code 1, one line, with all `parts` in it, and `folder` is as it was.
fn assert_refused(command: &mut Command, folder: &Path, parts: &[&str]) {
    let before = files_in(folder);
    let said = said(command);
    println!("{}", said.stderr.trim_end());
    assert_eq!(said.code, Some(1), "{command:?}: {said:?}");
    assert_eq!(said.stderr.lines().count(), 1, "{command:?} said\n{}", said.stderr);
    assert!(said.stderr.starts_with("pilotage: "), "{}", said.stderr);
    for part in parts {
        assert!(said.stderr.contains(part), "no {part:?} in: {}", said.stderr);
    }
    assert_eq!(files_in(folder), before, "{command:?} left something behind");
}

/// A short log: the first five seconds of a drive.
fn log() -> &'static Path {
    static LOG: OnceLock<PathBuf> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = scratch("bad-input-log").join("drive");
        std::fs::create_dir(&log).unwrap();
        for file in files_in(episode_pictures()).into_iter().take(40) {
            std::fs::copy(&file, log.join(file.file_name().unwrap())).unwrap();
        }
        log
    })
}

/// `map build` of `log` into a new folder below `place`, with the policy at `policy`.
fn build(place: &Path, log: &Path, policy: &Path) -> Command {
    let mut command = program();
    command.args(["map", "build", "--hz", "8", "-o"]).arg(place.join("map")).arg(log);
    command.args(["--engine", "builtin", "--policy"]).arg(policy);
    command
}

/// A run through the simulated drive's own pictures, in lockstep.
fn run(map: &Path, goal: &str) -> Command {
    let mut command = program();
    command.arg("run").arg(map).args(["--goal", goal, "--lockstep", "--hz", "8", "--replay"]).arg(log());
    command
}

fn out(name: &str) -> PathBuf {
    let out = scratch(&format!("bad-input-{name}")).join("out");
    std::fs::create_dir(&out).unwrap();
    out
}

fn flip_a_byte(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_missing_policy_is_refused_by_one_line() {
    let out = out("missing-policy");
    let nowhere = out.join("nowhere");
    assert_refused(&mut build(&out, log(), &nowhere), &out, &["nowhere", "does not exist", "manifest.toml"]);
    let mut command = run(episode_map_path(), "LAST");
    assert_refused(command.arg("--policy").arg(&nowhere), &out, &["nowhere", "does not exist", "manifest.toml"]);
}

#[test]
fn a_graph_file_with_one_flipped_bit_is_refused_by_one_line() {
    let out = out("wrong-hash");
    let policy = out.with_file_name("policy");
    copy_folder(&policy_folder(), &policy);
    flip_a_byte(&policy.join("tick.onnx"));
    assert_refused(&mut build(&out, log(), &policy), &out, &["tick.onnx", "SHA-256", "copy the folder again"]);
}

#[test]
fn a_manifest_that_declares_another_shape_is_refused_by_one_line() {
    let out = out("wrong-shape");
    let policy = out.with_file_name("policy");
    copy_folder(&policy_folder(), &policy);
    let manifest = policy.join("manifest.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    // What the contract fixes is refused before a graph is opened.
    let (section, rest) = text.split_once("[graphs.candidate]").unwrap();
    let outputs = rest.replacen("shape = [-1, 5, 4]", "shape = [-1, 7, 4]", 1);
    assert_ne!(rest, outputs, "the manifest has changed: mend this test");
    std::fs::write(&manifest, format!("{section}[graphs.candidate]{outputs}")).unwrap();
    assert_refused(&mut build(&out, log(), &policy), &out, &["manifest.toml", "graphs.candidate", "[-1, 5, 4]"]);

    // What is the model's own is compared with the graph: its producer and its consumer agree on a wrong shape here.
    let text = text.replacen("shape = [1, 84, 64]", "shape = [1, 84, 65]", 2);
    std::fs::write(&manifest, text).unwrap();
    assert_refused(&mut build(&out, log(), &policy), &out, &["columns", "65"]);
}

/// The log as JPEG files, those whose number `cut` names cut in half.
fn jpeg_log(name: &str, cut: impl Fn(usize) -> bool) -> PathBuf {
    let folder = scratch(name).join("log");
    std::fs::create_dir(&folder).unwrap();
    for (index, file) in files_in(log()).into_iter().enumerate() {
        let path = folder.join(format!("frame_{index:05}.jpg"));
        image::open(file).unwrap().to_rgb8().save(&path).unwrap();
        if cut(index) {
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        }
    }
    folder
}

#[test]
fn a_truncated_jpeg_is_skipped_and_said_and_a_log_of_nothing_else_is_refused() {
    let out = out("jpeg");
    let one = jpeg_log("bad-input-jpeg-one", |index| index == 17);
    let Said { code, stdout, stderr } = said(&mut build(&out, &one, &policy_folder()));
    assert_eq!(code, Some(3), "{stdout}{stderr}");
    let skipped: Vec<&str> = stdout.lines().filter(|line| line.starts_with("skipped")).collect();
    println!("{skipped:?}");
    assert_eq!(skipped.len(), 1, "{stdout}");
    assert!(skipped[0].contains("frame 17: frame_00017.jpg"), "{stdout}");

    std::fs::remove_dir_all(out.join("map")).unwrap();
    let all = jpeg_log("bad-input-jpeg-all", |_| true);
    assert_refused(&mut build(&out, &all, &policy_folder()), &out, &["none of 40 frames", "frame_00000.jpg"]);
}

#[test]
fn an_empty_log_is_refused_by_one_line() {
    let out = out("empty");
    let empty = out.with_file_name("empty");
    std::fs::create_dir(&empty).unwrap();
    assert_refused(&mut build(&out, &empty, &policy_folder()), &out, &["empty", "manifest.json", ".png"]);

    let tub = out.with_file_name("tub");
    std::fs::create_dir(&tub).unwrap();
    let catalogs = r#"{"paths": ["catalog_0.catalog"], "current_index": 0, "max_len": 1000, "deleted_indexes": []}"#;
    std::fs::write(tub.join("manifest.json"), format!("[]\n[]\n{{}}\n{{}}\n{catalogs}\n")).unwrap();
    std::fs::write(tub.join("catalog_0.catalog"), "").unwrap();
    assert_refused(&mut build(&out, &tub, &policy_folder()), &out, &["tub", "empty"]);

    let nothing = out.with_file_name("nothing");
    assert_refused(&mut build(&out, &nothing, &policy_folder()), &out, &["nothing"]);
}

#[test]
fn a_log_of_one_picture_or_without_a_rate_is_refused_by_one_line() {
    let out = out("short");
    let one = out.with_file_name("one");
    std::fs::create_dir(&one).unwrap();
    std::fs::copy(&files_in(log())[0], one.join("frame_00000.png")).unwrap();
    assert_refused(&mut build(&out, &one, &policy_folder()), &out, &["needs two"]);

    let mut command = program();
    command.args(["map", "build", "-o"]).arg(out.join("map")).arg(log());
    assert_refused(with_policy(&mut command), &out, &["--hz"]);
}

#[test]
fn a_map_of_another_model_is_refused_by_one_line() {
    let out = out("another-model");
    let another = renamed_policy(&out.with_file_name("policy"));
    let mut command = run(episode_map_path(), "LAST");
    command.args(["--engine", "builtin", "--policy"]).arg(&another);
    command.arg("--record").arg(out.join("run.mcap"));
    assert_refused(&mut command, &out, &["the map was built with", "another-model", "--policy"]);
}

#[test]
fn an_unknown_goal_or_start_is_refused_by_one_line() {
    let out = out("goal");
    for goal in ["kitchen", "100000", "-1", ""] {
        let mut command = program();
        command.arg("run").arg(episode_map_path()).arg(format!("--goal={goal}"));
        command.args(["--lockstep", "--hz", "8", "--replay"]).arg(log());
        command.arg("--record").arg(out.join("run.mcap"));
        assert_refused(with_policy(&mut command), &out, &[goal, "LAST", "nodes from 0 to"]);
    }
    let mut command = run(episode_map_path(), "LAST");
    assert_refused(with_policy(command.args(["--start", "garage"])), &out, &["--start", "garage", "LAST"]);
}

#[test]
fn an_unknown_engine_is_refused_by_one_line() {
    let out = out("engine");
    let mut command = program();
    command.args(["map", "build", "--hz", "8", "-o"]).arg(out.join("map")).arg(log());
    command.args(["--engine", "abacus", "--policy"]).arg(policy_folder());
    assert_refused(&mut command, &out, &["abacus", "auto, ort or builtin"]);
}

#[test]
fn what_exists_is_not_overwritten() {
    let out = out("exists");
    let existing = out.join("map");
    std::fs::create_dir(&existing).unwrap();
    std::fs::write(existing.join("mine.txt"), "keep me").unwrap();
    assert_refused(&mut build(&out, log(), &policy_folder()), &out, &["exists already", "--replace"]);
    assert_eq!(std::fs::read_to_string(existing.join("mine.txt")).unwrap(), "keep me");

    let recording = out.join("run.mcap");
    std::fs::write(&recording, "keep me too").unwrap();
    let mut command = run(episode_map_path(), "LAST");
    assert_refused(with_policy(command.arg("--record").arg(&recording)), &out, &["exists already", "another"]);
    assert_eq!(std::fs::read_to_string(&recording).unwrap(), "keep me too");

    let mut command = program();
    assert_refused(command.args(["sim", "record", "validation:5", "-o"]).arg(&existing), &out, &["exists already"]);
}

fn copied_map(to: &Path) -> PathBuf {
    let map = episode_map_path();
    std::fs::create_dir(to).unwrap();
    for file in files_in(map).into_iter().filter(|path| path.is_file()) {
        std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
    copy_folder(&map.join("nodes"), &to.join("nodes"));
    to.to_owned()
}

#[test]
fn a_damaged_map_is_refused_by_one_line_that_names_the_file() {
    let out = out("damaged-map");
    for file in ["graph.json", "map.toml", "nodes/000001.png"] {
        let map = copied_map(&out.with_file_name(format!("flipped-{}", file.replace('/', "-"))));
        flip_a_byte(&map.join(file));
        // The pictures are read when they are needed: a recording has begun by then, and stays.
        let is_picture = file.starts_with("nodes");
        let recording = if is_picture { out.with_file_name("begun.mcap") } else { out.join("run.mcap") };
        let mut command = run(&map, "LAST");
        command.args(["--start", "0"]).arg("--record").arg(recording);
        assert_refused(with_policy(&mut command), &out, &[file, "restore it from a copy"]);
    }
    for (file, keep) in [("graph.json", 0.5), ("map.toml", 0.7)] {
        let map = copied_map(&out.with_file_name(format!("cut-{file}")));
        let bytes = std::fs::read(map.join(file)).unwrap();
        std::fs::write(map.join(file), &bytes[..(bytes.len() as f64 * keep) as usize]).unwrap();
        assert_refused(program().args(["map", "info"]).arg(&map), &out, &[file, "restore it from a copy"]);
    }
    let nothing = out.with_file_name("nothing");
    assert_refused(program().args(["map", "info"]).arg(&nothing), &out, &["no map at", "map build"]);
}

#[test]
fn a_profile_out_of_range_is_refused_with_every_field_in_one_line() {
    let out = out("profile");
    let profile = out.with_file_name("robot.toml");
    let refuse = |text: &str, parts: &[&str]| {
        std::fs::write(&profile, text).unwrap();
        let mut command = run(episode_map_path(), "LAST");
        command.arg("--profile").arg(&profile).arg("--record").arg(out.join("run.mcap"));
        assert_refused(with_policy(&mut command), &out, parts);
    };
    refuse(
        "[drive]\nmax_linear_mps = 99.0\n[safety]\nmax_age_s = 30.0\n",
        &["drive.max_linear_mps = 99", "between 0.01 and 10 m/s", "safety.max_age_s = 30"],
    );
    refuse("[drive]\nmax_linear_mp = 0.2\n", &["robot.toml", "max_linear_mp"]);
    refuse("[safety]\nmax_age_s = nan\n", &["safety.max_age_s = NaN"]);
}

#[test]
fn an_unknown_world_is_refused_by_one_line() {
    let out = out("world");
    for world in ["moon:1", "test", "test:x", "test:-1", ""] {
        let mut command = program();
        command.args(["sim", "record", world, "-o"]).arg(out.join("drive"));
        assert_refused(&mut command, &out, &["test:7"]);
        let mut command = program();
        command.arg("run").arg(episode_map_path()).args(["--goal", "LAST", "--lockstep", "--sim", world]);
        assert_refused(with_policy(&mut command), &out, &["test:7"]);
    }
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_code_two() {
    for words in [&["frobnicate"][..], &["run"], &["map", "build"], &["run", "m", "--goal", "1", "--range", "9..2"]] {
        let said = said(program().args(words)).expect_code(2);
        assert!(said.stderr.contains("Usage") || said.stderr.contains("--help"), "{}", said.stderr);
    }
}
