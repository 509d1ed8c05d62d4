"""The frozen configuration of one run, whose hash is the run's id."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal, Self

from core.data import TestSplit
from core.seeding import Varied
from kernels import Activation
from studies.design.plain import structured

Stage = Literal["search", "evaluate"]


def content_hash(content: Mapping[str, Any]) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of canonical JSON; key order does not matter.

    >>> content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})
    True
    """
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Configuration:
    """Everything that decides a run's result.

    Attributes:
        stage: ``search`` never sees the test split.
        strategy: its name.
        strategy_source: a hash of its source if it comes from outside this package, else empty.
        strategy_settings: complete, defaults included.
        dataset: its name.
        network: hidden layers as BLOCKSxSIZE, comma separated.
        activation: of the hidden layers.
        target_density: the share of open blocks to keep to.
        training: complete training settings, defaults included.
        test_split: which examples are tested on.
        root_seed: the study's seed, from which all others derive.
        seed: index of the run among those that differ in nothing else.
        varied: the only source of variation that ``seed`` changes; None for all.
        measurements: what is measured of the trained network besides, see :mod:`studies.design.measurements`.
    """

    stage: Stage
    strategy: str
    strategy_source: str
    strategy_settings: Mapping[str, Any]
    dataset: str
    network: str
    activation: Activation
    target_density: float
    training: Mapping[str, Any]
    test_split: TestSplit
    root_seed: int
    seed: int
    varied: Varied | None = None
    measurements: tuple[str, ...] = ()

    # Both are asked for many times of each of many thousand runs.
    @cached_property
    def run_id(self) -> str:
        return content_hash(self.as_dict())

    @cached_property
    def setting_id(self) -> str:
        """The hash that runs share which differ in nothing but stage and seed."""
        return content_hash({key: value for key, value in self.as_dict().items() if key not in ("stage", "seed")})

    def as_dict(self) -> dict[str, Any]:
        """Return plain data; what a run does not ask for is left out, so that what can be asked for may grow."""
        optional = {"varied": self.varied, "measurements": list(self.measurements)}
        always = {name: getattr(self, name) for name in _NAMES if name not in optional}
        # Copies, since they may be put into another mapping and changed there; what they hold is plain.
        always |= {name: dict(value) for name, value in always.items() if isinstance(value, Mapping)}
        return always | {key: value for key, value in optional.items() if value}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read what :meth:`as_dict` wrote, after a way through JSON.

        Raises:
            ValueError: an entry is missing or of another type.
        """
        return structured(cls, content)


_NAMES = tuple(entry.name for entry in fields(Configuration))
