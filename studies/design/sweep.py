"""What a study varies at one scale."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from core import data
from kernels import Activation
from studies.design.arm import Arm
from studies.design.dense_front import DENSE_FRONT
from studies.design.primary import Primary
from studies.design.protocol import Search, units_of


@dataclass(frozen=True)
class Sweep:
    """What a study varies at one scale: every combination is run with every seed.

    Attributes:
        seeds: evaluation seeds per combination, and per search if there is one: each search's winner has its own.
        strategies: their names, at the settings below; if there are none, and no arms, every one of this package.
        arms: strategies at settings of their own, beside these.
        datasets: their names.
        networks: hidden layers as BLOCKSxSIZE, comma separated.
        densities: target shares of open blocks.
        activation: of the hidden layers.
        grid: networks with a density each, in place of all combinations of ``networks`` and ``densities``.
        training: training settings that differ from the defaults.
        dataset_training: per dataset, training settings that all arms have there in place of those above, such as more
            epochs where there are fewer examples.
        strategy_settings: per strategy, settings that differ from its defaults.
        test_split: whether each seed draws its own test examples; a search needs a ``fixed`` one. ``development`` tests
            on examples that no other study is tested on.
        root_seed: from which all other seeds derive.
        search: how every strategy is searched before its winners are run on the evaluation seeds; None runs each at
            the settings above.
        references: what every arm within the density budget is contrasted with: the dense front, which is the error of
            dense networks at the multiply-adds that the arm realised, and strategies or arms; those that do not take
            part are left out.
        pairs: further contrasts, of one strategy or arm with another, or with the dense front.
        primary: the contrasts that have verdicts, simultaneous ones; all others are exploratory.
        looks: the numbers of seeds, or of searches where there is a search, at which there are verdicts, in increasing
            order: alpha is spent over them. Without any it is the sweep's own number.
        measurements: what is measured of every network trained on an evaluation seed, see
            :mod:`studies.design.measurements`.
        alpha: the probability of any wrong verdict, over all primary contrasts and looks together.
        delta: the smallest difference of test error that matters, as a share of the reference's; of bits a fifth of it.
    """

    seeds: int
    strategies: tuple[str, ...] = ()
    arms: tuple[Arm, ...] = ()
    datasets: tuple[str, ...] = ("mnist_5k",)
    networks: tuple[str, ...] = ("16x16",)
    densities: tuple[float, ...] = (1 / 8,)
    grid: tuple[tuple[str, float], ...] = ()
    activation: Activation = "relu"
    training: Mapping[str, Any] = field(default_factory=dict)
    dataset_training: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    strategy_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    test_split: data.TestSplit = "resampled"
    root_seed: int = 0
    search: Search | None = None
    references: tuple[str, ...] = (DENSE_FRONT,)
    pairs: tuple[tuple[str, str], ...] = ()
    primary: tuple[Primary, ...] = ()
    looks: tuple[int, ...] = ()
    measurements: tuple[str, ...] = ()
    alpha: float = 0.05
    delta: float = 0.05

    @property
    def units(self) -> int:
        """How many independent values a difference has: seeds, or searches if there is a search."""
        return units_of(self.seeds, self.search)

    def with_units(self, number: int) -> Self:
        """Return the sweep with so many searches if there is a search, else with so many seeds."""
        if self.search is None:
            return replace(self, seeds=number)
        return replace(self, search=replace(self.search, searches=number))
