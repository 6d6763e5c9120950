"""Data, training, export and evaluation in one command; may be killed and started again at any step.

    python pipeline.py --minutes 75 --out RUN        the whole recipe
    python pipeline.py --smoke --out RUN             the same in about four minutes, to see that every part works

Builds the simulator, trains from its stream (with DAgger), exports, checks the exported folder against its golden answers, writes
the model card, and judges the policy in closed loop on worlds of the split `validation`. With `--pilotage PROGRAM` the runtime
itself checks the folder and drives paired episodes with it. What is done is noted in RUN/pipeline.json and not done twice.
"""

import argparse
import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import onnx

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
GOLDEN_TOLERANCE = 1e-4
# A value at the edge of two steps of eight bits may fall to either side with another batch size.
INT8_TOLERANCE = 0.05


def say(text):
    """A line of progress, with the time."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def run(command, **options):
    """Runs a command that must succeed."""
    say(shlex.join(str(word) for word in command))
    subprocess.run([str(word) for word in command], check=True, **options)


def build_simulator(given):
    """Path of the simulator's data program."""
    if given:
        return Path(given).resolve()
    environment = {**os.environ}
    # Half as fast again on a recent processor; pictures and labels are the same bits.
    environment.setdefault("RUSTFLAGS", "-C target-cpu=native")
    run(["cargo", "build", "--release", "--locked", "-p", "pilotage-sim"], cwd=ROOT, env=environment)
    about = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps"], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    return Path(json.loads(about.stdout)["target_directory"], "release", "pilotage-sim-data")


class Steps:
    """What has been done in a run, kept in its folder."""

    def __init__(self, out):
        self.path = out / "pipeline.json"
        self.done = json.loads(self.path.read_text()) if self.path.exists() else {}

    def once(self, name, action):
        """Does `action` unless it was done before."""
        if name in self.done:
            return say(f"{name}: done before")
        began = time.monotonic()
        action()
        self.done[name] = round(time.monotonic() - began, 1)
        beside = self.path.with_suffix(".part")
        beside.write_text(json.dumps(self.done, indent=1) + "\n")
        os.replace(beside, self.path)
        say(f"{name}: {self.done[name]:.0f} s")


def stream_commands(args, simulator, out):
    """(training, validation, DAgger) commands of train.py."""
    stream = [simulator, "stream", "--split", "train", "--seed", args.seed]
    stream += ["--spool", out / "spool", "--spool-share", args.spool_share]
    validation = [simulator, "stream", "--split", "validation", "--seed", "1", "--no-augment", "--generator-duty", "1"]
    drive = [simulator, "drive", "--split", "train", "--seed", args.seed + 1000, "--out", out / "spool"]
    dagger = [sys.executable, HERE / "dagger.py", "--duty", args.dagger_duty]
    if args.robots:
        stream += ["--robots", args.robots]
        drive += ["--robots", args.robots]
    if args.smoke:
        stream += ["--pool-frames", "12000", "--fill-frames", "3000", "--generator-duty", "0.25"]
        validation += ["--batches", "3", "--fill-frames", "2500"]
        drive += ["--robots-parallel", "12"]
        dagger += ["--after-pairs", "3000"]
    else:
        stream += ["--pool-frames", args.pool_frames, "--generator-duty", "0.25"]
        validation += ["--batches", "30", "--fill-frames", "25000"]
        drive += ["--robots-parallel", "24"]
    dagger += ["--drive-cmd", shlex.join(str(word) for word in drive)]
    return tuple(shlex.join(str(word) for word in words) for words in (stream, validation, dagger))


def train(args, simulator, out):
    """Trains, exports and draws the curves."""
    stream, validation, dagger = stream_commands(args, simulator, out)
    command = [sys.executable, HERE / "train.py", "--minutes", args.minutes, "--out", out, "--resume", "--seed", args.seed]
    command += ["--workers", args.workers, "--stream-cmd", stream, "--validation-cmd", validation]
    if args.dagger_duty > 0.0:
        command += ["--dagger-cmd", dagger]
    if args.smoke:
        command += ["--validate-minutes", "0.5"]
    run(command, env={**os.environ, "OMP_NUM_THREADS": "1"})


