"""Trains the policy from the simulator's stream within a wall-time budget.

    python train.py --minutes 75 --out DIR --stream-cmd "..." --validation-cmd "... --batches 24" [--resume]

Two worker processes of one thread each train copies of the net and merge what they learned into a common one every few steps,
without waiting for each other (on shared cores a barrier costs more than a slightly stale copy). Writing minutes into the file
DIR/STOP lets the learning rate fall to zero within that time and ends the run cleanly.
"""

import argparse
import json
import math
import multiprocessing as mp
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import torch

from losses import evaluate, training_loss
from net import Net
from schedule import Schedule
from stream import Prefetch, Stream, StreamError, read_batch, to_tensors

WEIGHT_DECAY = 1e-2
CLIP = 2.0
SYNC_STEPS = 4
EMA_DECAY = 0.985
CHECKPOINT_S = 120.0
LOG_S = 20.0


class Flat:
    """A net's floating-point parameters and buffers as one vector, in a fixed order."""

    def __init__(self, net):
        state = dict(net.named_parameters())
        state.update({name: buffer for name, buffer in net.named_buffers() if buffer.is_floating_point()})
        skip = {"bins", "cumulative"}
        self.tensors = [tensor for name, tensor in sorted(state.items()) if name not in skip]
        self.size = sum(tensor.numel() for tensor in self.tensors)

    def read(self):
        """A copy of the vector."""
        with torch.no_grad():
            return torch.cat([tensor.detach().contiguous().view(-1) for tensor in self.tensors])

    def write(self, vector):
        """Puts `vector` into the net."""
        offset = 0
        with torch.no_grad():
            for tensor in self.tensors:
                count = tensor.numel()
                tensor.copy_(vector[offset : offset + count].view(tensor.shape))
                offset += count


def optimiser(net, rate):
    """AdamW; norms and biases are not decayed."""
    weights = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() <= 1]
    groups = [{"params": weights, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.99), fused=True)


def save(path, value):
    """Writes beside and renames: a kill leaves the old checkpoint or the new one."""
    beside = path.with_suffix(".part")
    torch.save(value, beside)
    os.replace(beside, path)


class Shared:
    """What the workers have in common: the merged weights, their running mean, counters, and one lock."""

    def __init__(self, start, workers):
        self.lock = mp.Lock()
        self.pipe_lock = mp.Lock()
        self.centre = start.clone().share_memory_()
        self.ema = start.clone().share_memory_()
        self.count = torch.zeros(3, dtype=torch.float64).share_memory_()  # pairs, steps, merges
        self.elapsed_s = torch.zeros(1, dtype=torch.float64).share_memory_()
        self.stop = mp.Event()
        self.workers = workers

    def merge(self, base, mine, pairs, steps):
        """Adds this worker's share of what it learned since `base`; returns the common weights to go on from."""
        with self.lock:
            self.centre.add_(mine - base, alpha=1.0 / self.workers)
            self.count += torch.tensor([pairs, steps, 1.0], dtype=torch.float64)
            merges = float(self.count[2])
            decay = min(EMA_DECAY, (1.0 + merges) / (10.0 + merges))
            self.ema.lerp_(self.centre, 1.0 - decay)
            return self.centre.clone()


