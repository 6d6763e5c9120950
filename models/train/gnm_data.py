"""A training stream out of data sets of the GNM kind (own drives, published ones), in the format of `pilotage-sim-data stream`.

    python gnm_data.py DATASET... [--split train] [--seed 1] [--batches N] [--no-augment] > stream

A block is a stretch of one trajectory: A observations around one moment and G goals. Labels are what GNM trains on: the
distance is the time to the goal in steps of 0.25 s (20 for a goal passed, further ahead, or of another trajectory), the
waypoints are the robot's own next five poses in the newest frame's axes, in units of the data set's spacing. At a trajectory's
start the context repeats the first frame, at its end the last pose stands. Several data sets are mixed evenly.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from contract import CONTEXT_FRAMES, HEIGHT, MAX_DISTANCE_STEPS, WAYPOINTS, WIDTH
from gnm_folders import DatasetError, spacing_m, trajectories

FAR = int(MAX_DISTANCE_STEPS)
# Steps that anchors of a block lie apart at most.
ANCHOR_REACH = 3
TURNING_Y, TURNING_SIN = 0.2, 0.15
# As the simulator's stream has them; the trainer's own reader says their types and shapes.
ORDER = ["obs", "goal", "dist", "act", "act_mask", "unit"]


def small(path, crop):
    """A picture file as u8 [64, 85, 3]: cut to 4:3 about the centre as GNM's training does, then Pillow's bicubic."""
    with Image.open(path) as file:
        # Within bounds before anything is decoded.
        if file.format != "JPEG" or max(file.size) > 8192:
            raise DatasetError(f"{path}: {file.format} of {file.size}; JPEG of at most 8192 pixels a side is read")
        picture = file.convert("RGB")
    if crop:
        width, height = picture.size
        if width * 3 > height * 4:
            wanted = round(height * 4 / 3)
            left = (width - wanted) // 2
            picture = picture.crop((left, 0, left + wanted, height))
        else:
            wanted = min(height, round(width * 3 / 4))
            top = (height - wanted) // 2
            picture = picture.crop((0, top, width, top + wanted))
    return np.asarray(picture.resize((WIDTH, HEIGHT), Image.BICUBIC), dtype=np.uint8)


def labels(trajectory, unit_m):
    """f32 [T, 5, 4]: (x, y, cos, sin) of the next five poses in each pose's axes, x and y in units."""
    count = len(trajectory)
    ahead = np.minimum(np.arange(count)[:, None] + np.arange(1, WAYPOINTS + 1), count - 1)
    delta = (trajectory.position[ahead] - trajectory.position[:, None]) / unit_m
    cos, sin = np.cos(trajectory.yaw)[:, None], np.sin(trajectory.yaw)[:, None]
    turn = trajectory.yaw[ahead] - trajectory.yaw[:, None]
    x = delta[..., 0] * cos + delta[..., 1] * sin
    y = delta[..., 1] * cos - delta[..., 0] * sin
    return np.stack([x, y, np.cos(turn), np.sin(turn)], -1).astype(np.float32)


class Drive:
    """One trajectory in memory: pictures u8 [T, 64, 85, 3], labels f32 [T, 5, 4], metres in one unit."""

    def __init__(self, trajectory, unit_m, crop):
        self.unit_m, self.position = unit_m, trajectory.position
        # Pieces of one log (`LOG_0`, `LOG_1` ..) share a frame of reference, and may show the same places.
        self.log = trajectory.folder.parent, trajectory.folder.name.rpartition("_")[0] or trajectory.folder.name
        self.frames = np.stack([small(trajectory.picture(index), crop) for index in range(len(trajectory))])
        self.act = labels(trajectory, unit_m)
        self.turns = np.flatnonzero((np.abs(self.act[:, 2, 1]) > TURNING_Y) | (np.abs(self.act[:, 2, 3]) > TURNING_SIN))

    def __len__(self):
        return len(self.frames)

    def context(self, at):
        """u8 [6, 64, 85, 3], oldest first, the first frame repeated before the start."""
        return self.frames[np.maximum(np.arange(at - CONTEXT_FRAMES + 1, at + 1), 0)]


