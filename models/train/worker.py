"""One training process, and what the processes share.

Each trains a copy of the net and merges what it learned into a common one every few steps, without waiting for the others: on
shared cores a barrier costs more than a slightly stale copy.
"""

import json
import math
import multiprocessing as mp
import os
import subprocess
import sys
import time
from pathlib import Path

import torch

from flat import Flat, save
from losses import evaluate, training_loss
from precision import autocast, input_type
from schedule import PAIRS_PER_NOMINAL_S, Schedule
from stream import Prefetch, StreamError, read_batch, read_header, to_tensors

WEIGHT_DECAY = 1e-2
CLIP = 2.0
SYNC_STEPS = 4
EMA_DECAY = 0.985
CHECKPOINT_S = 60.0
LOG_S = 20.0


def optimiser(net, rate):
    """AdamW; norms and biases are not decayed."""
    weights = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() <= 1]
    groups = [{"params": weights, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.99), fused=True)


class Shared:
    """What the workers have in common: the merged weights, their running mean, counters, and one lock."""

    def __init__(self, start, workers):
        self.lock = mp.Lock()
        self.pipe_lock = mp.Lock()
        self.centre = start.clone().share_memory_()
        self.ema = start.clone().share_memory_()
        self.count = torch.zeros(4, dtype=torch.float64).share_memory_()  # pairs, steps, merges, CPU seconds
        self.stop = mp.Event()
        self.workers = workers

    def merge(self, base, mine, pairs, steps, cpu_s=0.0):
        """Adds this worker's share of what it learned since `base`; returns the common weights to go on from."""
        with self.lock:
            self.centre.add_(mine - base, alpha=1.0 / self.workers)
            self.count += torch.tensor([pairs, steps, 1.0, cpu_s], dtype=torch.float64)
            merges = float(self.count[2])
            decay = min(EMA_DECAY, (1.0 + merges) / (10.0 + merges))
            self.ema.lerp_(self.centre, 1.0 - decay)
            return self.centre.clone()


