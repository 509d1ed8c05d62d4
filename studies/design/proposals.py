"""The configurations that a search tries: points of a scrambled Halton sequence, mapped through declared spaces."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from scipy.stats import qmc

from core.seeding import SeedStreams
from core.space import Domain, matters
from studies.design.protocol import Search

# More than any space has. Coordinates are drawn for all, so that those of one strategy do not depend on another's.
DIMENSIONS = 64
# How far a sequence is followed for points that are not there yet, as a multiple of how many are wanted.
REACH = 16

Proposal = Mapping[str, Mapping[str, Any]]
OWN_SETTINGS: Proposal = {"training": {}, "strategy_settings": {}}


class SearchSpace(NamedTuple):
    """Settings of which a search varies some.

    Attributes:
        space: all of them.
        own: the study's own values, of all of them.
        names: of those that are varied.
    """

    space: Mapping[str, Domain]
    own: Mapping[str, Any]
    names: Collection[str]

    def coordinates(self) -> list[str]:
        """Return the settings that take a coordinate: those varied that can matter, in the order of the space."""
        return [name for name in self.space if name in self.names and matters(name, self.space, self.own, self.names)]

    def at(self, point: Sequence[float]) -> dict[str, Any]:
        """Return the values at ``point``, one coordinate each, of those settings that matter there."""
        found = {}
        for name, quantile in zip(self.coordinates(), point, strict=False):
            domain = self.space[name]
            found[name] = domain.check(domain.at(quantile))
        settings = {**self.own, **found}
        return {name: value for name, value in found.items() if matters(name, self.space, settings)}


def propose(
    training: SearchSpace, strategy: SearchSpace, search: Search, root_seed: int
) -> tuple[tuple[Proposal, ...], ...]:
    """Return, search by search, what each point changes of a study's own settings.

    The first point changes nothing. A setting that does nothing at a point's other values is left at the study's own
    value. A point that then has the values of an earlier one is replaced by the next of the sequence. With more points,
    or more searches, the earlier ones stay as they are. Only where :data:`REACH` times as many points have too few new
    ones, as in a space that has fewer than are wanted, do they repeat after these.

    Args:
        training: training settings; they take the first coordinates, which are the same for every strategy.
        strategy: settings of the strategy.
        search: how many points and searches.
        root_seed: from which the scrambles derive.

    Returns:
        R tuples of K mappings with the keys ``training`` and ``strategy_settings``.

    Raises:
        ValueError: there are more settings than the sequence has coordinates.
    """
    first = len(training.coordinates())
    needed = first + len(strategy.coordinates())
    if needed > DIMENSIONS:
        raise ValueError(f"{needed} settings to search, at most {DIMENSIONS} are possible")

    def of_search(repeat: int) -> tuple[Proposal, ...]:
        new: dict[str, Proposal] = {}
        again: list[Proposal] = []
        for count in (search.points, REACH * search.points):
            new, again = {_key(training, strategy, OWN_SETTINGS): OWN_SETTINGS}, []
            for point in _points(count, root_seed, repeat)[1:]:
                proposal = {"training": training.at(point), "strategy_settings": strategy.at(point[first:])}
                if new.setdefault(_key(training, strategy, proposal), proposal) is not proposal:
                    again.append(proposal)
                if len(new) == search.points:
                    return tuple(new.values())
        return (*new.values(), *again)[: search.points]

    return tuple(of_search(repeat) for repeat in range(search.searches))


def _key(training: SearchSpace, strategy: SearchSpace, proposal: Proposal) -> str:
    """Return the same text for points that train the same network."""
    return repr(({**training.own, **proposal["training"]}, {**strategy.own, **proposal["strategy_settings"]}))


@cache  # 76 arms ask for the same points, which takes seconds
def _points(count: int, root_seed: int, repeat: int) -> Sequence[Sequence[float]]:
    """``count`` points of ``DIMENSIONS`` coordinates in [0, 1); the first is not used."""
    generator = SeedStreams(root_seed, "tune", "proposals", repeat).numpy("points")
    points: list[list[float]] = qmc.Halton(DIMENSIONS, scramble=True, rng=generator).random(count).tolist()
    return points
