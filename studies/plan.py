"""Which runs a design asks for: those of the search, and, once they are finished, those of its winners."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.settings import density_limit
from studies.configuration import Configuration
from studies.ledger import Ledger
from studies.selection import Winner, select
from studies.study import Cell, Design


@dataclass(frozen=True)
class PlannedRun:
    """A run and its place in the search.

    Attributes:
        configuration: what is run.
        cell: for which arm, and where.
        search: the search that it is a part of, or whose winner it runs again (the first of these); None without one.
        point: of that search.
        selected: whether the summary is over this run: one on an evaluation seed, of the first search's winner if there
            was a search.
    """

    configuration: Configuration
    cell: Cell
    search: int | None = None
    point: int | None = None
    selected: bool = False


@dataclass(frozen=True)
class Plan:
    """Everything that a design asks for.

    Attributes:
        search: runs of the search, on tuning seeds.
        evaluate: runs on the evaluation seeds; empty as long as ``winners`` are not known.
        winners: of each search in each cell; empty without a search, or before it is finished.
    """

    search: tuple[PlannedRun, ...]
    evaluate: tuple[PlannedRun, ...]
    winners: tuple[Winner, ...]

    @classmethod
    def of(cls, design: Design, ledger: Ledger) -> "Plan":
        """Plan as far as the ledger allows.

        Raises:
            InputError: a record of the search is damaged.
        """
        if design.sweep.search is None:
            return cls((), tuple(_unsearched(design)), ())
        search = tuple(_search(design))
        if ledger.missing(run.configuration.run_id for run in search):
            return cls(search, (), ())
        winners = tuple(_winners(design, ledger))
        return cls(search, tuple(_reruns(design, winners)), winners)

    @property
    def runs(self) -> tuple[PlannedRun, ...]:
        return self.search + self.evaluate


def most_runs(design: Design) -> int:
    """How many runs the design asks for if no two searches have the same winner; those that arms share count once."""
    search = design.sweep.search
    if search is None:
        return len({run.configuration.run_id for run in _unsearched(design)})
    own = design.sweep.seeds * len(design.cells())
    reruns = (search.searches - 1) * min(search.rerun_seeds, design.sweep.seeds)
    return own + len(design.cells()) * (search.searches * search.points * search.seeds + reruns)


def _unsearched(design: Design) -> Iterator[PlannedRun]:
    """Seed by seed, so that an interrupted study has all arms at few seeds."""
    for seed in range(design.sweep.seeds):
        for cell in design.cells():
            yield PlannedRun(design.configuration(cell, "evaluate", seed), cell, selected=True)


def _search(design: Design) -> Iterator[PlannedRun]:
    search = design.sweep.search
    assert search is not None
    cells = design.cells()
    for repeat in range(search.searches):
        for seed in range(search.seeds):
            index = search.tuning_seed(repeat, seed)
            for point in range(search.points):
                for cell in cells:
                    proposal = design.proposals[cell.arm][repeat][point]
                    yield PlannedRun(design.configuration(cell, "search", index, proposal), cell, repeat, point)


def _winners(design: Design, ledger: Ledger) -> Iterator[Winner]:
    search = design.sweep.search
    assert search is not None
    for cell in design.cells():
        tolerance = design.configuration(cell, "search", 0).training["density_tolerance"]
        for repeat, proposals in enumerate(design.proposals[cell.arm]):
            seeds = [search.tuning_seed(repeat, seed) for seed in range(search.seeds)]
            tried = [
                [ledger.read(design.configuration(cell, "search", seed, proposal).run_id) for seed in seeds]
                for proposal in proposals
            ]
            yield select(cell, repeat, tried, density_limit(cell.target_density, tolerance))


def _reruns(design: Design, winners: Sequence[Winner]) -> Iterator[PlannedRun]:
    """Every winner on its evaluation seeds, each configuration once."""
    search = design.sweep.search
    assert search is not None
    planned: set[str] = set()
    for seed in range(design.sweep.seeds):
        # The selected configurations come first, so that a winner that they share counts as theirs.
        for winner in sorted(winners, key=lambda winner: winner.search):
            if winner.search > 0 and seed >= search.rerun_seeds:
                continue
            proposal = design.proposals[winner.cell.arm][winner.search][winner.point]
            configuration = design.configuration(winner.cell, "evaluate", seed, proposal)
            if configuration.run_id not in planned:
                planned.add(configuration.run_id)
                yield PlannedRun(configuration, winner.cell, winner.search, winner.point, selected=winner.search == 0)