class Worker:
    """One training process. Rank 0 also keeps the log, the checkpoints, the validation and the periodic exports."""

    def __init__(self, rank, args, shared, stream, plan):
        self.rank, self.args, self.shared, self.stream = rank, args, shared, stream
        self.out, self.variant, self.precision = Path(args.out), plan["variant"], plan["precision"]
        self.net = self.variant.build()
        self.flat = Flat(self.net)
        self.optimiser = optimiser(self.net, args.rate)
        if plan["resumed"] and (self.out / f"optimiser-{rank}.pt").exists():
            self.optimiser.load_state_dict(torch.load(self.out / f"optimiser-{rank}.pt", weights_only=True))
        self.base_s, self.started, self.parent = plan["elapsed_s"], time.monotonic(), os.getppid()
        self.schedule = Schedule(**plan["schedule"])
        self.exporter = None
        self.judge = None

    def elapsed_s(self):
        """Seconds of training so far, earlier runs counted in."""
        return self.base_s + time.monotonic() - self.started

    def spent(self, now, pairs=0):
        """How far along the budget: seconds, or nominal ones of the merged pairs and this worker's own `pairs` beyond them."""
        if self.args.pairs is None:
            return now
        return (float(self.shared.count[0]) + pairs) / PAIRS_PER_NOMINAL_S

    def over(self, spent):
        """Whether to end: the schedule is over, another worker failed, or nobody is left to work for."""
        return self.shared.stop.is_set() or self.schedule.over(spent) or os.getppid() != self.parent

    def run(self):
        """Trains until the schedule ends."""
        prefetch = Prefetch(
            self.stream.fd, self.stream.layout, self.shared.pipe_lock, self.variant, input_type(self.precision)
        )
        base = self.shared.centre.clone()
        self.flat.write(base)
        now = self.elapsed_s()
        checkpoint_s, log_s, export_s = now + CHECKPOINT_S, now + LOG_S, now + self.args.export_minutes * 60.0
        validate_s = now + 60.0
        pairs, steps, losses, waited, cpu_s = 0, 0, [], 0.0, time.process_time()
        log_from = (now, self.shared.count.tolist())
        while True:
            now = self.elapsed_s()
            spent = self.spent(now, pairs)
            self.read_stop(spent)
            if self.over(spent):
                break
            asked = time.monotonic()
            batch = prefetch.next()
            waited += time.monotonic() - asked
            losses.append(self.step(batch, spent))
            pairs += batch["dist"].numel()
            steps += 1
            if steps == SYNC_STEPS:
                cpu_now_s = time.process_time()
                base = self.shared.merge(base, self.flat.read(), pairs, steps, cpu_now_s - cpu_s)
                self.flat.write(base)
                pairs, steps, cpu_s = 0, 0, cpu_now_s
            if now >= checkpoint_s:
                checkpoint_s = now + CHECKPOINT_S
                self.checkpoint(now)
            if self.rank != 0:
                continue
            if now >= log_s:
                done = self.shared.count.tolist()
                gained = [after - before for after, before in zip(done, log_from[1])]
                self.log({
                    "kind": "train", "elapsed_s": round(now, 1), "pairs": int(done[0]), "loss": round(sum(losses) / len(losses), 5),
                    "rate": round(self.args.rate * self.schedule.factor(spent), 7), "cpu_s": round(done[3], 1),
                    "pairs_per_s": round(gained[0] / max(now - log_from[0], 1e-3), 1),
                    "pairs_per_cpu_s": round(gained[0] / max(gained[3], 1e-3), 1),
                    "stream_wait_share": round(waited / max(now - log_from[0], 1e-3), 3),
                })
                losses, waited, log_from, log_s = [], 0.0, (now, done), now + LOG_S
            if now >= validate_s:
                self.validate(now)
                validate_s = self.elapsed_s() + self.args.validate_minutes * 60.0
                cpu_s = time.process_time()
            if now >= export_s:
                export_s = now + self.args.export_minutes * 60.0
                self.checkpoint(now)
                self.export("export-latest")
        if steps:
            self.shared.merge(base, self.flat.read(), pairs, steps, time.process_time() - cpu_s)
        self.checkpoint(self.elapsed_s())
        # The other worker still needs the pipe open until it has ended too; the parent closes it.

    def step(self, batch, spent):
        """One optimiser step; returns the loss."""
        rate = self.args.rate * self.schedule.factor(spent)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        with autocast(self.precision):
            logits, actions = self.net.blocks(batch["context"], batch["goal"], batch["dist"].shape[0])
        loss = training_loss(self.net, logits.float(), actions.float(), batch, self.variant.learned())
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), CLIP)
        value = float(loss.detach())
        if math.isfinite(value) and math.isfinite(float(norm)):
            self.optimiser.step()
        return value

    def read_stop(self, spent):
        """Turns to the final decay when DIR/STOP asks for it. Every worker reads the same file."""
        path = self.out / "STOP"
        if self.schedule.flat_share == 0.0 or not path.exists():
            return
        try:
            minutes = float(path.read_text().strip() or "0")
        except (OSError, ValueError):
            minutes = 3.0
        self.schedule = self.schedule.ending_in(spent, minutes)

    def checkpoint(self, now):
        """Saves this worker's optimiser, and from rank 0 the common state."""
        save(self.out / f"optimiser-{self.rank}.pt", self.optimiser.state_dict())
        if self.rank == 0:
            with self.shared.lock:
                state = {
                    "centre": self.shared.centre.clone(), "ema": self.shared.ema.clone(), "count": self.shared.count.clone(),
                    "elapsed_s": now, "schedule": vars(self.schedule).copy(), "variant": self.variant.as_dict(),
                    "by_pairs": self.args.pairs is not None,
                }
            save(self.out / "checkpoint.pt", state)

    def validate(self, now):
        """Logs the figures of the running mean on the fixed validation set."""
        if self.judge is None:
            self.judge = self.variant.build().eval()
        with self.shared.lock:
            mean_weights = self.shared.ema.clone()
        Flat(self.judge).write(mean_weights)
        figures = evaluate(self.judge, validation_batches(self.out, self.variant), self.variant, precision=self.precision)
        figures = {key: round(value, 4) for key, value in figures.items()}
        self.log({"kind": "validation", "elapsed_s": round(now, 1), "pairs_seen": int(self.shared.count[0]),
                  "cpu_s": round(float(self.shared.count[3]), 1), **figures})

    def export(self, name):
        """Exports the last checkpoint beside the training."""
        if self.variant.context == "static" or (self.exporter is not None and self.exporter.poll() is None):
            return
        command = [sys.executable, str(Path(__file__).parent / "export.py"), str(self.out / "checkpoint.pt")]
        command += ["-o", str(self.out / name), "--golden-from", str(self.out / "validation.bin")]
        with open(self.out / "export.log", "ab") as log:
            self.exporter = subprocess.Popen(command, stdout=log, stderr=log)

    def log(self, row):
        """One line of JSON to the log and to standard output."""
        write_log(self.out, row)


def write_log(out, row):
    """One line of JSON to DIR/log.jsonl and to standard output."""
    line = json.dumps(row)
    print(line, flush=True)
    with open(out / "log.jsonl", "a", encoding="utf-8") as file:
        file.write(line + "\n")


def work(rank, args, shared, stream, plan):
    """Entry of a worker process."""
    torch.set_num_threads(1)
    torch.manual_seed(args.seed + rank)
    worker = Worker(rank, args, shared, stream, plan)
    try:
        worker.run()
    except StreamError as error:
        worker.checkpoint(worker.elapsed_s())
        shared.stop.set()
        sys.exit(f"worker {rank}: {error}. The state is saved: run the same command with --resume")


def validation_batches(out, variant):
    """The batches of DIR/validation.bin as tensors."""
    return batches_in(out / "validation.bin", variant)


def batches_in(path, variant):
    """The batches of a stream file as tensors."""
    with open(path, "rb") as file:
        layout = read_header(file.fileno())
        while True:
            try:
                yield to_tensors(read_batch(file.fileno(), layout), layout, variant)
            except StreamError:
                return
