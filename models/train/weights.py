"""Trained weights as a file that holds numbers and nothing else: to go on from, in place of a checkpoint.

    python weights.py pack RUN/checkpoint.pt -o weights.npz [--half]     # the running mean, which is what is exported
    python weights.py figures WEIGHTS... --on validation.bin             # one line of JSON each; .npz or checkpoint

`train.py --init-from weights.npz` starts a training from them. One array a tensor, by its name in the net; `--half` stores them in
half precision, which moves an answer by less than training does in a second.
"""

import argparse
import json
import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch

from deploy import load as load_checkpoint
from flat import FIXED
from losses import evaluate
from variants import ACTIONS, CONTEXTS, NETS, Variant
from worker import batches_in

# The published architecture has 35 MB of weights; a file that unpacks to more is none of ours.
MAX_BYTES = 64 << 20
VARIANT = "variant."


class WeightsError(ValueError):
    """A file of weights that does not fit."""


def tensors(net):
    """What is learned or measured in a net, by name."""
    state = dict(net.named_parameters())
    state.update({name: buffer for name, buffer in net.named_buffers() if buffer.is_floating_point()})
    return {name: tensor for name, tensor in sorted(state.items()) if name not in FIXED}


def pack(path, variant, net, half=False):
    """Writes the weights of `net` to the new file `path`."""
    kind = np.float16 if half else np.float32
    arrays = {name: np.ascontiguousarray(tensor.detach().numpy()).astype(kind) for name, tensor in tensors(net).items()}
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise WeightsError("a weight is not finite" + (", or too large for half precision" if half else ""))
    arrays.update({VARIANT + key: np.array(value) for key, value in variant.as_dict().items()})
    beside = path.with_name(path.name + ".part")
    with open(beside, "wb") as file:
        np.savez_compressed(file, **arrays)
    # A hard link is refused where the name is taken; a rename would replace it.
    try:
        os.link(beside, path)
    finally:
        os.unlink(beside)


def unpack(path):
    """(variant, net in eval mode) of a file of weights. No pickle is read, and every size is checked before it is."""
    try:
        with zipfile.ZipFile(path) as archive:
            claimed = sum(entry.file_size for entry in archive.infolist())
        if claimed > MAX_BYTES:
            raise WeightsError(f"{path}: unpacks to {claimed} bytes, more than {MAX_BYTES}")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (zipfile.BadZipFile, ValueError, EOFError, KeyError, NotImplementedError) as error:
        raise WeightsError(f"{path}: no file of weights: {str(error)[:200]}") from None
    choice = {name.removeprefix(VARIANT): str(array) for name, array in arrays.items() if name.startswith(VARIANT)}
    known = {"net": NETS, "context": CONTEXTS, "action": ACTIONS}
    if set(choice) != set(known) or any(choice[key] not in values for key, values in known.items()):
        raise WeightsError(f"{path}: made for another net: {str(choice)[:200]}")
    variant = Variant(**choice)
    net = variant.build().eval()
    wanted = tensors(net)
    given = {name for name in arrays if not name.startswith(VARIANT)}
    if given != set(wanted):
        odd = sorted(given ^ set(wanted))
        raise WeightsError(f"{path}: {len(odd)} tensors too many or missing, {odd[0]!r} first: made for another net")
    with torch.no_grad():
        for name, tensor in wanted.items():
            array = arrays[name]
            if array.shape != tuple(tensor.shape) or array.dtype not in (np.float16, np.float32):
                raise WeightsError(f"{path}: {name} is {array.dtype} {array.shape}, the net has {tuple(tensor.shape)}")
            if not np.isfinite(array).all():
                raise WeightsError(f"{path}: {name} is not finite")
            tensor.copy_(torch.from_numpy(array.astype(np.float32)))
    return variant, net


def load(path):
    """(variant, net in eval mode) of a file of weights or of a checkpoint."""
    return unpack(path) if Path(path).suffix == ".npz" else load_checkpoint(path)


def main():
    parser = argparse.ArgumentParser(description="Pack weights, or take the figures of some.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    packing = verbs.add_parser("pack")
    packing.add_argument("checkpoint", type=Path)
    packing.add_argument("-o", "--out", type=Path, required=True)
    packing.add_argument("--half", action="store_true")
    figures = verbs.add_parser("figures")
    figures.add_argument("weights", type=Path, nargs="+")
    figures.add_argument("--on", type=Path, required=True, help="a stream file, as RUN/validation.bin")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        if args.verb == "pack":
            pack(args.out, *load(args.checkpoint), args.half)
            print(f"wrote {args.out}: {args.out.stat().st_size / 1e6:.2f} MB")
            return
        for path in args.weights:
            variant, net = load(path)
            row = {key: round(value, 4) for key, value in evaluate(net, batches_in(args.on, variant), variant).items()}
            print(json.dumps({"weights": str(path), **row}), flush=True)
    except (WeightsError, OSError) as error:
        sys.exit(f"weights: {error}")


if __name__ == "__main__":
    main()
