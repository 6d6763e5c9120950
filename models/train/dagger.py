"""Drives simulated robots with the weights of a running training, so that its stream can show what they do wrong.

    python dagger.py --run RUN --drive-cmd "pilotage-sim-data drive --split train --seed 5 --out RUN/spool" [--duty 0.3]

The drive program labels every state the policy came into with the expert and spools it; `stream --spool` feeds it to the trainer.
Weights are read again every minute. How the drives end is logged to RUN/dagger.jsonl: it tells how training goes, with true
progress for localisation but with noise on the actuators and a jittered start. Ends with the process that started it.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import torch

from flat import Flat
from precision import CHOICES, choose
from rollouts import Fleet, Tally, parent_is
from stream import StreamError
from variants import Variant

RELOAD_S = 60.0
LOG_S = 60.0


class Weights:
    """The net with the running mean of the last checkpoint."""

    def __init__(self, path):
        self.path, self.read_at, self.stamp = path, 0.0, None
        self.net, self.variant, self.pairs, self.elapsed_s = None, None, 0, 0.0

    def refresh(self):
        """Reads the checkpoint again if it is new; true where there are weights."""
        self.read_at = time.monotonic()
        try:
            stamp = self.path.stat().st_mtime_ns
            if stamp == self.stamp:
                return self.net is not None
            state = torch.load(self.path, weights_only=True)
        except OSError:
            return self.net is not None
        if self.net is None:
            self.variant = Variant.of(state)
            self.net = self.variant.build().eval()
        Flat(self.net).write(state["ema"])
        self.stamp, self.pairs, self.elapsed_s = stamp, int(state["count"][0]), state["elapsed_s"]
        return True


def main():
    parser = argparse.ArgumentParser(description="Drive with a training's weights and spool what they do wrong.")
    parser.add_argument("--run", required=True, type=Path, help="folder of the training")
    parser.add_argument("--drive-cmd", required=True)
    parser.add_argument("--duty", type=float, default=0.3, help="share of one core's time that this and the program take")
    parser.add_argument("--nice", type=int, default=0, help="how much less urgent than the training; it is --duty that limits it")
    parser.add_argument("--after-pairs", type=int, default=40000, help="wait until training has seen so many")
    parser.add_argument("--precision", choices=CHOICES, default="auto")
    args = parser.parse_args()
    os.nice(args.nice)
    torch.set_num_threads(1)
    parent, precision = os.getppid(), choose(args.precision)
    weights = Weights(args.run / "checkpoint.pt")
    while not weights.refresh() or weights.pairs < args.after_pairs:
        time.sleep(2.0)
        if not parent_is(parent):
            return
    fleet = Fleet(args.drive_cmd, weights.variant)
    try:
        drive(args, fleet, weights, parent, precision)
    except StreamError as error:
        sys.exit(f"dagger: {error}")
    finally:
        fleet.close()


def drive(args, fleet, weights, parent, precision):
    """Drives until the parent is gone or the program ends."""
    tally, logged, ticks = Tally(), time.monotonic(), 0
    rest = Rest(args.duty, fleet.cpu_s())
    news, goals, unit = fleet.look()
    while goals is not None and parent_is(parent):
        fleet.answer(weights.net, goals, unit, precision)
        news, goals, unit = fleet.look()
        tally.add(news["ended"])
        ticks += 1
        now = time.monotonic()
        if now - weights.read_at > RELOAD_S:
            weights.refresh()
        if now - logged > LOG_S and tally.rows:
            row = {
                "elapsed_s": round(weights.elapsed_s, 1), "pairs_seen": weights.pairs, **tally.summary(),
                "frames_per_s": round(ticks * fleet.robots / (now - logged), 1),
            }
            print(json.dumps(row), flush=True)
            with open(args.run / "dagger.jsonl", "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            tally, logged, ticks = Tally(), now, 0
        rest.take(fleet.cpu_s())


class Rest:
    """Sleeps as needed to keep to a share of one core. It is CPU time that counts: on a busy machine waiting for a core is no work."""

    def __init__(self, duty, cpu_s):
        self.duty, self.cpu_s, self.at = duty, cpu_s, time.monotonic()

    def take(self, cpu_s):
        """To be called often, with the CPU seconds spent so far."""
        due = self.at + (cpu_s - self.cpu_s) / self.duty
        now = time.monotonic()
        # What a busy machine held back is not made up for later.
        self.cpu_s, self.at = cpu_s, max(due, now)
        time.sleep(max(0.0, due - now))


if __name__ == "__main__":
    main()