def load_set(dataset, part, unit_m, crop, most, rng):
    """The drives of a data set, at most `most` pictures of them, and the unit in metres."""
    found = trajectories(dataset, part)
    unit_m = unit_m or spacing_m(trajectories(dataset, "train") if part == "test" else found)
    drives, pictures = [], 0
    for index in rng.permutation(len(found)):
        if pictures + len(found[index]) > most and drives:
            continue
        drives.append(Drive(found[index], unit_m, crop))
        pictures += len(found[index])
    left = len(found) - len(drives)
    print(
        f"{dataset}: {len(drives)} trajectories of its part {part}, {pictures} pictures, one unit is {unit_m:.4f} m"
        + (f"; {left} trajectories left out (--max-pictures)" if left else ""),
        file=sys.stderr,
    )
    return drives, unit_m


class Look:
    """A change of light: the same for all frames of a context."""

    def __init__(self, rng, strength):
        self.gain = math.exp(strength * rng.normal(0.0, 0.25))
        self.tint = np.exp(strength * rng.normal(0.0, 0.06, 3)).astype(np.float32)
        self.contrast = math.exp(strength * rng.normal(0.0, 0.2))
        self.gamma = math.exp(strength * rng.normal(0.0, 0.2))
        self.noise = strength * rng.uniform(0.0, 0.02)
        self.seed = rng.integers(1 << 63)

    def apply(self, pictures):
        """u8 [..., 64, 85, 3] -> the same under this light."""
        level = (np.arange(256, dtype=np.float32) / 255.0) ** self.gamma
        table = (level - 0.5) * self.contrast + 0.5
        table = np.clip(table[:, None] * self.gain * self.tint * 255.0, 0.0, 255.0)
        out = np.stack([table[pictures[..., channel], channel] for channel in range(3)], -1)
        if self.noise > 0.0:
            grain = np.random.default_rng(self.seed).normal(0.0, self.noise * 255.0, out.shape)
            out = np.clip(out + grain, 0.0, 255.0)
        return (out + 0.5).astype(np.uint8)


class Blocks:
    """Draws blocks out of the drives of one or more data sets."""

    def __init__(self, sets, anchors, goals, augment, rng):
        self.sets, self.anchors, self.goals, self.augment, self.rng = sets, anchors, goals, augment, rng
        self.weights = [np.array([len(drive) for drive in drives], float) for drives in sets]
        self.weights = [weights / weights.sum() for weights in self.weights]

    def draw(self):
        """(obs [A, 6, 64, 85, 3], goal [G, 64, 85, 3], dist [A, G], act [A, 5, 4], mask [A, G], unit [A])."""
        rng = self.rng
        which = int(rng.integers(len(self.sets)))
        drive = self.pick(which)
        centre = int(rng.integers(len(drive)))
        # Half of the blocks at places where there is something to steer, if the drive has any.
        if len(drive.turns) and rng.random() < 0.5:
            centre = int(rng.choice(drive.turns))
        spread = rng.integers(-ANCHOR_REACH, ANCHOR_REACH + 1, self.anchors)
        anchors = np.clip(centre + spread, 0, len(drive) - 1)
        obs = np.stack([drive.context(at) for at in anchors])
        act = drive.act[anchors].copy()
        goal = np.empty((self.goals, HEIGHT, WIDTH, 3), np.uint8)
        dist = np.full((self.anchors, self.goals), float(FAR), np.float32)
        mask = np.zeros((self.anchors, self.goals), np.float32)
        for slot in range(self.goals):
            here = self.goal(drive, centre, anchors)
            if here is None:
                goal[slot] = self.elsewhere(drive, centre)
                continue
            goal[slot] = drive.frames[here]
            steps = here - anchors
            ahead = (steps >= 0) & (steps < FAR)
            dist[:, slot] = np.where(ahead, steps, FAR)
            mask[:, slot] = ahead
        if self.augment:
            obs, goal, act = self.augmented(obs, goal, act)
        return obs, goal, dist, act, mask, np.full(self.anchors, drive.unit_m, np.float32)

    def pick(self, which):
        """A drive of a data set, the longer the likelier."""
        return self.sets[which][int(self.rng.choice(len(self.weights[which]), p=self.weights[which]))]

    def goal(self, drive, centre, anchors):
        """Index of a goal in the drive itself, or `None` for one of elsewhere."""
        rng, drawn = self.rng, self.rng.random()
        if drawn < 0.55:
            at = centre + rng.uniform(0.0, 8.0)
        elif drawn < 0.72:
            at = centre + rng.uniform(8.0, FAR)
        elif drawn < 0.84:
            at = anchors.min() - rng.uniform(1.0, 10.0)
        elif drawn < 0.91:
            at = anchors.max() + rng.uniform(FAR + 4, 60.0)
        else:
            return None
        at = int(round(at))
        if 0 <= at < len(drive):
            return at
        # Near either end there is no such moment: ahead if there is any.
        last = min(centre + 8, len(drive) - 1)
        return int(rng.integers(centre, last + 1))

    def elsewhere(self, drive, centre):
        """A picture of another log, or of another piece of this one far from here; noise where there is none."""
        for _ in range(16):
            other = self.pick(int(self.rng.integers(len(self.sets))))
            if other is drive:
                continue
            at = int(self.rng.integers(len(other)))
            away_m = float(np.linalg.norm(other.position[at] - drive.position[centre]))
            if other.log != drive.log or away_m > FAR * drive.unit_m:
                return other.frames[at]
        noise = self.rng.integers(0, 256, (8, 11, 3), dtype=np.uint8)
        return noise.repeat(8, 0).repeat(8, 1)[:HEIGHT, :WIDTH]

    def augmented(self, obs, goal, act):
        """Other light, and half of the blocks mirrored with their labels."""
        rng = self.rng
        obs = np.stack([Look(rng, 1.0).apply(frames) for frames in obs])
        goal = np.stack([Look(rng, rng.uniform(0.2, 0.8)).apply(frame) for frame in goal])
        if rng.random() < 0.5:
            obs, goal = obs[..., ::-1, :], goal[..., ::-1, :]
            act = act * np.array([1.0, -1.0, 1.0, -1.0], np.float32)
        return obs, goal, act


