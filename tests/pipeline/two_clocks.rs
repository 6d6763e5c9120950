//! Lockstep and real time are the same run: only who waits for whom differs.

use std::path::Path;

use crate::support::{Records, Said, program, records, said, scratch, tub_map, tub_or_skip, with_policy};

/// Eight seconds of the second lap.
const RANGE: &str = "500..660";

fn run(tub: &Path, recording: &Path, clock: &str) -> Said {
    let mut command = program();
    command.arg("run").arg(tub_map(tub)).args(["--start", "0", "--goal", "LAST", "--hz", "20", "--range", RANGE]);
    command.arg(clock).arg("--replay").arg(tub).arg("--record").arg(recording);
    said(with_policy(&mut command)).expect_code(0)
}

/// In real time the policy may be overtaken by a newer picture on a machine that has other work; such a run asks other
/// questions by design, so it is driven again.
fn real_time_without_a_missed_tick(tub: &Path, folder: &Path) -> Records {
    for attempt in 0..4 {
        let recording = folder.join(format!("real-{attempt}.mcap"));
        let said = run(tub, &recording, "--no-ros");
        assert!(said.stdout.contains(" 0 dropped, 0 lost"), "{}", said.stdout);
        if said.stdout.contains("(0 missed)") {
            assert_replays(&recording);
            return records(&recording);
        }
        println!("attempt {attempt}: {}", said.stdout);
    }
    panic!("four runs of eight seconds each missed a tick: this machine is too busy for real time");
}

fn assert_replays(recording: &Path) {
    let replayed = said(program().arg("replay").arg(recording)).expect_code(0);
    assert!(replayed.stdout.contains("the same    bit for bit"), "{}", replayed.stdout);
}

#[test]
fn lockstep_and_real_time_decide_the_same_bits_from_the_same_log() {
    let Some(tub) = tub_or_skip() else { return };
    let folder = scratch("two-clocks");
    let lockstep = folder.join("lockstep.mcap");
    run(&tub, &lockstep, "--lockstep");
    assert_replays(&lockstep);
    let lockstep = records(&lockstep);
    let real = real_time_without_a_missed_tick(&tub, &folder);

    assert!(lockstep.ticks.len() >= 26, "8 s at 4 Hz less the filling are 27 ticks, {} ran", lockstep.ticks.len());
    let contexts = |records: &Records| records.ticks.iter().map(|tick| tick.context.clone()).collect::<Vec<_>>();
    assert_eq!(contexts(&lockstep), contexts(&real), "the same pictures were sampled");
    for (a, b) in lockstep.ticks.iter().zip(&real.ticks) {
        assert_eq!(a.motion, b.motion, "motion of the tick with the pictures {:?}", a.context);
        assert_eq!(a.answers, b.answers, "answers for the pictures {:?}", a.context);
        assert_eq!(a.decision, b.decision, "decision for the pictures {:?}", a.context);
    }
    // The two clocks are two: the comparison above is none of a recording with itself.
    assert!(lockstep.ticks.iter().zip(&real.ticks).any(|(a, b)| a.now_ns != b.now_ns));
}
