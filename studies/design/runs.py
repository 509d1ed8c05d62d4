"""Which runs a frozen study asks for: those of the search, and, once they are finished, those of its winners."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from core.training.settings import density_limit
from studies.design.configuration import Configuration
from studies.design.freezing import FrozenStudy
from studies.design.selection import Winner, select
from studies.design.setting import Setting


class FinishedRuns(Protocol):
    """The records of the runs that are finished, by run id."""

    def missing(self, run_ids: Iterable[str]) -> list[str]:
        """Return those of ``run_ids`` that are not finished, in order."""

    def read(self, run_id: str) -> dict[str, Any]:
        """Return the record of a finished run."""


@dataclass(frozen=True)
class PlannedRun:
    """A run and its place in the search.

    Attributes:
        configuration: what is run.
        setting: where.
        arm: for which arm.
        search: the search that it is a part of, or whose winner it runs again; None without one.
        point: of that search.
        selected: whether the tables are over this run: one on an evaluation seed, of a search's winner if there was a
            search.
    """

    configuration: Configuration
    setting: Setting
    arm: str
    search: int | None = None
    point: int | None = None
    selected: bool = False


@dataclass(frozen=True)
class RunList:
    """Every run that a frozen study asks for.

    Attributes:
        search: runs of the search, on tuning seeds.
        evaluate: runs on the evaluation seeds; empty as long as ``winners`` are not known.
        winners: of each search for each arm in each setting; empty without a search, or before it is finished.
    """

    search: tuple[PlannedRun, ...]
    evaluate: tuple[PlannedRun, ...]
    winners: tuple[Winner, ...]

    @classmethod
    def of(cls, frozen: FrozenStudy, finished: FinishedRuns) -> Self:
        """List the runs as far as the finished ones allow.

        Raises:
            InputError: a record of the search is damaged.
        """
        if frozen.sweep.search is None:
            return cls((), tuple(_unsearched(frozen)), ())
        search = tuple(_search(frozen))
        if finished.missing(run.configuration.run_id for run in search):
            return cls(search, (), ())
        winners = tuple(_winners(frozen, finished))
        return cls(search, tuple(_reruns(frozen, winners)), winners)

    @property
    def runs(self) -> tuple[PlannedRun, ...]:
        return self.search + self.evaluate


def most_runs(frozen: FrozenStudy) -> int:
    """How many runs the study asks for; without a search, those that arms share count once."""
    search = frozen.sweep.search
    if search is None:
        return len({run.configuration.run_id for run in _unsearched(frozen)})
    of_a_search = search.points * search.seeds + frozen.sweep.seeds
    return len(frozen.combinations()) * search.searches * of_a_search


def _unsearched(frozen: FrozenStudy) -> Iterator[PlannedRun]:
    """Seed by seed, so that an interrupted study has all arms at few seeds."""
    for seed in range(frozen.sweep.seeds):
        for setting, arm in frozen.combinations():
            configuration = frozen.configuration(setting, arm, "evaluate", seed)
            yield PlannedRun(configuration, setting, arm, selected=True)


def _search(frozen: FrozenStudy) -> Iterator[PlannedRun]:
    search = frozen.sweep.search
    assert search is not None
    combinations = frozen.combinations()
    for repeat in range(search.searches):
        for seed in range(search.seeds):
            index = search.tuning_seed(repeat, seed)
            for point in range(search.points):
                for setting, arm in combinations:
                    proposal = frozen.proposals[arm][repeat][point]
                    configuration = frozen.configuration(setting, arm, "search", index, proposal)
                    yield PlannedRun(configuration, setting, arm, repeat, point)


def _winners(frozen: FrozenStudy, finished: FinishedRuns) -> Iterator[Winner]:
    search = frozen.sweep.search
    assert search is not None
    for setting, arm in frozen.combinations():
        tolerance = frozen.configuration(setting, arm, "search", 0).training["density_tolerance"]
        for repeat, proposals in enumerate(frozen.proposals[arm]):
            seeds = [search.tuning_seed(repeat, seed) for seed in range(search.seeds)]
            tried = [
                [finished.read(frozen.configuration(setting, arm, "search", seed, proposal).run_id) for seed in seeds]
                for proposal in proposals
            ]
            yield select(setting, arm, repeat, tried, density_limit(setting.target_density, tolerance))


def _reruns(frozen: FrozenStudy, winners: Sequence[Winner]) -> Iterator[PlannedRun]:
    """Every winner on its evaluation seeds; searches that agree on a winner are two searches still."""
    search = frozen.sweep.search
    assert search is not None
    for seed in range(frozen.sweep.seeds):
        for winner in sorted(winners, key=lambda winner: winner.search):
            setting, arm = winner.setting, winner.arm
            proposal = frozen.proposals[arm][winner.search][winner.point]
            index = search.evaluation_seed(winner.search, seed)
            configuration = frozen.configuration(setting, arm, "evaluate", index, proposal)
            yield PlannedRun(configuration, setting, arm, winner.search, winner.point, selected=True)
