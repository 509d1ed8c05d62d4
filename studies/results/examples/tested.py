"""The errors of runs on each test example, read from their records; nothing of a dataset is loaded for it."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.records import bits, hits
from studies.results.statistics.random_effects.seeds_and_examples import ExampleValues

# Run ids with weights: of a paired difference 1 for the arm and -1 for the reference, or less for each of several.
Terms = tuple[tuple[str, float], ...]


class TestedRuns:
    """What the runs of a study came to on their test examples: 0 or 1, or bits.

    Args:
        records: of runs; those made before records had ``test_hits`` have nothing to say.
    """

    __test__ = False  # for pytest, to which its name is that of a test

    def __init__(self, records: Iterable[Mapping[str, Any]] = ()) -> None:
        fields = {record["run_id"]: record.get("test_hits") or record.get("test_bits") for record in records}
        self._fields = {run: field for run, field in fields.items() if field}

    def __bool__(self) -> bool:
        return bool(self._fields)

    def of(self, terms: Terms) -> ExampleValues | None:
        """Return the weighted sum of runs' errors on each test example.

        None if a run's record does not say, or two were not tested on the same examples, as those that vary different
        sources of chance are not.

        >>> field = {"examples": 3, "first": 5, "among": "sA==", "right": "oA=="}
        >>> fields = {"a": field, "b": {**field, "right": "AA=="}}
        >>> runs = TestedRuns({"run_id": run, "test_hits": its} for run, its in fields.items())
        >>> runs.of((("a", 1.0), ("b", -1.0)))
        ExampleValues(indices=array([5, 7, 8]), values=array([-1.,  0., -1.]))
        """
        parts = [(_errors(self._fields[run]), weight) for run, weight in terms if run in self._fields]
        if not parts or len(parts) < len(terms):
            return None
        indices = parts[0][0][0]
        if not all(np.array_equal(indices, its) for (its, _), _ in parts):
            return None
        errors = np.array([its for (_, its), _ in parts])
        return ExampleValues(indices, np.array([weight for _, weight in parts]) @ errors)

    def all_of(self, every: Iterable[Terms]) -> list[ExampleValues] | None:
        """Return it of each seed; None if one of them has none, or there is no seed."""
        found = [self.of(terms) for terms in every]
        there = [one for one in found if one is not None]
        return there if there and len(there) == len(found) else None


def _errors(field: Mapping[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    if "bits" in field:
        return bits.unpacked(field)
    indices, right = hits.unpacked(field)
    return indices, (~right).astype(float)
