"""Exports a checkpoint as a policy folder: four ONNX graphs, golden pictures and answers, and the manifest.

    python export.py CHECKPOINT -o DIR [--golden-from validation.bin]

The graphs are compared with the network and with each other before the manifest is written; a difference above 1e-4 is an error.
Without a checkpoint (`--random`) the weights are random: for trying the plumbing only.
"""

import argparse
import hashlib
import itertools
import os
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch

import graphs
from contract import (
    CONTEXT_FRAMES, HEIGHT, MAX_DISTANCE_STEPS, MEAN, RATE_HZ, STD, VALUES_PER_WAYPOINT, WAYPOINTS, WIDTH,
)
from variants import Variant
from flat import Flat
from stream import normalise_context, normalise_goal, read_batch, read_header

GOLDEN_CONTEXTS = 3
GOLDEN_GOALS = 4
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
    step = max(1, layout.blocks // GOLDEN_CONTEXTS)
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


def answers(net, models, contexts, goals):
    """(whole distance [c, g], whole waypoints [c, g, 5, 4], greatest difference between torch, whole and split)."""
    sessions = {name: session(model) for name, model in models.items()}
    context, goal = normalise_context(torch.from_numpy(contexts)), normalise_goal(torch.from_numpy(goals))
    context, goal = context.contiguous(), goal.contiguous()
    distances, waypoints, worst = [], [], 0.0
    node = sessions["node"].run(list(graphs.NODE_OUT), {"goal": goal.numpy()})
    for one in context.split(1):
        tiled = one.expand(goal.shape[0], -1, -1, -1).contiguous()
        whole = sessions["whole"].run(list(graphs.ANSWER), {"context": tiled.numpy(), "goal": goal.numpy()})
        tick = sessions["tick"].run(list(graphs.TICK_OUT), {"context": one.numpy()})
        feed = dict(zip(graphs.TICK_OUT + graphs.NODE_OUT, itertools.chain(tick, node)))
        split = sessions["candidate"].run(list(graphs.ANSWER), feed)
        with torch.inference_mode():
            eager = [part.numpy() for part in net(tiled, goal)]
        for reference, other in ((whole, split), (eager, whole)):
            worst = max(worst, *(float(np.abs(a - b).max()) for a, b in zip(reference, other)))
        if not all(np.isfinite(part).all() for part in whole):
            worst = float("inf")
        distances.append(whole[0][:, 0])
        waypoints.append(whole[1])
    return np.stack(distances), np.stack(waypoints), worst


def write(path, data):
    """Writes beside and renames; returns the SHA-256 in hex."""
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(data)
    os.replace(beside, path)
    return hashlib.sha256(data).hexdigest()


def values(side):
    """TOML array of named shapes."""
    return "[" + ", ".join(f'{{ name = "{name}", shape = {shape} }}' for name, shape in side) + "]"


def manifest(name, hashes):
    """Text of manifest.toml."""
    lines = [
        "format = 1", f'name = "{name}"', 'family = "gnm"', 'licence = "MIT OR Apache-2.0"', "",
        "[input]", f"width = {WIDTH}", f"height = {HEIGHT}", f"context_frames = {CONTEXT_FRAMES} # newest last",
        f"rate_hz = {RATE_HZ}", 'resize = "pillow-bicubic" # of the whole picture, no crop',
        f"mean = {list(MEAN)}", f"std = {list(STD)}", "",
        "[output]", f"waypoints = {WAYPOINTS}", f"values_per_waypoint = {VALUES_PER_WAYPOINT} # x, y, cos, sin",
        f"max_distance_steps = {MAX_DISTANCE_STEPS}", "",
    ]
    for graph in ("tick", "node", "candidate", "whole"):
        inputs, outputs = graphs.signature(graph)
        lines += [
            f"[graphs.{graph}]", f'file = "{graph}.onnx"', f'sha256 = "{hashes[graph]}"',
            f"inputs = {values(inputs)}", f"outputs = {values(outputs)}", "",
        ]
    lines += [
        "# golden.bin, in this order, little-endian, no padding:",
        f"#   contexts  u8  [{GOLDEN_CONTEXTS}, {CONTEXT_FRAMES}, {HEIGHT}, {WIDTH}, 3]  RGB, oldest frame first",
        f"#   goals     u8  [{GOLDEN_GOALS}, {HEIGHT}, {WIDTH}, 3]",
        f"#   distance  f32 [{GOLDEN_CONTEXTS}, {GOLDEN_GOALS}]  of every context with every goal",
        f"#   waypoints f32 [{GOLDEN_CONTEXTS}, {GOLDEN_GOALS}, {WAYPOINTS}, {VALUES_PER_WAYPOINT}]",
        "[golden]", 'file = "golden.bin"', f'sha256 = "{hashes["golden"]}"',
        f"contexts = {GOLDEN_CONTEXTS}", f"goals = {GOLDEN_GOALS}", "",
    ]
    return "\n".join(lines)


def load(args):
    """The net to export, in eval mode."""
    if args.random:
        torch.manual_seed(1)
        return Variant().build().eval()
    state = torch.load(args.checkpoint, weights_only=True)
    net = Variant.of(state).build()
    Flat(net).write(state["ema"])
    return net.eval()


def main():
    parser = argparse.ArgumentParser(description="Export a checkpoint as a policy folder.")
    parser.add_argument("checkpoint", nargs="?")
    parser.add_argument("-o", "--out", required=True)
    parser.add_argument("--golden-from", help="stream file of real pictures; random blocks without it")
    parser.add_argument("--name", default="gnm-sim")
    parser.add_argument("--random", action="store_true", help="random weights instead of a checkpoint")
    args = parser.parse_args()
    if (args.checkpoint is None) != args.random:
        sys.exit("give either a checkpoint or --random")
    torch.set_num_threads(1)
    net = load(args)
    models = graphs.build(net)
    contexts, goals = golden_pictures(args.golden_from)
    distance, waypoints, worst = answers(net, models, contexts, goals)
    print(f"greatest difference between torch, whole and split: {worst:.2e}")
    if not worst <= TOLERANCE:
        sys.exit(f"the graphs differ by {worst:.2e}, more than {TOLERANCE:.0e}: nothing was written")
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    hashes = {name: write(out / f"{name}.onnx", model.SerializeToString()) for name, model in models.items()}
    golden = contexts.tobytes() + goals.tobytes() + distance.astype("<f4").tobytes() + waypoints.astype("<f4").tobytes()
    hashes["golden"] = write(out / "golden.bin", golden)
    write(out / "manifest.toml", manifest(args.name, hashes).encode())
    sizes = ", ".join(f"{name} {len(model.SerializeToString()) / 1e6:.2f} MB" for name, model in models.items())
    print(f"wrote {out}: {sizes}; golden distances {np.round(distance, 2).tolist()}")


if __name__ == "__main__":
    main()
