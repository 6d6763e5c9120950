"""Draws DIR/curves.png from DIR/log.jsonl, and from DIR/dagger.jsonl where there is one."""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (the backend must be chosen first)

PANELS = (
    ("dist_mse", "distance MSE (steps^2)"),
    ("dist_mae_lt8", "distance MAE below 8 steps"),
    ("act_mse", "action MSE"),
    ("turn_yaw_mae_deg", "yaw MAE when turning (deg)"),
    ("wp3_error_units", "waypoint 3 error (units)"),
    ("negative_auc", "AUC of negatives"),
)


def read(path):
    """Lines of JSON; none where there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def line(axis, rows, x, y, title, label=None):
    """One curve over million pairs."""
    axis.plot([row[x] / 1e6 for row in rows], [row[y] for row in rows], marker=".", label=label)
    axis.set_title(title)
    axis.set_xlabel("million pairs")
    axis.grid(alpha=0.3)


def main():
    out = Path(sys.argv[1])
    log, drives = read(out / "log.jsonl"), read(out / "dagger.jsonl")
    rows = [row for row in log if row["kind"] in ("validation", "final")]
    if not rows:
        sys.exit(f"{out / 'log.jsonl'} holds no validation yet: wait for the first one")
    figure, axes = pyplot.subplots(2, 4, figsize=(16, 6), layout="constrained")
    panels = list(axes[:, :3].flat)
    for axis, (key, title) in zip(panels, PANELS):
        line(axis, rows, "pairs_seen", key, title)
        if key == "turn_yaw_mae_deg":
            axis.axhline(rows[-1]["turn_yaw_zero_deg"], linestyle="--", color="grey", label="predicting zero")
            axis.legend()
    line(axes[0, 3], [row for row in log if row["kind"] == "train"], "pairs", "loss", "training loss")
    if drives:
        for key in ("reached", "reached_without_contact", "stuck"):
            line(axes[1, 3], drives, "pairs_seen", key, "own drives in training", key.replace("_", " "))
        axes[1, 3].legend()
    else:
        axes[1, 3].set_axis_off()
    figure.savefig(out / "curves.png", dpi=90)


if __name__ == "__main__":
    main()
