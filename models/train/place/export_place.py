"""Exports a checkpoint of the place descriptor as a folder: one ONNX graph, golden pictures and answers, and the manifest.

    python export_place.py RUN/checkpoint.pt -o ../../place-sim --trials trials.bin

The graph is compared with the network on real pictures before the manifest is written; a difference above 1e-4 is an error.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from batches import normalise, read_trials
from descriptor import NORM_EPS, PlaceNet

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from contract import HEIGHT, MEAN, STD, WIDTH  # noqa: E402  (shared with the policy, in the folder above)
from export import session  # noqa: E402
from graphs import Builder, array  # noqa: E402
from policy_folder import values, write  # noqa: E402

GOLDEN_PICTURES = 8
TOLERANCE = 1e-4


def build(net):
    """The graph of `net` (in eval mode, head `flat`), batch normalisation folded into the weights."""
    b, trunk, head = Builder(), net.trunk, net.head
    x = b.residual(b.conv_bn("frame", trunk.patch), trunk.first)
    x = b.conv_bn(x, trunk.down)
    for block in trunk.blocks:
        x = b.residual(x, block)
    x = b.reshape(b.conv_bn(x, head.down), [-1, head.out.in_features])
    b.unit(b.gemm(x, array(head.out.weight), array(head.out.bias)), 1, NORM_EPS, "descriptor")
    inputs = [("frame", [-1, 3, HEIGHT, WIDTH])]
    outputs = [("descriptor", [-1, head.out.out_features])]
    return b.model("pilotage_place", inputs, outputs, "batch"), inputs, outputs


def golden_pictures(path):
    """Pictures u8 [8, 64, 85, 3] of four worlds: a place on the map, and as the other camera saw it from near by."""
    pictures = []
    for trial in read_trials(path)[: GOLDEN_PICTURES // 2]:
        question = len(trial.query_arcs) // 2
        node = int(np.abs(trial.node_arcs - trial.query_arcs[question]).argmin())
        pictures += [trial.nodes[node], trial.queries[1][question]]
    return np.stack(pictures)


def manifest(name, hashes, inputs, outputs):
    """Text of manifest.toml."""
    numbers = outputs[0][1][1]
    return "\n".join([
        "format = 1", f'name = "{name}"', 'family = "place"', 'licence = "MIT OR Apache-2.0"', "",
        "[input]", f"width = {WIDTH}", f"height = {HEIGHT}", 'resize = "pillow-bicubic" # of the whole picture, no crop',
        f"mean = {list(MEAN)}", f"std = {list(STD)}", "",
        "[output]", f"descriptor = {numbers} # of length one", "",
        "[graphs.place]", 'file = "place.onnx"', f'sha256 = "{hashes["place"]}"',
        f"inputs = {values(inputs)}", f"outputs = {values(outputs)}", "",
        "# golden.bin, in this order, little-endian, no padding:",
        f"#   pictures    u8  [{GOLDEN_PICTURES}, {HEIGHT}, {WIDTH}, 3]  RGB",
        f"#   descriptors f32 [{GOLDEN_PICTURES}, {numbers}]",
        "[golden]", 'file = "golden.bin"', f'sha256 = "{hashes["golden"]}"', f"pictures = {GOLDEN_PICTURES}", "",
    ])


def main():
    parser = argparse.ArgumentParser(description="Export a place descriptor as a model folder.")
    parser.add_argument("checkpoint")
    parser.add_argument("-o", "--out", required=True)
    parser.add_argument("--trials", required=True, help="trials to take the golden pictures from")
    parser.add_argument("--name", default="place-sim")
    args = parser.parse_args()
    torch.set_num_threads(1)
    state = torch.load(args.checkpoint, weights_only=True)
    if state["shape"]["head"] != "flat":
        sys.exit(f"only the head `flat` can be exported, this checkpoint has `{state['shape']['head']}`")
    net = PlaceNet(**state["shape"]).eval()
    net.load_state_dict(state["mean"])
    model, inputs, outputs = build(net)
    pictures = golden_pictures(args.trials)
    frames = normalise(torch.from_numpy(pictures)).contiguous()
    with torch.inference_mode():
        eager = net(frames).numpy()
    # One at a time, as on the robot.
    answer = np.concatenate([session(model).run(["descriptor"], {"frame": one[None]})[0] for one in frames.numpy()])
    worst = float(np.abs(answer - eager).max())
    if not np.isfinite(answer).all() or worst > TOLERANCE:
        sys.exit(f"the graph and the network differ by {worst:.2e}, {TOLERANCE:.0e} allowed: nothing was written")
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    hashes = {
        "place": write(out / "place.onnx", model.SerializeToString()),
        "golden": write(out / "golden.bin", pictures.tobytes() + answer.astype("<f4").tobytes()),
    }
    write(out / "manifest.toml", manifest(args.name, hashes, inputs, outputs).encode())
    count = sum(p.numel() for p in net.parameters())
    print(f"{out}: {count} parameters, graph {(out / 'place.onnx').stat().st_size} bytes, differs by {worst:.1e} from the network")


if __name__ == "__main__":
    main()
