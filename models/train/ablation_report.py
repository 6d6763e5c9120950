"""Tables and plots of `ablations.py`, out of the files that its runs left behind.

    python ablation_report.py DIR                             tables, and success against the number of training robots
    python ablation_report.py DIR --gnm RUN --beside a=RUN2   also the published architecture's learning curve beside other runs'
"""

import argparse
import csv
import json
import math
from pathlib import Path

import matplotlib
import numpy as np

from curves import read

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (the backend must be chosen first)

RESAMPLES = 2000
TRAINING_KINDS = 6
# Of Shah et al., "GNM: A General Navigation Model to Drive Any Robot" (2022); two figures where it has two settings.
PAPER = {
    "base": "waypoints 1.00 / 0.95, temporal 0.70", "context-none": "0.36", "context-static": "0.50",
    "raw-waypoints": "0.42 / 0.26", "velocities": "0.73 / 0.54",
}
CURVES = (
    ("turn_yaw_mae_deg", "yaw MAE when turning (deg)"), ("act_mse", "action MSE"), ("dist_mse", "distance MSE (steps^2)"),
)


def wilson(wins, count, z=1.96):
    """(share, low, high) of `wins` out of `count`, 95 %."""
    if count == 0:
        return math.nan, math.nan, math.nan
    share = wins / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return share, max(0.0, middle - half), min(1.0, middle + half)


def resampled(values, groups):
    """(mean, low, high), 95 %: bootstrap over groups, for the drives of one course are no independent trials."""
    values, groups = np.asarray(values, float), np.asarray(groups)
    names = np.unique(groups)
    sums = np.array([values[groups == name].sum() for name in names])
    counts = np.array([(groups == name).sum() for name in names])
    picks = np.random.default_rng(1).integers(0, len(names), (RESAMPLES, len(names)))
    means = sums[picks].sum(1) / counts[picks].sum(1)
    return float(values.mean()), float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def drives(folder, kinds):
    """{(course, drive): (success, contacts)} of the closed loop with true progress."""
    rows = read(folder / f"judged-{kinds}.jsonl")
    return {(row["course"], row["drive"]): (float(row["end"] == "reached" and row["contacts"] == 0), row["contacts"]) for row in rows}


def episodes(folder):
    """{world: (success, contacts)} of the runtime's evaluation."""
    path = folder / "episodes-unseen.csv"
    if not path.exists():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        return {(row["world"],): (float(row["success"]), float(row["contacts"])) for row in csv.DictReader(file)}


def figures(folder, base):
    """All figures of a run as a flat dict; intervals as _low and _high; differences to `base` on the same courses as _less_base."""
    out = {"run": folder.name}
    log = read(folder / "log.jsonl")
    final = [row for row in log if row["kind"] == "final"]
    if final:
        names = ("pairs_seen", "cpu_s", "turn_yaw_mae_deg", "turn_yaw_zero_deg", "act_mse", "wp3_error_units", "dist_mse", "negative_auc")
        out.update({name: final[-1][name] for name in names})
    for row in read(folder / "figures-unseen.json")[-1:]:
        out.update({f"foreign_{name}": row[name] for name in ("turn_yaw_mae_deg", "act_mse", "dist_mse")})
    sources = [(f"true_{kinds}", drives(folder, kinds), drives(base, kinds)) for kinds in ("seen", "unseen")]
    for name, mine, other in (*sources, ("runtime_unseen", episodes(folder), episodes(base))):
        if not mine:
            continue
        keys = sorted(mine)
        success = [mine[key][0] for key in keys]
        whole = len({key[0] for key in keys}) == len(keys)
        value = wilson(sum(success), len(success)) if whole else resampled(success, [key[0] for key in keys])
        out[f"{name}_n"] = len(keys)
        out[name], out[f"{name}_low"], out[f"{name}_high"] = value
        out[f"{name}_contacts"] = float(np.mean([mine[key][1] for key in keys]))
        both = sorted(set(mine) & set(other))
        if both and folder != base:
            less = resampled([mine[key][0] - other[key][0] for key in both], [key[0] for key in both])
            out[f"{name}_less_base"], out[f"{name}_less_base_low"], out[f"{name}_less_base_high"] = less
    return out


