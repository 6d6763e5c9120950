"""Data sets of the GNM kind: folders of JPEG with `traj_data.pkl`, read without executing a pickle.

    python gnm_folders.py check DATASET...      # what is in them, and whether it fits; needs numpy only
    python gnm_folders.py convert DATASET...    # traj_data.json beside each traj_data.pkl, for readers that take no pickle

DATASET holds one folder a trajectory: `0.jpg`, `1.jpg` .. at 4 Hz and `traj_data.pkl` with `position` [T, 2] in metres and
`yaw` [T] or [T, 1] in radians, one row a picture. Which trajectories are for training and which for testing stands in
`data_splits/NAME/{train,test}/traj_names.txt`, looked for beside DATASET and one folder above.
"""

import argparse
import json
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restricted_pickle import RestrictedPickleError, load

PICKLE, TABLE = "traj_data.pkl", "traj_data.json"
RATE_HZ = 4.0
MAX_PICTURES = 500_000
MAX_TABLE_BYTES = 64 << 20
MAX_NAMES_BYTES = 8 << 20


class DatasetError(ValueError):
    """A data set that cannot be used; says which file and what to do."""


@dataclass(frozen=True)
class Trajectory:
    """One drive: its folder, positions [T, 2] in metres, headings [T] in radians."""

    folder: Path
    position: np.ndarray
    yaw: np.ndarray

    def __len__(self):
        return len(self.yaw)

    def picture(self, index):
        """Path of a picture."""
        return self.folder / f"{index}.jpg"

    def steps_m(self):
        """Way from each picture to the next, metres."""
        return np.linalg.norm(np.diff(self.position, axis=0), axis=1)


def plain(path, key, value):
    """Refuses what is neither an array nor at most rows of numbers: nested lists that share parts unfold without end."""
    if isinstance(value, np.ndarray):
        return
    if not isinstance(value, (list, tuple)) or len(value) > MAX_PICTURES:
        raise DatasetError(f"{path}: {key} is no array or list of plain numbers, of at most {MAX_PICTURES} rows")
    for row in value:
        if isinstance(row, np.ndarray) and row.size <= 3:
            continue
        cells = row if isinstance(row, (list, tuple)) else (row,)
        if len(cells) > 3 or not all(isinstance(cell, (int, float)) for cell in cells):
            raise DatasetError(f"{path}: a row of {key} is not up to three plain numbers")


