"""The policy network: a GNM contract (six frames and a goal picture in, distance and five waypoints out).

It is split where work can be shared exactly: `Tick` sees only the context, `Node` only the goal, `Candidate` only what those
two return. Training uses the same split, so that a block of A contexts and G goals costs A + G encodings for A * G pairs.

Shapes: pictures are float32 NCHW, 64 high and 85 wide, normalised with the mean and deviation in `contract.py`. Waypoints
(x, y) are in model units, cumulative, x forward and y left; (cos, sin) is the heading relative to the present one. Distances
are in steps of 0.25 s.
"""

import torch
from torch import nn
from torch.nn import functional as F

from contract import CONTEXT_FRAMES, MAX_DISTANCE_STEPS, VALUES_PER_WAYPOINT, WAYPOINTS

BANDS = 4
COLUMNS = 21
DESCRIPTOR = 64
STEM = 48
FUSED = 48
HIDDEN = 256
BINS = int(MAX_DISTANCE_STEPS) + 1
ACTIONS = WAYPOINTS * VALUES_PER_WAYPOINT
# Below this length a (cos, sin) pair has no direction; dividing by it would give NaN or wild headings.
NORM_EPS = 1e-6


def conv_bn(inputs, outputs, kernel, stride, padding, relu=True):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outputs)]
    if relu:
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


class Residual(nn.Module):
    """Two 3x3 convolutions around a shortcut, at constant size."""

    def __init__(self, channels):
        super().__init__()
        self.first = conv_bn(channels, channels, 3, 1, 1)
        self.second = conv_bn(channels, channels, 3, 1, 1, relu=False)

    def forward(self, x):
        return F.relu(x + self.second(self.first(x)))


class FrameStem(nn.Module):
    """One picture -> feature map [n, 48, 16, 21] and unit-length column descriptors [n, 64, 84] (band-major)."""

    def __init__(self):
        super().__init__()
        # A large-stride first layer: on a CPU the full-resolution activations, not the arithmetic, are what costs.
        self.patch = conv_bn(3, STEM, 8, 4, (2, 3))
        self.block = Residual(STEM)
        self.columns = nn.Conv2d(STEM, DESCRIPTOR, (4, 1), (4, 1))

    def forward(self, picture):
        features = self.block(self.patch(picture))
        columns = self.columns(features).reshape(-1, DESCRIPTOR, BANDS * COLUMNS)
        length = (columns * columns).sum(1, keepdim=True).add(NORM_EPS).sqrt()
        return features, columns / length


class Motion(nn.Module):
    """The six frames together -> map [n, 32, 16, 21] and vector [n, 128]: what a single picture cannot say."""

    def __init__(self):
        super().__init__()
        self.patch = conv_bn(3 * CONTEXT_FRAMES, 32, 8, 4, (2, 3))
        self.down = nn.Sequential(conv_bn(32, 64, 3, 2, 1), conv_bn(64, 64, 3, 2, 1))
        self.vector = nn.Sequential(nn.Linear(64 * 4 * 6, 128), nn.ReLU(inplace=True))

    def forward(self, context):
        patches = self.patch(context)
        return patches, self.vector(self.down(patches).flatten(1))


