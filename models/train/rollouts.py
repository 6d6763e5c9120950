"""Simulated robots driven by a policy: the Python end of `pilotage-sim-data drive`.

The program shows what every robot sees and is to reach, this end answers with waypoints; what came of it is told by the program.
"""

import json
import os
import shlex
import subprocess
import time
from pathlib import Path

import numpy as np
import torch

from contract import CONTEXT_FRAMES, HEIGHT, VALUES_PER_WAYPOINT, WAYPOINTS, WIDTH
from precision import autocast, input_type
from stream import StreamError, normalise_context, normalise_goal

FRAME_BYTES = WIDTH * HEIGHT * 3


class Fleet:
    """The running program, with the last six frames of each of its robots."""

    def __init__(self, command, variant):
        words = shlex.split(command) + (["--first-frames"] if variant.context == "static" else [])
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.variant = variant
        header = self._line()
        self.robots, self.first_frames = int(header["robots"]), int(header["first_frames"])
        if (header["width"], header["height"], header["horizon"]) != (WIDTH, HEIGHT, WAYPOINTS):
            raise StreamError(f"the drives have pictures of {header['width']} x {header['height']}, the net {WIDTH} x {HEIGHT}")
        self.frames = torch.zeros(self.robots, CONTEXT_FRAMES, HEIGHT, WIDTH, 3, dtype=torch.uint8)
        self.first = torch.zeros(self.robots, CONTEXT_FRAMES - 1, HEIGHT, WIDTH, 3, dtype=torch.uint8)

    def _line(self):
        line = self.process.stdout.readline()
        if not line:
            self.close()
            raise StreamError("the drive program ended: run its command by hand to see why")
        return json.loads(line)

    def _bytes(self, count):
        data = self.process.stdout.read(count)
        if len(data) != count:
            raise StreamError("the drive program ended in the middle of a tick")
        return bytearray(data)

    def _pictures(self, count):
        return torch.frombuffer(self._bytes(count * FRAME_BYTES), dtype=torch.uint8).view(count, HEIGHT, WIDTH, 3)

    def look(self):
        """(news, goals u8 [n, 64, 85, 3], metres a step [n]) of the next tick; (news, None, None) when all drives are over."""
        news = self._line()
        if news["over"]:
            return news, None, None
        newest, goals = self._pictures(self.robots), self._pictures(self.robots)
        unit = torch.frombuffer(self._bytes(self.robots * 4), dtype=torch.float32)
        self.frames = torch.cat([self.frames[:, 1:], newest.unsqueeze(1)], 1)
        for slot in news["fresh"]:
            # A robot that has just been set down has stood there: as the runtime does, its first frame fills the context.
            self.frames[slot] = newest[slot]
            if self.first_frames:
                self.first[slot] = self._pictures(self.first_frames)
        return news, goals, unit

    def context(self):
        """What the variant shows of the frames, u8 [n, 6, 64, 85, 3]."""
        if self.variant.context == "static":
            return torch.cat([self.first, self.frames[:, -1:]], 1)
        return self.variant.frames(self.frames)

    def answer(self, net, goals, unit, precision):
        """Lets `net` (in eval mode) steer all robots for one tick."""
        kind = input_type(precision)
        with torch.inference_mode(), autocast(precision):
            pairs = net.tick(normalise_context(self.context(), kind)), net.node(normalise_goal(goals, kind))
            _, actions = net.pair(*pairs[0], *pairs[1])
        waypoints = self.variant.waypoints(actions.float(), unit)
        assert waypoints.shape == (self.robots, WAYPOINTS, VALUES_PER_WAYPOINT)
        try:
            self.process.stdin.write(np.ascontiguousarray(waypoints.numpy(), "<f4").tobytes())
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise StreamError("the drive program ended") from error

    def cpu_s(self):
        """CPU seconds spent so far by this process and the program; the program's only where the kernel tells."""
        try:
            words = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks = int(words[11]) + int(words[12])
        except (OSError, IndexError, ValueError):
            ticks = 0
        return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")

    def close(self):
        """Ends the program."""
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except OSError:
                pass
        self.process.terminate()
        self.process.wait()


class Tally:
    """Sums up how drives ended."""

    def __init__(self):
        self.rows = []

    def add(self, ended):
        """The `ended` list of a tick's news."""
        self.rows.extend(ended)

    def summary(self):
        """Shares of drives by end, contacts a drive, and the share without any."""
        return summary(self.rows)


def summary(rows):
    """As `Tally.summary`, of any list of ended drives."""
    count = max(len(rows), 1)
    share = {end: sum(row["end"] == end for row in rows) / count for end in ("reached", "stuck", "timed-out")}
    return {
        "drives": len(rows),
        **{key.replace("-", "_"): round(value, 4) for key, value in share.items()},
        "contacts_per_drive": round(sum(row["contacts"] for row in rows) / count, 4),
        "reached_without_contact": round(sum(row["end"] == "reached" and row["contacts"] == 0 for row in rows) / count, 4),
        "progress": round(sum(min(row["progress"], 1.0) for row in rows) / count, 4),
    }


def parent_is(parent):
    """Whether the process that started this one still lives."""
    return os.getppid() == parent
