"""What is fixed before any run so that a comparison is honest: the search, the contrasts, the size of an effect."""

from dataclasses import dataclass

from core.errors import InputError, unknown
from core.training.settings import SPACE

MOST_TUNING_SEEDS = 1000
MOST_POINTS, MOST_SEARCHES = 10_000, 1000


@dataclass(frozen=True)
class Search:
    """How every strategy is searched, controls and dense networks included, in each setting by itself.

    Attributes:
        points: K, the configurations that are tried. The first is the study's own; the others come from a scrambled
            Halton sequence through the strategy's space, whose first coordinates are the same for every strategy.
        seeds: S, the tuning seeds of each configuration.
        searches: R, how often the search is repeated, independently: other scrambles, other tuning seeds. The first
            one's winner is the selected configuration; all winners together tell what the procedure is worth.
        rerun_seeds: evaluation seeds on which the winners of the other searches are run again; the first one's are run
            on all.
        training: training settings that are searched too.
    """

    points: int
    seeds: int = 1
    searches: int = 3
    rerun_seeds: int = 5
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
            "rerun seeds": (self.rerun_seeds, MOST_TUNING_SEEDS),
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


@dataclass(frozen=True)
class Protocol:
    """What captions and verdicts depend on.

    Attributes:
        seeds: n, the evaluation seeds.
        alpha: the probability of any wrong verdict, over all primary contrasts and looks together.
        delta: the smallest difference of test error that matters, as a share of the reference's.
        search: None for a study at its own settings.
        looks: the numbers of seeds at which there are verdicts.
        contrasts: how many primary contrasts there are, each with alpha over this many.
    """

    seeds: int
    alpha: float
    delta: float
    search: Search | None
    looks: tuple[int, ...] = ()
    contrasts: int = 0

    @property
    def look(self) -> int | None:
        """Which of the looks this is, from 0; None where the number of seeds is none of them: there are no verdicts."""
        return self.looks.index(self.seeds) if self.seeds in self.looks else None
