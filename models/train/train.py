"""Trains the policy from the simulator's stream within a budget of wall time or of pairs.

    python train.py --minutes 75 --out DIR --stream-cmd "..." --validation-cmd "... --batches 24" [--dagger-cmd "..."] [--resume]
    python train.py --pairs 300000 --workers 1 ...    as many pairs, however long it takes: for runs that are to be compared

Two worker processes of one thread each train copies of the net (`worker.py`). Writing minutes into the file DIR/STOP lets the
learning rate fall to zero within that time and ends the run cleanly. With `--dagger-cmd` a further process drives simulated robots
with the weights as they are and hands what they did wrong back to the stream; it ends with the training.
"""

import argparse
import datetime
import json
import multiprocessing as mp
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import torch

import precision
import weights
from flat import Flat
from losses import evaluate
from schedule import PAIRS_PER_NOMINAL_S, Schedule
from stream import Stream
from variants import ACTIONS, CONTEXTS, NETS, Variant
from worker import Shared, validation_batches, work, write_log


def fetch_validation(args, out):
    """Renders the fixed validation set once and keeps it."""
    path = out / "validation.bin"
    if path.exists():
        return
    beside = path.with_suffix(".part")
    with open(beside, "wb") as file:
        subprocess.run(shlex.split(args.validation_cmd), stdout=file, check=True)
    os.replace(beside, path)


def arguments():
    parser = argparse.ArgumentParser(description="Train the policy from the simulator's stream.")
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--minutes", type=float, help="wall time of the whole training")
    budget.add_argument("--pairs", type=int, help="pairs of the whole training instead; with one worker nothing depends on the clock")
    parser.add_argument("--out", required=True)
    parser.add_argument("--stream-cmd", required=True, help="program that writes training batches to its standard output")
    parser.add_argument("--validation-cmd", required=True, help="the same from other worlds, ending by itself")
    parser.add_argument("--dagger-cmd", help="dagger.py with its options but --run: what the policy does wrong, for the stream")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out, if there is one")
    parser.add_argument("--init-from", type=Path, help="weights (.npz of weights.py, or a checkpoint) to start from: fine-tuning")
    parser.add_argument("--extend", type=float, default=0.0, help="with --resume: minutes of a new segment at full rate, then decay")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--precision", choices=precision.CHOICES, default="auto", help="auto: bf16 where the processor has it")
    parser.add_argument("--net", choices=NETS, default=NETS[0], help="corr: what ships; gnm: the published architecture")
    parser.add_argument("--context", choices=CONTEXTS, default=CONTEXTS[0], help="static needs --static-context in the streams")
    parser.add_argument("--action", choices=ACTIONS, default=ACTIONS[0])
    parser.add_argument("--validate-minutes", type=float, default=3.0)
    parser.add_argument("--export-minutes", type=float, default=15.0)
    args = parser.parse_args()
    if args.pairs is not None and args.extend > 0.0:
        parser.error("--extend is in minutes: with --pairs give a greater number and train afresh")
    return args


def budget_s(args):
    """Length of the first segment in (nominal) seconds."""
    return args.minutes * 60.0 if args.pairs is None else args.pairs / PAIRS_PER_NOMINAL_S


