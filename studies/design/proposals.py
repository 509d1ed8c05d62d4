"""The configurations that a search tries: points of a scrambled Halton sequence, mapped through declared spaces."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from scipy.stats import qmc

from core.seeding import SeedStreams
from core.space import Domain
from studies.design.protocol import Search

# More than any space has. Coordinates are drawn for all, so that those of one strategy do not depend on another's.
DIMENSIONS = 64

Proposal = Mapping[str, Mapping[str, Any]]
OWN_SETTINGS: Proposal = {"training": {}, "strategy_settings": {}}


def propose(
    training: Mapping[str, Domain], space: Mapping[str, Domain], search: Search, root_seed: int
) -> tuple[tuple[Proposal, ...], ...]:
    """Return, search by search, what each point changes of a study's own settings.

    The first point changes nothing. With more points, or more searches, the earlier ones stay as they are.

    Args:
        training: training settings to vary; they take the first coordinates, which are the same for every strategy.
        space: settings of the strategy to vary.
        search: how many points and searches.
        root_seed: from which the scrambles derive.

    Returns:
        R tuples of K mappings with the keys ``training`` and ``strategy_settings``.

    Raises:
        ValueError: there are more settings than the sequence has coordinates.
    """
    if len(training) + len(space) > DIMENSIONS:
        raise ValueError(f"{len(training) + len(space)} settings to search, at most {DIMENSIONS} are possible")
    return tuple(
        tuple(
            {
                "training": _at(training, point),
                "strategy_settings": _at(space, point[len(training) :]),
            }
            if number
            else OWN_SETTINGS
            for number, point in enumerate(_points(search.points, root_seed, repeat))
        )
        for repeat in range(search.searches)
    )


@cache  # 76 arms ask for the same points, which takes seconds
def _points(count: int, root_seed: int, repeat: int) -> Sequence[Sequence[float]]:
    """``count`` points of ``DIMENSIONS`` coordinates in [0, 1); the first is not used."""
    generator = SeedStreams(root_seed, "tune", "proposals", repeat).numpy("points")
    points: list[list[float]] = qmc.Halton(DIMENSIONS, scramble=True, rng=generator).random(count).tolist()
    return points


def _at(space: Mapping[str, Domain], point: Sequence[float]) -> dict[str, Any]:
    return {
        name: domain.check(domain.at(quantile)) for (name, domain), quantile in zip(space.items(), point, strict=False)
    }
