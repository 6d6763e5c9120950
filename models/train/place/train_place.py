"""Trains the place descriptor from the simulator's stream of places, on one core.

    python train_place.py --pictures 900000 --out RUN --resume --stream-cmd "..." --trials trials.bin

Writes into RUN: checkpoint.pt (every two minutes; the same command with --resume goes on from there), log.jsonl, curves.png.
The budget is pictures and not time, so that a busy machine gives the same model later.
"""

import argparse
import json
import math
import os
import shlex
import sys
import time
from pathlib import Path

import torch

from batches import PlaceStream, normalise, read_trials
from descriptor import HEADS, PlaceNet
from recall import recall

SHAPE = ("head", "narrow", "wide", "blocks", "numbers")
WARM_UP, FLAT = 0.03, 0.4
WEIGHT_DECAY = 1e-2
CLIP = 2.0
EMA_DECAY = 0.995
CHECKPOINT_S = 120.0
LOG_S = 20.0


def rate_factor(share):
    """Factor on the peak learning rate when `share` of the budget is spent: warm-up, constant, cosine to zero."""
    warm = min(1.0, (share + 1e-3) / WARM_UP)
    falling = max(0.0, (share - FLAT) / (1.0 - FLAT))
    return warm * 0.5 * (1.0 + math.cos(math.pi * min(1.0, falling)))


def contrast(descriptors, apart, views, far, temperature):
    """Mean over all pairs of views of one place of -log(this pair / (this pair + all views of other places)).

    Other places are those of other worlds, and those of the same world more than `far` apart; what is nearer counts as neither.
    """
    worlds, places = apart.shape[:2]
    per_world = places * views
    spread = apart.repeat_interleave(views, 1).repeat_interleave(views, 2)
    rows = torch.arange(worlds)
    other = torch.ones(worlds, per_world, worlds, per_world, dtype=torch.bool)
    other[rows, :, rows, :] = spread > far
    same = torch.zeros_like(other)
    same[rows, :, rows, :] = spread <= 0.0
    count = worlds * per_world
    other, same = other.view(count, count), same.view(count, count)
    same &= ~torch.eye(count, dtype=torch.bool)
    alike = descriptors @ descriptors.t() / temperature
    crowd = alike.masked_fill(~other, -math.inf).logsumexp(1, keepdim=True)
    return torch.nn.functional.softplus(crowd - alike)[same].mean()


def repaint(pictures, layout, generator):
    """u8 [n, 64, 85, 3] -> normalised bf16 [n, 3, 64, 85], channels last in memory; on the way some worlds (all their views
    alike) and some single views lose colour: real places are greyer."""
    keep = torch.rand(layout.worlds, 1, generator=generator) * 2.0
    own = torch.rand(layout.worlds, layout.places * layout.views, generator=generator)
    keep = (keep * (own / 0.15).clamp(max=1.0)).clamp(max=1.0).view(-1, 1, 1, 1).bfloat16()
    pictures = normalise(pictures).bfloat16()
    # In normalised numbers; grey to within the small differences of the three means.
    grey = pictures.mean(1, keepdim=True)
    return pictures.sub_(grey).mul_(keep).add_(grey)


class Mean:
    """Running mean of a net's floating-point state."""

    def __init__(self, net):
        self.state = {k: v.detach().clone() for k, v in net.state_dict().items()}
        self.steps = 0

    def follow(self, net):
        """Takes the net's present state in."""
        self.steps += 1
        decay = min(EMA_DECAY, (1.0 + self.steps) / (10.0 + self.steps))
        for key, value in net.state_dict().items():
            if value.is_floating_point():
                self.state[key].lerp_(value.detach(), 1.0 - decay)
            else:
                self.state[key].copy_(value)


