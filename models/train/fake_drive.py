"""A stand-in for `pilotage-sim-data drive`, to test what talks to it: robots that turn towards a patch as they are told.

Every robot has a strip of blocks and looks at it from a column; waypoints turn it, and a drive has arrived once the column of its
goal is reached. One that is told to turn the other way times out.
"""

import argparse
import json
import sys

import numpy as np

from contract import CONTEXT_FRAMES, HEIGHT, VALUES_PER_WAYPOINT, WAYPOINTS, WIDTH
from fake_stream import REACH, panorama

LONGEST = 12


class Robot:
    """One robot on one strip."""

    def __init__(self, rng, number):
        self.number, self.strip = number, panorama(rng)
        self.column = self.first = 2 * REACH
        self.goal = self.column + int(rng.integers(-REACH, REACH))
        self.steps = 0

    def picture(self, column):
        """What is seen from a column, u8 [64, 85, 3]."""
        return np.ascontiguousarray(self.strip[:HEIGHT, column : column + WIDTH])

    def drive(self, waypoints):
        """Turns; how the drive ended, or None."""
        self.steps += 1
        turn = float(np.arctan2(waypoints[2, 1], max(waypoints[2, 0], 1e-3)))
        self.column = int(np.clip(self.column - round(12 * turn), 0, 4 * REACH))
        if abs(self.column - self.goal) <= 4:
            return "reached"
        return "timed-out" if self.steps >= LONGEST else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--robots", type=int, default=3)
    parser.add_argument("--courses", type=int, default=0, help="drives in all; for ever without it")
    parser.add_argument("--first-frames", action="store_true")
    args = parser.parse_args()
    rng, out, read = np.random.default_rng(1), sys.stdout.buffer, sys.stdin.buffer
    first = CONTEXT_FRAMES - 1 if args.first_frames else 0
    header = {"robots": args.robots, "width": WIDTH, "height": HEIGHT, "horizon": WAYPOINTS, "first_frames": first}
    out.write(json.dumps(header).encode() + b"\n")
    robots, begun, ended = [None] * args.robots, 0, []
    while True:
        fresh = []
        for slot, robot in enumerate(robots):
            if robot is None and (args.courses == 0 or begun < args.courses):
                robots[slot] = Robot(rng, begun)
                begun += 1
                fresh.append(slot)
        over = not any(robots)
        out.write(json.dumps({"over": over, "fresh": fresh, "ended": ended}).encode() + b"\n")
        out.flush()
        if over:
            return
        nothing = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for robot in robots:
            out.write((robot.picture(robot.column) if robot else nothing).tobytes())
        for robot in robots:
            out.write((robot.picture(robot.goal) if robot else nothing).tobytes())
        out.write(np.full(args.robots, 0.2, "<f4").tobytes())
        for slot in fresh:
            out.write(robots[slot].picture(robots[slot].first).tobytes() * first)
        out.flush()
        size = args.robots * WAYPOINTS * VALUES_PER_WAYPOINT * 4
        answer = read.read(size)
        if len(answer) < size:
            return
        waypoints, ended = np.frombuffer(answer, "<f4").reshape(args.robots, WAYPOINTS, VALUES_PER_WAYPOINT), []
        for slot, robot in enumerate(robots):
            end = robot.drive(waypoints[slot]) if robot else None
            if end:
                row = {"slot": slot, "course": robot.number, "drive": 0, "end": end, "steps": robot.steps, "contacts": 0}
                ended.append({**row, "progress": float(end == "reached"), "robot": "fake", "family": "fake"})
                robots[slot] = None


if __name__ == "__main__":
    main()
