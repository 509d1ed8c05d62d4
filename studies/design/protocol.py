"""What is fixed before any run so that a comparison is honest: the search, the contrasts, the size of an effect."""

from dataclasses import dataclass

from core.errors import InputError, unknown
from core.training.settings import SPACE
from studies.metric import unit_of

MOST_TUNING_SEEDS = 1000
MOST_SEEDS = 10_000
MOST_POINTS, MOST_SEARCHES = 10_000, 1000
# Two means have one degree of freedom, with which nothing is found.
FEWEST_SEARCHES = 3


@dataclass(frozen=True)
class Search:
    """How every strategy is searched, controls and dense networks included, in each setting by itself.

    Attributes:
        points: K, the configurations that are tried. The first is the study's own; the others come from a scrambled
            Halton sequence through the strategy's space, whose first coordinates are the same for every strategy.
        seeds: S, the tuning seeds of each configuration.
        searches: R, how often the search is repeated, independently: other scrambles, other tuning seeds, and fresh
            seeds of its own for its winner. All winners together tell what the procedure is worth, which is what
            studies compare; from fewer than ``FEWEST_SEARCHES`` there is no verdict.
        training: training settings that are searched too.
    """

    points: int
    seeds: int = 1
    searches: int = 3
    training: tuple[str, ...] = ("learning_rate", "gater_learning_rate")

    def check(self) -> None:
        """Check every number and name.

        Raises:
            InputError: one is out of range or unknown.
        """
        limits = {
            "points": (self.points, MOST_POINTS),
            "tuning seeds": (self.seeds, MOST_TUNING_SEEDS),
            "searches": (self.searches, MOST_SEARCHES),
        }
        for name, (number, most) in limits.items():
            if not 1 <= number <= most:
                raise InputError(f"search: {number} {name} are not in 1..{most}")
        for name in self.training:
            if name not in SPACE:
                raise unknown("training setting to search", name, sorted(SPACE))

    def tuning_seed(self, search: int, seed: int) -> int:
        """Return the index of a tuning seed: no two searches share one, and more of either keep the others'.

        >>> Search(points=20).tuning_seed(2, 1)
        2001
        """
        return search * MOST_TUNING_SEEDS + seed

    def evaluation_seed(self, search: int, seed: int) -> int:
        """Return the index of an evaluation seed: those of a search's winner are its own, and common to all arms.

        >>> Search(points=20).evaluation_seed(2, 1)
        20001
        """
        return search * MOST_SEEDS + seed


def search_of(seed: int) -> int:
    """Return the search whose winner is run on an evaluation seed; 0 without a search.

    >>> search_of(20001), search_of(12)
    (2, 0)
    """
    return seed // MOST_SEEDS


def units_of(seeds: int, search: Search | None) -> int:
    """Return how many independent values a difference has: one per search if there is a search, else one per seed.

    >>> units_of(3, None), units_of(3, Search(points=8, searches=6))
    (3, 6)
    """
    return seeds if search is None else search.searches


def unit_name(search: Search | None) -> str:
    """Name, in the plural, what is independent: what intervals are over.

    >>> unit_name(None), unit_name(Search(points=8))
    ('seeds', 'searches')
    """
    return "seeds" if search is None else "searches"


@dataclass(frozen=True)
class Protocol:
    """What captions and verdicts depend on.

    Attributes:
        seeds: n, the evaluation seeds, of each search's winner if there is a search.
        alpha: the probability of any wrong verdict, over all primary contrasts and looks together.
        delta: the smallest difference of test error that matters, as a share of the reference's; of bits a fifth of it.
        search: None for a study at its own settings.
        looks: the numbers of units at which there are verdicts.
        contrasts: how many primary contrasts there are, each with alpha over this many.
        development: whether runs are tested on the examples that defaults are chosen by: there are no verdicts.
    """

    seeds: int
    alpha: float
    delta: float
    search: Search | None
    looks: tuple[int, ...] = ()
    contrasts: int = 0
    development: bool = False

    def smallest_difference(self, dataset: str, reference_error: float) -> float:
        """Return the smallest difference of errors that matters: the share delta of the reference's, of bits a fifth.

        >>> protocol = Protocol(seeds=3, alpha=0.05, delta=0.05, search=None)
        >>> [round(protocol.smallest_difference(name, 2.0), 6) for name in ("digits", "kjv")]
        [0.1, 0.02]
        """
        return self.share_that_matters(dataset) * reference_error

    def share_that_matters(self, dataset: str) -> float:
        """Return the smallest share of the reference's error that matters on a dataset."""
        return self.delta * unit_of(dataset).delta_factor

    @property
    def units(self) -> int:
        """How many independent values a difference has: seeds, or searches if there is a search."""
        return units_of(self.seeds, self.search)

    @property
    def unit_name(self) -> str:
        """What they are: ``seeds`` or ``searches``."""
        return unit_name(self.search)

    @property
    def look(self) -> int | None:
        """Which of the looks this is, from 0; None where the number of units is none of them: there are no verdicts."""
        return self.looks.index(self.units) if self.units in self.looks else None