class Trainer:
    """One training run: net, optimiser, running mean, log, and where it is in its schedule."""

    def __init__(self, args):
        self.args, self.out = args, Path(args.out)
        shape = {key: getattr(args, key) for key in SHAPE}
        self.shape = shape
        self.net = PlaceNet(**shape).to(memory_format=torch.channels_last)
        weights = [p for p in self.net.parameters() if p.dim() > 1]
        others = [p for p in self.net.parameters() if p.dim() <= 1]
        groups = [{"params": weights, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=args.rate, betas=(0.9, 0.99), fused=True)
        self.mean = Mean(self.net)
        self.generator = torch.Generator().manual_seed(args.seed)
        self.base_s, self.pictures, self.started = 0.0, 0, time.monotonic()
        saved = self.out / "checkpoint.pt"
        if saved.exists() and not args.resume:
            sys.exit(f"{saved} exists: add --resume to go on with it, or give another --out")
        if saved.exists():
            state = torch.load(saved, weights_only=True)
            self.net.load_state_dict(state["net"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.mean.state, self.mean.steps = state["mean"], state["mean_steps"]
            self.base_s, self.pictures = state["elapsed_s"], state["pictures"]
        self.judge = PlaceNet(**shape).eval()

    def elapsed_s(self):
        """Seconds of training so far, earlier runs counted in."""
        return self.base_s + time.monotonic() - self.started

    def run(self, stream, trials):
        """Trains until the budget is spent."""
        now = self.elapsed_s()
        log_s, check_s, save_s, losses, log_from = now + LOG_S, now + self.args.validate_s, now + CHECKPOINT_S, [], (now, 0)
        waited, since = 0.0, self.pictures
        while self.pictures < self.args.pictures:
            asked = time.monotonic()
            pictures, apart = stream.next()
            waited += time.monotonic() - asked
            losses.append(self.step(pictures, apart, stream.layout))
            self.pictures += len(pictures)
            now = self.elapsed_s()
            if now >= log_s:
                self.log({
                    "kind": "train", "elapsed_s": round(now, 1), "pictures": self.pictures,
                    "loss": round(sum(losses) / len(losses), 4), "rate": round(self.rate(), 7),
                    "pictures_per_s": round((self.pictures - since) / max(now - log_from[0], 1e-3), 1),
                    "stream_wait_share": round(waited / max(now - log_from[0], 1e-3), 3),
                })
                losses, waited, since, log_from, log_s = [], 0.0, self.pictures, (now, 0), now + LOG_S
            if now >= check_s:
                self.validate("validation", trials)
                check_s = self.elapsed_s() + self.args.validate_s
            if now >= save_s:
                self.save()
                save_s = now + CHECKPOINT_S
        self.save()
        self.validate("final", trials)

    def rate(self):
        """The present learning rate."""
        return self.args.rate * rate_factor(self.pictures / self.args.pictures)

    def step(self, pictures, apart, layout):
        """One optimiser step; returns the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        pictures = repaint(pictures, layout, self.generator)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            descriptors = self.net(pictures)
        loss = contrast(descriptors.float(), apart, layout.views, self.args.far, self.args.temperature)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), CLIP)
        value = float(loss.detach())
        if math.isfinite(value) and math.isfinite(float(norm)):
            self.optimiser.step()
            self.mean.follow(self.net)
        return value

    def validate(self, kind, trials):
        """Logs the recall of the running mean."""
        self.judge.load_state_dict(self.mean.state)
        row = {"kind": kind, "elapsed_s": round(self.elapsed_s(), 1), "pictures": self.pictures}
        self.log({**row, **recall(self.judge, trials)})

    def save(self):
        """Writes the checkpoint beside and renames: a kill leaves the old one or the new one."""
        state = {
            "net": self.net.state_dict(), "optimiser": self.optimiser.state_dict(), "mean": self.mean.state,
            "mean_steps": self.mean.steps, "elapsed_s": self.elapsed_s(), "pictures": self.pictures,
            "shape": self.shape,
        }
        torch.save(state, self.out / "checkpoint.part")
        os.replace(self.out / "checkpoint.part", self.out / "checkpoint.pt")

    def log(self, row):
        """One line of JSON to the log and to standard output."""
        line = json.dumps(row)
        print(line, flush=True)
        with open(self.out / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(line + "\n")


def draw(out):
    """curves.png from log.jsonl."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    train = [row for row in rows if row["kind"] == "train"]
    checks = [row for row in rows if row["kind"] != "train"]
    axes[0].plot([row["pictures"] / 1e6 for row in train], [row["loss"] for row in train])
    axes[0].set_title("training loss")
    for key in ("same@1", "other@1", "pooled_same@1", "pooled_other@1"):
        axes[1].plot([row["pictures"] / 1e6 for row in checks], [row[key] for row in checks], marker=".", label=key)
    axes[1].set_title("recall on validation worlds (%)")
    axes[1].legend()
    for axis in axes:
        axis.set_xlabel("million pictures")
        axis.grid(alpha=0.3)
    figure.savefig(out / "curves.png", dpi=90)


def arguments():
    parser = argparse.ArgumentParser(description="Train the place descriptor from the simulator's stream.")
    parser.add_argument("--pictures", type=int, required=True, help="pictures to train on in all")
    parser.add_argument("--out", required=True)
    parser.add_argument("--stream-cmd", required=True, help="program that writes batches of places to its standard output")
    parser.add_argument("--trials", required=True, help="validation trials, as `pilotage-sim-data places --trials N` writes them")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out, if there is one")
    parser.add_argument("--head", choices=sorted(HEADS), default="flat")
    parser.add_argument("--narrow", type=int, default=32)
    parser.add_argument("--wide", type=int, default=96)
    parser.add_argument("--blocks", type=int, default=1)
    parser.add_argument("--numbers", type=int, default=256, help="numbers of a descriptor")
    parser.add_argument("--far", type=float, default=1.5, help="places further apart than this (in tolerances) are other places")
    parser.add_argument("--temperature", type=float, default=0.07)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--validate-s", type=float, default=120.0)
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "command.txt", "a", encoding="utf-8") as file:
        file.write(shlex.join(["python", *sys.argv]) + "\n")
    trials = read_trials(args.trials)
    trainer = Trainer(args)
    stream = PlaceStream(args.stream_cmd)
    try:
        trainer.run(stream, trials)
    finally:
        stream.close()
    draw(out)


if __name__ == "__main__":
    main()
