//! Logs out as data sets: what is written is what Python and numpy read, and nothing is written over anything.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pilotage::export::{Pose, TrajData, pickle};
use serde_json::Value;

use crate::common;
use crate::support::{
    Said, copy_folder, episode, episode_map_path, files_in, program, said, scratch, tub_or_skip, with_policy,
};

/// A Python with numpy, or `None` after saying that the test is skipped.
fn python_or_skip() -> Option<PathBuf> {
    let named = ["PILOTAGE_ROS_PYTHON", "PILOTAGE_TRAIN_PYTHON"].into_iter().filter_map(std::env::var_os);
    let cached = common::cache().join("ros-peers/bin/python");
    let candidates = named.map(PathBuf::from).chain([cached, PathBuf::from("python3")]);
    let has_numpy = |python: &PathBuf| {
        let mut command = Command::new(python);
        let status = command.args(["-c", "import numpy"]).stdin(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let found = candidates.into_iter().find(has_numpy);
    if found.is_none() {
        common::skip("no Python with numpy (PILOTAGE_ROS_PYTHON, PILOTAGE_TRAIN_PYTHON, python3)");
    }
    found
}

/// What `gnm_folders.py check` says of a data set: it reads the pickles with a reader that executes nothing.
fn checked(python: &Path, dataset: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/train/gnm_folders.py");
    let mut command = Command::new(python);
    let said = said(command.env("PYTHONDONTWRITEBYTECODE", "1").arg(script).arg("check").arg(dataset)).expect_code(0);
    serde_json::from_str(&said.stdout).unwrap()
}

fn export(arguments: &[&str], log: &Path, output: &Path) -> Said {
    said(program().args(["export", "dataset"]).args(arguments).arg(log).arg("-o").arg(output))
}

/// Names in the folder that holds `output`: nothing half done may lie there.
fn beside(output: &Path) -> Vec<String> {
    let names = files_in(output.parent().unwrap());
    names.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

/// 40 pictures at 4 Hz, going 0.1 m ahead each, and their table as text.
fn straight_drive(folder: &Path) -> TrajData {
    fs::create_dir_all(folder).unwrap();
    for index in 0..40_u8 {
        let picture = image::RgbImage::from_pixel(200, 120, image::Rgb([index * 6, 80, 120]));
        picture.save(folder.join(format!("{index}.png"))).unwrap();
    }
    let poses: Vec<Pose> = (0..40).map(|i| Pose { x_m: 0.1 * f64::from(i), y_m: 1.0, yaw_rad: 0.0 }).collect();
    TrajData::new(Some(4.0), &poses)
}

#[test]
fn the_pickle_written_here_is_loaded_by_python_with_every_bit() {
    let Some(python) = python_or_skip() else { return };
    let folder = scratch("export_pickle");
    for rows in [1, 3, 255, 256, 70_000] {
        let number = |i: i32, k: f64| (f64::from(i) * 0.37 + k).sin() * 1e3_f64.powf(k);
        let poses: Vec<Pose> =
            (0..rows).map(|i| Pose { x_m: number(i, 0.1), y_m: number(i, 0.4), yaw_rad: number(i, 0.0) }).collect();
        fs::write(folder.join("traj_data.pkl"), pickle::traj_data(&poses)).unwrap();
        let flat: Vec<u8> = poses.iter().flat_map(|p| [p.x_m, p.y_m, p.yaw_rad]).flat_map(f64::to_le_bytes).collect();
        fs::write(folder.join("wanted.bin"), flat).unwrap();
        let script = "import pickle, sys, warnings, numpy as np\n\
             warnings.simplefilter('error')\n\
             sys.path.insert(0, sys.argv[2])\n\
             import restricted_pickle\n\
             wanted = np.fromfile(sys.argv[1] + '/wanted.bin', '<f8').reshape(-1, 3)\n\
             path = sys.argv[1] + '/traj_data.pkl'\n\
             for data in pickle.load(open(path, 'rb')), restricted_pickle.load(path):\n    \
                 assert set(data) == {'position', 'yaw'}, data.keys()\n    \
                 assert data['position'].dtype == np.float64 and data['yaw'].shape == (len(wanted),)\n    \
                 assert np.array_equal(data['position'], wanted[:, :2]) and np.array_equal(data['yaw'], wanted[:, 2])\n";
        let train = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/train");
        let mut command = Command::new(&python);
        command.env("PYTHONDONTWRITEBYTECODE", "1").args(["-W", "ignore::ResourceWarning", "-c", script]);
        said(command.arg(&folder).arg(train)).expect_code(0);
    }
}

#[test]
fn a_simulated_drive_becomes_a_data_set_with_its_exact_poses() {
    let folder = scratch("export_sim");
    let (log, output) = (folder.join("drive"), folder.join("sets"));
    said(program().args(["sim", "record", "validation:5", "-o"]).arg(&log)).expect_code(0);
    let said = export(&["--name", "office"], &log, &output).expect_code(0);
    let written = said.numbers("written");
    // The drive is 8 Hz, so every second frame; the last stands at the goal.
    let every_second: Vec<Pose> = episode()
        .teleop
        .iter()
        .step_by(2)
        .map(|step| Pose { x_m: step.pose.x_m, y_m: step.pose.y_m, yaw_rad: step.pose.yaw_rad })
        .collect();
    let table = TrajData::read(&output.join("office/drive_0")).unwrap().unwrap();
    assert_eq!(table.poses(), every_second.get(..table.yaw.len()).unwrap());
    assert!(table.yaw.len() + 2 >= every_second.len(), "{} of {}", table.yaw.len(), every_second.len());
    assert_eq!((written[0] as usize, written[1] as usize), (table.yaw.len(), 1));
    assert_eq!(beside(&output), ["drive", "sets"]);
    let Some(python) = python_or_skip() else { return };
    let found = checked(&python, &output.join("office"));
    assert_eq!((&found["pictures"], &found["train"], &found["test"]), (&table.yaw.len().into(), &1.into(), &0.into()));
    assert_eq!(found["sizes"].to_string(), "[[160,120]]");
}

#[test]
fn the_real_tub_becomes_a_data_set_with_reckoned_poses() {
    let Some(tub) = tub_or_skip() else { return };
    let output = scratch("export_tub").join("sets");
    let scale = ["--hz", "20", "--full-speed", "2.5", "--turning-radius", "0.85", "--cut", "10"];
    let said = export(&scale, &tub, &output).expect_code(0);
    // Two laps to the right and a good curve more, if the two figures fit each other.
    let turned = said.numbers("way")[1];
    assert!((-900.0..-700.0).contains(&turned), "{}", said.stdout);
    assert!(said.stdout.contains("reckoned from the driver's throttle"), "{}", said.stdout);
    assert_eq!(said.numbers("written")[0], 200.0, "{}", said.stdout);
    let Some(python) = python_or_skip() else { return };
    let found = checked(&python, &output.join("sets"));
    assert_eq!((&found["pictures"], &found["train"], &found["test"]), (&200.into(), &4.into(), &1.into()));
    // A JPEG that has the right size is not encoded a second time.
    let first = fs::read(output.join("sets/donkeycar_tub_0/0.jpg")).unwrap();
    assert!(files_in(&tub.join("images")).iter().any(|path| fs::read(path).unwrap() == first));
}

#[test]
fn a_tub_without_its_robots_figures_is_refused_with_the_options_that_help() {
    let Some(tub) = tub_or_skip() else { return };
    let output = scratch("export_scale").join("sets");
    let said = export(&["--hz", "20"], &tub, &output).expect_code(1);
    assert!(said.stderr.contains("--full-speed") && said.stderr.contains("--images-only"), "{}", said.stderr);
    assert!(beside(&output).is_empty(), "{:?}", beside(&output));
    export(&["--hz", "20", "--images-only"], &tub, &output).expect_code(0);
    let names = files_in(&output.join("sets/donkeycar_tub_0"));
    assert_eq!(names.len(), 200);
    assert!(names.iter().all(|path| path.extension().is_some_and(|extension| extension == "jpg")));
}

#[test]
fn a_recording_of_a_run_becomes_a_data_set_of_the_way_commanded() {
    let folder = scratch("export_recording");
    let recording = folder.join("run.mcap");
    let mut command = program();
    command.arg("run").arg(episode_map_path()).args(["--goal", "LAST", "--start", "0", "--sim", "validation:5"]);
    command.args(["--lockstep", "--for", "10", "--record"]).arg(&recording);
    said(with_policy(&mut command));
    let output = folder.join("sets");
    let said = export(&[], &recording, &output).expect_code(0);
    assert!(said.stdout.contains("reckoned from the commands sent"), "{}", said.stdout);
    let table = TrajData::read(&output.join("sets/run_0")).unwrap().unwrap();
    let poses = table.poses();
    let way_m: f64 = poses.iter().zip(&poses[1..]).map(|(a, b)| a.distance_m(b)).sum();
    let cruise_m = episode().robot.v_max_mps * 0.25 * poses.len() as f64;
    assert!(way_m > 0.4 * cruise_m && way_m < 1.05 * cruise_m, "{way_m} m in {} pictures", poses.len());
    let refused = export(&["--hz", "4"], &recording, &folder.join("other")).expect_code(1);
    assert!(refused.stderr.contains("its own times"), "{}", refused.stderr);
}

#[test]
fn what_is_there_is_never_overwritten() {
    let folder = scratch("export_there");
    straight_drive(&folder.join("log")).write(&folder.join("log")).unwrap();
    for (name, is_folder) in [("full", true), ("file", false)] {
        let output = folder.join(name);
        if is_folder {
            fs::create_dir(&output).unwrap();
        } else {
            fs::write(&output, "mine").unwrap();
        }
        let said = export(&[], &folder.join("log"), &output).expect_code(1);
        assert!(said.stderr.contains("exists already"), "{}", said.stderr);
    }
    assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), "mine");
    assert_eq!(beside(&folder.join("full")), ["file", "full", "log"]);
    assert!(straight_drive(&folder.join("log")).write(&folder.join("log")).is_err(), "traj_data.json was overwritten");
}

#[test]
fn standing_going_backwards_and_a_cut_end_a_trajectory() {
    let folder = scratch("export_cuts");
    let mut table = straight_drive(&folder.join("log"));
    // Pictures 0..12 ahead, 12..16 standing, 16..28 ahead, 28..32 backwards, 32..40 ahead.
    let mut x_m = 0.0;
    for (index, at) in table.position.iter_mut().enumerate() {
        x_m += match index {
            0 | 12..16 => 0.0,
            28..32 => -0.1,
            _ => 0.1,
        };
        at[0] = x_m;
    }
    table.write(&folder.join("log")).unwrap();
    let output = folder.join("sets");
    let said = export(&[], &folder.join("log"), &output).expect_code(0);
    let lengths = |output: &Path| -> Vec<usize> {
        let folders = files_in(&output.join("sets"));
        folders.iter().map(|folder| TrajData::read(folder).unwrap().unwrap().yaw.len()).collect()
    };
    assert_eq!(lengths(&output), [12, 13, 9], "{}", said.stdout);
    for (index, path) in files_in(&output.join("sets")).iter().enumerate() {
        let table = TrajData::read(path).unwrap().unwrap();
        assert!(table.position.windows(2).all(|pair| pair[1][0] > pair[0][0]), "trajectory {index}");
    }
    // 200x120 is cut to 160x120 about the centre.
    let picture = image::open(output.join("sets/log_0/0.jpg")).unwrap();
    assert_eq!((picture.width(), picture.height()), (160, 120));
    let cut = folder.join("cut");
    export(&["--cut", "2.25", "--name", "sets"], &folder.join("log"), &cut).expect_code(0);
    assert_eq!(lengths(&cut), [9, 9, 9], "pieces of nine, what is left over is too short");
}

#[test]
fn the_split_is_four_to_one_and_follows_from_the_seed() {
    let folder = scratch("export_split");
    straight_drive(&folder.join("log")).write(&folder.join("log")).unwrap();
    let logs: Vec<PathBuf> = (0..10).map(|i| folder.join(format!("log{i}"))).collect();
    for log in &logs {
        copy_folder(&folder.join("log"), log);
    }
    let names = |output: &str, seed: &str| -> (String, String) {
        let output = folder.join(output);
        let mut command = program();
        command.args(["export", "dataset", "--name", "walk", "--seed", seed, "-o"]).arg(&output).args(&logs);
        said(&mut command).expect_code(0);
        let list =
            |part: &str| fs::read_to_string(output.join("data_splits/walk").join(part).join("traj_names.txt")).unwrap();
        (list("train"), list("test"))
    };
    let (train, test) = names("one", "1");
    assert_eq!((train.lines().count(), test.lines().count()), (8, 2));
    assert!(test.lines().all(|name| !train.lines().any(|other| other == name)));
    assert_eq!(names("again", "1"), (train.clone(), test));
    assert_ne!(names("other", "2").0, train);
}

#[test]
fn poses_that_do_not_fit_the_pictures_are_refused_and_leave_nothing_behind() {
    let folder = scratch("export_bad");
    let log = folder.join("log");
    let table = straight_drive(&log);
    let good = serde_json::to_string(&table).unwrap();
    let cut: String = good.chars().take(good.len() / 2).collect();
    let short = TrajData { hz: Some(4.0), position: table.position[1..].to_vec(), yaw: table.yaw[1..].to_vec() };
    let uneven = TrajData { yaw: table.yaw[1..].to_vec(), ..table.clone() };
    for (text, word) in [
        (cut, "EOF"),
        (serde_json::to_string(&short).unwrap(), "39 rows for 40 pictures"),
        (serde_json::to_string(&uneven).unwrap(), "40 positions and 39 headings"),
        (good.replacen("0.1", "1e999", 1), "out of range"),
        (good.replacen("\"yaw\"", "\"jaw\"", 1), "jaw"),
        (good.replacen("\"hz\":4.0", "\"hz\":2.0", 1), "2.00 frames a second"),
        (good.replacen("\"hz\":4.0,", "", 1), "--hz"),
    ] {
        fs::write(log.join("traj_data.json"), text).unwrap();
        let said = export(&[], &log, &folder.join("sets")).expect_code(1);
        assert!(said.stderr.contains(word), "{word}: {}", said.stderr);
        assert_eq!(beside(&log), ["log"], "{word}");
    }
    fs::remove_file(log.join("traj_data.json")).unwrap();
    let said = export(&["--hz", "4"], &log, &folder.join("sets")).expect_code(1);
    assert!(said.stderr.contains("--images-only"), "{}", said.stderr);
    fs::write(log.join("traj_data.pkl"), "x").unwrap();
    let said = export(&["--hz", "4"], &log, &folder.join("sets")).expect_code(1);
    assert!(said.stderr.contains("gnm_folders.py convert"), "{}", said.stderr);
}

#[test]
fn options_of_an_export_that_make_no_sense_are_refused() {
    let folder = scratch("export_options");
    let log = folder.join("log");
    straight_drive(&log).write(&log).unwrap();
    for (arguments, word) in [
        (["--name", "../out"], "letters"),
        (["--name", "data_splits"], "splits"),
        (["--rate", "0"], "--rate"),
        (["--rate", "8"], "4.00 frames a second"),
        (["--cut", "1"], "--cut"),
        (["--pictures", "stretch"], "squeeze"),
    ] {
        let said = export(&arguments, &log, &folder.join("sets")).expect_code(1);
        assert!(said.stderr.contains(word), "{word}: {}", said.stderr);
    }
    assert_eq!(beside(&log), ["log"]);
}
