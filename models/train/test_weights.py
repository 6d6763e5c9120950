"""Rules of weights in files. Run: python -m unittest -v test_weights"""

import json
import pickle
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

import numpy as np
import torch

from flat import Flat, save
from variants import Variant
from weights import WeightsError, load, pack, unpack

torch.set_num_threads(1)
HERE = Path(__file__).parent


class Weights(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        torch.manual_seed(3)
        self.net = Variant().build().eval()
        self.path = self.root / "weights.npz"

    def repacked(self, change):
        """The packed file with its arrays changed."""
        pack(self.path, Variant(), self.net)
        with np.load(self.path) as file:
            arrays = {name: file[name] for name in file.files}
        change(arrays)
        path = self.root / "changed.npz"
        np.savez(path, **arrays)
        return path

    def refused(self, path, word):
        with self.assertRaises(WeightsError) as caught:
            unpack(path)
        self.assertIn(word, str(caught.exception))

    def test_packed_weights_are_the_same_bits(self):
        pack(self.path, Variant(), self.net)
        variant, net = load(self.path)
        self.assertEqual(variant, Variant())
        self.assertTrue(torch.equal(Flat(net).read(), Flat(self.net).read()))

    def test_half_precision_is_small_and_answers_nearly_the_same(self):
        pack(self.path, Variant(), self.net, half=True)
        self.assertLess(self.path.stat().st_size, 7_000_000)
        _, net = unpack(self.path)
        context, goal = torch.randn(4, 18, 64, 85), torch.randn(4, 3, 64, 85)
        with torch.inference_mode():
            for a, b in zip(self.net(context, goal), net(context, goal)):
                self.assertLess(float((a - b).abs().max()), 0.02)

    def test_the_same_weights_give_the_same_file_and_none_is_overwritten(self):
        pack(self.path, Variant(), self.net)
        pack(self.root / "again.npz", Variant(), self.net)
        self.assertEqual(self.path.read_bytes(), (self.root / "again.npz").read_bytes())
        with self.assertRaises(FileExistsError):
            pack(self.path, Variant(), self.net)
        self.assertEqual(sorted(path.name for path in self.root.iterdir()), ["again.npz", "weights.npz"])

    def test_weights_of_another_net_are_refused_by_name(self):
        name = "head.0.weight"
        self.refused(self.repacked(lambda arrays: arrays.pop(name)), name)
        self.refused(self.repacked_again(lambda arrays: arrays.update({name: arrays[name][:-1]})), name)
        self.refused(self.repacked_again(lambda arrays: arrays.update({name: arrays[name] * np.nan})), "finite")
        self.refused(self.repacked_again(lambda arrays: arrays.update({"variant.net": np.array("resnet")})), "resnet")

    def repacked_again(self, change):
        self.path.unlink()
        return self.repacked(change)

    def test_a_pickle_inside_is_not_run(self):
        sentinel = self.root / "executed"

        class Attack:
            def __reduce__(self):
                import os

                return os.system, (f"touch {sentinel}",)

        np.savez(self.path, evil=np.array([Attack()], dtype=object))
        self.refused(self.path, "no file of weights")
        self.path.write_bytes(pickle.dumps(Attack()))
        self.refused(self.path, "no file of weights")
        self.assertFalse(sentinel.exists())

    def test_a_file_that_unpacks_to_too_much_is_refused_before_it_is(self):
        with zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.npy", bytes(80 << 20))
        self.assertLess(self.path.stat().st_size, 1 << 20)
        self.refused(self.path, "more than")

    def test_every_cut_of_a_file_is_refused(self):
        pack(self.path, Variant(), self.net)
        data = self.path.read_bytes()
        for length in (0, 1, 100, len(data) // 2, len(data) - 1):
            self.path.write_bytes(data[:length])
            self.refused(self.path, "no file of weights")


class FineTuning(unittest.TestCase):
    def test_training_starts_from_given_weights_and_logs_their_figures(self):
        torch.manual_seed(3)
        net = Variant().build().eval()
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            pack(root / "weights.npz", Variant(), net)
            stream = f"{sys.executable} {HERE / 'fake_stream.py'} --blocks 3"
            command = [sys.executable, "train.py", "--minutes", "0.001", "--out", str(root / "run"), "--workers", "1"]
            command += ["--stream-cmd", stream, "--validation-cmd", f"{stream} --batches 1 --seed 9"]
            command += ["--init-from", str(root / "weights.npz"), "--precision", "fp32"]
            result = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
            self.assertEqual(result.returncode, 0, result.stderr[-2000:])
            rows = [json.loads(line) for line in (root / "run/log.jsonl").read_text().splitlines()]
            before, final = (next(row for row in rows if row["kind"] == kind) for kind in ("before", "final"))
            # Hardly a step was made, so it is still the given net and not a random one.
            self.assertAlmostEqual(before["dist_mse"], final["dist_mse"], delta=0.25 * before["dist_mse"])
            state = torch.load(root / "run/checkpoint.pt", weights_only=True)
            apart = float((state["ema"] - Flat(net).read()).abs().mean())
            other = float((Flat(Variant().build()).read() - Flat(net).read()).abs().mean())
            self.assertLess(apart, 0.1 * other)

    def test_a_checkpoint_can_be_started_from_too(self):
        net = Variant().build().eval()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "checkpoint.pt"
            save(path, {"ema": Flat(net).read(), "variant": Variant().as_dict()})
            _, loaded = load(path)
            self.assertTrue(torch.equal(Flat(loaded).read(), Flat(net).read()))


if __name__ == "__main__":
    unittest.main()
