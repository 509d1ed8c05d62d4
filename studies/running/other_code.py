"""Finished runs that were made by other code than today's."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import strategies
from studies.design.runs import RunList
from studies.records.ledger import Ledger
from studies.records.provenance import code_of, differences

_WORDS = {
    "suite": "kernels, core or the trial",
    "strategy": "their strategy",
    "measurements": "their measurements",
    "unrecorded": "code that was not recorded",
}


@dataclass(frozen=True)
class OtherCode:
    """The runs that were made by other code.

    Attributes:
        runs: what differs, by run id.
        finished: how many runs are finished, these among them.
    """

    runs: Mapping[str, tuple[str, ...]]
    finished: int

    def __bool__(self) -> bool:
        return bool(self.runs)

    def sentence(self) -> str:
        """Say how many there are, and what of the code differs."""
        counts = Counter(part for parts in self.runs.values() for part in parts)
        found = ", ".join(f"{_WORDS[part]} in {count}" for part, count in counts.most_common())
        return f"{len(self.runs)} of {self.finished} finished runs were made by other code ({found})"


def runs_of_other_code(planned: RunList, ledger: Ledger, plugins: tuple[strategies.Plugin, ...]) -> OtherCode:
    """Return which finished runs of a list were made by other code.

    Raises:
        InputError: a record is damaged.
    """
    found: dict[str, tuple[str, ...]] = {}
    seen: set[str] = set()
    today: dict[tuple[str, tuple[str, ...]], Mapping[str, str]] = {}
    for run in planned.runs:
        configuration = run.configuration
        run_id = configuration.run_id
        if run_id in seen or run_id not in ledger:
            continue
        seen.add(run_id)
        key = configuration.strategy, configuration.measurements
        if key not in today:
            today[key] = code_of(configuration, plugins)
        if parts := differences(ledger.read(run_id), today[key]):
            found[run_id] = tuple(parts)
    return OtherCode(found, len(seen))
