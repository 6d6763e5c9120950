"""Rules that the ablations hold. Run: python -m unittest -v test_ablations (under a minute on one core)."""

import csv
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import ablation_report as report

HERE = Path(__file__).parent
# Stands in for pilotage-sim-data: takes its words and does what little a test needs.
SIMULATOR = """#!{python}
import subprocess, sys
words = sys.argv[1:]
def given(name, default):
    return words[words.index(name) + 1] if name in words else default
if words[0] == "stream":
    rest = ["fake_stream.py", "--blocks", "16", "--anchors", "4", "--goals", "4", "--unit", "--batches", str(min(int(given("--batches", "2")), 10))]
else:
    rest = ["fake_drive.py", "--courses", given("--courses", "3")]
sys.exit(subprocess.run([sys.executable, "{here}/" + rest[0], *rest[1:]]).returncode)
"""


class FigureRules(unittest.TestCase):
    def test_wilson_interval_of_known_shares(self):
        share, low, high = report.wilson(53, 60)
        self.assertAlmostEqual(share, 53 / 60)
        self.assertAlmostEqual(low, 0.778, places=3)
        self.assertAlmostEqual(high, 0.942, places=3)
        self.assertEqual(report.wilson(0, 10)[1], 0.0)
        self.assertTrue(math.isnan(report.wilson(0, 0)[0]))

    def test_drives_of_one_course_make_the_interval_no_narrower(self):
        single = [float(k % 2) for k in range(20)]
        _, low, high = report.resampled(single, range(20))
        _, low_3, high_3 = report.resampled([value for value in single for _ in range(3)], [k for k in range(20) for _ in range(3)])
        self.assertAlmostEqual(high_3 - low_3, high - low, places=6)
        self.assertGreater(high - low, 0.3)

    def test_cpu_time_of_a_log_that_tells_speed_only_is_summed_up(self):
        log = [{"kind": "train", "pairs": 1000, "pairs_per_cpu_s": 100.0}, {"kind": "train", "pairs": 4000, "pairs_per_cpu_s": 50.0}]
        self.assertEqual(report.cpu_minutes(log)[-1], (4000, 70.0 / 60.0))


class WholeRuns(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, True)

    def ablations(self, *more):
        """Two small runs with stand-ins for all programs."""
        simulator = self.folder / "simulator"
        simulator.write_text(SIMULATOR.format(python=sys.executable, here=HERE))
        simulator.chmod(0o755)
        words = [sys.executable, str(HERE / "ablations.py"), "--out", str(self.folder / "out"), "--pairs", "1024", "--courses", "4"]
        words += ["--simulator", str(simulator), "--only", "base,context-none", *more]
        done = subprocess.run(words, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        return done.stdout

    def test_runs_end_with_tables_and_are_not_done_twice(self):
        self.ablations()
        out = self.folder / "out"
        for name in ("base", "context-none"):
            final = [json.loads(line) for line in (out / name / "log.jsonl").read_text().splitlines() if '"final"' in line][0]
            self.assertEqual(final["pairs_seen"], 1024)
            self.assertTrue((out / name / "export-final" / "manifest.toml").exists())
        with open(out / "ablations.csv", newline="", encoding="utf-8") as file:
            rows = {row["run"]: row for row in csv.DictReader(file)}
        self.assertEqual(set(rows), {"base", "context-none"})
        self.assertTrue(rows["context-none"]["true_unseen_less_base"] and not rows["base"]["true_unseen_less_base"])
        self.assertTrue((out / "robots-against-success.png").exists())
        self.assertIn("| context-none | 0.36 |", (out / "ablations.md").read_text())
        self.assertIn("train: done before", self.ablations())


if __name__ == "__main__":
    unittest.main()
