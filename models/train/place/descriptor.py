"""The place descriptor: one picture in, a vector of length one out; views of one place point the same way.

Input float32 NCHW [n, 3, 64, 85], normalised with the mean and deviation in `contract.py`; output float32 [n, 256].
"""

import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from net import Residual, conv_bn  # noqa: E402  (the policy's blocks, from the folder above)

# Below this length a vector has no direction.
NORM_EPS = 1e-6
ROWS, COLUMNS = 8, 11


class Trunk(nn.Module):
    """[n, 3, 64, 85] -> [n, wide, 8, 11]."""

    def __init__(self, narrow, wide, blocks):
        super().__init__()
        # A large-stride first layer: on a CPU the full-resolution activations, not the arithmetic, are what costs.
        self.patch = conv_bn(3, narrow, 8, 4, (2, 3))
        self.first = Residual(narrow)
        self.down = conv_bn(narrow, wide, 3, 2, 1)
        self.blocks = nn.Sequential(*(Residual(wide) for _ in range(blocks)))

    def forward(self, picture):
        return self.blocks(self.down(self.first(self.patch(picture))))


class Flat(nn.Module):
    """Keeps where things are: one more stride, then every cell has its own weights."""

    def __init__(self, wide, numbers):
        super().__init__()
        self.down = conv_bn(wide, 64, 3, 2, 1)
        self.out = nn.Linear(64 * 4 * 6, numbers)

    def forward(self, x):
        return self.out(self.down(x).flatten(1))


class Pool(nn.Module):
    """Forgets where things are except for three bands of height: generalised mean over each band."""

    def __init__(self, wide, numbers):
        super().__init__()
        self.power = nn.Parameter(torch.tensor(3.0))
        self.out = nn.Linear(wide * 3, numbers)

    def forward(self, x):
        bands = [x[:, :, 0:3], x[:, :, 2:6], x[:, :, 5:8]]
        means = [band.clamp(min=1e-3).pow(self.power).mean((2, 3)).pow(1.0 / self.power) for band in bands]
        return self.out(torch.cat(means, 1))


class Slots(nn.Module):
    """Sorts the cells softly into slots by what they show and where they are, and sums what each slot got."""

    def __init__(self, wide, numbers, slots=24, depth=32):
        super().__init__()
        self.slots, self.depth = slots, depth
        self.sort = nn.Conv2d(wide, slots, 1)
        self.where = nn.Parameter(torch.zeros(slots, ROWS * COLUMNS))
        self.value = nn.Conv2d(wide, depth, 1)
        self.out = nn.Linear(slots * depth, numbers)

    def forward(self, x):
        share = (self.sort(x).flatten(2) + self.where).softmax(1)
        summed = share @ self.value(x).flatten(2).transpose(1, 2)
        return self.out(unit(summed.flatten(1)))


HEADS = {"flat": Flat, "pool": Pool, "slots": Slots}


def unit(x):
    """Rows of `x` divided by their lengths."""
    return x / (x * x).sum(1, keepdim=True).add(NORM_EPS).sqrt()


class PlaceNet(nn.Module):
    """Picture [n, 3, 64, 85] -> unit descriptor [n, numbers]."""

    def __init__(self, head="flat", narrow=32, wide=96, blocks=1, numbers=256):
        super().__init__()
        self.trunk = Trunk(narrow, wide, blocks)
        self.head = HEADS[head](wide, numbers)

    def forward(self, picture):
        return unit(self.head(self.trunk(picture)).float())
