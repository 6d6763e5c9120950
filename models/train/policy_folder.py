"""Writes a policy folder: graphs, golden pictures and answers, manifest."""

import hashlib
import os

import numpy as np

import graphs
from contract import (
    CONTEXT_FRAMES, HEIGHT, MAX_DISTANCE_STEPS, MEAN, RATE_HZ, STD, VALUES_PER_WAYPOINT, WAYPOINTS, WIDTH,
)

GOLDEN_CONTEXTS = 3
GOLDEN_GOALS = 4


def write(path, data):
    """Writes beside and renames; returns the SHA-256 in hex."""
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(data)
    os.replace(beside, path)
    return hashlib.sha256(data).hexdigest()


def values(side):
    """TOML array of named shapes."""
    return "[" + ", ".join(f'{{ name = "{name}", shape = {shape} }}' for name, shape in side) + "]"


def manifest(name, models, hashes):
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
        inputs, outputs = graphs.signature(models[graph])
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


def write_folder(out, name, models, pictures, answers):
    """The whole folder; `pictures` (contexts, goals) as bytes in arrays, `answers` (distance, waypoints) about them."""
    out.mkdir(parents=True, exist_ok=True)
    hashes = {graph: write(out / f"{graph}.onnx", model.SerializeToString()) for graph, model in models.items()}
    golden = b"".join(array.tobytes() for array in pictures) + b"".join(array.astype("<f4").tobytes() for array in answers)
    hashes["golden"] = write(out / "golden.bin", golden)
    # Last, so that a folder with a manifest is a whole one.
    write(out / "manifest.toml", manifest(name, models, hashes).encode())
    sizes = ", ".join(f"{graph} {len(model.SerializeToString()) / 1e6:.2f} MB" for graph, model in models.items())
    print(f"wrote {out}: {sizes}; golden distances {np.round(answers[0], 2).tolist()}")
