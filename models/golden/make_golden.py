#!/usr/bin/env python3
"""Preprocessing goldens: what Pillow and torchvision make of some pictures.

    python models/golden/make_golden.py        (pillow, numpy, torch, torchvision as in requirements.txt)

Writes, for every case, the source and the resized picture as PNG, and cases.json with the SHA-256 of the
normalised picture (float32 little-endian, channels first); for one context of two frames the numbers too.
"""

import hashlib
import json
import pathlib

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image
from torchvision.transforms import functional as F

HERE = pathlib.Path(__file__).parent
SIZE = (85, 64)
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def edges(width, height):
    """Saturated rectangles, rings and hairlines: where rounding and overshoot show, and PNG stays small."""
    y, x = np.mgrid[0:height, 0:width]
    out = np.zeros((height, width, 3), np.uint8)
    out[..., 0] = ((x * 7 // width + y * 5 // height) % 2) * 255
    out[..., 1] = (((x - width // 2) ** 2 + (y - height // 3) ** 2) // (width * 6) % 2) * 255
    out[..., 2] = x * 255 // max(width - 1, 1)
    out[:: max(height // 9, 1), :, 2] = 255
    out[:, :: max(width // 13, 1), 1] = 0
    return out


def noise(width, height):
    return np.random.Generator(np.random.PCG64(width * 1000 + height)).integers(0, 256, (height, width, 3), np.uint8)


def slope(width, height):
    """Smooth light with a little grain, as a wall in a corridor."""
    y, x = np.mgrid[0:height, 0:width]
    grain = noise(width, height).astype(np.int64) // 64
    base = np.stack([90 + 120 * x // width, 200 - 110 * y // height, 60 + 80 * (x + y) // (width + height)], axis=-1)
    return np.clip(base + grain, 0, 255).astype(np.uint8)


CASES = {
    "edges-640x480": edges(640, 480),
    "edges-320x240": edges(320, 240),
    "noise-160x120": noise(160, 120),
    "slope-200x113": slope(200, 113),
    "noise-101x37": noise(101, 37),
    "edges-101x37": edges(101, 37),
    "noise-85x64": noise(85, 64),
    "noise-40x30": noise(40, 30),
    "edges-40x30": edges(40, 30),
    "noise-85x120": noise(85, 120),
    "noise-31x64": noise(31, 64),
    "noise-1x1": noise(1, 1),
}


def normalised(image):
    return F.normalize(F.to_tensor(image), MEAN, STD).numpy().astype("<f4")


def main():
    cases, tensors = {}, {}
    for name, pixels in CASES.items():
        source = Image.fromarray(pixels)
        # As the published deployment calls it: no filter named, so Pillow's default for RGB.
        resized = source.resize(SIZE)
        assert np.array_equal(np.asarray(resized), np.asarray(source.resize(SIZE, Image.Resampling.BICUBIC)))
        source.save(HERE / f"{name}.in.png", optimize=True)
        resized.save(HERE / f"{name}.out.png", optimize=True)
        tensors[name] = normalised(resized)
        cases[name] = hashlib.sha256(tensors[name].tobytes()).hexdigest()
    context = ["edges-640x480", "noise-40x30"]
    np.concatenate([tensors[name] for name in context]).tofile(HERE / "context.f32")
    made_by = f"pillow {PIL.__version__}, torch {torch.__version__}, torchvision {torchvision.__version__}"
    golden = {"made_by": made_by, "width": SIZE[0], "height": SIZE[1], "mean": MEAN, "std": STD}
    golden |= {"context": context, "normalised_sha256": cases}
    (HERE / "cases.json").write_text(json.dumps(golden, indent=1) + "\n")
    print(made_by)


if __name__ == "__main__":
    main()
