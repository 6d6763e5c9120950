"""The ablations of the GNM paper with the policy that ships: trains, exports and judges every run, then tables and plots.

    python ablations.py --out DIR                              everything, one run after the other
    python ablations.py --out DIR --only base,robots-1         some of it; two such commands may work side by side
    python ablations.py --out DIR --report-only                tables and plot of what is there

Every run sees the same number of pairs in the same order (recorded streams), with one worker and without DAgger, so that nothing
depends on the clock. Killed, it goes on where it was. DIR/ablations.md and .csv hold the tables, DIR/robots-against-success.png
the plot.
"""

import argparse
import fcntl
import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from pipeline import HERE, Steps, build_simulator, run, say

PAIRS_A_BATCH = 16 * 4 * 4
# A reader is a batch ahead of the net; a file that ends early would end the run.
SPARE_BATCHES = 8
HELD_OUT = "hauler,strider"
# Courses of three drives each; the policy drives with true progress, so only steering is judged.
JUDGE = ("--split", "validation", "--seed", "7", "--robots-parallel", "24", "--noise", "0.1", "--movers", "0")


@dataclass(frozen=True)
class Run:
    """What one run differs in; `robots` are kinds with commas between, all training kinds without."""

    name: str
    context: str = "temporal"
    action: str = "waypoints"
    robots: str = ""

    def data(self):
        """Name of the recorded stream it learns from."""
        if self.robots:
            return self.name
        return "static" if self.context == "static" else "all"


# The most important first: whoever ends early has those. The kinds are the first of the simulator's list, not chosen by result.
RUNS = (
    Run("base"),
    Run("robots-1", robots="compact"),
    Run("robots-3", robots="compact,tall,wide-view"),
    Run("context-none", context="none"),
    Run("raw-waypoints", action="raw-waypoints"),
    Run("velocities", action="velocities"),
    Run("context-static", context="static"),
)


def record(simulator, path, words):
    """Runs the simulator's stream into `path`, once, however many processes want it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_suffix(".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return
        say(f"recording {path}")
        beside = path.with_suffix(".part")
        with open(beside, "wb") as file:
            subprocess.run([simulator, "stream", *words], stdout=file, check=True)
        os.replace(beside, path)


def recorded(args, one):
    """(training stream, validation set) of a run, recorded where they were not yet."""
    kinds = ["--robots", one.robots] if one.robots else []
    static = ["--static-context"] if one.context == "static" else []
    batches = -(-args.pairs // PAIRS_A_BATCH) + SPARE_BATCHES
    training, validation = args.out / "data" / f"{one.data()}.bin", args.out / "data" / f"validation{'-static' if static else ''}.bin"
    pool = ["--pool-frames", "60000", "--fill-frames", args.fill_frames, "--generator-duty", "0.5"]
    record(args.simulator, training, ["--split", "train", "--seed", args.seed, *pool, "--batches", str(batches), *kinds, *static])
    # The settings of pipeline.py.
    known = ["--split", "validation", "--seed", "1", "--no-augment", "--generator-duty", "1", "--fill-frames", "25000"]
    record(args.simulator, validation, [*known, "--batches", "30", *static])
    return training, validation


def train(args, one, out):
    """Trains and exports; goes on from a checkpoint."""
    training, validation = recorded(args, one)
    saved = out / "checkpoint.pt"
    seen = int(torch.load(saved, weights_only=True)["count"][0]) if saved.exists() else 0
    stream = [sys.executable, HERE / "replay_stream.py", training, "--skip-pairs", str(seen)]
    command = [sys.executable, HERE / "train.py", "--pairs", args.pairs, "--workers", "1", "--seed", "1", "--out", out, "--resume"]
    command += ["--context", one.context, "--action", one.action, "--export-minutes", "100000"]
    command += ["--validate-minutes", str(args.validate_minutes)]
    command += ["--stream-cmd", shlex.join(map(str, stream)), "--validation-cmd", shlex.join(["cat", str(validation)])]
    run(command, env={**os.environ, "OMP_NUM_THREADS": "1"})


def foreign_figures(args, out, one):
    """Figures on pictures of robots of the held-out kinds: thousands of pairs, where a closed loop has dozens of drives."""
    if one.context == "static":
        return say(f"{out.name}: not on foreign pictures, which are recorded with the latest frames")
    pictures = args.out / "data" / "validation-unseen.bin"
    known = ["--split", "validation", "--seed", "2", "--no-augment", "--generator-duty", "1", "--fill-frames", "12000"]
    record(args.simulator, pictures, [*known, "--batches", "15", "--robots", HELD_OUT])
    command = [sys.executable, HERE / "weights.py", "figures", out / "checkpoint.pt", "--on", pictures]
    with open(out / "figures-unseen.json", "w", encoding="utf-8") as file:
        run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=file)


def judge(args, out, kinds):
    """Closed loop with true progress on robots that training knows or does not."""
    robots = ["--robots", HELD_OUT] if kinds == "unseen" else []
    drive = [args.simulator, "drive", *JUDGE, "--courses", str(args.courses), *robots]
    command = [sys.executable, HERE / "judge.py", out / "checkpoint.pt", "--precision", "auto", "--out", out / f"judged-{kinds}.jsonl"]
    run([*command, "--drive-cmd", shlex.join(map(str, drive))], env={**os.environ, "OMP_NUM_THREADS": "1"})


def evaluate(args, out):
    """The runtime's own episodes: it finds where it is by itself."""
    if not (out / "export-final").exists():
        return say(f"{out.name}: no policy folder that the runtime could drive")
    command = [*shlex.split(args.pilotage), "eval", "--split", "validation", "--robots", "unseen", "--methods", "ours", "--threads", "1"]
    command += ["--episodes", str(args.episodes), "--policy", out / "export-final", "--resume", out / "episodes-unseen.jsonl"]
    (out / "episodes-unseen.csv").unlink(missing_ok=True)
    run([*command, "--csv", out / "episodes-unseen.csv"])


