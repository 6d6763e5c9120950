"""int8 variants of exported graphs: weights and activations in 8 bits, calibrated on pictures of a stream file.

Static quantisation with quantise and dequantise nodes around convolutions and linear layers. What the answer is read from (the
last layers, the product of descriptors, all norms) stays in full precision. `whole` is made of the three others, so that it gives
the very answers that they give.
"""

import json
import logging
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import compose
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from losses import Figures
from stream import StreamError, normalise_context, normalise_goal, read_batch, read_header

KINDS = ["Conv", "Gemm"]
CALIBRATION_BATCHES = 4
CALIBRATION_PAIRS = 96


class Pictures:
    """Pairs of a stream file as inputs of graphs."""

    def __init__(self, path, batches, a_block):
        self.path, self.batches, self.a_block = path, batches, a_block

    def __iter__(self):
        """(context [1, 18, 64, 85], goal [g, 3, 64, 85], dist [g], act [5, 4], mask [g]) of `a_block` anchors a block."""
        with open(self.path, "rb") as file:
            layout = read_header(file.fileno())
            for _ in range(self.batches):
                try:
                    views = layout.split(read_batch(file.fileno(), layout))
                except StreamError:
                    return
                for block in range(layout.blocks):
                    for anchor in range(min(self.a_block, layout.anchors)):
                        one = block * layout.anchors + anchor
                        context = normalise_context(torch.from_numpy(views["obs"][one : one + 1])).contiguous().numpy()
                        goals = slice(block * layout.goals, (block + 1) * layout.goals)
                        goal = normalise_goal(torch.from_numpy(views["goal"][goals])).contiguous().numpy()
                        yield context, goal, views["dist"][block, anchor], views["act"][one], views["act_mask"][block, anchor]


class Feeds(CalibrationDataReader):
    """Inputs that a graph gets in use."""

    def __init__(self, feeds):
        self.feeds = iter(feeds)

    def get_next(self):
        return next(self.feeds, None)


def answer_layers(model):
    """Names of the linear layers whose results leave the graph without another linear layer behind them."""
    made_by = {output: node for node in model.graph.node for output in node.output}
    out, seen = set(), set()
    waiting = [value.name for value in model.graph.output if value.name in ("distance", "waypoints")]
    while waiting:
        name = waiting.pop()
        node = made_by.get(name)
        if node is None or name in seen:
            continue
        seen.add(name)
        if node.op_type in KINDS:
            out.add(node.name)
        else:
            waiting.extend(node.input)
    return sorted(out)


def quantised(models, path):
    """The int8 graphs of `models`, calibrated on the stream file at `path`."""
    from export import run, session

    logging.getLogger().setLevel(logging.ERROR)
    float_sessions = {name: session(models[name]) for name in ("tick", "node")}
    feeds = {"tick": [], "node": [], "candidate": []}
    for context, goal, *_ in Pictures(path, CALIBRATION_BATCHES, 1):
        if len(feeds["tick"]) >= CALIBRATION_PAIRS:
            break
        tick, node = run(float_sessions["tick"], {"context": context}), run(float_sessions["node"], {"goal": goal})
        feeds["tick"].append({"context": context})
        feeds["node"].append({"goal": goal})
        feeds["candidate"].append({**tick, **node})
    out = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, some in feeds.items():
            source, target = Path(folder, f"{name}.onnx"), Path(folder, f"{name}.int8.onnx")
            onnx.save(models[name], source)
            quantize_static(
                source, target, Feeds(some), quant_format=QuantFormat.QDQ, op_types_to_quantize=KINDS, per_channel=True,
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, nodes_to_exclude=answer_layers(models[name]),
            )
            out[name] = onnx.load(target)
            onnx.checker.check_model(out[name], full_check=True)
    out["whole"] = joined(out, models["whole"])
    return out


def joined(parts, whole):
    """tick, node and candidate in one graph with the inputs and outputs of `whole`."""
    shared = [value.name for value in parts["candidate"].graph.input]
    kept = {name: {value.name for value in (*part.graph.input, *part.graph.output)} for name, part in parts.items()}

    def renamed(name):
        part = compose.add_prefix(parts[name], f"{name}_", rename_inputs=False, rename_outputs=False)
        assert kept[name] <= {value.name for value in (*part.graph.input, *part.graph.output)}
        return part

    nodes, constants = [], []
    for name in ("tick", "node", "candidate"):
        part = renamed(name)
        nodes.extend(part.graph.node)
        constants.extend(part.graph.initializer)
    made = {output for node in nodes for output in node.output}
    assert set(shared) <= made
    graph = onnx.helper.make_graph(nodes, "pilotage_whole_int8", list(whole.graph.input), list(whole.graph.output), constants)
    model = onnx.helper.make_model(graph, opset_imports=list(parts["tick"].opset_import), ir_version=whole.ir_version)
    model.producer_name = "pilotage"
    onnx.checker.check_model(model)
    return model


def figures(models, path, batches, a_block=2):
    """(figures over the stream file's pairs, milliseconds by graph) of the split graphs on one core."""
    from export import run, session

    sessions = {name: session(models[name]) for name in ("tick", "node", "candidate")}
    sums, spent, calls = Figures(), dict.fromkeys(sessions, 0.0), 0
    for context, goal, dist, act, mask in Pictures(path, batches, a_block):
        feed = {"context": context, "goal": goal}
        for name in ("tick", "node", "candidate"):
            began = time.process_time()
            feed |= run(sessions[name], feed)
            spent[name] += time.process_time() - began
        calls += 1
        count = len(dist)
        batch = {
            "dist": torch.from_numpy(dist).view(1, 1, count), "act_mask": torch.from_numpy(mask).view(1, 1, count),
            "act": torch.from_numpy(act).view(1, *act.shape),
        }
        predicted = torch.from_numpy(np.ascontiguousarray(feed["distance"])).view(1, 1, count)
        sums.add(predicted, torch.from_numpy(feed["waypoints"]).view(1, 1, count, *act.shape), batch)
    return sums.summary(), {name: round(1e3 * value / max(calls, 1), 3) for name, value in spent.items()}


def compare(full, small, path, batches=30):
    """Prints sizes, CPU milliseconds and figures of both as lines of JSON."""
    for name, models in (("fp32", full), ("int8", small)):
        values, spent = figures(models, path, batches)
        size = sum(len(models[graph].SerializeToString()) for graph in ("tick", "node", "candidate"))
        row = {
            "precision": name, "split_mb": round(size / 1e6, 2), "cpu_ms_per_call": spent,
            **{key: round(value, 4) for key, value in values.items()},
        }
        print(json.dumps(row), flush=True)
