"""Independent random streams of one run, none of which depends on the strategy's name."""

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

Role = Literal["holdout", "development", "part", "tune", "evaluate", "bootstrap"]
Varied = Literal["split", "initialisation", "order", "gates"]

# Streams by the source of variation that they belong to.
_SOURCES: dict[str, Varied] = {
    "test split": "split",
    "validation split": "split",
    "initialisation": "initialisation",
    "order": "order",
    "gates": "gates",
}


def _word(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


@dataclass(frozen=True)
class SeedStreams:
    """The streams of run ``index`` in a ``role`` on a ``dataset``, from ``numpy.random.SeedSequence``.

    Strategies that share these are paired: same data order, same initial weights, same split. ``varied`` names the only
    source of variation that follows ``index``; the others are those of index 0. None varies all. Training that has gone
    on ``continued`` times has streams of its own each time.
    """

    root: int
    role: Role
    dataset: str
    index: int
    varied: Varied | None = None
    continued: int = 0

    def sequence(self, *stream: str) -> np.random.SeedSequence:
        """The seed sequence of a named stream, such as ``"order"`` or ``("initialisation", "layers.0")``."""
        index = self.index if self.varied in (None, _SOURCES.get("".join(stream[:1]))) else 0
        entropy = [self.root, _word(self.role), _word(self.dataset), index]
        entropy += [self.continued] if self.continued else []
        return np.random.SeedSequence(entropy, spawn_key=tuple(_word(name) for name in stream))

    def numpy(self, *stream: str) -> np.random.Generator:
        """A numpy generator for a named stream."""
        return np.random.default_rng(self.sequence(*stream))

    def torch(self, *stream: str, device: torch.device | str = "cpu") -> torch.Generator:
        """A torch generator for a named stream."""
        seed = int(self.sequence(*stream).generate_state(1, np.uint64)[0])
        return torch.Generator(device).manual_seed(seed)