class Worker:
    """One training process. Rank 0 also keeps the log, the checkpoints, the validation and the periodic exports."""

    def __init__(self, rank, args, shared, stream, plan):
        self.rank, self.args, self.shared, self.stream = rank, args, shared, stream
        self.out = Path(args.out)
        self.net = Net().to(memory_format=torch.channels_last)
        self.flat = Flat(self.net)
        self.optimiser = optimiser(self.net, args.rate)
        if plan["resumed"] and (self.out / f"optimiser-{rank}.pt").exists():
            self.optimiser.load_state_dict(torch.load(self.out / f"optimiser-{rank}.pt", weights_only=True))
        self.base_s, self.started = plan["elapsed_s"], time.monotonic()
        self.schedule = Schedule(**plan["schedule"])
        self.exporter = None
        self.judge = None

    def elapsed_s(self):
        """Seconds of training so far, earlier runs counted in."""
        return self.base_s + time.monotonic() - self.started

    def run(self):
        """Trains until the schedule ends or another worker failed."""
        prefetch = Prefetch(self.stream.fd, self.stream.layout, self.shared.pipe_lock)
        blocks = self.stream.layout.blocks
        base = self.shared.centre.clone()
        self.flat.write(base)
        now = self.elapsed_s()
        checkpoint_s, log_s, export_s = now + CHECKPOINT_S, now + LOG_S, now + self.args.export_minutes * 60.0
        validate_s = now + 60.0
        pairs, steps, losses, waited, log_from = 0, 0, [], 0.0, (now, float(self.shared.count[0]))
        while not self.shared.stop.is_set():
            now = self.elapsed_s()
            self.read_stop(now)
            if self.schedule.over(now):
                break
            asked = time.monotonic()
            batch = prefetch.next()
            waited += time.monotonic() - asked
            losses.append(self.step(batch, blocks, now))
            pairs += batch["dist"].numel()
            steps += 1
            if steps == SYNC_STEPS:
                base = self.shared.merge(base, self.flat.read(), pairs, steps)
                self.flat.write(base)
                pairs, steps = 0, 0
            if now >= checkpoint_s:
                checkpoint_s = now + CHECKPOINT_S
                self.checkpoint(now)
            if self.rank != 0:
                continue
            if now >= log_s:
                done = float(self.shared.count[0])
                self.log({
                    "kind": "train", "elapsed_s": round(now, 1), "pairs": int(done), "loss": round(sum(losses) / len(losses), 5),
                    "rate": round(self.args.rate * self.schedule.factor(now), 7),
                    "pairs_per_s": round((done - log_from[1]) / max(now - log_from[0], 1e-3), 1),
                    "stream_wait_share": round(waited / max(now - log_from[0], 1e-3), 3),
                })
                losses, waited, log_from, log_s = [], 0.0, (now, done), now + LOG_S
            if now >= validate_s:
                self.validate(now)
                validate_s = self.elapsed_s() + self.args.validate_minutes * 60.0
            if now >= export_s:
                export_s = now + self.args.export_minutes * 60.0
                self.checkpoint(now)
                self.export("export-latest")
        if steps:
            self.shared.merge(base, self.flat.read(), pairs, steps)
        self.checkpoint(self.elapsed_s())
        # The other worker still needs the pipe open until it has ended too; the parent closes it.

    def step(self, batch, blocks, now):
        """One optimiser step; returns the loss."""
        rate = self.args.rate * self.schedule.factor(now)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        logits, waypoints = self.net.blocks(batch["context"], batch["goal"], blocks)
        loss = training_loss(self.net, logits, waypoints, batch)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), CLIP)
        value = float(loss.detach())
        if math.isfinite(value) and math.isfinite(float(norm)):
            self.optimiser.step()
        return value

    def read_stop(self, now):
        """Turns to the final decay when DIR/STOP asks for it. Every worker reads the same file."""
        path = self.out / "STOP"
        if self.schedule.flat_share == 0.0 or not path.exists():
            return
        try:
            minutes = float(path.read_text().strip() or "0")
        except (OSError, ValueError):
            minutes = 3.0
        self.schedule = self.schedule.ending_in(now, minutes)

    def checkpoint(self, now):
        """Saves this worker's optimiser, and from rank 0 the common state."""
        save(self.out / f"optimiser-{self.rank}.pt", self.optimiser.state_dict())
        if self.rank == 0:
            with self.shared.lock:
                state = {
                    "centre": self.shared.centre.clone(), "ema": self.shared.ema.clone(), "count": self.shared.count.clone(),
                    "elapsed_s": now, "schedule": vars(self.schedule).copy(),
                }
            save(self.out / "checkpoint.pt", state)

    def validate(self, now):
        """Logs the figures of the running mean on the fixed validation set."""
        if self.judge is None:
            self.judge = Net().to(memory_format=torch.channels_last)
            self.judge.eval()
        with self.shared.lock:
            mean_weights = self.shared.ema.clone()
        Flat(self.judge).write(mean_weights)
        figures = evaluate(self.judge, validation_batches(self.out))
        figures = {key: round(value, 4) for key, value in figures.items()}
        self.log({"kind": "validation", "elapsed_s": round(now, 1), "pairs_seen": int(self.shared.count[0]), **figures})

    def export(self, name):
        """Exports the last checkpoint beside the training."""
        if self.exporter is not None and self.exporter.poll() is None:
            return
        command = [sys.executable, str(Path(__file__).parent / "export.py"), str(self.out / "checkpoint.pt")]
        command += ["-o", str(self.out / name), "--golden-from", str(self.out / "validation.bin")]
        with open(self.out / "export.log", "ab") as log:
            self.exporter = subprocess.Popen(command, stdout=log, stderr=log)

    def log(self, row):
        """One line of JSON to the log and to standard output."""
        line = json.dumps(row)
        print(line, flush=True)
        with open(self.out / "log.jsonl", "a", encoding="utf-8") as file:
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