class Net(nn.Module):
    """The whole policy in its training form (batch normalisation not folded).

    With `summed` false the action is not summed over its steps (velocities instead of places).
    """

    def __init__(self, summed=True):
        super().__init__()
        self.stem = FrameStem()
        self.motion = Motion()
        # One convolution over [current, motion, goal] channels, held as three so that each part runs once per context or goal.
        self.half_current = nn.Conv2d(STEM, FUSED, 3, 2, 1, bias=False)
        self.half_motion = nn.Conv2d(32, FUSED, 3, 2, 1, bias=False)
        self.half_goal = nn.Conv2d(STEM, FUSED, 3, 2, 1, bias=False)
        self.fused_norm = nn.BatchNorm2d(FUSED)
        self.fused = nn.Sequential(Residual(FUSED), conv_bn(FUSED, 64, 3, 2, 1))
        self.match = nn.Sequential(
            conv_bn(BANDS * BANDS, 32, 5, 2, 2), conv_bn(32, 48, 3, 1, 1), conv_bn(48, 64, 3, 2, 1)
        )
        self.from_motion = nn.Linear(128, HIDDEN, bias=False)
        self.from_fused = nn.Linear(64 * 4 * 6, HIDDEN, bias=False)
        self.from_match = nn.Linear(64 * 6 * 6, HIDDEN, bias=False)
        self.hidden_norm = nn.BatchNorm1d(HIDDEN)
        self.head = nn.Sequential(nn.Linear(HIDDEN, 128), nn.ReLU(inplace=True))
        self.distance = nn.Linear(128, BINS)
        self.action = nn.Linear(128, ACTIONS)
        self.register_buffer("bins", torch.arange(BINS, dtype=torch.float32), persistent=False)
        self.register_buffer("cumulative", cumulative_matrix() if summed else torch.eye(ACTIONS), persistent=False)
        with torch.no_grad():
            self.action.weight.mul_(0.1)
            bias = self.action.bias.view(WAYPOINTS, VALUES_PER_WAYPOINT)
            bias.copy_(torch.tensor([0.8, 0.0, 1.0, 0.0]).expand_as(bias))

    def tick(self, context):
        """context [n, 18, 64, 85], oldest frame first -> (columns [n, 84, 64], half [n, 48, 8, 11], motion [n, 256])."""
        features, columns = self.stem(context[:, -3:])
        patches, vector = self.motion(context)
        half = self.half_current(features) + self.half_motion(patches)
        return columns.transpose(1, 2), half, self.from_motion(vector)

    def node(self, goal):
        """goal [n, 3, 64, 85] -> (columns [n, 64, 84], half [n, 48, 8, 11])."""
        features, columns = self.stem(goal)
        return columns, self.half_goal(features)

    def pair(self, columns, half, motion, goal_columns, goal_half):
        """Features of matching contexts and goals -> (bin logits [n, 21], waypoints [n, 5, 4])."""
        volume = torch.matmul(columns, goal_columns).reshape(-1, BANDS, COLUMNS, BANDS, COLUMNS)
        volume = volume.permute(0, 2, 4, 1, 3).reshape(-1, COLUMNS, COLUMNS, BANDS * BANDS).permute(0, 3, 1, 2)
        return self.decide(volume, half + goal_half, motion)

    def decide(self, volume, both, motion):
        """Matching volume [n, 16, 21, 21] (channels last), summed features [n, 48, 8, 11], motion [n, 256] -> as `pair`."""
        matched = self.match(volume)
        fused = self.fused(F.relu(self.fused_norm(both)))
        hidden = motion + self.from_match(matched.flatten(1)) + self.from_fused(fused.flatten(1))
        hidden = self.head(F.relu(self.hidden_norm(hidden)))
        return self.distance(hidden).float(), answer(self.action(hidden), self.cumulative)

    def blocks(self, context, goal, blocks):
        """All pairs inside each block: context [b*a, ...], goal [b*g, ...] -> logits [b, a, g, 21], waypoints [b, a, g, 5, 4]."""
        columns, half, motion = self.tick(context)
        goal_columns, goal_half = self.node(goal)
        anchors, goals = context.shape[0] // blocks, goal.shape[0] // blocks
        # One product a block holds the columns of all its pairs; features meet by broadcasting. Nothing is gathered.
        left = columns.reshape(blocks, anchors * BANDS * COLUMNS, DESCRIPTOR)
        right = goal_columns.view(blocks, goals, DESCRIPTOR, -1).transpose(1, 2).reshape(blocks, DESCRIPTOR, -1)
        volume = torch.bmm(left, right).view(blocks, anchors, BANDS, COLUMNS, goals, BANDS, COLUMNS)
        volume = volume.permute(0, 1, 4, 3, 6, 2, 5).reshape(-1, COLUMNS, COLUMNS, BANDS * BANDS).permute(0, 3, 1, 2)
        both = half.unflatten(0, (blocks, anchors, 1)) + goal_half.unflatten(0, (blocks, 1, goals))
        vector = motion.view(blocks, anchors, 1, HIDDEN).expand(blocks, anchors, goals, HIDDEN).reshape(-1, HIDDEN)
        logits, waypoints = self.decide(volume, both.flatten(0, 2), vector)
        shape = (blocks, anchors, goals)
        return logits.view(*shape, BINS), waypoints.view(*shape, WAYPOINTS, VALUES_PER_WAYPOINT)

    def steps(self, logits):
        """Bin logits [..., 21] -> expected distance [...] in steps, within 0..20."""
        return (logits.softmax(-1) * self.bins).sum(-1)

    def forward(self, context, goal):
        """context [n, 18, 64, 85], goal [n, 3, 64, 85] -> (distance [n, 1] in steps, waypoints [n, 5, 4])."""
        logits, waypoints = self.pair(*self.tick(context), *self.node(goal))
        return self.steps(logits).unsqueeze(1), waypoints


def answer(raw, cumulative):
    """What the last layer says, [n, 20], in whatever precision -> waypoints f32 [n, 5, 4]."""
    # In half precision the sum of moves would round a far waypoint by a few hundredths of a step.
    with torch.autocast("cpu", enabled=False):
        summed = raw.float() @ cumulative
    return unit_headings(summed.view(-1, WAYPOINTS, VALUES_PER_WAYPOINT))


def cumulative_matrix():
    """[20, 20] matrix that turns per-step (dx, dy, c, s) rows into (x, y, c, s), for `row @ matrix`."""
    matrix = torch.zeros(WAYPOINTS, VALUES_PER_WAYPOINT, WAYPOINTS, VALUES_PER_WAYPOINT)
    for source in range(WAYPOINTS):
        for target in range(source, WAYPOINTS):
            for value in range(2):
                matrix[source, value, target, value] = 1.0
        for value in range(2, VALUES_PER_WAYPOINT):
            matrix[source, value, source, value] = 1.0
    return matrix.view(ACTIONS, ACTIONS)


def unit_headings(raw):
    """[n, 5, 4] with (c, s) of any length -> the same with (cos, sin) of length one."""
    heading = raw[..., 2:]
    length = (heading * heading).sum(-1, keepdim=True).add(NORM_EPS * NORM_EPS).sqrt()
    return torch.cat([raw[..., :2], heading / length], -1)
