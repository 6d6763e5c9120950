"""The stream of places: one JSON header line, then batches of raw little-endian arrays for ever; and trials of recall.

A batch holds W worlds of P places with V views each; `apart` says how far apart two places of one world are, in units of what
still counts as the same place (0 for the same one, 99 for another heading or a wall between).
"""

import fcntl
import json
import os
import queue
import shlex
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from contract import HEIGHT, MEAN, STD, WIDTH  # noqa: E402  (shared with the policy, in the folder above)

PIPE_BYTES = 1 << 20
MAX_LINE_BYTES = 1 << 20
MAX_BATCH_BYTES = 1 << 28
FRAME_BYTES = HEIGHT * WIDTH * 3


class StreamError(RuntimeError):
    """The stream ended, or is not what this trainer reads."""


@dataclass(frozen=True)
class Layout:
    """Sizes of one batch: worlds, places a world, views a place."""

    worlds: int
    places: int
    views: int

    def bytes(self):
        """Bytes of one batch."""
        return self.worlds * self.places * (self.views * FRAME_BYTES + self.places * 4)

    def split(self, buffer):
        """(pictures u8 [W*P*V, 64, 85, 3], apart f32 [W, P, P]) as views of `buffer`."""
        count = self.worlds * self.places * self.views
        pictures = np.frombuffer(buffer, np.uint8, count * FRAME_BYTES).reshape(count, HEIGHT, WIDTH, 3)
        apart = np.frombuffer(buffer, "<f4", self.worlds * self.places**2, count * FRAME_BYTES)
        return pictures, apart.reshape(self.worlds, self.places, self.places)


def read_header(fd):
    """Reads the header line byte by byte (nothing beyond it may be taken) and returns its `Layout`."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(fd, 1)
        if not byte:
            raise StreamError("the stream ended before its header line: run the stream command by hand to see why")
        line += byte
        if len(line) > MAX_LINE_BYTES:
            raise StreamError(f"the stream's first {MAX_LINE_BYTES} bytes hold no newline: it is no stream of places")
    header = json.loads(line)
    if header.get("format") != "pilotage-place-stream" or (header["width"], header["height"]) != (WIDTH, HEIGHT):
        raise StreamError(f"this is no stream of places of {WIDTH} x {HEIGHT}: {header}")
    layout = Layout(int(header["worlds"]), int(header["places"]), int(header["views"]))
    if header["batch_bytes"] != layout.bytes() or not 0 < layout.bytes() <= MAX_BATCH_BYTES:
        raise StreamError(f"the stream says {header['batch_bytes']} bytes a batch, its sizes make {layout.bytes()}")
    return layout


def read_whole(fd, count):
    """Reads exactly `count` bytes."""
    buffer = bytearray(count)
    view, got = memoryview(buffer), 0
    while got < count:
        more = os.readv(fd, [view[got:]])
        if more == 0:
            raise StreamError(f"the stream ended {got} bytes into a batch of {count}")
        got += more
    return buffer


class PlaceStream:
    """A running stream program; the next batch is read in a thread while the present one is worked on."""

    def __init__(self, command):
        self.process = subprocess.Popen(shlex.split(command), stdout=subprocess.PIPE, bufsize=0)
        self.fd = self.process.stdout.fileno()
        try:
            fcntl.fcntl(self.fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        except OSError:
            # A smaller pipe is slower, not wrong.
            pass
        self.layout = read_header(self.fd)
        self.ready = queue.Queue(maxsize=1)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        try:
            while True:
                self.ready.put(read_whole(self.fd, self.layout.bytes()))
        except (OSError, StreamError) as error:
            self.ready.put(error)

    def next(self):
        """(pictures u8 tensor, apart f32 tensor) of the next batch."""
        item = self.ready.get()
        if isinstance(item, Exception):
            raise StreamError(str(item)) from item
        pictures, apart = self.layout.split(item)
        return torch.from_numpy(pictures), torch.from_numpy(apart)

    def close(self):
        """Ends the program."""
        self.process.terminate()
        self.process.wait()


_MEAN = (torch.tensor(MEAN) * 255.0).view(1, 3, 1, 1)
_SCALE = (1.0 / (torch.tensor(STD) * 255.0)).view(1, 3, 1, 1)


def normalise(pictures):
    """u8 [n, 64, 85, 3] -> f32 [n, 3, 64, 85], channels last in memory."""
    return pictures.permute(0, 3, 1, 2).float().sub_(_MEAN).mul_(_SCALE)


@dataclass
class Trial:
    """One world's map and questions: pictures u8, way along the route in metres."""

    family: str
    tolerance_m: float
    node_arcs: np.ndarray
    query_arcs: np.ndarray
    nodes: np.ndarray
    queries: tuple  # same robot, other camera


def read_trials(path):
    """The trials that `pilotage-sim-data places --trials N` wrote."""
    trials = []
    with open(path, "rb") as file:
        while line := file.readline(MAX_LINE_BYTES):
            header = json.loads(line)
            nodes, queries = len(header["nodes"]), len(header["queries"])
            count = nodes + 2 * queries
            pictures = np.frombuffer(file.read(count * FRAME_BYTES), np.uint8).reshape(count, HEIGHT, WIDTH, 3)
            parts = np.split(pictures, [nodes, nodes + queries])
            arcs = (np.array(header["nodes"]), np.array(header["queries"]))
            trials.append(Trial(header["family"], header["tolerance_m"], *arcs, parts[0], (parts[1], parts[2])))
    return trials