def numbers(path, values):
    """(position [T, 2], yaw [T]) as float64 out of what a file holds."""
    for key in ("position", "yaw"):
        if key not in values:
            raise DatasetError(f"{path}: no {key!r} in it, only {', '.join(sorted(map(str, values)))[:200] or 'nothing'}")
    for key in ("position", "yaw"):
        plain(path, key, values[key])
    try:
        position = np.asarray(values["position"], dtype=np.float64)
        yaw = np.asarray(values["yaw"], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DatasetError(f"{path}: position or yaw are no plain numbers: {str(error)[:200]}") from None
    if yaw.ndim == 2 and yaw.shape[1] == 1:
        yaw = yaw[:, 0]
    if position.ndim != 2 or position.shape[1] < 2 or yaw.shape != position.shape[:1]:
        raise DatasetError(f"{path}: position of shape {position.shape} and yaw of shape {yaw.shape}; (T, 2) and (T,) are needed")
    # Some recorders keep the height as a third column.
    position = position[:, :2]
    if not (np.isfinite(position).all() and np.isfinite(yaw).all()):
        raise DatasetError(f"{path}: a number is not finite")
    return position, yaw


def poses(folder):
    """(position, yaw, file) of a trajectory: of the table if there is one, else of the pickle."""
    table = folder / TABLE
    if table.is_file():
        if table.stat().st_size > MAX_TABLE_BYTES:
            raise DatasetError(f"{table}: more than {MAX_TABLE_BYTES} bytes")
        try:
            values = json.loads(table.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise DatasetError(f"{table}: {str(error)[:200]}") from None
        if not isinstance(values, dict):
            raise DatasetError(f"{table}: no table")
        if values.get("hz", RATE_HZ) != RATE_HZ:
            raise DatasetError(f"{table}: {values['hz']} pictures a second; the policy needs {RATE_HZ}: `pilotage export dataset` makes them")
        return *numbers(table, values), table
    path = folder / PICKLE
    if not path.is_file():
        raise DatasetError(f"{folder}: neither {PICKLE} nor {TABLE} (pictures alone teach no way)")
    try:
        return *numbers(path, load(path)), path
    except RestrictedPickleError as error:
        raise DatasetError(str(error)) from None


def read(folder):
    """The trajectory in `folder`."""
    position, yaw, source = poses(folder)
    if not 0 < len(yaw) <= MAX_PICTURES:
        raise DatasetError(f"{source}: {len(yaw)} rows (1 to {MAX_PICTURES})")
    count = sum(1 for name in os.listdir(folder) if name.endswith(".jpg") and name[:-4].isdecimal())
    # The published recorders now and then leave a picture more than poses, or one less.
    usable = min(count, len(yaw))
    if abs(count - len(yaw)) > 1 or usable == 0:
        raise DatasetError(f"{folder}: {count} pictures and {len(yaw)} rows in {source.name}; there must be one row a picture")
    trajectory = Trajectory(folder, position[:usable], yaw[:usable])
    for index in (0, usable - 1):
        if not trajectory.picture(index).is_file():
            raise DatasetError(f"{folder}: {count} pictures, but no {index}.jpg: they must be numbered from 0 without a gap")
    return trajectory


def names(dataset, part):
    """Names of a data set's trajectories of `part` (train, test or all)."""
    there = sorted(entry.name for entry in dataset.iterdir() if entry.is_dir()) if dataset.is_dir() else None
    if there is None:
        raise DatasetError(f"{dataset}: no such folder")
    if part == "all":
        return there
    for base in (dataset.resolve().parent, dataset.resolve().parent.parent, dataset):
        listing = base / "data_splits" / dataset.resolve().name / part / "traj_names.txt"
        if listing.is_file():
            with open(listing, encoding="utf-8") as file:
                wanted = [line.strip() for line in file.read(MAX_NAMES_BYTES).splitlines() if line.strip()]
            missing = sorted(set(wanted) - set(there))
            if missing:
                raise DatasetError(f"{listing}: names {missing[0]!r}, which is no folder of {dataset}")
            return wanted
    raise DatasetError(f"{dataset}: no data_splits/{dataset.resolve().name}/{part}/traj_names.txt beside it; give --split all, or make one")


def trajectories(dataset, part):
    """All trajectories of `part`, in the order of their names in the split."""
    found = [read(dataset / name) for name in names(dataset, part)]
    if not found:
        raise DatasetError(f"{dataset}: no trajectory in its part {part!r}")
    return found


def spacing_m(some):
    """Mean way from one picture to the next, metres: the unit of the waypoints, where none is given."""
    steps = np.concatenate([trajectory.steps_m() for trajectory in some])
    mean = float(steps.mean()) if len(steps) else 0.0
    if not mean > 1e-6:
        raise DatasetError("the robot does not move in this data set: no waypoints can be learned from it")
    return mean


def jpeg_size(path):
    """(width, height) by a JPEG's header, without decoding it."""
    with open(path, "rb") as file:
        data = file.read(1 << 20)
    at = 2
    if data[:2] != b"\xff\xd8":
        raise DatasetError(f"{path}: no JPEG")
    while at + 9 <= len(data) and data[at] == 0xFF:
        kind = data[at + 1]
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise DatasetError(f"{path}: a JPEG without a size")


def check(dataset):
    """Reads all of a data set but its pixels; its summary."""
    total = {"dataset": str(dataset), "trajectories": 0, "pictures": 0, "metres": 0.0, "turned_rad": 0.0, "sizes": []}
    every = trajectories(dataset, "all")
    sizes = set()
    for trajectory in every:
        sizes.update(jpeg_size(trajectory.picture(index)) for index in range(len(trajectory)))
        if (trajectory.folder / TABLE).is_file() and (trajectory.folder / PICKLE).is_file():
            same_in_both(trajectory)
        total["pictures"] += len(trajectory)
        total["metres"] += float(trajectory.steps_m().sum())
        total["turned_rad"] += float(np.abs(wrapped(np.diff(trajectory.yaw))).sum())
    total.update(trajectories=len(every), sizes=sorted(sizes), spacing_m=spacing_m(every))
    for part in ("train", "test"):
        try:
            total[part] = len(names(dataset, part))
        except DatasetError:
            total[part] = None
    return total


def same_in_both(trajectory):
    """The pickle and the table must say the same."""
    path = trajectory.folder / PICKLE
    try:
        position, yaw = numbers(path, load(path))
    except RestrictedPickleError as error:
        raise DatasetError(str(error)) from None
    size = len(trajectory)
    if not (np.array_equal(position[:size], trajectory.position) and np.array_equal(yaw[:size], trajectory.yaw)):
        raise DatasetError(f"{path}: says something else than {TABLE} beside it; remove the one that is wrong")


def wrapped(angle):
    """Angles within -pi..pi."""
    return (angle + math.pi) % (2.0 * math.pi) - math.pi


def convert(dataset):
    """Writes each trajectory's table where there is none; how many."""
    made = 0
    for name in names(dataset, "all"):
        folder = dataset / name
        path = folder / TABLE
        if os.path.lexists(path):
            print(f"kept        {path}", file=sys.stderr)
            continue
        trajectory = read(folder)
        table = {"hz": RATE_HZ, "position": trajectory.position.tolist(), "yaw": trajectory.yaw.tolist()}
        beside = folder / (TABLE + ".part")
        with open(beside, "w", encoding="utf-8") as file:
            json.dump(table, file)
        # A hard link is refused where the name is taken; a rename would replace it.
        try:
            os.link(beside, path)
        finally:
            os.unlink(beside)
        made += 1
    return made


def main():
    parser = argparse.ArgumentParser(description="Look at data sets of the GNM kind, without executing a pickle.")
    parser.add_argument("what", choices=("check", "convert"))
    parser.add_argument("dataset", nargs="+", type=Path)
    args = parser.parse_args()
    try:
        for dataset in args.dataset:
            if args.what == "check":
                print(json.dumps(check(dataset)))
            else:
                print(f"converted   {convert(dataset)} trajectories of {dataset}")
    except (DatasetError, OSError) as error:
        sys.exit(f"gnm_folders: {error}")


if __name__ == "__main__":
    main()
