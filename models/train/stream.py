"""The training stream: one JSON header line, then batches of raw little-endian arrays for ever.

A batch holds B blocks; a block holds A anchors (six frames each) and G goals, and all A * G pairs are labelled. Several worker
processes read whole batches from one pipe, one at a time under a lock.
"""

import fcntl
import json
import os
import shlex
import subprocess
import threading
import queue
from dataclasses import dataclass

import numpy as np
import torch

from contract import CONTEXT_FRAMES, HEIGHT, MEAN, STD, VALUES_PER_WAYPOINT, WAYPOINTS, WIDTH

# Linux lets an unprivileged process ask for at most this much; the default of 64 KiB costs a context switch per frame.
PIPE_BYTES = 1 << 20
MAX_HEADER_BYTES = 1 << 16
MAX_BATCH_BYTES = 1 << 28


class StreamError(RuntimeError):
    """The stream ended, or is not what this trainer reads."""


@dataclass(frozen=True)
class Layout:
    """Sizes of one batch: blocks, anchors and goals a block; whether it ends with the robots' step lengths."""

    blocks: int
    anchors: int
    goals: int
    unit: bool = False

    def arrays(self):
        """(name, dtype, shape) in stream order."""
        b, a, g = self.blocks, self.anchors, self.goals
        arrays = (
            ("obs", np.uint8, (b * a, CONTEXT_FRAMES, HEIGHT, WIDTH, 3)),
            ("goal", np.uint8, (b * g, HEIGHT, WIDTH, 3)),
            ("dist", np.dtype("<f4"), (b, a, g)),
            ("act", np.dtype("<f4"), (b * a, WAYPOINTS, VALUES_PER_WAYPOINT)),
            ("act_mask", np.dtype("<f4"), (b, a, g)),
        )
        return (*arrays, ("unit", np.dtype("<f4"), (b * a,))) if self.unit else arrays

    def bytes(self):
        """Bytes of one batch."""
        return sum(int(np.prod(shape)) * np.dtype(kind).itemsize for _, kind, shape in self.arrays())

    def split(self, buffer):
        """Views of one batch's arrays in `buffer`, by name."""
        views, offset = {}, 0
        for name, kind, shape in self.arrays():
            count = int(np.prod(shape))
            views[name] = np.frombuffer(buffer, kind, count, offset).reshape(shape)
            offset += count * np.dtype(kind).itemsize
        return views


def read_header(fd):
    """Reads the header line byte by byte (no look-ahead: the pipe is shared) and returns its `Layout`."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(fd, 1)
        if not byte:
            raise StreamError("the stream ended before its header line: run the stream command by hand to see why")
        line += byte
        if len(line) > MAX_HEADER_BYTES:
            raise StreamError(f"the stream's first {MAX_HEADER_BYTES} bytes hold no newline: it is no training stream")
    header = json.loads(line)
    expected = {"width": WIDTH, "height": HEIGHT, "context": CONTEXT_FRAMES}
    for key, value in expected.items():
        if key in header and header[key] != value:
            raise StreamError(f"the stream has {key} {header[key]}, the network needs {value}")
    unit = "unit" in header.get("order", ())
    layout = Layout(int(header["blocks"]), int(header["anchors"]), int(header["goals"]), unit)
    if not 0 < layout.bytes() <= MAX_BATCH_BYTES:
        raise StreamError(f"a batch of {layout.bytes()} bytes is outside 1..{MAX_BATCH_BYTES}: ask for fewer blocks")
    if "batch_bytes" in header and header["batch_bytes"] != layout.bytes():
        raise StreamError(f"the stream says {header['batch_bytes']} bytes a batch, its sizes make {layout.bytes()}")
    return layout


def read_batch(fd, layout):
    """Reads one whole batch into a fresh buffer."""
    buffer = bytearray(layout.bytes())
    view, got = memoryview(buffer), 0
    while got < len(buffer):
        count = os.readv(fd, [view[got:]])
        if count == 0:
            raise StreamError(f"the stream ended {got} bytes into a batch of {len(buffer)}")
        got += count
    return buffer


class Stream:
    """A running stream program and the reading end of its pipe."""

    def __init__(self, command):
        self.process = subprocess.Popen(shlex.split(command), stdout=subprocess.PIPE, bufsize=0)
        self.fd = self.process.stdout.fileno()
        try:
            fcntl.fcntl(self.fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        except OSError:
            # A smaller pipe is slower, not wrong.
            pass
        self.layout = read_header(self.fd)

    def close(self):
        """Ends the program."""
        self.process.stdout.close()
        self.process.terminate()
        self.process.wait()


class Prefetch:
    """Reads the next batch in a thread while the present one is worked on."""

    def __init__(self, fd, layout, lock, variant, kind):
        self.fd, self.layout, self.lock, self.variant, self.kind = fd, layout, lock, variant, kind
        self.ready = queue.Queue(maxsize=1)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        try:
            while True:
                with self.lock:
                    buffer = read_batch(self.fd, self.layout)
                self.ready.put(buffer)
        except (OSError, StreamError) as error:
            self.ready.put(error)

    def next(self):
        """The next batch as tensors; raises `StreamError` when the stream has ended."""
        item = self.ready.get()
        if isinstance(item, Exception):
            raise StreamError(str(item)) from item
        return to_tensors(item, self.layout, self.variant, self.kind)


def _constants(frames, kind):
    """Mean and 1 / deviation as whole pictures [64, 85, 3 * frames]: a product with three numbers a pixel would run unvectorised."""
    def whole(values):
        return torch.tensor(values).repeat(frames).to(kind).expand(HEIGHT, WIDTH, -1).contiguous()

    return whole([value * 255.0 for value in MEAN]), whole([1.0 / (value * 255.0) for value in STD])


_CONSTANTS = {(frames, kind): _constants(frames, kind) for frames in (1, CONTEXT_FRAMES) for kind in (torch.float32, torch.bfloat16)}


def _normalise(pictures, frames, kind):
    mean, scale = _CONSTANTS[frames, kind]
    return pictures.to(kind).sub_(mean).mul_(scale).permute(0, 3, 1, 2)


def normalise_goal(pictures, kind=torch.float32):
    """u8 [n, 64, 85, 3] -> [n, 3, 64, 85] of number type `kind`, channels last in memory."""
    return _normalise(pictures, 1, kind)


def normalise_context(frames, kind=torch.float32):
    """u8 [n, 6, 64, 85, 3], oldest first -> [n, 18, 64, 85] of number type `kind`, channels last in memory."""
    return _normalise(torch.cat(frames.unbind(1), -1), CONTEXT_FRAMES, kind)


def to_tensors(buffer, layout, variant, kind=torch.float32):
    """A batch's bytes -> dict of tensors: context and goal of type `kind`; dist, act, act_mask, unit (metres) in full.

    `act` stays the expert's normalised waypoints; `target` is the action that `variant` learns.
    """
    views = {name: torch.from_numpy(view) for name, view in layout.split(buffer).items()}
    if "unit" not in views and variant.action != "waypoints":
        raise StreamError(f"the stream does not tell the robots' step lengths, which --action {variant.action} needs")
    unit = views.get("unit", torch.ones(views["act"].shape[0]))
    return {
        "context": normalise_context(variant.frames(views["obs"]), kind),
        "goal": normalise_goal(views["goal"], kind),
        "dist": views["dist"],
        "act": views["act"],
        "act_mask": views["act_mask"],
        "unit": unit,
        "target": variant.target(views["act"], unit),
    }