def one_run(args, one, out, last=False):
    """All steps of one run but the runtime's episodes, or those; nothing where another process is at the same run."""
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return say(f"{one.name}: another process is at it")
        steps = Steps(out)
        if last:
            return steps.once("evaluate", lambda: evaluate(args, out))
        (out / "run.json").write_text(json.dumps({**vars(one), "seed": args.seed}) + "\n")
        steps.once("train", lambda: train(args, one, out))
        steps.once("figures-unseen", lambda: foreign_figures(args, out, one))
        for kinds in ("unseen", "seen"):
            steps.once(f"judge-{kinds}", lambda kinds=kinds: judge(args, out, kinds))


def main():
    parser = argparse.ArgumentParser(description="The ablations of the GNM paper.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=300_000, help="of each run")
    parser.add_argument("--only", help="names of runs with commas between")
    parser.add_argument("--seed", default="21", help="of the streams")
    parser.add_argument("--fill-frames", default="20000", help="pictures made before the first batch of a recording")
    parser.add_argument("--validate-minutes", type=float, default=4.0)
    parser.add_argument("--courses", type=int, default=24, help="of the closed loop with true progress, three drives each")
    parser.add_argument("--simulator", help="a pilotage-sim-data that is built already")
    parser.add_argument("--pilotage", help="the runtime's program; without it true progress alone")
    parser.add_argument("--episodes", type=int, default=60, help="of the runtime's evaluation on robots of held-out kinds")
    parser.add_argument("--report-only", action="store_true")
    args = parser.parse_args()
    args.out = args.out.resolve()
    wanted = args.only.split(",") if args.only else [one.name for one in RUNS]
    if unknown := set(wanted) - {one.name for one in RUNS}:
        sys.exit(f"--only {','.join(sorted(unknown))}: there are {', '.join(one.name for one in RUNS)}")
    if not args.report_only:
        args.simulator = str(build_simulator(args.simulator))
        runs = [one for one in RUNS if one.name in wanted]
        # The runtime's episodes come last, for they take as long as the training.
        for last in (False, True) if args.pilotage else (False,):
            for one in runs:
                one_run(args, one, args.out / one.name, last)
    # Here, for drawing is of no use to the training.
    from ablation_report import write

    write(args.out, [one.name for one in RUNS])


if __name__ == "__main__":
    main()