def check_golden(folder, tolerance=GOLDEN_TOLERANCE):
    """Compares hashes, and the answers of whole and split graphs, with what the folder says; needs none of the trainer's code."""
    from export import answers  # the sessions; the pictures and the expected answers come from the folder

    about = tomllib.loads((folder / "manifest.toml").read_text())
    models = {}
    for name, graph in about["graphs"].items():
        data = (folder / graph["file"]).read_bytes()
        if hashlib.sha256(data).hexdigest() != graph["sha256"]:
            sys.exit(f"{folder / graph['file']} is not what the manifest says")
        models[name] = onnx.load_from_string(data)
    golden = (folder / about["golden"]["file"]).read_bytes()
    contexts, goals = about["golden"]["contexts"], about["golden"]["goals"]
    height, width, frames = (about["input"][key] for key in ("height", "width", "context_frames"))
    picture, offset, parts = height * width * 3, 0, []
    shapes = (
        (np.uint8, (contexts, frames, height, width, 3)), (np.uint8, (goals, height, width, 3)),
        (np.dtype("<f4"), (contexts, goals)), (np.dtype("<f4"), (contexts, goals, about["output"]["waypoints"], 4)),
    )
    for kind, shape in shapes:
        count = int(np.prod(shape))
        parts.append(np.frombuffer(golden, kind, count, offset).reshape(shape).copy())
        offset += count * np.dtype(kind).itemsize
    if offset != len(golden) or picture == 0:
        sys.exit(f"{folder} has golden values of {len(golden)} bytes, expected {offset}")
    distance, waypoints, apart = answers(models, parts[0], parts[1])
    worst = max(apart, float(np.abs(distance - parts[2]).max()), float(np.abs(waypoints - parts[3]).max()))
    if not worst <= tolerance:
        sys.exit(f"{folder}: answers are {worst:.2e} from the golden ones, more than {tolerance:.0e}")
    say(f"golden answers of {folder}: greatest difference {worst:.1e}")


def judge(args, simulator, out):
    """Closed loop with true progress, without the runtime."""
    courses, robots = (4, 6) if args.smoke else (48, 24)
    drive = [simulator, "drive", "--split", "validation", "--seed", 7, "--courses", courses, "--robots-parallel", robots]
    drive += ["--noise", "0.1"] + (["--robots", args.robots] if args.robots else [])
    command = [sys.executable, HERE / "judge.py", out / "checkpoint.pt", "--out", out / "judged.jsonl"]
    run([*command, "--drive-cmd", shlex.join(str(word) for word in drive)], env={**os.environ, "OMP_NUM_THREADS": "1"})


def evaluate(args, out, folder):
    """The runtime's own checks and episodes."""
    pilotage = shlex.split(args.pilotage)
    run([*pilotage, "policy", "check", "--policy", folder], cwd=ROOT)
    episodes = 4 if args.smoke else args.episodes
    command = [*pilotage, "eval", "--split", "validation", "--episodes", episodes, "--policy", folder]
    run([*command, "--csv", out / "episodes.csv", "--plot", out / "episodes.svg"], cwd=ROOT)


def main():
    parser = argparse.ArgumentParser(description="Data, training, export and evaluation in one command.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=75.0, help="of training")
    parser.add_argument("--smoke", action="store_true", help="about four minutes in all, for tests")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--robots", help="kinds of robots with commas between; all training kinds without it")
    parser.add_argument("--pool-frames", type=int, default=120000, help="pictures kept in memory, 16 KB each")
    parser.add_argument("--spool-share", type=float, default=0.3, help="of blocks from the policy's own drives")
    parser.add_argument("--dagger-duty", type=float, default=0.3, help="share of a core that drives; 0 for none")
    parser.add_argument("--simulator", help="a pilotage-sim-data that is built already")
    parser.add_argument("--pilotage", help="the runtime's program; without it the policy is judged by judge.py alone")
    parser.add_argument("--episodes", type=int, default=100, help="of the runtime's evaluation")
    args = parser.parse_args()
    if args.smoke:
        args.minutes = min(args.minutes, 1.2)
    began = time.monotonic()
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    simulator, steps = build_simulator(args.simulator), Steps(out)
    folder = out / "export-final"
    steps.once("train", lambda: train(args, simulator, out))
    steps.once("int8", lambda: run([
        sys.executable, HERE / "export.py", out / "checkpoint.pt", "-o", out / "export-int8", "--int8",
        "--golden-from", out / "validation.bin", "--name", "gnm-sim-int8",
    ]))
    steps.once("card", lambda: run([sys.executable, HERE / "card.py", out, folder]))
    check_golden(folder)
    check_golden(out / "export-int8", INT8_TOLERANCE)
    steps.once("judge", lambda: judge(args, simulator, out))
    if args.pilotage:
        steps.once("evaluate", lambda: evaluate(args, out, folder))
    say(f"pipeline complete in {(time.monotonic() - began) / 60.0:.1f} min: policy {folder}, curves {out / 'curves.png'}")


if __name__ == "__main__":
    main()
