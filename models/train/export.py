"""Exports a checkpoint as a policy folder: four ONNX graphs, golden pictures and answers, and the manifest.

    python export.py CHECKPOINT -o DIR [--golden-from validation.bin] [--int8]

The graphs are compared with the network and with each other before the manifest is written; a difference above 1e-4 is an error.
With `--int8` they are quantised after that, calibrated on the pictures of `--golden-from`, and the figures of both are printed.
Without a checkpoint (`--random`) the weights are random: for trying the plumbing only.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from contract import CONTEXT_FRAMES, HEIGHT, WIDTH
from deploy import Deployed, load, mean_unit_m
from policy_folder import GOLDEN_CONTEXTS, GOLDEN_GOALS, write_folder
from stream import normalise_context, normalise_goal, read_batch, read_header
from variants import Variant

TOLERANCE = 1e-4


def golden_pictures(path):
    """Three contexts u8 [3, 6, 64, 85, 3] and four goals u8 [4, 64, 85, 3], from three blocks of a stream file."""
    if path is None:
        rng = np.random.default_rng(1)
        coarse = rng.integers(0, 256, (GOLDEN_CONTEXTS * CONTEXT_FRAMES + GOLDEN_GOALS, 8, 11, 3), dtype=np.uint8)
        pictures = coarse.repeat(8, 1).repeat(8, 2)[:, :HEIGHT, :WIDTH]
        pictures = np.pad(pictures, ((0, 0), (0, HEIGHT - pictures.shape[1]), (0, WIDTH - pictures.shape[2]), (0, 0)), "edge")
        contexts = pictures[GOLDEN_GOALS:].reshape(GOLDEN_CONTEXTS, CONTEXT_FRAMES, HEIGHT, WIDTH, 3)
        return contexts, pictures[:GOLDEN_GOALS]
    with open(path, "rb") as file:
        layout = read_header(file.fileno())
        views = layout.split(read_batch(file.fileno(), layout))
    if layout.blocks < GOLDEN_CONTEXTS or layout.goals < 2:
        sys.exit(f"{path} has {layout.blocks} blocks of {layout.goals} goals a batch; golden pictures need {GOLDEN_CONTEXTS} of 2")
    step = layout.blocks // GOLDEN_CONTEXTS
    blocks = [i * step for i in range(GOLDEN_CONTEXTS)]
    contexts = np.stack([views["obs"][block * layout.anchors] for block in blocks])
    # Two goals of the first block and one of each other: near ones, far ones and ones of another world in one set.
    goals = [views["goal"][block * layout.goals] for block in blocks]
    goals.append(views["goal"][blocks[0] * layout.goals + 1])
    return contexts, np.stack(goals)


def session(model):
    """One thread, no spinning: the export runs beside the training."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(session_of, feed):
    """All outputs of a session by name; of `feed` only what it takes."""
    wanted = {value.name: feed[value.name] for value in session_of.get_inputs()}
    names = [value.name for value in session_of.get_outputs()]
    return dict(zip(names, session_of.run(names, wanted)))


def answers(models, contexts, goals, eager=None):
    """(whole distance [c, g], whole waypoints [c, g, 5, 4], greatest difference between eager, whole and split graphs)."""
    sessions = {name: session(model) for name, model in models.items()}
    context, goal = normalise_context(torch.from_numpy(contexts)), normalise_goal(torch.from_numpy(goals))
    context, goal = context.contiguous(), goal.contiguous()
    distances, waypoints, worst = [], [], 0.0
    node = run(sessions["node"], {"goal": goal.numpy()})
    for one in context.split(1):
        tiled = one.expand(goal.shape[0], -1, -1, -1).contiguous()
        whole = run(sessions["whole"], {"context": tiled.numpy(), "goal": goal.numpy()})
        split = run(sessions["candidate"], run(sessions["tick"], {"context": one.numpy()}) | node)
        whole, split = ((out["distance"], out["waypoints"]) for out in (whole, split))
        others = [split] if eager is None else [split, eager(tiled, goal)]
        for other in others:
            worst = max(worst, *(float(np.abs(a - b).max()) for a, b in zip(whole, other)))
        if not all(np.isfinite(part).all() for part in whole):
            worst = float("inf")
        distances.append(whole[0][:, 0])
        waypoints.append(whole[1])
    return np.stack(distances), np.stack(waypoints), worst


def main():
    parser = argparse.ArgumentParser(description="Export a checkpoint as a policy folder.")
    parser.add_argument("checkpoint", nargs="?")
    parser.add_argument("-o", "--out", required=True, type=Path)
    parser.add_argument("--golden-from", help="stream file of real pictures; random blocks without it")
    parser.add_argument("--name", default="gnm-sim")
    parser.add_argument("--int8", action="store_true", help="quantise; needs --golden-from for calibration")
    parser.add_argument("--random", action="store_true", help="random weights instead of a checkpoint")
    args = parser.parse_args()
    if (args.checkpoint is None) != args.random:
        sys.exit("give either a checkpoint or --random")
    if args.int8 and not args.golden_from:
        sys.exit("--int8 needs --golden-from: a stream file to calibrate on")
    torch.set_num_threads(1)
    torch.manual_seed(1)
    variant, net = (Variant(), Variant().build().eval()) if args.random else load(args.checkpoint)
    unit_m = mean_unit_m(args.golden_from) if variant.action != "waypoints" and args.golden_from else None
    deployed = Deployed(variant, net, unit_m)
    pictures = golden_pictures(args.golden_from)
    distance, waypoints, worst = answers(deployed.models, *pictures, deployed.eager)
    print(f"greatest difference between torch, whole and split: {worst:.2e}")
    if not worst <= TOLERANCE:
        sys.exit(f"the graphs differ by {worst:.2e}, more than {TOLERANCE:.0e}: nothing was written")
    models = deployed.models
    if args.int8:
        from quantise import compare, quantised

        models = quantised(deployed.models, args.golden_from)
        compare(deployed.models, models, args.golden_from)
        distance, waypoints, worst = answers(models, *pictures)
        print(f"greatest difference between whole and split, int8: {worst:.2e}")
    write_folder(args.out, args.name, models, pictures, (distance, waypoints))


if __name__ == "__main__":
    main()
