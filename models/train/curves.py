"""Draws DIR/curves.png from DIR/log.jsonl."""

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


def main():
    out = Path(sys.argv[1])
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["kind"] in ("validation", "final")]
    if not rows:
        sys.exit(f"{out / 'log.jsonl'} holds no validation yet: wait for the first one")
    figure, axes = pyplot.subplots(2, 3, figsize=(12, 6), layout="constrained")
    for axis, (key, title) in zip(axes.flat, PANELS):
        axis.plot([row["pairs_seen"] / 1e6 for row in rows], [row[key] for row in rows], marker=".")
        if key == "turn_yaw_mae_deg":
            axis.axhline(rows[-1]["turn_yaw_zero_deg"], linestyle="--", color="grey", label="predicting zero")
            axis.legend()
        axis.set_title(title)
        axis.set_xlabel("million pairs")
        axis.grid(alpha=0.3)
    figure.savefig(out / "curves.png", dpi=90)


if __name__ == "__main__":
    main()
