"""Recall at 1 and at 5 of a descriptor over trials, each world for itself and several worlds in one map.

    python recall.py ../../place-sim trials.bin
"""

import sys

import numpy as np
import torch

from batches import normalise, read_trials

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


# Columns of the grey windows that image correlation compares, and where the question's window starts.
MARGIN, COLUMNS, SHIFTS = 8, 69, range(0, 17, 2)


def windows(pictures, starts):
    """Grey windows with mean 0 and length 1: [n, starts, 64 * 69]."""
    grey = pictures.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    cut = np.stack([grey[:, :, s : s + COLUMNS].reshape(len(grey), -1) for s in starts], 1)
    cut -= cut.mean(2, keepdims=True)
    return cut / np.maximum(np.sqrt((cut * cut).sum(2, keepdims=True)), 1e-3)


def likeness(nodes, queries):
    """Best correlation over small sideways shifts, [questions, nodes]."""
    places = windows(nodes, [MARGIN])[:, 0]
    return np.stack([windows(queries, [shift])[:, 0] @ places.T for shift in SHIFTS]).max(0)


def share(counts):
    """Percent and half the 95 % interval of (hits, questions) by world; worlds are the independent units."""
    hit, total = (np.array(part, float) for part in zip(*counts))
    p = hit.sum() / total.sum()
    spread = len(hit) / max(len(hit) - 1, 1) * ((hit - p * total) ** 2).sum()
    return f"{100 * p:.1f} +- {196 * spread**0.5 / total.sum():.1f} %"


def table(folder, path):
    """Prints recall of an exported folder over trials beside image correlation: a check of `pilotage policy recall`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(f"{folder}/place.onnx", options)

    def net(frames):
        return torch.from_numpy(session.run(["descriptor"], {"frame": frames.contiguous().numpy()})[0])

    trials, counts = read_trials(path), {}
    for start in range(0, len(trials), POOL):
        group = trials[start : start + POOL]
        nodes = [describe(net, trial.nodes) for trial in group]
        pooled, pooled_pictures = np.concatenate(nodes), np.concatenate([trial.nodes for trial in group])
        first = 0
        for trial, node in zip(group, nodes):
            own = slice(first, first + len(node))
            first += len(node)
            right = np.abs(trial.query_arcs[:, None] - trial.node_arcs[None]) <= trial.tolerance_m
            right_pooled = np.zeros((len(right), len(pooled)), bool)
            right_pooled[:, own] = right
            for kind, name in enumerate(("same robot", "other camera")):
                alike = describe(net, trial.queries[kind]) @ pooled.T
                for method, table_of in (("descriptor", alike), ("correlation", likeness(pooled_pictures, trial.queries[kind]))):
                    for where, found in (("one world", hits(table_of[:, own], right)), ("ten worlds", hits(table_of, right_pooled))):
                        for rank, number in zip((1, 5), found):
                            counts.setdefault((where, name, method, rank), []).append((number, len(right)))
                            if where == "one world" and method == "descriptor":
                                counts.setdefault((where, f"{trial.family}, {name}", method, rank), []).append((number, len(right)))
    print(f"{len(trials)} worlds, {sum(len(t.nodes) for t in trials)} places, {2 * sum(len(t.query_arcs) for t in trials)} questions")
    for key in sorted({key[:3] for key in counts}):
        print(f"{key[0]:<12}{key[1]:<26}{key[2]:<14}{share(counts[(*key, 1)]):>18}{share(counts[(*key, 5)]):>18}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    table(*sys.argv[1:3])
