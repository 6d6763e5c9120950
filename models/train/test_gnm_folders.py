"""Rules of the reader of data sets. Needs numpy and nothing else. Run: python -m unittest -v test_gnm_folders"""

import json
import os
import pickle
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

import gnm_folders
from gnm_folders import DatasetError, check, convert, names, read, spacing_m, trajectories

HERE = Path(__file__).parent


def tiny_jpeg(width=160, height=120):
    """The parts of a JPEG that tell its size; nobody decodes it here."""
    side = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return b"\xff\xd8" + b"\xff\xe0\x00\x04ab" + b"\xff\xc0\x00\x0b\x08" + side + b"\x01\x00\x00\x00" + b"\xff\xd9"


class Folders(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.set = self.root / "walks"

    def trajectory(self, name="walk_0", count=12, data=None, pictures=None):
        """A trajectory going 0.5 m ahead in each step."""
        folder = self.set / name
        folder.mkdir(parents=True)
        for index in range(count if pictures is None else pictures):
            (folder / f"{index}.jpg").write_bytes(tiny_jpeg())
        position = np.stack([np.arange(count) * 0.5, np.zeros(count)], 1)
        data = {"position": position, "yaw": np.zeros((count, 1))} if data is None else data
        (folder / "traj_data.pkl").write_bytes(pickle.dumps(data))
        return folder

    def split(self, base, train, test):
        for part, lines in (("train", train), ("test", test)):
            folder = base / "data_splits" / "walks" / part
            folder.mkdir(parents=True)
            (folder / "traj_names.txt").write_text("".join(f"{line}\n" for line in lines))

    def refused(self, word, action, *arguments):
        with self.assertRaises(DatasetError) as caught:
            action(*arguments)
        self.assertIn(word, str(caught.exception))

    def test_a_folder_as_published_is_read(self):
        trajectory = read(self.trajectory())
        self.assertEqual((trajectory.position.shape, trajectory.yaw.shape), ((12, 2), (12,)))
        self.assertEqual(spacing_m([trajectory]), 0.5)

    def test_a_picture_more_or_less_than_poses_is_borne_and_two_are_not(self):
        self.assertEqual(len(read(self.trajectory("a", pictures=11))), 11)
        self.assertEqual(len(read(self.trajectory("b", pictures=13))), 12)
        self.refused("14 pictures and 12 rows", read, self.trajectory("c", pictures=14))

    def test_a_hole_in_the_numbers_is_refused(self):
        folder = self.trajectory()
        (folder / "0.jpg").rename(folder / "99.jpg")
        self.refused("no 0.jpg", read, folder)

    def test_lists_that_share_their_parts_are_not_unfolded(self):
        # Each level holds the one below ten times: small in the file, 10^9 numbers once unfolded.
        bomb = [0.0]
        for _ in range(9):
            bomb = [bomb] * 10
        self.refused("plain numbers", read, self.trajectory("bomb", data={"position": bomb, "yaw": [0.0] * 10}))

    def test_data_that_is_none_is_refused_with_its_file(self):
        good = np.zeros((12, 2))
        for index, (data, word) in enumerate((
            ({"position": good}, "no 'yaw'"),
            ({"position": good, "yaw": np.zeros(11)}, "(11,)"),
            ({"position": np.zeros(12), "yaw": np.zeros(12)}, "position of shape (12,)"),
            ({"position": good * np.nan, "yaw": np.zeros(12)}, "not finite"),
            ({"position": "far", "yaw": np.zeros(12)}, "plain numbers"),
            ({"position": [[1, 2], [3]], "yaw": np.zeros(12)}, "plain numbers"),
        )):
            self.refused(word, read, self.trajectory(f"t{index}", data=data))
            self.refused("traj_data.pkl", read, self.set / f"t{index}")

    def test_a_malicious_pickle_is_refused_and_not_run(self):
        sentinel = self.root / "executed"

        class Attack:
            def __reduce__(self):
                return os.system, (f"touch {sentinel}",)

        folder = self.trajectory(data={"position": Attack(), "yaw": np.zeros(12)})
        for action, argument in ((read, folder), (check, self.set), (convert, self.set)):
            self.refused("system", action, argument)
        self.assertFalse(sentinel.exists())
        self.assertFalse((folder / "traj_data.json").exists())

    def test_the_split_is_found_beside_the_set_and_one_above(self):
        self.trajectory("a"), self.trajectory("b")
        self.refused("no data_splits", names, self.set, "train")
        self.split(self.root, ["a"], ["b"])
        self.assertEqual((names(self.set, "train"), names(self.set, "test"), names(self.set, "all")), (["a"], ["b"], ["a", "b"]))

    def test_a_name_that_is_no_folder_of_the_set_is_refused(self):
        self.trajectory("a")
        self.split(self.root, ["a", "../../etc"], [])
        self.refused("../../etc", names, self.set, "train")
        self.refused("no trajectory", trajectories, self.set, "test")

    def test_conversion_writes_each_table_once_and_the_same_numbers(self):
        folder = self.trajectory()
        before = read(folder)
        self.assertEqual(convert(self.set), 1)
        after = read(folder)
        np.testing.assert_array_equal(before.position, after.position)
        text = (folder / "traj_data.json").read_text()
        self.assertEqual(set(json.loads(text)), {"hz", "position", "yaw"})
        (folder / "traj_data.json").write_text(text + " ")
        self.assertEqual(convert(self.set), 0)
        self.assertEqual((folder / "traj_data.json").read_text(), text + " ")
        self.assertEqual(sorted(path.name for path in folder.iterdir() if path.suffix == ".part"), [])

    def test_a_table_that_contradicts_the_pickle_is_found(self):
        folder = self.trajectory()
        convert(self.set)
        self.assertEqual(check(self.set)["pictures"], 12)
        table = json.loads((folder / "traj_data.json").read_text())
        table["yaw"][3] = 0.25
        (folder / "traj_data.json").write_text(json.dumps(table))
        self.refused("something else", check, self.set)
        table["hz"] = 10.0
        (folder / "traj_data.json").write_text(json.dumps(table))
        self.refused("10.0 pictures a second", read, folder)

    def test_the_command_says_in_one_line_what_is_wrong(self):
        self.trajectory()
        (self.set / "walk_0" / "traj_data.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
        command = [sys.executable, str(HERE / "gnm_folders.py"), "check", str(self.set)]
        result = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"^gnm_folders: .*traj_data\.pkl: byte 0: it names os\.system.*\n$")

    def test_a_drive_that_stands_has_no_spacing(self):
        data = {"position": np.zeros((12, 2)), "yaw": np.zeros(12)}
        self.refused("does not move", spacing_m, [read(self.trajectory(data=data))])

    def test_a_size_is_read_from_the_header_alone(self):
        path = self.root / "a.jpg"
        path.write_bytes(tiny_jpeg(640, 360))
        self.assertEqual(gnm_folders.jpeg_size(path), (640, 360))
        path.write_bytes(tiny_jpeg()[:9])
        self.refused("without a size", gnm_folders.jpeg_size, path)


if __name__ == "__main__":
    unittest.main()
