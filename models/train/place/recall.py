"""Recall at 1 and at 5 of a descriptor over trials, each world for itself and several worlds in one map."""

import numpy as np
import torch

from batches import normalise

POOL = 10
BATCH = 256


def describe(net, pictures):
    """u8 [n, 64, 85, 3] -> unit descriptors f32 [n, d]."""
    rows = []
    with torch.inference_mode():
        for start in range(0, len(pictures), BATCH):
            part = torch.from_numpy(pictures[start : start + BATCH].copy())
            rows.append(net(normalise(part)).float().numpy())
    return np.concatenate(rows)


def hits(similarity, right):
    """(hits at 1, hits at 5) of a table [questions, nodes] and which nodes are right [questions, nodes]."""
    order = np.argsort(-similarity, 1, kind="stable")[:, :5]
    found = np.take_along_axis(right, order, 1)
    return int(found[:, 0].sum()), int(found.any(1).sum())


def recall(net, trials):
    """Figures by name, in percent: `same@1` ... `other@5`, and the same over maps of ten worlds (`pooled_...`)."""
    nodes = [describe(net, trial.nodes) for trial in trials]
    counts = {}

    def count(name, found, questions):
        at1, at5, total = counts.get(name, (0, 0, 0))
        counts[name] = (at1 + found[0], at5 + found[1], total + questions)

    for kind, name in enumerate(("same", "other")):
        queries = [describe(net, trial.queries[kind]) for trial in trials]
        right = [np.abs(t.query_arcs[:, None] - t.node_arcs[None]) <= t.tolerance_m for t in trials]
        for node, query, truth in zip(nodes, queries, right):
            count(name, hits(query @ node.T, truth), len(query))
        for start in range(0, len(trials), POOL):
            part = range(start, min(start + POOL, len(trials)))
            maps = np.concatenate([nodes[i] for i in part])
            first = 0
            for i in part:
                truth = np.zeros((len(queries[i]), len(maps)), bool)
                truth[:, first : first + len(nodes[i])] = right[i]
                first += len(nodes[i])
                count(f"pooled_{name}", hits(queries[i] @ maps.T, truth), len(queries[i]))
    figures = {}
    for name, (at1, at5, total) in counts.items():
        figures[f"{name}@1"] = round(100.0 * at1 / total, 2)
        figures[f"{name}@5"] = round(100.0 * at5 / total, 2)
    return figures