def batches(blocks, count):
    """A batch of `count` blocks: the arrays of `ORDER`."""
    parts = zip(*(blocks.draw() for _ in range(count)))
    return [np.ascontiguousarray(np.stack(part)) for part in parts]


def spacings(texts):
    """`0.25` or `NAME=0.25`, any number of times -> function of a data set's name."""
    every, by_name = None, {}
    for text in texts:
        name, _, value = text.rpartition("=")
        value = float(value)
        if not (math.isfinite(value) and value > 0.0):
            raise DatasetError(f"--spacing {text}: metres above zero")
        if name:
            by_name[name] = value
        else:
            every = value
    return lambda name: by_name.get(name, every)


def arguments():
    parser = argparse.ArgumentParser(description="A training stream out of data sets of the GNM kind.")
    parser.add_argument("dataset", nargs="+", type=Path)
    parser.add_argument("--split", default="train", choices=("train", "test", "all"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--blocks", type=int, default=16)
    parser.add_argument("--anchors", type=int, default=4)
    parser.add_argument("--goals", type=int, default=4)
    parser.add_argument("--batches", type=int, default=0, help="end after so many; 0 goes on for ever")
    parser.add_argument("--spacing", action="append", default=[], help="metres in one unit, for all or as NAME=METRES; the mean step if left out")
    parser.add_argument("--max-pictures", type=int, default=60_000, help="of each data set in memory, 16 KB each")
    parser.add_argument("--no-augment", action="store_true")
    parser.add_argument("--no-crop", action="store_true", help="squeeze pictures that are not 4:3, as `pilotage run` does, in place of cutting them")
    return parser.parse_args()


def main():
    args = arguments()
    rng = np.random.default_rng(args.seed)
    try:
        unit = spacings(args.spacing)
        sets = [
            load_set(dataset, args.split, unit(dataset.resolve().name), not args.no_crop, args.max_pictures, rng)[0]
            for dataset in args.dataset
        ]
    except (DatasetError, OSError, ValueError) as error:
        sys.exit(f"gnm_data: {error}")
    if sum(map(len, sets)) == 1:
        print("gnm_data: only one trajectory: goals of elsewhere are noise; give more drives, or export with --cut", file=sys.stderr)
    blocks = Blocks(sets, args.anchors, args.goals, not args.no_augment, rng)
    layout = {"blocks": args.blocks, "anchors": args.anchors, "goals": args.goals, "width": WIDTH, "height": HEIGHT}
    layout.update(context=CONTEXT_FRAMES, order=ORDER)
    out = sys.stdout.buffer
    count = 0
    try:
        out.write(json.dumps(layout).encode() + b"\n")
        while args.batches == 0 or count < args.batches:
            for part in batches(blocks, args.blocks):
                out.write(part.tobytes())
            count += 1
        out.flush()
    except BrokenPipeError:
        # The trainer has ended; Python must not complain about it when it flushes.
        sys.stderr.close()


if __name__ == "__main__":
    main()
