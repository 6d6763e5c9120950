#!/usr/bin/env python3
"""Golden answers of the reference GNM from PyTorch eager, with real BatchNorm2d and ReLU6 modules.

Independent of the ONNX builder: it shares only the seeded numbers (reference_weights.py), not one line of the network.
Run once, commit golden_torch.json:  python models/gnm/golden_torch.py   (needs torch, numpy)
"""

import json
import pathlib

import numpy as np
import torch
from torch import nn

import reference_weights as weights

PARAMETERS = 8_663_797  # of the published network


class ConvBnRelu(nn.Sequential):
    def __init__(self, cin, cout, kernel, stride=1, groups=1, relu=True):
        layers = [nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(cout)]
        super().__init__(*layers, *([nn.ReLU6()] if relu else []))


class InvertedResidual(nn.Module):
    def __init__(self, cin, hidden, cout, stride, expands, shortcut):
        super().__init__()
        self.expand = ConvBnRelu(cin, hidden, 1) if expands else None
        self.depthwise = ConvBnRelu(hidden, hidden, 3, stride, groups=hidden)
        self.project = ConvBnRelu(hidden, cout, 1, relu=False)
        self.shortcut = shortcut

    def forward(self, x):
        y = self.project(self.depthwise(self.expand(x) if self.expand is not None else x))
        return x + y if self.shortcut else y


class Encoder(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.stem = ConvBnRelu(channels, weights.STEM, 3, stride=2)
        self.blocks = nn.ModuleList(InvertedResidual(*b) for b in weights.blocks())
        self.head = ConvBnRelu(320, weights.HEAD, 1)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return nn.functional.adaptive_avg_pool2d(self.head(x), 1).flatten(1)


class Gnm(nn.Module):
    def __init__(self):
        super().__init__()
        self.obs, self.goal = Encoder(18), Encoder(21)
        self.compress_observation = nn.Sequential(nn.Linear(1280, 1024), nn.ReLU())
        self.compress_goal = nn.Sequential(nn.Linear(1280, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU())
        self.linear = nn.Sequential(nn.Linear(2048, 256), nn.ReLU(), nn.Linear(256, 32), nn.ReLU())
        self.distance, self.action = nn.Linear(32, 1), nn.Linear(32, 20)

    def forward(self, context, goal):
        seen = self.compress_observation(self.obs(context))
        wanted = self.compress_goal(self.goal(torch.cat([context, goal], dim=1)))
        z = self.linear(torch.cat([seen, wanted], dim=1))
        action = self.action(z).reshape(-1, weights.WAYPOINTS, 4)
        xy = torch.cumsum(action[..., :2], dim=1)
        heading = nn.functional.normalize(action[..., 2:], dim=-1)
        return self.distance(z), torch.cat([xy, heading], dim=-1)


def fill(model, raw):
    """Puts the seeded numbers into the modules, and checks that none is left over."""
    left = dict(raw)

    def put(tensor, name):
        value = torch.from_numpy(left.pop(name))
        assert tensor.shape == value.shape, (name, tensor.shape, value.shape)
        tensor.data.copy_(value)

    def conv(module, name):
        put(module[0].weight, name + ".w")
        norm = module[1]
        assert norm.eps == weights.BN_EPS
        for tensor, key in ((norm.weight, "gamma"), (norm.bias, "beta"), (norm.running_mean, "mean"), (norm.running_var, "var")):
            put(tensor, f"{name}.{key}")

    for key in ("obs", "goal"):
        encoder = getattr(model, key)
        conv(encoder.stem, f"{key}.stem")
        for i, block in enumerate(encoder.blocks):
            for part in ("expand", "depthwise", "project"):
                if getattr(block, part) is not None:
                    conv(getattr(block, part), f"{key}.{i}.{part}")
        conv(encoder.head, f"{key}.head")
    linears = [("compress_observation", model.compress_observation[0]), ("compress_goal.0", model.compress_goal[0])]
    linears += [("compress_goal.1", model.compress_goal[2]), ("linear.0", model.linear[0]), ("linear.1", model.linear[2])]
    linears += [("distance", model.distance), ("action", model.action)]
    for name, module in linears:
        put(module.weight, name + ".w")
        put(module.bias, name + ".b")
    assert not left, sorted(left)


def normalised(pictures):
    """u8 [..., H, W, 3] to f32 [..., 3, H, W]."""
    x = torch.from_numpy(pictures).movedim(-1, -3).to(torch.float32).div(255)
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    return x.sub(mean).div(std)


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    raw = weights.raw_weights()
    model = Gnm()
    fill(model, raw)
    model.eval()
    parameters = sum(p.numel() for p in model.parameters())
    assert parameters == PARAMETERS, parameters
    contexts, goals = weights.golden_pictures()
    distances, waypoints = [], []
    for context in contexts:
        seen = normalised(context).reshape(1, 18, weights.HEIGHT, weights.WIDTH).expand(len(goals), -1, -1, -1)
        distance, path = model(seen, normalised(goals))
        distances.append(distance[:, 0].tolist())
        waypoints.append(path.tolist())
    spread = np.std(distances), np.std(waypoints, axis=(0, 1)).mean()
    print(f"{parameters} parameters, distances {np.round(distances, 3).tolist()}, spread {spread}")
    assert np.isfinite(distances).all() and np.isfinite(waypoints).all()
    golden = {
        "made_by": f"torch {torch.__version__}, eager, float32, 1 thread",
        "parameters": parameters,
        "weights_sha256": weights.digest(*(raw[k] for k in sorted(raw))),
        "pictures_sha256": weights.digest(contexts, goals),
        "distance": distances,
        "waypoints": waypoints,
    }
    path = pathlib.Path(__file__).with_name("golden_torch.json")
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
