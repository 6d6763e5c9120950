"""Writes the policy as ONNX graphs by hand, node by node, with batch normalisation and the cumulative sum folded into weights.

Done by hand rather than by tracing, so that the files hold only operators which every engine of the runtime has, the names
are ours, and the same checkpoint gives the same bytes. Whatever a net learned to answer, a graph answers normalised waypoints.
"""

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from contract import CONTEXT_FRAMES, HEIGHT, VALUES_PER_WAYPOINT, WAYPOINTS, WIDTH
from net import BANDS, BINS, COLUMNS, DESCRIPTOR, FUSED, HIDDEN, NORM_EPS
from variants import STEP_S

OPSET = 17
IR_VERSION = 8
CELLS = BANDS * COLUMNS

SHAPES = {
    "context": [1, 3 * CONTEXT_FRAMES, HEIGHT, WIDTH],
    "goal": [-1, 3, HEIGHT, WIDTH],
    "columns": [1, CELLS, DESCRIPTOR],
    "half": [1, FUSED, 8, 11],
    "motion": [1, HIDDEN],
    "goal_columns": [-1, DESCRIPTOR, CELLS],
    "goal_half": [-1, FUSED, 8, 11],
    "distance": [-1, 1],
    "waypoints": [-1, WAYPOINTS, VALUES_PER_WAYPOINT],
}


def array(tensor):
    """A tensor as float32 numpy, whatever its memory format."""
    return np.ascontiguousarray(tensor.detach().contiguous().numpy(), dtype=np.float32)


def norm_scale(norm):
    """A batch normalisation in eval mode as (scale, shift)."""
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale


def folded(pair):
    """conv + batch norm -> (weight, bias) of one convolution, with stride and padding."""
    conv, norm = pair[0], pair[1]
    scale, shift = norm_scale(norm)
    return array(conv.weight * scale.view(-1, 1, 1, 1)), array(shift), conv.stride, conv.padding


class Builder:
    """An ONNX graph in the making; every method adds nodes and returns the name of their result."""

    def __init__(self):
        self.nodes, self.constants, self.used = [], [], 0

    def name(self, stem):
        self.used += 1
        return f"{stem}_{self.used}"

    def constant(self, value):
        name = self.name("c")
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def op(self, kind, inputs, output=None, **attributes):
        output = output or self.name(kind.lower())
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"n_{output}", **attributes))
        return output

    def conv(self, x, weight, bias, stride, padding, relu=False, output=None):
        inputs = [x, self.constant(weight)] + ([] if bias is None else [self.constant(bias)])
        attributes = {
            "kernel_shape": list(weight.shape[2:]), "strides": list(stride), "pads": [*padding, *padding],
            "dilations": [1, 1], "group": 1,
        }
        if relu:
            return self.op("Relu", [self.op("Conv", inputs, **attributes)], output)
        return self.op("Conv", inputs, output, **attributes)

    def conv_bn(self, x, pair):
        weight, bias, stride, padding = folded(pair)
        return self.conv(x, weight, bias, stride, padding, relu=len(pair) == 3)

    def residual(self, x, block):
        inner = self.conv_bn(self.conv_bn(x, block.first), block.second)
        return self.op("Relu", [self.op("Add", [x, inner])])

    def reshape(self, x, shape, output=None):
        return self.op("Reshape", [x, self.constant(np.array(shape, np.int64))], output)

    def gemm(self, x, weight, bias=None, output=None):
        """x [n, k] times weight [m, k] transposed."""
        inputs = [x, self.constant(weight)] + ([] if bias is None else [self.constant(bias)])
        return self.op("Gemm", inputs, output, transB=1)

    def unit(self, x, axis, eps, output=None):
        """x divided by its length along `axis`."""
        square = self.op("Mul", [x, x])
        total = self.op("ReduceSum", [square, self.constant(np.array([axis], np.int64))], keepdims=1)
        length = self.op("Sqrt", [self.op("Add", [total, self.constant(np.float32(eps))])])
        return self.op("Div", [x, length], output)

    def slice(self, x, start, end, axis):
        ends = [self.constant(np.array([value], np.int64)) for value in (start, end, axis)]
        return self.op("Slice", [x, *ends])

    def model(self, name, inputs, outputs, batch):
        """The finished model; `batch` is the leading dimension of every dynamic value."""

        def info(value):
            shape = [batch if size == -1 else size for size in value[1]]
            return helper.make_tensor_value_info(value[0], TensorProto.FLOAT, shape)

        graph = helper.make_graph(self.nodes, name, [info(v) for v in inputs], [info(v) for v in outputs], self.constants)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="pilotage"
        )
        onnx.checker.check_model(model, full_check=True)
        return model


