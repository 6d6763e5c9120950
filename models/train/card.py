"""Writes the model card of an exported policy from what its training logged: no figure in it is typed by hand.

    python card.py RUN_DIR MODEL_DIR [--note "closed loop: ..."]
"""

import argparse
import json
import re
import sys
from pathlib import Path

import torch

from variants import Variant

CARD = """# {name}: the policy that was learned in the simulator

A goal-conditioned policy of the GNM kind: six RGB pictures of 85 x 64 at 4 Hz (newest last) and one goal picture in; the
distance to the goal in steps of 0.25 s (0..20, 20 = passed, too far or elsewhere) and five waypoints (x forward, y left,
cos, sin of the heading) in model units out. One unit is what the robot travels in one step at its cruise speed.

| | |
|---|---|
| parameters | {parameters:.2f} M |
| files | {files} |
| seen in training | {million:.2f} M labelled pairs (context, goal) in {minutes:.0f} minutes, {cpu} |
| trained as | {variant} |
| licence | MIT OR Apache-2.0, weights included |

## How it works

A stem shared by the newest picture and the goal gives each a feature map and unit-length column descriptors in four bands.
All columns of one are correlated with all columns of the other, and small convolutions read turn, approach and occlusion out
of that 84 x 84 table. A second branch compares the feature maps; a motion branch sees the six frames together. `tick` runs once
a context, `node` once a place, `candidate` once a pair; `whole` is the same in one piece, for tests only.

## Data

Nothing recorded and nothing real: pictures rendered by `pilotage-sim` from seeded worlds (mazes, offices, outdoor fields, warehouse
aisles; random textures, posters, light, fog), robots and cameras drawn at random (kinds, speed, latency, slip; pinhole and
fisheye, height, pitch; exposure, blur, noise). Labels come from the noise-free expert of the simulator started at every recorded
state: noisy drives, and drives of the policy itself during training with all that it touched.
Split `train`; the figures below are from worlds of split `validation`, which training never sees.

## Commands

{runs}

## Figures on {val_pairs} validation pairs

| figure | value |
|---|---|
| distance MSE, all pairs (steps^2) | {dist_mse:.2f} |
| distance MAE, goals nearer than 8 steps / 3 steps | {dist_mae_lt8:.2f} / {dist_mae_lt3:.2f} steps |
| action MSE (20 numbers) | {act_mse:.4f} |
| error of waypoint 3 | {wp3_error_units:.3f} units |
| heading MAE on turning places; predicting no turn | {turn_yaw_mae_deg:.1f} deg; {turn_yaw_zero_deg:.1f} deg |
{shuffled}| AUC of "passed, too far or elsewhere" | {negative_auc:.3f} |
| accuracy of the same at 15 steps (share of negatives {negative_share:.2f}) | {negative_accuracy_at_15:.3f} |

{note}
## Limits

- Trained on simulated pictures only: expect a domain gap on a real camera. Look at the distances on a recorded drive first
  (`pilotage run MAP --replay LOG --lap N`), and drive slowly with the gate's limits set low.
- No night and no rolling shutter in the training data.
- It is a visual homing policy, no obstacle detector: it steers along what it was shown.
- The distance of a goal that lies behind the robot is 20 by design: ask forwards.
"""


def placeless(command, folder):
    """The command without where things happened to lie: RUN for the run's folder, bare names for programs."""
    command = command.replace(str(folder.resolve()), "RUN")
    return re.sub(r"(?:/[\w.+-]+)+/(python[\d.]*|pilotage-sim-data|\w+\.py)\b", r"\1", command)


def runs(folder):
    """Every run of the training, as it was started."""
    rows = [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]
    return "\n".join(
        f"```\n{placeless(row['command'], folder)}\n```\n\nStarted {row['started']}: seed {row['seed']}, {row['workers']} workers, {row['minutes']:g} minutes, "
        f"{row['precision']}, torch {row['torch']}, processor with {', '.join(row['cpu_flags']) or 'no feature of note'}.\n"
        for row in rows
    )


def main():
    parser = argparse.ArgumentParser(description="Write the model card of an exported policy.")
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("--note", default="", help="further measured figures, as Markdown")
    args = parser.parse_args()
    rows = [json.loads(line) for line in (args.run_dir / "log.jsonl").read_text().splitlines()]
    judged = [row for row in rows if row["kind"] in ("validation", "final")]
    if not judged:
        sys.exit(f"{args.run_dir / 'log.jsonl'} holds no validation: nothing to report")
    last = judged[-1]
    other = [row for row in rows if row["kind"] == "final-goals-shuffled"]
    shuffled = ""
    if other and last["kind"] == "final":
        shuffled = f"| the same with goals of other places put in their stead | {other[-1]['turn_yaw_mae_deg']:.1f} deg |\n"
    variant = Variant.of(torch.load(args.run_dir / "checkpoint.pt", weights_only=True))
    cpu = f"{last['cpu_s'] / 60.0:.1f} CPU minutes of the trainer's processes" if "cpu_s" in last else "still running"
    files = sorted(args.model_dir.glob("*.onnx"))
    text = CARD.format(
        **{**last, "shuffled": shuffled, "name": args.model_dir.name, "note": args.note + ("\n" if args.note else "")},
        parameters=sum(p.numel() for p in variant.build().parameters()) / 1e6,
        cpu=cpu, variant=", ".join(f"{key} {value}" for key, value in variant.as_dict().items()), runs=runs(args.run_dir),
        files=", ".join(f"{file.name} {file.stat().st_size / 1e6:.2f} MB" for file in files),
        minutes=last["elapsed_s"] / 60.0, val_pairs=last["pairs"], million=last["pairs_seen"] / 1e6,
    )
    (args.model_dir / "README.md").write_text(text)


if __name__ == "__main__":
    main()