def percent(row, name):
    """Success with its interval, how many drives, and contacts a drive, as text."""
    if name not in row:
        return "-"
    return f"{100 * row[name]:.0f} % [{100 * row[name + '_low']:.0f}, {100 * row[name + '_high']:.0f}] of {row[name + '_n']}; {row[name + '_contacts']:.1f}"


def points(row, name):
    """Difference to the base run in points, as text."""
    key = f"{name}_less_base"
    return "-" if key not in row else f"{100 * row[key]:+.0f} [{100 * row[key + '_low']:+.0f}, {100 * row[key + '_high']:+.0f}]"


def number(row, name, digits):
    """A figure as text."""
    return f"{row[name]:.{digits}f}" if name in row else "-"


def markdown(rows):
    """Two tables: closed loop beside the paper, and figures on the validation pictures."""
    lines = [
        "| run | paper's success | true progress, six training kinds | less base | true progress, held-out kinds | less base | runtime, held-out kinds | less base |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [row["run"], PAPER.get(row["run"], "-")]
        for name in ("true_seen", "true_unseen", "runtime_unseen"):
            cells += [percent(row, name), points(row, name)]
        lines.append("| " + " | ".join(cells) + " |")
    names = ("yaw MAE when turning", "action MSE", "distance MSE", "AUC of negatives", "yaw MAE, held-out", "action MSE, held-out", "distance MSE, held-out")
    lines += ["", "| run | pairs | CPU min | " + " | ".join(names) + " |", "|---" * (len(names) + 3) + "|"]
    for row in rows:
        cells = [row["run"], number(row, "pairs_seen", 0), f"{row['cpu_s'] / 60:.1f}" if "cpu_s" in row else "-"]
        for name in ("turn_yaw_mae_deg", "act_mse", "dist_mse", "negative_auc", "foreign_turn_yaw_mae_deg", "foreign_act_mse", "foreign_dist_mse"):
            cells.append(number(row, name, 2 if "yaw" in name or "dist" in name else 3))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def robots_plot(rows, runs, path):
    """Success, and errors on pictures, of held-out kinds against the number of training kinds."""
    figure, (axis, errors) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    chosen = [(len(kinds.split(",")) if kinds else TRAINING_KINDS, row) for row, kinds in zip(rows, runs) if kinds is not None]
    chosen.sort(key=lambda pair: pair[0])
    for name, label, shift in (("true_unseen", "true progress", -0.05), ("runtime_unseen", "the runtime", 0.05)):
        there = [(x + shift, row) for x, row in chosen if name in row]
        if not there:
            continue
        y = np.array([100 * row[name] for _, row in there])
        low, high = (np.array([100 * row[f"{name}_{end}"] for _, row in there]) for end in ("low", "high"))
        count = there[0][1][f"{name}_n"]
        # Of a bootstrap the mean can lie outside by rounding.
        bars = np.maximum([y - low, high - y], 0.0)
        axis.errorbar([x for x, _ in there], y, bars, marker="o", capsize=4, label=f"{label} ({count} drives each)")
    axis.set_title("success on two held-out kinds, %, 95 % interval")
    axis.set_ylim(0, 100)
    if axis.has_data():
        axis.legend()
    # As shares of what the fewest kinds give, for the units differ.
    for name, label in (("turn_yaw_mae_deg", "yaw when turning"), ("act_mse", "action (square)"), ("dist_mse", "distance (square)")):
        there = [(x, row[f"foreign_{name}"]) for x, row in chosen if f"foreign_{name}" in row]
        if there:
            errors.plot([x for x, _ in there], [100 * value / there[0][1] for _, value in there], marker="o", label=label)
    errors.set_title("errors on pictures of held-out kinds, % of one kind's")
    if errors.has_data():
        errors.legend()
    for part in (axis, errors):
        part.set_xticks(sorted({x for x, _ in chosen}))
        part.set_xlabel("kinds of robots in training")
        part.grid(alpha=0.3)
    figure.savefig(path, dpi=90)


def cpu_minutes(log):
    """[(pairs, CPU minutes)] of a log; older logs tell speed only, which is summed up over its rows."""
    out, cpu_s, before = [(0, 0.0)], 0.0, 0
    for row in log:
        if row["kind"] != "train":
            continue
        gained = row["pairs"] - before
        if "cpu_s" in row:
            cpu_s = row["cpu_s"]
        elif gained > 0 and row["pairs_per_cpu_s"] > 0:
            cpu_s += gained / row["pairs_per_cpu_s"]
        before = max(before, row["pairs"])
        out.append((before, cpu_s / 60.0))
    return out


def architectures_plot(runs, path):
    """Learning curves of runs [(label, folder)] against pairs and against CPU minutes, both logarithmic."""
    figure, axes = pyplot.subplots(2, 3, figsize=(13, 6.5), layout="constrained")
    for label, folder in runs:
        log = read(folder / "log.jsonl")
        spent = cpu_minutes(log)
        rows = [row for row in log if row["kind"] in ("validation", "final") and row["pairs_seen"] > 0]
        seen = [row["pairs_seen"] for row in rows]
        minutes = np.interp(seen, [pairs for pairs, _ in spent], [cpu for _, cpu in spent])
        for column, (key, title) in enumerate(CURVES):
            for axis, x, name in ((axes[0, column], np.array(seen) / 1000, "thousand pairs"), (axes[1, column], minutes, "CPU minutes of training")):
                axis.plot(x, [row[key] for row in rows], marker=".", label=label)
                axis.set_title(title)
                axis.set_xlabel(name)
                axis.set_xscale("log")
                axis.grid(alpha=0.3, which="both")
    zero = [row["turn_yaw_zero_deg"] for _, folder in runs for row in read(folder / "log.jsonl") if "turn_yaw_zero_deg" in row]
    for axis in axes[:, 0]:
        if zero:
            axis.axhline(zero[-1], linestyle="--", color="grey", label="never turning")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.savefig(path, dpi=80)


def write(out, names):
    """DIR/ablations.md, .csv and the plot, of the runs that have ended."""
    base = out / "base"
    folders = [out / name for name in names if (out / name / "judged-unseen.jsonl").exists()]
    rows = [figures(folder, base) for folder in folders]
    about = [json.loads((folder / "run.json").read_text()) for folder in folders]
    plain = [one["robots"] if (one["context"], one["action"]) == ("temporal", "waypoints") else None for one in about]
    (out / "ablations.md").write_text(markdown(rows))
    keys = list(dict.fromkeys(key for row in rows for key in row))
    with open(out / "ablations.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, keys, lineterminator="\n")
        table.writeheader()
        table.writerows({key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()} for row in rows)
    if rows:
        robots_plot(rows, plain, out / "robots-against-success.png")
    print(markdown(rows))


def main():
    parser = argparse.ArgumentParser(description="Tables and plots of the ablations.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--gnm", type=Path, help="a run of --net gnm")
    parser.add_argument("--beside", action="append", default=[], metavar="LABEL=RUN", help="more curves beside DIR/base's")
    args = parser.parse_args()
    from ablations import RUNS

    write(args.out, [one.name for one in RUNS])
    if args.gnm:
        runs = [("published architecture", args.gnm), ("correlation net, base", args.out / "base")]
        runs += [(label, Path(run)) for label, _, run in (text.partition("=") for text in args.beside)]
        architectures_plot(runs, args.out / "gnm-against-correlation.png")


if __name__ == "__main__":
    main()
