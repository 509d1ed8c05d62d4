"""Results made of invented records, in memory: what a run came to is a function of its place in the plan."""

from collections.abc import Callable, Iterable
from typing import Any

from strategies import Plugin
from studies.design.freezing import FrozenStudy
from studies.design.runs import PlannedRun, RunList
from studies.records.ledger import Ledger
from studies.results import Results
from studies.results.collecting import derive
from tests.support.records import Failures, record_of

Record = dict[str, Any]


class Memory(Ledger):
    """A ledger without a folder."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}

    def missing(self, run_ids: Iterable[str]) -> list[str]:
        return [run_id for run_id in run_ids if run_id not in self.records]

    def read(self, run_id: str) -> Record:
        return self.records[run_id]


def results_of(design: FrozenStudy, record: Callable[[PlannedRun], Record]) -> Results:
    """Results of a design of which every run has the record that is given for it."""
    ledger = Memory()
    # The search's winners decide what is evaluated.
    for stage in ("search", "evaluate"):
        for run in RunList.of(design, ledger).runs:
            if run.configuration.stage == stage:
                ledger.records[run.configuration.run_id] = record(run)
    plan = RunList.of(design, ledger)
    return derive(design, plan, [ledger.read(run.configuration.run_id) for run in plan.runs])


def random_record(failures: Failures | None = None, plugins: tuple[Plugin, ...] = ()) -> Callable[[PlannedRun], Record]:
    """Records with numbers drawn from the run's id; ``failures`` gives a status by strategy and seed."""

    def record(run: PlannedRun) -> Record:
        configuration = run.configuration
        status = (failures or {}).get((configuration.strategy, configuration.seed), "ok")
        return record_of(configuration, status, plugins=plugins)

    return record


def measured(run: PlannedRun, error: float, *, macs: float = 50.0, dense_macs: float = 200.0) -> Record:
    """A record of a run that ended with this error, of validation in a search and else of test, and multiply-adds."""
    split = "validation" if run.configuration.stage == "search" else "test"
    changed = {f"{split}_error": error, f"{split}_macs": macs, "dense_macs": dense_macs}
    # Which examples an error is of is not known where it is given.
    return record_of(run.configuration) | changed | {"test_hits": None}
