"""Which arithmetic the net is trained in: half precision where the processor multiplies it natively, full elsewhere."""

from pathlib import Path

import torch

NATIVE = ("amx_bf16", "avx512_bf16", "bf16")
CHOICES = ("auto", "fp32", "bf16")


def cpu_flags():
    """The processor's feature words that matter here, as the kernel names them; empty where it does not tell."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return []
    lines = [line.split(":", 1)[1].split() for line in text.splitlines() if line.split("\t")[0].strip() in ("flags", "Features")]
    known = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "bf16", "i8mm")
    return [flag for flag in known if lines and flag in lines[0]]


def choose(name):
    """`auto`, `fp32` or `bf16` -> `fp32` or `bf16`."""
    if name != "auto":
        return name
    return "bf16" if any(flag in NATIVE for flag in cpu_flags()) else "fp32"


def autocast(precision):
    """A context in which convolutions and products run in `precision`; weights, sums over batches and losses stay in full."""
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16")


def input_type(precision):
    """Number type of normalised pictures. Bytes are exact in bfloat16, so nothing is lost that autocast would keep."""
    return torch.bfloat16 if precision == "bf16" else torch.float32
