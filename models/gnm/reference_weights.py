"""Seeded weights and test pictures of the reference GNM, the same bits on every machine.

numpy's own generators promise no stability across versions, so the numbers come from SplitMix64 over a
counter: integer arithmetic and exactly rounded float operations only.
"""

import hashlib

import numpy as np

WIDTH, HEIGHT, FRAMES, WAYPOINTS = 85, 64, 6, 5
CONTEXTS, GOALS = 3, 4
BN_EPS = 1e-5

# Expansion, output channels, repeats, stride of the first: the published MobileNetV2 settings.
SETTINGS = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
STEM, HEAD = 32, 1280


def bits(name, count):
    """`count` well-mixed 64-bit numbers of the stream `name`."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(name, shape, low, high):
    """Uniform float32 numbers in [low, high)."""
    unit = (bits(name, int(np.prod(shape))) >> np.uint64(40)).astype(np.float64) * 2.0**-24
    return (low + (high - low) * unit).astype(np.float32).reshape(shape)


def blocks():
    """(input, hidden, output channels, stride, expands, has a shortcut) of every inverted residual."""
    channels, out = STEM, []
    for expansion, width, repeats, stride in SETTINGS:
        for i in range(repeats):
            s = stride if i == 0 else 1
            out.append((channels, channels * expansion, width, s, expansion != 1, s == 1 and channels == width))
            channels = width
    return out


def convs(encoder, channels):
    """(name, weight shape, followed by ReLU6) of every convolution of an encoder, in order."""
    yield f"{encoder}.stem", (STEM, channels, 3, 3), True
    for i, (cin, hidden, cout, _, expands, _) in enumerate(blocks()):
        if expands:
            yield f"{encoder}.{i}.expand", (hidden, cin, 1, 1), True
        yield f"{encoder}.{i}.depthwise", (hidden, 1, 3, 3), True
        yield f"{encoder}.{i}.project", (cout, hidden, 1, 1), False
    yield f"{encoder}.head", (HEAD, 320, 1, 1), True


LINEARS = [
    ("compress_observation", 1280, 1024, True),
    ("compress_goal.0", 1280, 1024, True),
    ("compress_goal.1", 1024, 1024, True),
    ("linear.0", 2048, 256, True),
    ("linear.1", 256, 32, True),
    ("distance", 32, 1, False),
    ("action", 32, 4 * WAYPOINTS, False),
]


def raw_weights():
    """All weights before any folding, by name: conv `.w`, its batch norm `.gamma .beta .mean .var`, linear `.w .b`."""
    out = {}
    for encoder, channels in (("obs", 3 * FRAMES), ("goal", 3 * FRAMES + 3)):
        for name, shape, rectified in convs(encoder, channels):
            # He's bound keeps the variance through a rectifier, its half through a linear layer.
            bound = np.sqrt((6.0 if rectified else 3.0) / np.prod(shape[1:]))
            out[name + ".w"] = uniform(name + ".w", shape, -bound, bound)
            n = shape[0]
            out[name + ".gamma"] = uniform(name + ".gamma", (n,), 0.8, 1.2)
            out[name + ".beta"] = uniform(name + ".beta", (n,), -0.1, 0.3)
            out[name + ".mean"] = uniform(name + ".mean", (n,), -0.2, 0.2)
            out[name + ".var"] = uniform(name + ".var", (n,), 0.6, 1.4)
    for name, n_in, n_out, rectified in LINEARS:
        bound = np.sqrt((6.0 if rectified else 3.0) / n_in)
        out[name + ".w"] = uniform(name + ".w", (n_out, n_in), -bound, bound)
        out[name + ".b"] = uniform(name + ".b", (n_out,), -0.1, 0.1)
    return out


def picture(name, shift=0):
    """A test picture u8 [HEIGHT, WIDTH, 3]: a slope, some rectangles moved by `shift` pixels, and grain."""
    draw = bits(name, 64).astype(np.int64) & 0xFFFF
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.int64)
    out = np.empty((HEIGHT, WIDTH, 3), np.int64)
    for c in range(3):
        a, b, d = draw[3 * c : 3 * c + 3]
        out[..., c] = 40 + a % 120 + ((b % 5 - 2) * x + (d % 5 - 2) * y) // 2
    for r in range(6):
        left, top, w, h, *colour = draw[16 + 7 * r : 23 + 7 * r]
        left, top = (left + shift) % WIDTH, top % HEIGHT
        inside = (x >= left) & (x < left + 5 + w % 25) & (y >= top) & (y < top + 5 + h % 25)
        out[inside] = np.array(colour) % 256
    grain = (bits(f"{name}/grain/{shift}", HEIGHT * WIDTH * 3) >> np.uint64(59)).astype(np.int64) - 16
    return np.clip(out + grain.reshape(out.shape), 0, 255).astype(np.uint8)


def golden_pictures():
    """Contexts u8 [CONTEXTS, FRAMES, H, W, 3], oldest frame first, and goals u8 [GOALS, H, W, 3]."""
    contexts = np.stack([[picture(f"context {c}", 3 * f) for f in range(FRAMES)] for c in range(CONTEXTS)])
    goals = np.stack([picture(f"goal {g}") for g in range(GOALS)])
    return contexts, goals


def digest(*arrays):
    """SHA-256 over the bytes of arrays, to tell whether two programs used the same numbers."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()
