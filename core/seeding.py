"""Independent random streams of one run, none of which depends on the strategy's name."""

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

Role = Literal["holdout", "tune", "evaluate", "bootstrap"]


def _word(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


@dataclass(frozen=True)
class SeedStreams:
    """The streams of run ``index`` in a ``role`` on a ``dataset``, from ``numpy.random.SeedSequence``.

    Strategies that share these four are paired: same data order, same initial weights, same split.
    """

    root: int
    role: Role
    dataset: str
    index: int

    def sequence(self, *stream: str) -> np.random.SeedSequence:
        """The seed sequence of a named stream, such as ``"order"`` or ``("initialisation", "layers.0")``."""
        entropy = [self.root, _word(self.role), _word(self.dataset), self.index]
        return np.random.SeedSequence(entropy, spawn_key=tuple(_word(name) for name in stream))

    def numpy(self, *stream: str) -> np.random.Generator:
        """A numpy generator for a named stream."""
        return np.random.default_rng(self.sequence(*stream))

    def torch(self, *stream: str, device: torch.device | str = "cpu") -> torch.Generator:
        """A torch generator for a named stream."""
        seed = int(self.sequence(*stream).generate_state(1, np.uint64)[0])
        return torch.Generator(device).manual_seed(seed)
