"""From a checkpoint to what the runtime can drive: normalised waypoints from the latest six frames, whatever the net learned."""

import copy
import sys

import numpy as np
import torch

import graphs
from contract import CONTEXT_FRAMES
from flat import Flat
from stream import read_batch, read_header, StreamError
from variants import Variant


def load(checkpoint):
    """(variant, net in eval mode) of a checkpoint's running mean."""
    state = torch.load(checkpoint, weights_only=True)
    variant = Variant.of(state)
    net = variant.build().eval()
    Flat(net).write(state["ema"])
    return variant, net


def mean_unit_m(path):
    """Mean metres a step of the robots in a stream file: what a policy that answers in metres is divided by."""
    total, count = 0.0, 0
    with open(path, "rb") as file:
        layout = read_header(file.fileno())
        while layout.unit:
            try:
                unit = layout.split(read_batch(file.fileno(), layout))["unit"]
            except StreamError:
                break
            total, count = total + float(unit.sum()), count + unit.size
    if count == 0:
        raise StreamError(f"{path} does not tell the robots' step lengths")
    return total / count


class Deployed:
    """A net that answers normalised waypoints, and its graphs.

    Contexts without past are had by folding: the first layer's weights of all frames are summed up on the newest. Answers in
    metres or speeds are converted with one fixed step length: the policy then does not know the robot's own, which is the point
    of that ablation.
    """

    def __init__(self, variant, net, unit_m=None):
        if variant.context == "static":
            sys.exit("a policy of fixed frames cannot be driven by the runtime, which shows it the latest: use judge.py")
        if variant.action != "waypoints" and unit_m is None:
            sys.exit(f"a policy of {variant.action} needs a stream file with step lengths: give --golden-from")
        self.variant, self.original, self.unit_m = variant, net, unit_m
        self.net = copy.deepcopy(net)
        if variant.net == "gnm":
            if (variant.context, variant.action) != ("temporal", "waypoints"):
                sys.exit("only the plain gnm can be exported")
            self.models = gnm_graphs(net)
            return
        if variant.context == "none":
            fold_frames(self.net.motion.patch[0])
        if variant.action == "raw-waypoints":
            places = torch.arange(self.net.cumulative.shape[1]) % 4 < 2
            self.net.cumulative[:, places] /= unit_m
        self.models = graphs.build(self.net, unit_m if variant.action == "velocities" else None)

    def eager(self, context, goal):
        """(distance [n, 1], waypoints [n, 5, 4]) as numpy, by the net as it was trained; contexts normalised f32 [n, 18, 64, 85]."""
        if self.variant.context == "none":
            context = context[:, -3:].repeat(1, CONTEXT_FRAMES, 1, 1)
        with torch.inference_mode():
            distance, action = self.original(context, goal)
            unit = torch.full(action.shape[:1], self.unit_m or 1.0)
            return distance.numpy(), self.variant.waypoints(action, unit).numpy()


def fold_frames(conv):
    """Makes a first layer of six frames answer as if all of them were the newest."""
    with torch.no_grad():
        summed = conv.weight.unflatten(1, (CONTEXT_FRAMES, 3)).sum(1)
        conv.weight.zero_()
        conv.weight[:, -3:] = summed


def gnm_graphs(net):
    """The four graphs of the published architecture, by the builder in `models/gnm`."""
    from gnm import raw_weights  # also puts that folder on the path
    import build_reference

    raw = {key: np.ascontiguousarray(value) for key, value in raw_weights(net).items()}
    return {name: graph.model(f"gnm_{name}") for name, graph in build_reference.build(build_reference.folded(raw)).items()}
