"""Whether the thresholds of a module's test gates have been set."""

import torch
from torch import Tensor, nn


class Calibration(nn.Module):
    """Remembers that thresholds have been set, in the state dict too.

    Attributes:
        done: whether they have.
    """

    def __init__(self) -> None:
        super().__init__()
        self.done = False

    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.done)

    def set_extra_state(self, state: Tensor) -> None:
        self.done = bool(state)
