"""The published GNM network in full size, with the interface of `net.py`: to see what early fusion learns from the same data.

Two MobileNetV2 encoders of width 1.0: one sees the six frames, the other the six frames and the goal stacked. Its distance is a
plain linear output and its waypoints are sums of moves. Names and sizes are those of `models/gnm/reference_weights.py`, which also builds
the runtime's graphs of it.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from contract import CONTEXT_FRAMES, VALUES_PER_WAYPOINT, WAYPOINTS
from net import answer, cumulative_matrix

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "gnm"))
import reference_weights as reference  # noqa: E402  (lies beside this folder)

ACTIONS = WAYPOINTS * VALUES_PER_WAYPOINT
PARAMETERS = 8_663_797


class Unit(nn.Module):
    """Convolution, batch norm and, unless it is a projection, ReLU6."""

    def __init__(self, inputs, outputs, kernel, stride=1, groups=1, rectified=True):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=reference.BN_EPS)
        self.rectified = rectified
        # Their gradient in half precision takes twenty times as long as in full (oneDNN has no kernel for it).
        self.full_precision = groups > 1 and (stride > 1 or groups > 900)

    def forward(self, x):
        if not self.full_precision:
            return self.after(self.conv(x))
        with torch.autocast("cpu", enabled=False):
            return self.after(self.conv(x.float()).to(x.dtype))

    def after(self, x):
        """All but the convolution."""
        x = self.norm(x)
        return F.relu6(x) if self.rectified else x


class Block(nn.Module):
    """An inverted residual."""

    def __init__(self, inputs, hidden, outputs, stride, expands, shortcut):
        super().__init__()
        self.expand = Unit(inputs, hidden, 1) if expands else None
        self.depthwise = Unit(hidden, hidden, 3, stride, groups=hidden)
        self.project = Unit(hidden, outputs, 1, rectified=False)
        self.shortcut = shortcut

    def forward(self, x):
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.depthwise(y))
        return x + y if self.shortcut else y


class Encoder(nn.Module):
    """MobileNetV2 without its classifier: [n, channels, 64, 85] -> [n, 1280]."""

    def __init__(self, channels):
        super().__init__()
        self.stem = Unit(channels, reference.STEM, 3, 2)
        self.blocks = nn.Sequential(*[Block(*block) for block in reference.blocks()])
        self.head = Unit(320, reference.HEAD, 1)

    def forward(self, x):
        return self.after_stem(self.stem.conv(x))

    def after_stem(self, x):
        """From the stem's convolution on."""
        return self.head(self.blocks(self.stem.after(x))).mean((2, 3))


class Gnm(nn.Module):
    """context [n, 18, 64, 85] and goal [n, 3, 64, 85] -> distance in steps and five waypoints."""

    def __init__(self, summed=True):
        super().__init__()
        self.obs = Encoder(3 * CONTEXT_FRAMES)
        self.goal = Encoder(3 * CONTEXT_FRAMES + 3)
        self.compress_observation = nn.Linear(reference.HEAD, 1024)
        self.compress_goal = nn.ModuleList([nn.Linear(reference.HEAD, 1024), nn.Linear(1024, 1024)])
        self.linear = nn.ModuleList([nn.Linear(2048, 256), nn.Linear(256, 32)])
        self.distance = nn.Linear(32, 1)
        self.action = nn.Linear(32, ACTIONS)
        self.register_buffer("cumulative", cumulative_matrix() if summed else torch.eye(ACTIONS), persistent=False)
        with torch.no_grad():
            self.distance.bias.fill_(10.0)
            bias = self.action.bias.view(WAYPOINTS, VALUES_PER_WAYPOINT)
            bias.copy_(torch.tensor([0.8, 0.0, 1.0, 0.0]).expand_as(bias))

    def tick(self, context):
        """What depends on the context alone: (its features [n, 1024], its share of the goal encoder's stem)."""
        # The stem is linear in its 21 channels, so its sum is parted: exact, and done once a context.
        part = self.goal.stem.conv.weight[:, : 3 * CONTEXT_FRAMES]
        return F.relu(self.compress_observation(self.obs(context))), F.conv2d(context, part, None, 2, 1)

    def node(self, goal):
        """What depends on the goal alone: (its share of the stem,)."""
        return (F.conv2d(goal, self.goal.stem.conv.weight[:, 3 * CONTEXT_FRAMES :], None, 2, 1),)

    def pair(self, seen, stem, goal_stem):
        """(distance [n, 1], waypoints [n, 5, 4]) of matching contexts and goals."""
        wanted = self.goal.after_stem(stem + goal_stem)
        for layer in self.compress_goal:
            wanted = F.relu(layer(wanted))
        hidden = torch.cat([seen, wanted], 1)
        for layer in self.linear:
            hidden = F.relu(layer(hidden))
        return self.distance(hidden).float(), answer(self.action(hidden), self.cumulative)

    def blocks(self, context, goal, blocks):
        """All pairs inside each block: as `Net.blocks`, with one number [b, a, g, 1] for the distance."""
        seen, stem = self.tick(context)
        (goal_stem,) = self.node(goal)
        anchors, goals = context.shape[0] // blocks, goal.shape[0] // blocks
        shape = (blocks, anchors, goals)
        stems = stem.unflatten(0, (blocks, anchors, 1)).expand(-1, -1, goals, -1, -1, -1).flatten(0, 2)
        goal_stems = goal_stem.unflatten(0, (blocks, 1, goals)).expand(-1, anchors, -1, -1, -1, -1).flatten(0, 2)
        seen = seen.view(blocks, anchors, 1, -1).expand(*shape, -1).reshape(-1, seen.shape[1])
        distance, actions = self.pair(seen, stems, goal_stems)
        return distance.view(*shape, 1), actions.view(*shape, WAYPOINTS, VALUES_PER_WAYPOINT)

    def steps(self, distance):
        """The distance as it is: it may leave 0..20."""
        return distance[..., 0]

    def forward(self, context, goal):
        """(distance [n, 1] in steps, waypoints [n, 5, 4])."""
        return self.pair(*self.tick(context), *self.node(goal))


def raw_weights(net):
    """The weights of a trained net as `models/gnm/build_reference.py` takes them (numpy, by name)."""
    out = {}

    def array(tensor):
        return tensor.detach().contiguous().numpy().astype("float32")

    def unit(name, module):
        norm = module.norm
        out[name + ".w"] = array(module.conv.weight)
        for key, value in (("gamma", norm.weight), ("beta", norm.bias), ("mean", norm.running_mean), ("var", norm.running_var)):
            out[f"{name}.{key}"] = array(value)

    for name in ("obs", "goal"):
        encoder = getattr(net, name)
        unit(f"{name}.stem", encoder.stem)
        for i, block in enumerate(encoder.blocks):
            for part in ("expand", "depthwise", "project"):
                if getattr(block, part) is not None:
                    unit(f"{name}.{i}.{part}", getattr(block, part))
        unit(f"{name}.head", encoder.head)
    for name, layer in (
        ("compress_observation", net.compress_observation), ("compress_goal.0", net.compress_goal[0]),
        ("compress_goal.1", net.compress_goal[1]), ("linear.0", net.linear[0]), ("linear.1", net.linear[1]),
        ("distance", net.distance), ("action", net.action),
    ):
        out[name + ".w"], out[name + ".b"] = array(layer.weight), array(layer.bias)
    return out
