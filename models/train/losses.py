"""Training losses and the figures by which a policy is judged before it drives."""

import math

import torch
from torch.nn import functional as F

from contract import MAX_DISTANCE_STEPS
from precision import autocast

# Steps; beyond it an error counts linearly, so that the unknowable (a goal passed, or round two corners) does not rule.
DISTANCE_BETA = 6.0
DISTANCE_WEIGHT = 0.18
BINS_WEIGHT = 0.06
ACTION_BETA = 0.5
# Arrival and localisation live on small distances.
NEAR_GAIN = 1.5
NEAR_STEPS = 4.0


def soft_bins(distance, bins):
    """Distances [...] in steps -> weights [..., bins] on the two whole steps around each."""
    clamped = distance.clamp(0.0, bins - 1.0)
    low = clamped.floor().clamp(max=bins - 2.0)
    high_share = (clamped - low).unsqueeze(-1)
    index = low.long().unsqueeze(-1)
    target = torch.zeros(*distance.shape, bins)
    target.scatter_(-1, index, 1.0 - high_share)
    return target.scatter_(-1, index + 1, high_share)


def training_loss(net, logits, actions, batch, learned=4):
    """Loss of one batch of block pairs; `actions` [b, a, g, 5, 4] against `target` [b * a, 5, 4] where `act_mask` says so.

    Only the first `learned` values of an action count. A net without a distribution over distances has one logit.
    """
    dist, mask = batch["dist"], batch["act_mask"]
    near = 1.0 + NEAR_GAIN * torch.exp(-dist / NEAR_STEPS)
    predicted = net.steps(logits)
    loss = DISTANCE_WEIGHT * (near * F.smooth_l1_loss(predicted, dist, beta=DISTANCE_BETA, reduction="none")).mean()
    if logits.shape[-1] > 1:
        classes = -(near * (soft_bins(dist, logits.shape[-1]) * logits.log_softmax(-1)).sum(-1)).mean()
        loss = loss + BINS_WEIGHT * classes
    blocks, anchors = dist.shape[:2]
    target = batch["target"].view(blocks, anchors, 1, *batch["target"].shape[1:]).expand_as(actions)
    each = F.smooth_l1_loss(actions[..., :learned], target[..., :learned], beta=ACTION_BETA, reduction="none").mean((-1, -2))
    return loss + (each * mask).sum() / mask.sum().clamp(min=1.0)


class Figures:
    """Collects predictions over a validation set and sums them up."""

    def __init__(self):
        self.rows = {key: [] for key in ("dist", "predicted", "mask", "waypoints", "act")}

    def add(self, predicted, waypoints, batch):
        """One batch: predicted [b, a, g] steps, waypoints [b, a, g, 5, 4]."""
        blocks, anchors = batch["dist"].shape[:2]
        act = batch["act"].view(blocks, anchors, 1, *batch["act"].shape[1:]).expand_as(waypoints)
        self.rows["dist"].append(batch["dist"].reshape(-1))
        self.rows["predicted"].append(predicted.reshape(-1))
        self.rows["mask"].append(batch["act_mask"].reshape(-1) > 0.5)
        self.rows["waypoints"].append(waypoints.reshape(-1, *waypoints.shape[-2:]))
        self.rows["act"].append(act.reshape(-1, *act.shape[-2:]))

    def summary(self):
        """Figures by name; distances in steps, waypoints in model units, angles in degrees."""
        dist, predicted, mask, waypoints, act = (torch.cat(rows) for rows in self.rows.values())
        error = predicted - dist
        near = mask & (dist < 8.0)
        arriving = mask & (dist < 3.0)
        turning = mask & ((act[:, 2, 1].abs() > 0.2) | (act[:, 2, 3].abs() > 0.15))
        yaw = torch.atan2(act[:, -1, 3], act[:, -1, 2])
        off = torch.atan2(waypoints[:, -1, 3], waypoints[:, -1, 2]) - yaw
        off = torch.atan2(off.sin(), off.cos())
        degrees = 180.0 / math.pi
        return {
            "pairs": int(dist.numel()),
            "dist_mse": mean(error.square()),
            "dist_mae_lt8": mean(error[near].abs()),
            "dist_mae_lt3": mean(error[arriving].abs()),
            "act_mse": mean((waypoints - act)[mask].square()),
            "wp3_error_units": mean((waypoints - act)[mask][:, 2, :2].norm(dim=-1)),
            "turn_share": mean(turning[mask].float()),
            "turn_yaw_mae_deg": mean(off[turning].abs()) * degrees,
            "turn_yaw_zero_deg": mean(yaw[turning].abs()) * degrees,
            "negative_auc": auc(predicted[~mask], predicted[mask]),
            "negative_accuracy_at_15": mean(((predicted > 15.0) == ~mask).float()),
            "negative_share": mean((~mask).float()),
            "below_20_share": mean((dist < MAX_DISTANCE_STEPS).float()),
        }


def mean(values):
    """Mean as a float; NaN of nothing."""
    return float(values.float().mean()) if values.numel() else float("nan")


def auc(high, low):
    """Chance that a member of `high` is greater than one of `low` (ties count half)."""
    if high.numel() == 0 or low.numel() == 0:
        return float("nan")
    ordered = low.sort().values
    below = torch.searchsorted(ordered, high, right=False).double()
    upto = torch.searchsorted(ordered, high, right=True).double()
    return float(((below + upto) / 2).mean() / low.numel())


def evaluate(net, batches, variant, shuffle_goals=False, precision="fp32"):
    """Figures of `net` (already in eval mode) over an iterable of batches, all as normalised waypoints.

    With `shuffle_goals` every goal comes from another block: a policy that steers by its goal must then turn worse.
    """
    figures = Figures()
    with torch.inference_mode():
        for batch in batches:
            goal = batch["goal"]
            blocks, anchors = batch["dist"].shape[:2]
            if shuffle_goals:
                goal = goal.roll(goal.shape[0] // blocks, 0)
            with autocast(precision):
                logits, actions = net.blocks(batch["context"], goal, blocks)
            unit = batch["unit"].view(blocks, anchors, 1)
            figures.add(net.steps(logits), variant.waypoints(actions, unit), batch)
    return figures.summary()
