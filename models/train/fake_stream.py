"""A stand-in for the simulator's stream, to test the trainer without it: panoramas shifted sideways.

A goal lies `shift` columns beside the newest frame; the distance is |shift| / 2 steps and the waypoints turn towards it. A net
that compares the two pictures can learn this, one that looks at either alone cannot.
"""

import argparse
import json
import sys

import numpy as np

from contract import CONTEXT_FRAMES, HEIGHT, WAYPOINTS, WIDTH

REACH = 36


def panorama(rng):
    """A random strip of blocks, wide enough for every shift."""
    coarse = rng.integers(0, 256, (HEIGHT // 8, (WIDTH + 4 * REACH) // 6 + 1, 3), dtype=np.uint8)
    return coarse.repeat(8, 0).repeat(6, 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--blocks", type=int, default=16)
    parser.add_argument("--anchors", type=int, default=4)
    parser.add_argument("--goals", type=int, default=4)
    parser.add_argument("--batches", type=int, default=0)
    parser.add_argument("--unit", action="store_true", help="also tell step lengths")
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    b, a, g = args.blocks, args.anchors, args.goals
    header = {"blocks": b, "anchors": a, "goals": g, "width": WIDTH, "height": HEIGHT, "context": CONTEXT_FRAMES}
    if args.unit:
        header["order"] = ["obs", "goal", "dist", "act", "act_mask", "unit"]
    out = sys.stdout.buffer
    out.write(json.dumps(header).encode() + b"\n")
    count = 0
    while args.batches == 0 or count < args.batches:
        obs = np.zeros((b, a, CONTEXT_FRAMES, HEIGHT, WIDTH, 3), np.uint8)
        goal = np.zeros((b, g, HEIGHT, WIDTH, 3), np.uint8)
        dist, act, mask = np.zeros((b, a, g), "<f4"), np.zeros((b, a, WAYPOINTS, 4), "<f4"), np.ones((b, a, g), "<f4")
        for block in range(b):
            strip = panorama(rng)
            turn = rng.uniform(-REACH, REACH)
            # Anchors of a block share one label, so goals sit at about one shift and anchors jitter by a column.
            at_anchor = 2 * REACH + rng.integers(-1, 2, a)
            at_goal = (2 * REACH + turn + rng.integers(-2, 3, g)).astype(int)
            for i, column in enumerate(at_anchor):
                obs[block, i] = strip[:HEIGHT, column : column + WIDTH]
                angle = -turn / REACH
                k = np.arange(1, WAYPOINTS + 1)
                act[block, i] = np.stack([k, 0.5 * k * angle, np.cos(angle) + 0 * k, np.sin(angle) + 0 * k], 1)
            for j, column in enumerate(at_goal):
                goal[block, j] = strip[:HEIGHT, column : column + WIDTH]
                if rng.random() < 0.2:
                    goal[block, j] = panorama(rng)[:HEIGHT, :WIDTH]
                    dist[block, :, j], mask[block, :, j] = 20.0, 0.0
                else:
                    dist[block, :, j] = np.minimum(np.abs(column - at_anchor) / 2, 20.0)
        try:
            unit = rng.uniform(0.1, 0.4, b * a if args.unit else 0).astype("<f4")
            for array in (obs, goal, dist, act, mask, unit):
                out.write(array.tobytes())
        except BrokenPipeError:
            return
        count += 1
    out.flush()


if __name__ == "__main__":
    main()
