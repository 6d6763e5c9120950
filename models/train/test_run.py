"""Rules that whole runs hold: training from a stand-in stream, DAgger and judging with stand-in robots, the pipeline's steps.

Run: python -m unittest -v test_run (under a minute on one core).
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import numpy as np
import onnx
import torch

import export
import pipeline
from dagger import Rest
from deploy import Deployed, load, mean_unit_m
from flat import Flat, save
from policy_folder import write_folder
from quantise import answer_layers, quantised
from rollouts import Fleet, summary
from variants import Variant

torch.set_num_threads(1)
HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def python(*words):
    """A command line of this Python with a program of this folder."""
    return shlex.join([sys.executable, *(str(HERE / word) if str(word).endswith(".py") else str(word) for word in words)])


def train_words(out, *more):
    """A training of seconds from the stand-in stream."""
    stream = python("fake_stream.py", "--blocks", 3, "--anchors", 2, "--goals", 2, "--unit")
    words = shlex.split(python("train.py", "--out", out, "--workers", 1, "--precision", "fp32"))
    return [*words, "--stream-cmd", stream, "--validation-cmd", f"{stream} --batches 2 --seed 5", *map(str, more)]


def rows(path):
    """Lines of JSON."""
    return [json.loads(line) for line in path.read_text().splitlines()]


class WithFolder(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, True)

    def checkpoint(self, variant):
        """A checkpoint of a fresh net."""
        torch.manual_seed(2)
        weights = Flat(variant.build()).read()
        path = self.folder / "checkpoint.pt"
        state = {"centre": weights, "ema": weights, "count": torch.tensor([9.0, 1.0, 1.0, 1.0]), "elapsed_s": 1.0}
        save(path, {**state, "variant": variant.as_dict()})
        return path


class TrainingRules(WithFolder):
    def test_a_run_killed_and_resumed_ends_with_policy_curves_and_figures(self):
        out = self.folder / "run"
        words = train_words(out, "--minutes", 0.5)
        first = subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 120
        while not (out / "validation.bin").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(4.0)
        first.send_signal(signal.SIGTERM)
        _, said = first.communicate(timeout=60)
        self.assertIn(b"--resume", said)
        self.assertTrue((out / "checkpoint.pt").exists())
        before = float(torch.load(out / "checkpoint.pt", weights_only=True)["count"][0])
        again = subprocess.run(words, env=ENVIRONMENT, capture_output=True)
        self.assertIn(b"add --resume", again.stderr)
        dagger = python("dagger.py", "--after-pairs", 1, "--duty", 1.0, "--precision", "fp32", "--drive-cmd", python("fake_drive.py"))
        more = ["--resume", "--dagger-cmd", dagger]
        done = subprocess.run([*train_words(out, "--minutes", 0.2), *more], env=ENVIRONMENT, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        log = rows(out / "log.jsonl")
        final = [row for row in log if row["kind"] == "final"][0]
        self.assertGreater(final["pairs_seen"], before)
        self.assertGreater(final["cpu_s"], 0.0)
        self.assertNotIn("dagger-ended", {row["kind"] for row in log}, (out / "dagger.log").read_text())
        self.assertEqual(len(rows(out / "runs.jsonl")), 2)
        self.assertTrue((out / "curves.png").exists() and (out / "export-final" / "manifest.toml").exists())
        pipeline.check_golden(out / "export-final")
        other = subprocess.run([*train_words(out, "--minutes", 0.2), "--resume", "--net", "gnm"], env=ENVIRONMENT, capture_output=True)
        self.assertIn(b"give the same --net", other.stderr)
        card = subprocess.run([sys.executable, str(HERE / "card.py"), str(out), str(out / "export-final")], capture_output=True)
        self.assertEqual(card.returncode, 0, card.stderr)
        text = (out / "export-final" / "README.md").read_text()
        self.assertIn("--out RUN", text)
        self.assertNotIn(str(self.folder), text)


class RolloutRules(WithFolder):
    def test_a_duty_is_kept_in_cpu_time_and_waiting_for_a_core_is_no_work(self):
        rest = Rest(0.5, 10.0)
        began = time.monotonic()
        rest.take(10.2)
        self.assertTrue(0.35 < time.monotonic() - began < 1.0)
        time.sleep(0.3)
        began = time.monotonic()
        rest.take(10.21)
        self.assertLess(time.monotonic() - began, 0.1)

    def test_contexts_begin_with_the_first_frame_and_shift(self):
        fleet = Fleet(python("fake_drive.py", "--robots", 2), Variant())
        self.addCleanup(fleet.close)
        _, net = load(self.checkpoint(Variant()))
        _, goals, unit = fleet.look()
        first = fleet.frames[:, 5].clone()
        self.assertTrue(all(torch.equal(fleet.frames[:, k], first) for k in range(6)))
        fleet.answer(net, goals, unit, "fp32")
        fleet.look()
        self.assertTrue(all(torch.equal(fleet.frames[:, k], first) for k in range(5)))

    def test_every_variant_drives_all_courses_to_an_end(self):
        for variant in (Variant(), Variant(context="static"), Variant(context="none"), Variant(action="velocities")):
            path = self.checkpoint(variant)
            out = self.folder / "judged.jsonl"
            command = python("fake_drive.py", "--courses", 5)
            words = shlex.split(python("judge.py", path, "--drive-cmd", command, "--out", out))
            done = subprocess.run(words, env=ENVIRONMENT, capture_output=True)
            self.assertEqual(done.returncode, 0, done.stderr[-2000:])
            self.assertEqual([row["course"] for row in rows(out)], [0, 1, 2, 3, 4], variant)
            self.assertEqual(json.loads(done.stdout.splitlines()[-1])["drives"], 5)

    def test_a_drive_program_that_dies_is_named(self):
        with self.assertRaisesRegex(Exception, "ended"):
            Fleet(f"{sys.executable} -c pass", Variant())

    def test_a_summary_counts_ends_and_contacts(self):
        some = [
            {"end": "reached", "contacts": 0, "progress": 1.0}, {"end": "reached", "contacts": 2, "progress": 1.1},
            {"end": "stuck", "contacts": 10, "progress": 0.5}, {"end": "timed-out", "contacts": 0, "progress": 0.5},
        ]
        self.assertEqual(
            summary(some),
            {
                "drives": 4, "reached": 0.5, "stuck": 0.25, "timed_out": 0.25, "contacts_per_drive": 3.0,
                "reached_without_contact": 0.25, "progress": 0.75,
            },
        )


class Int8Rules(WithFolder):
    def setUp(self):
        super().setUp()
        self.stream = self.folder / "stream.bin"
        command = shlex.split(python("fake_stream.py", "--blocks", 4, "--batches", 2, "--unit"))
        self.stream.write_bytes(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)

    def test_int8_graphs_are_small_agree_with_each_other_and_stay_near_full_precision(self):
        models = Deployed(Variant(), load(self.checkpoint(Variant()))[1]).models
        small = quantised(models, self.stream)
        pictures = export.golden_pictures(self.stream)
        distance, waypoints, apart = export.answers(small, *pictures)
        self.assertLess(apart, pipeline.INT8_TOLERANCE)
        full_distance, full_waypoints, _ = export.answers(models, *pictures)
        self.assertLess(float(np.abs(distance - full_distance).max()), 1.0)
        self.assertLess(float(np.abs(waypoints - full_waypoints).max()), 0.2)
        self.assertLess(len(small["whole"].SerializeToString()), 0.4 * len(models["whole"].SerializeToString()))
        self.assertEqual(len(answer_layers(models["candidate"])), 2)
        write_folder(self.folder / "policy", "small", small, pictures, (distance, waypoints))
        pipeline.check_golden(self.folder / "policy", pipeline.INT8_TOLERANCE)

    def test_mean_step_length_is_that_of_the_stream(self):
        self.assertTrue(0.15 < mean_unit_m(self.stream) < 0.35)


class PipelineRules(WithFolder):
    def test_a_step_is_done_once_and_one_that_failed_again(self):
        done, steps = [], pipeline.Steps(self.folder)
        steps.once("a", lambda: done.append("a"))
        with self.assertRaises(ZeroDivisionError):
            steps.once("b", lambda: 1 / 0)
        steps = pipeline.Steps(self.folder)
        steps.once("a", lambda: done.append("a"))
        steps.once("b", lambda: done.append("b"))
        self.assertEqual(done, ["a", "b"])

    def test_a_changed_graph_or_answer_is_found(self):
        models = Deployed(Variant(), load(self.checkpoint(Variant()))[1]).models
        pictures = export.golden_pictures(None)
        distance, waypoints, _ = export.answers(models, *pictures)
        folder = self.folder / "policy"
        write_folder(folder, "wrong", models, pictures, (distance + 0.5, waypoints))
        with self.assertRaisesRegex(SystemExit, "golden"):
            pipeline.check_golden(folder)
        write_folder(folder, "right", models, pictures, (distance, waypoints))
        pipeline.check_golden(folder)
        changed = onnx.load(folder / "tick.onnx")
        changed.producer_name = "somebody"
        onnx.save(changed, folder / "tick.onnx")
        with self.assertRaisesRegex(SystemExit, "manifest"):
            pipeline.check_golden(folder)


if __name__ == "__main__":
    unittest.main()
