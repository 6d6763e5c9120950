#!/usr/bin/env python3
"""Writes the full-size reference GNM as a policy folder: exact architecture, random weights.

    python models/gnm/build_reference.py --out DIR        (needs only numpy and onnx, see requirements.txt)

Batch norms are folded into the convolutions, the cumulative sum into the last linear layer. The goal
encoder's first convolution is linear in its 21 channels, W * [obs; goal] = Wo * obs + Wg * goal, so `tick`
computes the first term once per context and `node` the second once per goal image; the first layer of the
common head is parted the same way.
"""

import argparse
import hashlib
import json
import pathlib
import sys

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

import reference_weights as weights
from reference_weights import FRAMES, HEIGHT, WAYPOINTS, WIDTH

OBS_CHANNELS = 3 * FRAMES
STEM_SHAPE = [weights.STEM, HEIGHT // 2, (WIDTH + 1) // 2]


def folded(raw):
    """Weights with each batch norm folded into its convolution (in float64) and the cumulative sum into `action`."""
    out = {}
    for name in (key[:-2] for key in raw if key.endswith(".w")):
        w = raw[name + ".w"].astype(np.float64)
        if name + ".gamma" in raw:
            gamma, beta, mean, var = (raw[f"{name}.{k}"].astype(np.float64) for k in ("gamma", "beta", "mean", "var"))
            scale = gamma / np.sqrt(var + weights.BN_EPS)
            w, b = w * scale[:, None, None, None], beta - mean * scale
        else:
            b = raw[name + ".b"].astype(np.float64)
        out[name + ".w"], out[name + ".b"] = w, b
    w, b = out.pop("action.w").reshape(WAYPOINTS, 4, -1), out.pop("action.b").reshape(WAYPOINTS, 4)
    out["xy.w"], out["xy.b"] = np.cumsum(w[:, :2], axis=0).reshape(2 * WAYPOINTS, -1), np.cumsum(b[:, :2], axis=0).ravel()
    out["heading.w"], out["heading.b"] = w[:, 2:].reshape(2 * WAYPOINTS, -1), b[:, 2:].ravel()
    return {key: value.astype(np.float32) for key, value in out.items()}


class Graph:
    """A graph under construction: nodes by op, weights added on first use."""

    def __init__(self, w):
        self.w, self.nodes, self.constants, self.inputs, self.outputs = w, [], {}, [], []

    def input(self, name, shape):
        self.inputs.append((name, shape))
        return name

    def constant(self, name, value):
        self.constants.setdefault(name, np.asarray(value))
        return name

    def op(self, kind, inputs, **attributes):
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def output(self, tensor, name, shape):
        self.nodes.append(helper.make_node("Identity", [tensor], [name], name=name))
        self.outputs.append((name, shape))

    def relu6(self, x):
        low, high = self.constant("zero", np.float32(0)), self.constant("six", np.float32(6))
        return self.op("Clip", [x, low, high])

    def conv(self, x, name, stride=1, part=slice(None), bias=True):
        """Convolution over a `part` of the input channels; a depthwise one is seen by its weights."""
        w = self.w[name + ".w"]
        inputs = [x, self.constant(f"{name}.w.{part.start}.{part.stop}", w[:, part])]
        if bias:
            inputs.append(self.constant(name + ".b", self.w[name + ".b"]))
        k = w.shape[2]
        group = w.shape[0] if name.endswith("depthwise") else 1
        return self.op("Conv", inputs, kernel_shape=[k, k], strides=[stride] * 2, pads=[k // 2] * 4, group=group)

    def linear(self, x, name, part=slice(None), bias=True):
        inputs = [x, self.constant(f"{name}.w.{part.start}.{part.stop}", self.w[name + ".w"][:, part])]
        if bias:
            inputs.append(self.constant(name + ".b", self.w[name + ".b"]))
        return self.op("Gemm", inputs, transB=1)

    def stem(self, x, encoder, **options):
        return self.conv(x, f"{encoder}.stem", 2, **options)

    def encode(self, x, encoder):
        """From the stem's convolution (before its rectifier) to the pooled features."""
        x = self.relu6(x)
        for i, (_, _, _, stride, expands, shortcut) in enumerate(weights.blocks()):
            y = self.relu6(self.conv(x, f"{encoder}.{i}.expand")) if expands else x
            y = self.relu6(self.conv(y, f"{encoder}.{i}.depthwise", stride))
            y = self.conv(y, f"{encoder}.{i}.project")
            x = self.op("Add", [x, y]) if shortcut else y
        x = self.op("GlobalAveragePool", [self.relu6(self.conv(x, f"{encoder}.head"))])
        return self.op("Flatten", [x])

    def relu_linear(self, x, name, **options):
        return self.op("Relu", [self.linear(x, name, **options)])

    def compress_goal(self, x):
        return self.relu_linear(self.relu_linear(x, "compress_goal.0"), "compress_goal.1")

    def answer(self, z):
        """From the first layer of the common head (before its rectifier) to distance and waypoints."""
        z = self.relu_linear(self.op("Relu", [z]), "linear.1")
        self.output(self.linear(z, "distance"), "distance", [-1, 1])
        rows = self.constant("rows", np.array([-1, WAYPOINTS, 2], np.int64))
        xy = self.op("Reshape", [self.linear(z, "xy"), rows])
        heading = self.op("Reshape", [self.linear(z, "heading"), rows])
        last = self.constant("last", np.array([2], np.int64))
        norm = self.op("Sqrt", [self.op("ReduceSum", [self.op("Mul", [heading, heading]), last], keepdims=1)])
        heading = self.op("Div", [heading, self.op("Max", [norm, self.constant("tiny", np.float32(1e-12))])])
        self.output(self.op("Concat", [xy, heading], axis=2), "waypoints", [-1, WAYPOINTS, 4])

    def model(self, name):
        """The finished, checked model."""

        def info(name, shape):
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch" if d == -1 else d for d in shape])

        constants = [numpy_helper.from_array(np.ascontiguousarray(v), name) for name, v in self.constants.items()]
        ends = [[info(*t) for t in tensors] for tensors in (self.inputs, self.outputs)]
        graph = helper.make_graph(self.nodes, name, *ends, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="pilotage")
        checker.check_model(model)
        return model

    def write(self, path):
        data = self.model(path.stem).SerializeToString()
        path.write_bytes(data)
        return hashlib.sha256(data).hexdigest()


def build(w):
    """The four graphs by name."""
    tick = Graph(w)
    context = tick.input("context", [1, OBS_CHANNELS, HEIGHT, WIDTH])
    seen = tick.relu_linear(tick.encode(tick.stem(context, "obs"), "obs"), "compress_observation")
    tick.output(tick.linear(seen, "linear.0", part=slice(0, 1024)), "observation_head", [1, 256])
    tick.output(tick.stem(context, "goal", part=slice(0, OBS_CHANNELS)), "observation_stem", [1, *STEM_SHAPE])

    node = Graph(w)
    goal = node.input("goal", [-1, 3, HEIGHT, WIDTH])
    stem = node.stem(goal, "goal", part=slice(OBS_CHANNELS, OBS_CHANNELS + 3), bias=False)
    node.output(stem, "goal_stem", [-1, *STEM_SHAPE])

    candidate = Graph(w)
    head = candidate.input("observation_head", [1, 256])
    stems = [candidate.input("observation_stem", [1, *STEM_SHAPE]), candidate.input("goal_stem", [-1, *STEM_SHAPE])]
    wanted = candidate.compress_goal(candidate.encode(candidate.op("Add", stems), "goal"))
    wanted = candidate.linear(wanted, "linear.0", part=slice(1024, 2048), bias=False)
    candidate.answer(candidate.op("Add", [head, wanted]))

    whole = Graph(w)
    context = whole.input("context", [-1, OBS_CHANNELS, HEIGHT, WIDTH])
    goal = whole.input("goal", [-1, 3, HEIGHT, WIDTH])
    seen = whole.relu_linear(whole.encode(whole.stem(context, "obs"), "obs"), "compress_observation")
    both = whole.op("Concat", [context, goal], axis=1)
    wanted = whole.compress_goal(whole.encode(whole.stem(both, "goal"), "goal"))
    whole.answer(whole.linear(whole.op("Concat", [seen, wanted], axis=1), "linear.0"))
    return {"tick": tick, "node": node, "candidate": candidate, "whole": whole}


def golden_bytes(raw):
    """Pictures, then the answers PyTorch gave about them; refuses answers to other weights or pictures."""
    contexts, goals = weights.golden_pictures()
    golden = json.loads(pathlib.Path(__file__).with_name("golden_torch.json").read_text())
    mine = weights.digest(*(raw[k] for k in sorted(raw))), weights.digest(contexts, goals)
    if mine != (golden["weights_sha256"], golden["pictures_sha256"]):
        sys.exit(f"weights or pictures made here ({mine}) are not those of golden_torch.json: run golden_torch.py again")
    answers = [np.array(golden[key], "<f4") for key in ("distance", "waypoints")]
    return b"".join(a.tobytes() for a in (contexts, goals, *answers))


HEAD = f"""format = 1
name = "gnm-reference"
family = "gnm"
licence = "MIT OR Apache-2.0"

[input]
width = {WIDTH}
height = {HEIGHT}
context_frames = {FRAMES}
rate_hz = 4.0
resize = "pillow-bicubic"
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]

[output]
waypoints = {WAYPOINTS}
values_per_waypoint = 4
max_distance_steps = 20.0
"""


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--out", type=pathlib.Path, required=True, help="folder to write, made if need be")
    out = arguments.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    raw = weights.raw_weights()
    text = HEAD
    for name, graph in build(folded(raw)).items():
        digest = graph.write(out / f"{name}.onnx")
        ends = [", ".join(f'{{ name = "{n}", shape = {s} }}' for n, s in t) for t in (graph.inputs, graph.outputs)]
        text += f'\n[graphs.{name}]\nfile = "{name}.onnx"\nsha256 = "{digest}"\ninputs = [{ends[0]}]\noutputs = [{ends[1]}]\n'
    golden = golden_bytes(raw)
    (out / "golden.bin").write_bytes(golden)
    digest = hashlib.sha256(golden).hexdigest()
    text += f'\n[golden]\nfile = "golden.bin"\nsha256 = "{digest}"\ncontexts = {weights.CONTEXTS}\ngoals = {weights.GOALS}\n'
    # Last, so that a folder with a manifest is a whole one.
    (out / "manifest.toml").write_text(text)
    print(f"{out}: tick, node, candidate and whole graph, golden values, manifest")


if __name__ == "__main__":
    main()
