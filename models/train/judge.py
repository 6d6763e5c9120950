"""Closed-loop figures of a checkpoint without the runtime: what all variants of an ablation can be compared by.

    python judge.py RUN/checkpoint.pt --drive-cmd "pilotage-sim-data drive --split validation --seed 1 --courses 24 --noise 0.1"

The policy drives every course three times with the true progress in the place of localisation; the same seed gives every policy
the same courses, starts and noise. Prints one line of JSON a robot kind and one for all; `--out` also keeps every drive.
"""

import argparse
import json
from pathlib import Path

import torch

from deploy import load
from precision import CHOICES, choose
from rollouts import Fleet, summary


def judge(checkpoint, command, precision="auto"):
    """All ended drives of the checkpoint's policy, in the order of courses."""
    variant, net = load(checkpoint)
    fleet, rows = Fleet(command, variant), []
    try:
        _, goals, unit = fleet.look()
        while goals is not None:
            fleet.answer(net, goals, unit, choose(precision))
            news, goals, unit = fleet.look()
            rows.extend(news["ended"])
    finally:
        fleet.close()
    return sorted(rows, key=lambda row: (row["course"], row["drive"]))


def main():
    parser = argparse.ArgumentParser(description="Closed-loop figures of a checkpoint, with true progress.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--drive-cmd", required=True, help="with --courses N, or it never ends")
    parser.add_argument("--precision", choices=CHOICES, default="fp32")
    parser.add_argument("--out", type=Path, help="write every drive as a line of JSON")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = judge(args.checkpoint, args.drive_cmd, args.precision)
    for kind in sorted({row["robot"] for row in rows}):
        print(json.dumps({"robot": kind, **summary([row for row in rows if row["robot"] == kind])}))
    print(json.dumps({"robot": "all", **summary(rows)}))
    if args.out:
        args.out.write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    main()
