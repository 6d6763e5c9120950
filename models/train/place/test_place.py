"""Tests of what trains and exports the place descriptor: `python -m unittest test_place`, two seconds."""

import json
import os
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from batches import FRAME_BYTES, Layout, StreamError, read_header, read_whole
from descriptor import HEADS, PlaceNet
from export_place import build
from recall import hits
from train_place import contrast, rate_factor, repaint


def places(worlds, count, views, noise):
    """Unit descriptors of random places, their views `noise` apart, and all places far from each other."""
    torch.manual_seed(3)
    centres = torch.randn(worlds * count, 1, 32).expand(-1, views, -1)
    found = centres + noise * torch.randn(worlds * count, views, 32)
    apart = torch.full((worlds, count, count), 9.0)
    apart[:, range(count), range(count)] = 0.0
    return torch.nn.functional.normalize(found.reshape(-1, 32), dim=1), apart


class Loss(unittest.TestCase):
    def test_views_that_agree_cost_less_than_views_that_do_not(self):
        costs = [contrast(*places(3, 5, 2, noise), 2, 1.5, 0.07).item() for noise in (0.01, 0.5, 5.0)]
        self.assertLess(costs[0], 0.1)
        self.assertEqual(costs, sorted(costs))

    def test_places_near_by_are_neither_the_same_nor_others(self):
        descriptors, apart = places(1, 3, 2, 0.0)
        descriptors[2:4] = descriptors[0:2]  # place 1 looks as place 0
        confused = contrast(descriptors, apart, 2, 1.5, 0.07).item()
        apart[0, 0, 1] = apart[0, 1, 0] = 1.0  # but it lies within reach of it
        self.assertLess(contrast(descriptors, apart, 2, 1.5, 0.07).item(), 0.1)
        self.assertGreater(confused, 0.3)

    def test_two_places_that_are_one_are_the_same(self):
        descriptors, apart = places(1, 3, 1, 0.0)
        apart[0, 0, 1] = apart[0, 1, 0] = 0.0
        self.assertTrue(np.isfinite(contrast(descriptors, apart, 1, 1.5, 0.07).item()))

    def test_grey_worlds_are_grey_in_all_their_views(self):
        layout = Layout(6, 2, 2)
        pictures = torch.randint(0, 255, (24, 64, 85, 3), dtype=torch.uint8)
        painted = repaint(pictures, layout, torch.Generator().manual_seed(5)).float()
        self.assertEqual(painted.shape, (24, 3, 64, 85))
        self.assertTrue(torch.isfinite(painted).all())


class Plumbing(unittest.TestCase):
    def test_a_stream_is_read_back_as_it_was_written(self):
        layout = Layout(2, 3, 2)
        pictures = np.arange(layout.worlds * 6 * FRAME_BYTES, dtype=np.uint32).astype(np.uint8)
        apart = np.arange(18, dtype="<f4")
        header = {"format": "pilotage-place-stream", "worlds": 2, "places": 3, "views": 2, "width": 85, "height": 64,
                  "batch_bytes": layout.bytes()}
        with tempfile.TemporaryFile() as file:
            file.write(json.dumps(header).encode() + b"\n" + pictures.tobytes() + apart.tobytes())
            file.seek(0)
            self.assertEqual(read_header(file.fileno()), layout)
            got = layout.split(read_whole(file.fileno(), layout.bytes()))
            self.assertTrue((got[0].ravel() == pictures).all() and (got[1].ravel() == apart).all())
            with self.assertRaises(StreamError):
                read_whole(file.fileno(), 1)

    def test_another_stream_is_refused(self):
        with tempfile.TemporaryFile() as file:
            file.write(b'{"format":"pilotage-sim-stream","blocks":1}\n')
            file.seek(0)
            with self.assertRaises((StreamError, KeyError)):
                read_header(file.fileno())

    def test_recall_counts_the_best_and_the_best_five(self):
        similarity = np.array([[0.1, 0.9, 0.8, 0.0, 0.0, 0.0], [0.5, 0.4, 0.3, 0.2, 0.1, 0.0]])
        right = np.array([[False, True, False, False, False, False], [False, False, False, False, False, True]])
        self.assertEqual(hits(similarity, right), (1, 1))

    def test_the_rate_rises_holds_and_falls_to_zero(self):
        self.assertLess(rate_factor(0.0), 0.1)
        self.assertAlmostEqual(rate_factor(0.3), 1.0)
        self.assertAlmostEqual(rate_factor(1.0), 0.0)


class Network(unittest.TestCase):
    def test_every_head_gives_vectors_of_length_one(self):
        for head in HEADS:
            found = PlaceNet(head, 8, 16, 1, 32).eval()(torch.randn(3, 3, 64, 85))
            self.assertEqual(found.shape, (3, 32))
            self.assertTrue(torch.allclose(found.norm(dim=1), torch.ones(3), atol=1e-3), head)

    def test_the_exported_graph_answers_what_the_network_answers(self):
        torch.manual_seed(1)
        net = PlaceNet("flat", 8, 16, 2, 32)
        net(torch.randn(16, 3, 64, 85))  # so that batch normalisation has something to fold
        net.eval()
        model, _, _ = build(net)
        frames = torch.randn(2, 3, 64, 85)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        answer = session.run(["descriptor"], {"frame": frames.numpy()})[0]
        with torch.inference_mode():
            self.assertLess(float(np.abs(answer - net(frames).numpy()).max()), 1e-5)


if __name__ == "__main__":
    os.chdir(Path(__file__).parent)
    unittest.main()
