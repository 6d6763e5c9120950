"""Rules of the training stream out of data sets. Run: python -m unittest -v test_gnm_data"""

import math
import pickle
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
from PIL import Image

import gnm_data
from contract import HEIGHT, WIDTH
from gnm_data import FAR, Blocks, Drive, batches, labels, small, spacings
from gnm_folders import DatasetError, Trajectory, read

HERE = Path(__file__).parent


def pose_line(count, step_m=0.3, turn_rad=0.0):
    """A drive at constant speed and turn: position [T, 2], yaw [T]."""
    yaw = 0.4 + turn_rad * np.arange(count)
    steps = step_m * np.stack([np.cos(yaw[:-1]), np.sin(yaw[:-1])], 1)
    return np.concatenate([[[2.0, -1.0]], [2.0, -1.0] + np.cumsum(steps, 0)]), yaw


def trajectory_in(folder, count=40, number=0, turn_rad=0.0, size=(160, 120)):
    """A trajectory whose picture k shows its number and k as brightness of its halves."""
    folder.mkdir(parents=True)
    for index in range(count):
        picture = np.zeros((size[1], size[0], 3), np.uint8)
        picture[:, : size[0] // 2] = 40 + 5 * index
        picture[:, size[0] // 2 :] = 30 * number
        Image.fromarray(picture).save(folder / f"{index}.jpg", quality=95)
    position, yaw = pose_line(count, turn_rad=turn_rad)
    (folder / "traj_data.pkl").write_bytes(pickle.dumps({"position": position, "yaw": yaw[:, None]}))
    return folder


class Labels(unittest.TestCase):
    def test_waypoints_are_the_next_poses_in_units_of_the_spacing(self):
        position, yaw = pose_line(10)
        act = labels(Trajectory(Path(), position, yaw), 0.3)
        np.testing.assert_allclose(act[2, :, 0], [1, 2, 3, 4, 5], atol=1e-5)
        np.testing.assert_allclose(act[2, :, 1], 0, atol=1e-5)
        np.testing.assert_allclose(act[2, :, 2], 1, atol=1e-6)

    def test_a_left_turn_has_positive_y_and_sine(self):
        act = labels(Trajectory(Path(), *pose_line(10, turn_rad=0.1)), 0.3)
        self.assertTrue((act[0, 1:, 1] > 0).all() and (act[0, :, 3] > 0).all())
        np.testing.assert_allclose(act[0, :, 3], np.sin(0.1 * np.arange(1, 6)), atol=1e-6)

    def test_the_last_pose_stands_beyond_the_end(self):
        act = labels(Trajectory(Path(), *pose_line(10)), 0.3)
        np.testing.assert_allclose(act[7, :, 0], [1, 2, 2, 2, 2], atol=1e-5)
        np.testing.assert_allclose(act[9, :, :2], 0, atol=1e-6)

    def test_spacings_are_for_all_or_by_name(self):
        unit = spacings(["0.25", "walks=0.5"])
        self.assertEqual((unit("walks"), unit("other"), spacings([])("x")), (0.5, 0.25, None))
        with self.assertRaises(DatasetError):
            spacings(["-1"])


class Pictures(unittest.TestCase):
    def test_wide_pictures_are_cut_about_the_centre_or_squeezed(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.jpg"
            picture = np.zeros((120, 320, 3), np.uint8)
            picture[:, 80:240] = 255
            Image.fromarray(picture).save(path, quality=95)
            self.assertGreater(int(small(path, True).min()), 200)
            squeezed = small(path, False)
            self.assertLess(int(squeezed[:, :15].max()), 60)
            self.assertEqual(squeezed.shape, (HEIGHT, WIDTH, 3))

    def test_what_is_no_jpeg_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.jpg"
            Image.new("RGB", (8, 8)).save(path, format="PNG")
            with self.assertRaisesRegex(DatasetError, "PNG"):
                small(path, True)


class Blocking(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        root = Path(folder.name)
        cls.drives = [Drive(read(trajectory_in(root / f"t{n}", number=n + 1, turn_rad=0.05 * n)), 0.3, True) for n in range(3)]

    def blocks(self, augment=False, seed=3):
        return Blocks([self.drives[:2], self.drives[2:]], 4, 4, augment, np.random.default_rng(seed))

    def where(self, picture):
        """(drive, index) that a picture shows."""
        number, index = round(float(picture[:, 60:].mean()) / 30) - 1, round((float(picture[:, :30].mean()) - 40) / 5)
        return number, index

    def test_labels_are_the_time_to_the_goal_and_twenty_for_all_that_is_not_ahead(self):
        blocks, kinds = self.blocks(), set()
        for _ in range(150):
            obs, goal, dist, act, mask, _ = blocks.draw()
            for a in range(4):
                drive, at = self.where(obs[a, -1])
                np.testing.assert_array_equal(act[a], self.drives[drive].act[at])
                for g in range(4):
                    other, to = self.where(goal[g])
                    ahead = other == drive and 0 <= to - at < FAR
                    kinds.add("ahead" if ahead else "elsewhere" if other != drive else "passed" if to < at else "far")
                    self.assertEqual((float(dist[a, g]), float(mask[a, g])), (to - at if ahead else FAR, float(ahead)))
        self.assertEqual(kinds, {"ahead", "elsewhere", "passed", "far"})

    def test_the_context_is_consecutive_and_repeats_the_first_frame_before_the_start(self):
        drive = self.drives[0]
        self.assertEqual([self.where(frame)[1] for frame in drive.context(9)], [4, 5, 6, 7, 8, 9])
        self.assertEqual([self.where(frame)[1] for frame in drive.context(2)], [0, 0, 0, 0, 1, 2])

    def test_pieces_of_one_log_are_no_elsewhere_where_they_show_the_same_place(self):
        with tempfile.TemporaryDirectory() as folder:
            pieces = [Drive(read(trajectory_in(Path(folder) / f"lap_{n}", number=n + 1)), 0.3, True) for n in range(2)]
        blocks = Blocks([pieces], 4, 4, False, np.random.default_rng(1))
        shown = [blocks.elsewhere(pieces[0], 0) for _ in range(60)]
        # Both pieces are driven along the same line, so only what is more than 20 steps on is elsewhere.
        self.assertTrue(all(self.where(picture)[1] > 19 for picture in shown))

    def test_a_mirrored_block_has_mirrored_labels(self):
        blocks = self.blocks(augment=True)
        flips = {False: 0, True: 0}
        for _ in range(60):
            plain = Blocks(blocks.sets, 4, 4, False, np.random.default_rng())
            plain.rng.bit_generator.state = blocks.rng.bit_generator.state
            _, _, dist, act, mask, _ = blocks.draw()
            _, _, plain_dist, plain_act, plain_mask, _ = plain.draw()
            np.testing.assert_array_equal(dist, plain_dist)
            np.testing.assert_array_equal(mask, plain_mask)
            flipped = bool((act[..., 1] * plain_act[..., 1] < 0).any() or (act[..., 3] * plain_act[..., 3] < 0).any())
            sign = np.array([1, -1, 1, -1] if flipped else [1, 1, 1, 1], np.float32)
            np.testing.assert_array_equal(act, plain_act * sign)
            if np.abs(plain_act[..., 1]).max() > 1e-3:
                flips[flipped] += 1
        self.assertTrue(min(flips.values()) > 5, flips)

    def test_both_data_sets_are_drawn_from_evenly(self):
        blocks = self.blocks()
        from_second = sum(self.where(blocks.draw()[0][0, -1])[0] == 2 for _ in range(200))
        self.assertTrue(70 < from_second < 130, from_second)

    def test_the_same_seed_gives_the_same_batch(self):
        for a, b in zip(batches(self.blocks(True), 2), batches(self.blocks(True), 2)):
            self.assertEqual(a.tobytes(), b.tobytes())


class Program(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def run_it(self, *arguments):
        command = [sys.executable, str(HERE / "gnm_data.py"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, check=False)

    def test_the_stream_is_what_the_trainer_reads(self):
        from stream import Layout, StreamError, read_batch, read_header

        trajectory_in(self.root / "walks" / "a")
        trajectory_in(self.root / "walks" / "b", number=2)
        out = self.run_it(self.root / "walks", "--split", "all", "--blocks", 2, "--batches", 2)
        self.assertEqual(out.returncode, 0, out.stderr)
        path = self.root / "stream.bin"
        path.write_bytes(out.stdout)
        with open(path, "rb") as file:
            layout = read_header(file.fileno())
            self.assertEqual(layout, Layout(2, 4, 4, unit=True))
            for _ in range(2):
                views = layout.split(read_batch(file.fileno(), layout))
                np.testing.assert_allclose(np.hypot(views["act"][..., 2], views["act"][..., 3]), 1.0, atol=1e-5)
                np.testing.assert_allclose(views["unit"], 0.3, rtol=1e-6)
                self.assertTrue(((views["dist"] >= 0) & (views["dist"] <= FAR)).all())
            with self.assertRaises(StreamError):
                read_batch(file.fileno(), layout)

    def test_two_streams_are_mixed_by_their_shares(self):
        trajectory_in(self.root / "walks" / "a")
        one = f"{sys.executable} {HERE / 'gnm_data.py'} {self.root / 'walks'} --split all --blocks 2"
        # The units tell whose batch it is.
        parts = [f"{one} --spacing 0.5", f"{one} --spacing 2 --seed 2"]
        command = [sys.executable, str(HERE / "mix_streams.py"), "--share", "0.25", "--batches", "40", *parts]
        out = subprocess.run(command, capture_output=True, check=True)
        from stream import read_batch, read_header

        path = self.root / "stream.bin"
        path.write_bytes(out.stdout)
        with open(path, "rb") as file:
            layout = read_header(file.fileno())
            units = [float(layout.split(read_batch(file.fileno(), layout))["unit"][0]) for _ in range(40)]
            self.assertEqual(file.read(), b"")
        self.assertEqual((units.count(0.5), units.count(2.0)), (10, 30))
        command[-1] += " --goals 3"
        out = subprocess.run(command, capture_output=True)
        self.assertNotEqual(out.returncode, 0)
        self.assertIn(b"differ", out.stderr)

    def test_a_malicious_data_set_is_refused_in_one_line(self):
        folder = trajectory_in(self.root / "walks" / "a", count=8)
        (folder / "traj_data.pkl").write_bytes(b"cposix\nsystem\n(S'touch executed'\ntR.")
        out = self.run_it(self.root / "walks", "--split", "all", "--batches", 1)
        self.assertEqual((out.returncode, out.stdout), (1, b""))
        self.assertRegex(out.stderr.decode(), r"^gnm_data: .*posix\.system.*\n$")

    def test_the_unit_is_the_mean_step_of_the_set(self):
        trajectory_in(self.root / "walks" / "a")
        drives, unit_m = gnm_data.load_set(self.root / "walks", "all", None, True, 9999, np.random.default_rng(1))
        self.assertTrue(math.isclose(unit_m, 0.3, rel_tol=1e-9) and len(drives) == 1)


if __name__ == "__main__":
    unittest.main()