def note_run(out, args, arithmetic):
    """One line to DIR/runs.jsonl: with what this run was started, for the model card and whoever repeats it."""
    row = {
        "started": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "command": shlex.join(["python", *sys.argv]), "seed": args.seed, "workers": args.workers, "minutes": args.minutes, "pairs": args.pairs,
        "precision": arithmetic, "cpu_flags": precision.cpu_flags(), "torch": torch.__version__,
    }
    with open(out / "runs.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def start(args, variant):
    """The net to start from: of random weights, or of given ones."""
    if args.init_from is None:
        return variant.build()
    try:
        given, net = weights.load(args.init_from)
    except (weights.WeightsError, OSError) as error:
        sys.exit(f"--init-from: {error}")
    if given != variant:
        sys.exit(f"{args.init_from} was trained as {given}: give the same --net, --context and --action")
    return net


def prepare(args, out, variant):
    """(shared state, plan): fresh ones, or those of the checkpoint to go on from."""
    plan = {"resumed": False, "elapsed_s": 0.0, "schedule": vars(Schedule(0.0, budget_s(args)))}
    plan.update(variant=variant, precision=precision.choose(args.precision))
    saved = out / "checkpoint.pt"
    shared = Shared(Flat(variant.build() if saved.exists() else start(args, variant)).read(), args.workers)
    if not saved.exists():
        return shared, plan
    if not args.resume:
        sys.exit(f"{saved} exists: add --resume to go on with it, or give another --out")
    state = torch.load(saved, weights_only=True)
    if Variant.of(state) != variant:
        sys.exit(f"{saved} was trained as {Variant.of(state)}: give the same --net, --context and --action")
    if state.get("by_pairs", False) != (args.pairs is not None):
        sys.exit(f"{saved} was trained with a budget of the other kind: give {'--pairs' if args.pairs is None else '--minutes'}")
    shared.centre.copy_(state["centre"])
    shared.ema.copy_(state["ema"])
    shared.count[: state["count"].numel()] = state["count"]
    schedule = Schedule(**state["schedule"])
    if schedule.start_s == 0.0:
        # The budget of the first segment may be changed from one run to the next.
        schedule.length_s = budget_s(args)
    if args.extend > 0.0:
        schedule = Schedule(state["elapsed_s"], args.extend * 60.0)
    plan.update(resumed=True, elapsed_s=state["elapsed_s"], schedule=vars(schedule))
    return shared, plan


class Dagger:
    """The process that drives with the present weights. Training goes on without it when it ends."""

    def __init__(self, command, out):
        self.out, self.process = out, None
        if command:
            with open(out / "dagger.log", "ab") as log:
                words = [*shlex.split(command), "--run", str(out)]
                self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def look(self):
        """Says once when it has ended by itself."""
        if self.process is not None and self.process.poll() is not None:
            write_log(self.out, {"kind": "dagger-ended", "exit": self.process.returncode})
            self.process = None

    def close(self):
        """Ends it."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()


def train(args, out, shared, plan):
    """Runs the workers to their end; true where they ended by the schedule, false where a signal asked for it."""
    asked = []

    def on_signal(number, _):
        asked.append(number)
        shared.stop.set()

    stream = Stream(args.stream_cmd)
    dagger = Dagger(args.dagger_cmd, out)
    workers = [mp.Process(target=work, args=(rank, args, shared, stream, plan)) for rank in range(args.workers)]
    for worker in workers:
        worker.start()
    # After the start: the workers keep the default and are stopped through the event, with their state saved.
    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    while any(worker.is_alive() for worker in workers):
        for worker in workers:
            worker.join(1.0)
            if worker.exitcode:
                # One alone would train on at half its share of every merge.
                shared.stop.set()
        dagger.look()
    dagger.close()
    stream.close()
    if any(worker.exitcode for worker in workers):
        sys.exit("a worker failed; the last checkpoint stands")
    return not asked


def main():
    args = arguments()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    variant = Variant(args.net, args.context, args.action)
    shared, plan = prepare(args, out, variant)
    note_run(out, args, plan["precision"])
    fetch_validation(args, out)
    if args.init_from is not None and not plan["resumed"]:
        # The same figures as at the end: what the fine-tuning is to be judged against.
        write_log(out, {"kind": "before", **evaluate(start(args, variant).eval(), validation_batches(out, variant), variant)})
    if not train(args, out, shared, plan):
        sys.exit("stopped by a signal; the state is saved: the same command with --resume goes on")
    finish(out, variant)


def finish(out, variant):
    """Final figures (in full precision), curves and export."""
    net = variant.build().eval()
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    Flat(net).write(state["ema"])
    for name, shuffle in (("final", False), ("final-goals-shuffled", True)):
        figures = evaluate(net, validation_batches(out, variant), variant, shuffle)
        pairs, cpu_s = int(state["count"][0]), float(state["count"][3])
        row = {"kind": name, "elapsed_s": round(state["elapsed_s"], 1), "pairs_seen": pairs, "cpu_s": round(cpu_s, 1), **figures}
        write_log(out, row)
    here = Path(__file__).parent
    subprocess.run([sys.executable, str(here / "curves.py"), str(out)], check=False)
    if variant.context == "static":
        print("not exported: the runtime shows a policy its latest frames, not fixed ones. Judge it with judge.py", flush=True)
        return
    command = [sys.executable, str(here / "export.py"), str(out / "checkpoint.pt"), "-o", str(out / "export-final")]
    subprocess.run([*command, "--golden-from", str(out / "validation.bin")], check=True)


if __name__ == "__main__":
    mp.set_start_method("fork")
    main()