class Writer:
    """Adds the parts of a net, in eval mode, to builders."""

    def __init__(self, net, speeds_unit_m=None):
        self.net, self.speeds_unit_m = net, speeds_unit_m
        self.fused_scale, self.fused_shift = norm_scale(net.fused_norm)
        self.hidden_scale, self.hidden_shift = norm_scale(net.hidden_norm)

    def stem(self, b, picture):
        """Feature map and unit columns [n, 64, 84]."""
        stem = self.net.stem
        features = b.residual(b.conv_bn(picture, stem.patch), stem.block)
        columns = b.conv(features, array(stem.columns.weight), array(stem.columns.bias), stem.columns.stride, (0, 0))
        return features, b.reshape(columns, [-1, DESCRIPTOR, CELLS])

    def half(self, b, x, conv, bias=None, output=None):
        weight = array(conv.weight * self.fused_scale.view(-1, 1, 1, 1))
        return b.conv(x, weight, bias, conv.stride, conv.padding, output=output)

    def tick(self, b):
        net = self.net
        newest = b.slice("context", 3 * (CONTEXT_FRAMES - 1), 3 * CONTEXT_FRAMES, 1)
        features, columns = self.stem(b, newest)
        b.op("Transpose", [b.unit(columns, 1, NORM_EPS)], "columns", perm=[0, 2, 1])
        patches = b.conv_bn("context", net.motion.patch)
        now = self.half(b, features, net.half_current, array(self.fused_shift))
        b.op("Add", [now, self.half(b, patches, net.half_motion)], "half")
        down = b.conv_bn(b.conv_bn(patches, net.motion.down[0]), net.motion.down[1])
        linear = net.motion.vector[0]
        vector = b.op("Relu", [b.gemm(b.reshape(down, [-1, linear.in_features]), array(linear.weight), array(linear.bias))])
        b.gemm(vector, self.hidden(net.from_motion), array(self.hidden_shift), "motion")

    def node(self, b):
        features, columns = self.stem(b, "goal")
        b.unit(columns, 1, NORM_EPS, "goal_columns")
        self.half(b, features, self.net.half_goal, output="goal_half")

    def hidden(self, linear):
        return array(linear.weight * self.hidden_scale.view(-1, 1))

    def candidate(self, b):
        net = self.net
        volume = b.reshape(b.op("MatMul", ["columns", "goal_columns"]), [-1, BANDS, COLUMNS, BANDS, COLUMNS])
        matched = b.reshape(b.op("Transpose", [volume], perm=[0, 1, 3, 2, 4]), [-1, BANDS * BANDS, COLUMNS, COLUMNS])
        for layer in net.match:
            matched = b.conv_bn(matched, layer)
        fused = b.op("Relu", [b.op("Add", ["goal_half", "half"])])
        fused = b.conv_bn(b.residual(fused, net.fused[0]), net.fused[1])
        from_match = b.gemm(b.reshape(matched, [-1, net.from_match.in_features]), self.hidden(net.from_match))
        from_fused = b.gemm(b.reshape(fused, [-1, net.from_fused.in_features]), self.hidden(net.from_fused))
        hidden = b.op("Relu", [b.op("Add", [b.op("Add", [from_match, from_fused]), "motion"])])
        head = net.head[0]
        hidden = b.op("Relu", [b.gemm(hidden, array(head.weight), array(head.bias))])
        shares = b.op("Softmax", [b.gemm(hidden, array(net.distance.weight), array(net.distance.bias))], axis=-1)
        b.op("MatMul", [shares, b.constant(np.arange(BINS, dtype=np.float32).reshape(BINS, 1))], "distance")
        # row @ (W x + b)^T @ M  =  row of (M^T W) x + M^T b: the cumulative sum costs nothing at run time.
        fold = net.cumulative.t()
        raw = b.gemm(hidden, array(fold @ net.action.weight), array(fold @ net.action.bias))
        raw = b.reshape(raw, [-1, WAYPOINTS, VALUES_PER_WAYPOINT])
        if self.speeds_unit_m is not None:
            return self.path(b, raw)
        heading = b.unit(b.slice(raw, 2, 4, 2), 2, NORM_EPS * NORM_EPS)
        b.op("Concat", [b.slice(raw, 0, 2, 2), heading], "waypoints", axis=2)

    def path(self, b, speeds):
        """Speeds [n, 5, 4] (m/s, rad/s, unused) -> where they lead, in units of `speeds_unit_m`: as `variants.path`."""
        total = np.triu(np.ones((WAYPOINTS, WAYPOINTS), np.float32))
        column = [b.reshape(b.slice(speeds, i, i + 1, 2), [-1, WAYPOINTS]) for i in (0, 1)]
        forward = b.op("Mul", [column[0], b.constant(np.float32(STEP_S / self.speeds_unit_m))])
        yaw = b.op("MatMul", [column[1], b.constant(total * np.float32(STEP_S))])
        half = b.op("MatMul", [column[1], b.constant((total - 0.5 * np.eye(WAYPOINTS, dtype=np.float32)) * np.float32(STEP_S))])
        places = [b.op("MatMul", [b.op("Mul", [forward, b.op(kind, [half])]), b.constant(total)]) for kind in ("Cos", "Sin")]
        parts = [*places, b.op("Cos", [yaw]), b.op("Sin", [yaw])]
        b.op("Concat", [b.reshape(part, [-1, WAYPOINTS, 1]) for part in parts], "waypoints", axis=2)


