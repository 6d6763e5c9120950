"""What can be varied for an ablation: the network, what the context shows, and what an action is.

The table of the GNM paper: context `none` (only the newest frame), `static` (five fixed frames of the same robot, the first ones
of the clean drive) or `temporal` (the five frames just before); actions as waypoints in units of the robot's own step, as waypoints
in metres, or as velocities. Everything is judged and driven as normalised waypoints.
"""

from dataclasses import asdict, dataclass

import torch

from contract import CONTEXT_FRAMES, RATE_HZ, WAYPOINTS

NETS = ("corr", "gnm")
CONTEXTS = ("temporal", "static", "none")
ACTIONS = ("waypoints", "raw-waypoints", "velocities")
STEP_S = 1.0 / RATE_HZ


@dataclass(frozen=True)
class Variant:
    """One choice of each. The default is what ships."""

    net: str = "corr"
    context: str = "temporal"
    action: str = "waypoints"

    @staticmethod
    def of(state):
        """The variant a checkpoint was trained as; older checkpoints say nothing and are the default."""
        return Variant(**state.get("variant", {}))

    def as_dict(self):
        """For a checkpoint."""
        return asdict(self)

    def build(self):
        """A fresh net of this kind."""
        if self.net == "gnm":
            from gnm import Gnm

            return Gnm(summed=self.summed()).to(memory_format=torch.channels_last)
        from net import Net

        return Net(summed=self.summed()).to(memory_format=torch.channels_last)

    def summed(self):
        """Whether the net's moves are summed up into places; velocities are not."""
        return self.action != "velocities"

    def frames(self, context):
        """u8 [n, 6, 64, 85, 3], oldest first -> what this variant shows of it. `static` frames come from the stream."""
        if self.context == "none":
            return context[:, -1:].expand(-1, CONTEXT_FRAMES, -1, -1, -1)
        return context

    def target(self, act, unit):
        """The expert's normalised waypoints [n, 5, 4] and metres a unit [n] -> the action to learn, [n, 5, 4]."""
        if self.action == "waypoints":
            return act
        metres = torch.cat([act[..., :2] * unit.view(-1, 1, 1), act[..., 2:]], -1)
        return metres if self.action == "raw-waypoints" else velocities(metres)

    def learned(self):
        """How many of an action's four values count in the loss."""
        return 2 if self.action == "velocities" else 4

    def waypoints(self, action, unit):
        """What the net answered, [..., 5, 4], and metres a unit, broadcastable to [...] -> normalised waypoints."""
        if self.action == "waypoints":
            return action
        metres = path(action) if self.action == "velocities" else action
        return torch.cat([metres[..., :2] / unit.view(*unit.shape, 1, 1), metres[..., 2:]], -1)


def velocities(metres):
    """Waypoints in metres [n, 5, 4] -> (m/s, rad/s, 1, 0) that lead from each to the next in a step."""
    start = torch.tensor([0.0, 0.0, 1.0, 0.0]).expand(metres.shape[0], 1, 4)
    points = torch.cat([start, metres], 1)
    before, after = points[:, :-1], points[:, 1:]
    cos, sin = before[..., 2], before[..., 3]
    turn = torch.atan2(after[..., 3] * cos - after[..., 2] * sin, after[..., 2] * cos + after[..., 3] * sin)
    half = torch.atan2(sin, cos) + 0.5 * turn
    moved = after[..., :2] - before[..., :2]
    forward = moved[..., 0] * half.cos() + moved[..., 1] * half.sin()
    return torch.stack([forward / STEP_S, turn / STEP_S, torch.ones_like(turn), torch.zeros_like(turn)], -1)


def path(speeds):
    """(m/s, rad/s, ...) of five steps [..., 5, 4] -> where they lead, metres, [..., 5, 4]."""
    turn = speeds[..., 1] * STEP_S
    yaw = turn.cumsum(-1)
    half = yaw - 0.5 * turn
    forward = speeds[..., 0] * STEP_S
    x, y = (forward * half.cos()).cumsum(-1), (forward * half.sin()).cumsum(-1)
    assert speeds.shape[-2] == WAYPOINTS
    return torch.stack([x, y, yaw.cos(), yaw.sin()], -1)
