"""A net's weights as one vector, and files that are whole or not there."""

import os

import torch

# Constants of a net, not learned.
FIXED = {"bins", "cumulative"}


class Flat:
    """A net's floating-point parameters and buffers as one vector, in a fixed order."""

    def __init__(self, net):
        state = dict(net.named_parameters())
        state.update({name: buffer for name, buffer in net.named_buffers() if buffer.is_floating_point()})
        self.tensors = [tensor for name, tensor in sorted(state.items()) if name not in FIXED]
        self.size = sum(tensor.numel() for tensor in self.tensors)

    def read(self):
        """A copy of the vector."""
        with torch.no_grad():
            return torch.cat([tensor.detach().contiguous().view(-1) for tensor in self.tensors])

    def write(self, vector):
        """Puts `vector` into the net."""
        if vector.numel() != self.size:
            raise ValueError(f"{vector.numel()} weights do not fit a net of {self.size}: another --net or --action was trained")
        offset = 0
        with torch.no_grad():
            for tensor in self.tensors:
                count = tensor.numel()
                tensor.copy_(vector[offset : offset + count].view(tensor.shape))
                offset += count


def save(path, value):
    """Writes beside and renames: a kill leaves the old checkpoint or the new one."""
    beside = path.with_suffix(".part")
    torch.save(value, beside)
    os.replace(beside, path)