TICK_OUT = ("columns", "half", "motion")
NODE_OUT = ("goal_columns", "goal_half")
ANSWER = ("distance", "waypoints")


def ends(graph):
    """(inputs, outputs) of a graph of ours as lists of (name, shape), -1 where the batch goes."""
    names = {
        "tick": (("context",), TICK_OUT),
        "node": (("goal",), NODE_OUT),
        "candidate": (TICK_OUT + NODE_OUT, ANSWER),
        "whole": (("context", "goal"), ANSWER),
    }[graph]

    def shape(name):
        dims = SHAPES[name]
        return [-1, *dims[1:]] if graph == "whole" else list(dims)

    return tuple([(name, shape(name)) for name in side] for side in names)


def signature(model):
    """(inputs, outputs) of any model as lists of (name, shape), -1 where the batch goes."""

    def shape(value):
        return [-1 if size.dim_param else size.dim_value for size in value.type.tensor_type.shape.dim]

    return tuple([(value.name, shape(value)) for value in side] for side in (model.graph.input, model.graph.output))


def build(net, speeds_unit_m=None):
    """All graphs of `net` (in eval mode) by name; a net that answers speeds is told for which step length, metres."""
    writer, models = Writer(net, speeds_unit_m), {}
    parts = {
        "tick": (writer.tick,), "node": (writer.node,), "candidate": (writer.candidate,),
        "whole": (writer.tick, writer.node, writer.candidate),
    }
    for name, adders in parts.items():
        builder = Builder()
        for add in adders:
            add(builder)
        inputs, outputs = ends(name)
        models[name] = builder.model(f"pilotage_{name}", inputs, outputs, "batch")
    return models