def validation_batches(out):
    """The batches of DIR/validation.bin as tensors."""
    with open(out / "validation.bin", "rb") as file:
        from stream import read_header

        layout = read_header(file.fileno())
        while True:
            try:
                yield to_tensors(read_batch(file.fileno(), layout), layout)
            except StreamError:
                return


def fetch_validation(args, out):
    """Renders the fixed validation set once and keeps it."""
    path = out / "validation.bin"
    if path.exists():
        return
    beside = path.with_suffix(".part")
    with open(beside, "wb") as file:
        subprocess.run(shlex.split(args.validation_cmd), stdout=file, check=True)
    os.replace(beside, path)


def arguments():
    parser = argparse.ArgumentParser(description="Train the policy from the simulator's stream.")
    parser.add_argument("--minutes", type=float, required=True, help="wall time of the whole training")
    parser.add_argument("--out", required=True)
    parser.add_argument("--stream-cmd", required=True, help="program that writes training batches to its standard output")
    parser.add_argument("--validation-cmd", required=True, help="the same from other worlds, ending by itself")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out, if there is one")
    parser.add_argument("--extend", type=float, default=0.0, help="with --resume: minutes of a new segment at full rate, then decay")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--validate-minutes", type=float, default=3.0)
    parser.add_argument("--export-minutes", type=float, default=15.0)
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    command = out / "command.txt"
    if not command.exists():
        command.write_text(shlex.join(["python", *sys.argv]) + "\n")
    fetch_validation(args, out)
    plan = {"resumed": False, "elapsed_s": 0.0, "schedule": vars(Schedule(0.0, args.minutes * 60.0))}
    shared = Shared(Flat(Net()).read(), args.workers)
    saved = out / "checkpoint.pt"
    if args.resume and saved.exists():
        state = torch.load(saved, weights_only=True)
        shared.centre.copy_(state["centre"])
        shared.ema.copy_(state["ema"])
        shared.count.copy_(state["count"])
        schedule = Schedule(**state["schedule"])
        if schedule.start_s == 0.0:
            # The budget of the first segment may be changed from one run to the next.
            schedule.length_s = args.minutes * 60.0
        if args.extend > 0.0:
            schedule = Schedule(state["elapsed_s"], args.extend * 60.0)
        plan = {"resumed": True, "elapsed_s": state["elapsed_s"], "schedule": vars(schedule)}
    elif saved.exists():
        sys.exit(f"{saved} exists: add --resume to go on with it, or give another --out")
    stream = Stream(args.stream_cmd)
    workers = [mp.Process(target=work, args=(rank, args, shared, stream, plan)) for rank in range(args.workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        if worker.exitcode != 0:
            # One alone would train on at half its share of every merge.
            shared.stop.set()
    stream.close()
    if any(worker.exitcode for worker in workers):
        sys.exit("a worker failed; the last checkpoint stands")
    finish(args, out)


def finish(args, out):
    """Final figures, curves and export."""
    net = Net().to(memory_format=torch.channels_last)
    net.eval()
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    Flat(net).write(state["ema"])
    for name, shuffle in (("final", False), ("final-goals-shuffled", True)):
        figures = evaluate(net, validation_batches(out), shuffle)
        row = {"kind": name, "elapsed_s": round(state["elapsed_s"], 1), "pairs_seen": int(state["count"][0]), **figures}
        with open(out / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)
    here = Path(__file__).parent
    subprocess.run([sys.executable, str(here / "curves.py"), str(out)], check=False)
    command = [sys.executable, str(here / "export.py"), str(out / "checkpoint.pt"), "-o", str(out / "export-final")]
    subprocess.run([*command, "--golden-from", str(out / "validation.bin")], check=True)


if __name__ == "__main__":
    mp.set_start_method("fork")
    main()
