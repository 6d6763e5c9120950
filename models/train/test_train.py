"""Rules that training and export hold. Run: python -m unittest -v test_train (about ten seconds on one core)."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

import export
import graphs
from deploy import Deployed
from flat import Flat
from gnm import PARAMETERS, Gnm
from losses import auc, soft_bins
from net import BINS, Net, cumulative_matrix, unit_headings
from precision import autocast, choose
from schedule import Schedule
from stream import Layout, StreamError, normalise_context, read_batch, read_header, to_tensors
from train import budget_s
from variants import Variant, path, velocities
from worker import Shared, Worker

torch.set_num_threads(1)
HERE = Path(__file__).parent


def lived_in_net(variant=Variant()):
    """A net whose running statistics are not their initial ones, or folding them would prove nothing."""
    torch.manual_seed(3)
    net = variant.build()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.running_mean.normal_(0.0, 0.3)
                module.running_var.uniform_(0.5, 2.0)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0.0, 0.2)
    return net.eval()


def pipe_of(data):
    """The reading end of a pipe that holds `data` and then ends."""
    read, write = os.pipe()
    os.write(write, data)
    os.close(write)
    return read


class NetRules(unittest.TestCase):
    def test_block_pairs_equal_single_pairs(self):
        net = lived_in_net()
        context, goal = torch.randn(4, 18, 64, 85), torch.randn(6, 3, 64, 85)
        with torch.inference_mode():
            logits, waypoints = net.blocks(context, goal, 2)
            for block, anchor, other in ((0, 1, 2), (1, 0, 0), (1, 1, 1)):
                d, w = net(context[[block * 2 + anchor]], goal[[block * 3 + other]])
                self.assertAlmostEqual(float(net.steps(logits)[block, anchor, other]), float(d), places=3)
                self.assertLess(float((waypoints[block, anchor, other] - w[0]).abs().max()), 1e-4)

    def test_every_input_frame_reaches_the_answer(self):
        net = lived_in_net()
        context, goal = torch.randn(1, 18, 64, 85), torch.randn(1, 3, 64, 85)
        with torch.inference_mode():
            before = net(context, goal)[1]
            for frame in range(6):
                changed = context.clone()
                changed[:, 3 * frame : 3 * frame + 3] += torch.randn(1, 3, 64, 85)
                self.assertGreater(float((net(changed, goal)[1] - before).abs().max()), 1e-4, f"frame {frame}")

    def test_waypoints_are_cumulative_and_headings_are_not(self):
        raw = torch.randn(3, 5, 4)
        out = (raw.view(3, 20) @ cumulative_matrix()).view(3, 5, 4)
        self.assertTrue(torch.allclose(out[..., :2], raw[..., :2].cumsum(1), atol=1e-5))
        self.assertTrue(torch.equal(out[..., 2:], raw[..., 2:]))

    def test_a_heading_of_no_length_stays_finite_with_its_gradient(self):
        raw = torch.zeros(1, 5, 4, requires_grad=True)
        out = unit_headings(raw)
        out.sum().backward()
        self.assertTrue(bool(torch.isfinite(out).all()) and bool(torch.isfinite(raw.grad).all()))

    def test_distance_stays_within_its_range(self):
        net = lived_in_net()
        steps = net.steps(torch.randn(50, BINS) * 30)
        self.assertTrue(bool((steps >= 0).all()) and bool((steps <= 20.001).all()))


class LossRules(unittest.TestCase):
    def test_soft_bins_have_the_distance_as_their_mean(self):
        dist = torch.tensor([0.0, 0.25, 7.5, 19.9, 20.0, 23.0])
        mean = soft_bins(dist, BINS) @ torch.arange(BINS, dtype=torch.float32)
        self.assertTrue(torch.allclose(mean, dist.clamp(max=20.0), atol=1e-4))

    def test_auc_of_order_reversal_and_ties(self):
        low, high = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, 5.0])
        self.assertEqual(auc(high, low), 1.0)
        self.assertEqual(auc(low, high), 0.0)
        self.assertEqual(auc(low, low), 0.5)


class VariantRules(unittest.TestCase):
    @staticmethod
    def waypoints():
        """Two paths in metres: a bend to the left and a reverse."""
        k = torch.arange(1.0, 6.0)
        bend = torch.stack([0.2 * (0.3 * k).sin() / 0.3, 0.2 * (1 - (0.3 * k).cos()) / 0.3, (0.3 * k).cos(), (0.3 * k).sin()], -1)
        back = torch.stack([-0.1 * k, 0 * k, 1 + 0 * k, 0 * k], -1)
        return torch.stack([bend, back])

    def test_velocities_lead_back_to_the_waypoints_they_were_made_of(self):
        metres = self.waypoints()
        speeds = velocities(metres)
        self.assertLess(float((path(speeds) - metres).abs().max()), 2e-3)
        self.assertTrue(torch.allclose(speeds[1, :, 0], torch.full((5,), -0.4), atol=1e-5))
        self.assertTrue(torch.allclose(speeds[0, :, 1], torch.full((5,), 1.2), atol=1e-5))

    def test_every_action_is_judged_as_the_same_normalised_waypoints(self):
        unit = torch.tensor([0.1, 0.25])
        metres = self.waypoints()
        act = torch.cat([metres[..., :2] / unit.view(2, 1, 1), metres[..., 2:]], -1)
        for action in ("waypoints", "raw-waypoints", "velocities"):
            variant = Variant(action=action)
            self.assertLess(float((variant.waypoints(variant.target(act, unit), unit) - act).abs().max()), 0.02, action)

    def test_without_context_all_frames_are_the_newest(self):
        frames = torch.randint(0, 256, (2, 6, 64, 85, 3), dtype=torch.uint8)
        shown = Variant(context="none").frames(frames)
        for k in range(6):
            self.assertTrue(torch.equal(shown[:, k], frames[:, 5]))
        self.assertTrue(torch.equal(Variant().frames(frames), frames))

    def test_metres_are_not_learned_from_a_stream_that_does_not_tell_units(self):
        layout = Layout(1, 1, 1)
        with self.assertRaisesRegex(StreamError, "step lengths"):
            to_tensors(bytearray(layout.bytes()), layout, Variant(action="velocities"))

    def test_an_older_checkpoint_is_the_default_variant(self):
        self.assertEqual(Variant.of({}), Variant())


class ReplayRules(unittest.TestCase):
    def test_a_recording_is_replayed_from_where_a_run_stopped_and_round_again(self):
        def output(*words):
            return subprocess.run([sys.executable, *map(str, words)], stdout=subprocess.PIPE, check=True, cwd=HERE).stdout

        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "a.bin")
            file.write_bytes(output("fake_stream.py", "--blocks", 1, "--anchors", 2, "--goals", 2, "--batches", 3))
            whole, size = file.read_bytes(), Layout(1, 2, 2).bytes()
            header, batches = whole[: -3 * size], whole[-3 * size :]
            self.assertEqual(output("replay_stream.py", file), whole)
            self.assertEqual(output("replay_stream.py", file, "--skip-pairs", 7), header + batches[size:])
            self.assertEqual(output("replay_stream.py", file, "--skip-pairs", 400), header)
            endless = subprocess.Popen(
                [sys.executable, str(HERE / "replay_stream.py"), str(file), "--for-ever", "--skip-pairs", "20"], stdout=subprocess.PIPE
            )
            read = endless.stdout.read(len(header) + 3 * size)
            endless.stdout.close()
            self.assertEqual(endless.wait(20), 0)
            self.assertEqual(read, header + batches[2 * size :] + batches[: 2 * size])


class GnmRules(unittest.TestCase):
    def test_it_has_the_published_number_of_parameters(self):
        self.assertEqual(sum(p.numel() for p in Gnm().parameters()), PARAMETERS)

    def test_its_block_pairs_equal_single_pairs(self):
        net = lived_in_net(Variant(net="gnm"))
        context, goal = torch.randn(2, 18, 64, 85), torch.randn(2, 3, 64, 85)
        with torch.inference_mode():
            distance, waypoints = net.blocks(context, goal, 1)
            d, w = net(context[[1]], goal[[0]])
        self.assertAlmostEqual(float(net.steps(distance)[0, 1, 0]), float(d), places=3)
        self.assertLess(float((waypoints[0, 1, 0] - w[0]).abs().max()), 1e-4)


class PrecisionRules(unittest.TestCase):
    def test_half_precision_changes_little_and_answers_in_full(self):
        net = lived_in_net()
        context, goal = torch.randn(2, 18, 64, 85), torch.randn(2, 3, 64, 85)
        with torch.inference_mode():
            full = net(context, goal)
            with autocast("bf16"):
                half = net(context.bfloat16(), goal.bfloat16())
        for a, b in zip(full, half):
            self.assertEqual(b.dtype, torch.float32)
            self.assertLess(float((a - b).abs().max()), 0.05 * float(a.abs().max()))

    def test_a_wish_is_a_command_and_auto_is_one_of_the_two(self):
        self.assertEqual(choose("fp32"), "fp32")
        self.assertIn(choose("auto"), ("fp32", "bf16"))


class ScheduleRules(unittest.TestCase):
    def test_rate_warms_up_holds_and_falls_to_zero(self):
        plan = Schedule(0.0, 1000.0)
        self.assertLess(plan.factor(0.0), 0.1)
        self.assertEqual(plan.factor(390.0), 1.0)
        self.assertGreater(plan.factor(500.0), plan.factor(800.0))
        self.assertLess(plan.factor(1000.0), 1e-9)
        self.assertTrue(plan.over(1000.0) and not plan.over(999.0))

    def test_stopping_early_starts_at_the_present_rate(self):
        plan = Schedule(0.0, 1000.0)
        ending = plan.ending_in(700.0, 2.0)
        self.assertAlmostEqual(ending.factor(700.0), plan.factor(700.0))
        self.assertTrue(ending.over(820.0))

    def test_a_budget_of_pairs_follows_the_pairs_and_not_the_clock(self):
        shared = Shared(torch.zeros(2), 1)
        worker = Worker.__new__(Worker)
        worker.args, worker.shared = argparse.Namespace(pairs=200_000, minutes=None), shared
        plan = Schedule(0.0, budget_s(worker.args))
        shared.count[0] = 79_000
        self.assertEqual(plan.factor(worker.spent(1e6, 500)), 1.0)
        shared.count[0] = 140_000
        self.assertAlmostEqual(plan.factor(worker.spent(0.0)), 0.5, places=6)
        shared.count[0] = 199_000
        self.assertTrue(plan.over(worker.spent(0.0, 1000)) and not plan.over(worker.spent(1e6, 999)))
        worker.args = argparse.Namespace(pairs=None, minutes=2.0)
        self.assertEqual((budget_s(worker.args), worker.spent(7.0, 1000)), (120.0, 7.0))


class StreamRules(unittest.TestCase):
    def test_fake_stream_has_the_layout_it_announces(self):
        command = [sys.executable, "fake_stream.py", "--blocks", "2", "--anchors", "2", "--goals", "3", "--batches", "2"]
        data = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=HERE).stdout
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.seek(0)
            os.lseek(file.fileno(), 0, os.SEEK_SET)
            layout = read_header(file.fileno())
            self.assertEqual(layout, Layout(2, 2, 3))
            for _ in range(2):
                views = layout.split(read_batch(file.fileno(), layout))
                self.assertTrue(np.allclose(np.hypot(views["act"][..., 2], views["act"][..., 3]), 1.0, atol=1e-5))
            with self.assertRaises(StreamError):
                read_batch(file.fileno(), layout)

    def test_wrong_picture_size_is_refused_with_both_numbers(self):
        header = json.dumps({"blocks": 1, "anchors": 1, "goals": 1, "width": 96}).encode() + b"\n"
        with self.assertRaisesRegex(StreamError, "96.*85"):
            read_header(pipe_of(header))

    def test_a_stream_that_ends_at_once_is_an_error(self):
        with self.assertRaisesRegex(StreamError, "before its header"):
            read_header(pipe_of(b""))

    def test_newest_frame_lies_in_the_last_three_channels(self):
        frames = torch.zeros(1, 6, 64, 85, 3, dtype=torch.uint8)
        frames[0, 5, ..., 1] = 255
        context = normalise_context(frames)
        self.assertGreater(float(context[0, 16].min()), 2.0)
        self.assertLess(float(context[0, [c for c in range(18) if c != 16]].max()), 0.0)


class MergeRules(unittest.TestCase):
    def test_two_workers_merging_in_step_give_the_mean(self):
        shared = Shared(torch.zeros(4), 2)
        base = shared.centre.clone()
        shared.merge(base, torch.full((4,), 2.0), 1, 1)
        merged = shared.merge(base, torch.full((4,), 4.0), 1, 1)
        self.assertTrue(torch.equal(merged, torch.full((4,), 3.0)))

    def test_flat_vector_returns_the_same_net(self):
        net, other = lived_in_net(), Net().eval().to(memory_format=torch.channels_last)
        Flat(other).write(Flat(net).read())
        context, goal = torch.randn(2, 18, 64, 85), torch.randn(2, 3, 64, 85)
        with torch.inference_mode():
            for a, b in zip(net(context, goal), other(context, goal)):
                self.assertLess(float((a - b).abs().max()), 1e-4)


class ExportRules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.net = lived_in_net()
        cls.models = graphs.build(cls.net)

    def test_split_whole_and_network_agree(self):
        deployed = Deployed(Variant(), self.net)
        _, _, worst = export.answers(deployed.models, *export.golden_pictures(None), deployed.eager)
        self.assertLess(worst, export.TOLERANCE)

    def test_every_variant_is_exported_as_normalised_waypoints(self):
        for variant in (Variant(context="none"), Variant(action="raw-waypoints"), Variant(action="velocities")):
            net = lived_in_net(variant)
            deployed = Deployed(variant, net, 0.2)
            distance, waypoints, worst = export.answers(deployed.models, *export.golden_pictures(None), deployed.eager)
            self.assertLess(worst, export.TOLERANCE, variant)
            self.assertTrue(np.allclose(np.hypot(waypoints[..., 2], waypoints[..., 3]), 1.0, atol=1e-5), variant)

    def test_a_policy_without_past_is_deaf_to_older_frames(self):
        variant = Variant(context="none")
        deployed = Deployed(variant, lived_in_net(variant))
        contexts, goals = export.golden_pictures(None)
        before = export.answers(deployed.models, contexts, goals)
        contexts[:, :-1] = 0
        after = export.answers(deployed.models, contexts, goals)
        self.assertTrue(np.array_equal(before[0], after[0]) and np.array_equal(before[1], after[1]))

    def test_a_policy_of_fixed_frames_is_not_exported(self):
        with self.assertRaises(SystemExit):
            Deployed(Variant(context="static"), self.net)

    def test_the_reference_gnm_is_exported_as_trained(self):
        variant = Variant(net="gnm")
        deployed = Deployed(variant, lived_in_net(variant))
        _, _, worst = export.answers(deployed.models, *export.golden_pictures(None), deployed.eager)
        self.assertLess(worst, export.TOLERANCE)

    def test_the_same_weights_give_the_same_bytes(self):
        again = graphs.build(self.net)
        for name, model in self.models.items():
            self.assertEqual(model.SerializeToString(), again[name].SerializeToString(), name)

    def test_only_operators_of_every_engine_are_used(self):
        known = {
            "Add", "Concat", "Conv", "Div", "Gemm", "MatMul", "Mul", "ReduceSum", "Relu", "Reshape", "Slice", "Softmax", "Sqrt", "Transpose",
        }
        for name, model in self.models.items():
            self.assertLessEqual({node.op_type for node in model.graph.node}, known, name)

    def test_an_answer_does_not_depend_on_its_neighbours_in_the_batch(self):
        sessions = {name: export.session(self.models[name]) for name in ("tick", "node", "candidate")}
        rng = np.random.default_rng(5)
        context = rng.standard_normal((1, 18, 64, 85)).astype(np.float32)
        goals = rng.standard_normal((5, 3, 64, 85)).astype(np.float32)

        def ask(some):
            feed = dict(zip(graphs.TICK_OUT, sessions["tick"].run(list(graphs.TICK_OUT), {"context": context})))
            feed.update(zip(graphs.NODE_OUT, sessions["node"].run(list(graphs.NODE_OUT), {"goal": some})))
            return sessions["candidate"].run(list(graphs.ANSWER), feed)

        for together, alone in zip(ask(goals), ask(goals[3:4])):
            self.assertLess(float(np.abs(together[3] - alone[0]).max()), 1e-4)


if __name__ == "__main__":
    unittest.main()
