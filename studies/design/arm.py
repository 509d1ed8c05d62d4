"""An arm of a study: one line of a comparison."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, get_args

from core.errors import InputError, unknown
from core.seeding import Varied

Level = str | int | float


@dataclass(frozen=True)
class Arm:
    """One line of a comparison: a strategy with its own settings.

    Attributes:
        name: of its rows in tables and of its line in figures.
        strategy: whose file it runs.
        training: training settings that differ from the sweep's.
        strategy_settings: settings of the strategy that differ from the sweep's.
        dataset: the only one that it is run on; None is run on each of the sweep's.
        network: hidden layers of its own; None is run on each of the sweep's.
        density: a target of its own; None is run at each of the sweep's.
        search: for settings that a search varies though the arm sets them: the range that it covers.
        varied: the only source of variation that seeds change; None for all of them.
        levels: what the arm stands for in its study, such as ``{"optimizer": "sgd"}``, for figures and tables.
        front_of: the gated networks of which this one is on the dense front, see :mod:`studies.design.dense_front`; it
            has no rows of its own then.
    """

    name: str
    strategy: str
    training: Mapping[str, Any] = field(default_factory=dict)
    strategy_settings: Mapping[str, Any] = field(default_factory=dict)
    dataset: str | None = None
    network: str | None = None
    density: float | None = None
    search: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    varied: Varied | None = None
    levels: Mapping[str, Level] = field(default_factory=dict)
    front_of: tuple[str, ...] = ()

    @classmethod
    def plain(cls, strategy: str) -> Self:
        """Return the arm of a strategy at the sweep's own settings."""
        return cls(strategy, strategy)

    def own_training(self, training: Mapping[str, Any]) -> dict[str, Any]:
        """Return the training settings in which the arm differs from ``training``."""
        return {key: value for key, value in self.training.items() if value != training.get(key)}

    def sets(self, key: str) -> bool:
        """Whether the arm itself decides a setting, ``network`` or ``target_density``."""
        own = {"network": self.network, "target_density": self.density}
        return key in self.training or key in self.strategy_settings or own.get(key) is not None


def check_names(arms: tuple[Arm, ...]) -> None:
    """Check that rows can be told apart.

    Raises:
        InputError: two arms have the same name, or a source of variation is unknown.
    """
    seen: set[str] = set()
    for arm in arms:
        if arm.name in seen:
            raise InputError(f"two arms of the study are named {arm.name!r}")
        seen.add(arm.name)
        if arm.varied is not None and arm.varied not in get_args(Varied):
            raise unknown("source of variation", arm.varied, get_args(Varied))
