"""Differences of an arm to a reference, seed by seed: the one place that says which runs are set against which."""

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from studies.design.dense_front import DENSE_FRONT
from studies.results.equal_compute import beyond_front, weights_on_front
from studies.results.examples.tested import Terms, TestedRuns
from studies.results.results import GROUP, error_ceiling
from studies.results.statistics.random_effects.seeds_and_examples import example_variance


@dataclass(frozen=True)
class Paired:
    """An arm beside a reference in one setting.

    Attributes:
        differences: by seed, the arm's test error minus the reference's; missing where a run of either failed, or the
            arm's multiply-adds are beyond the dense front.
        failures: the arm's failed runs.
        reference_failures: the reference's failed runs, of the dense front the seeds on which one of its networks has.
        beyond: runs of the arm that did not fail, and whose multiply-adds are beyond the dense front.
        reference_error: the mean error that the arm is compared with.
        ceiling: the largest that an error can be.
        macs_ratio: mean multiply-adds of the arm over those of the reference, 1 on the dense front.
        terms: of each seed, in the order of ``differences``, the runs that its difference is made of.
        tested_runs: what the runs came to on their test examples.
    """

    differences: "pd.Series[float]"
    failures: int
    reference_failures: int
    beyond: int
    reference_error: float
    ceiling: float
    macs_ratio: float
    terms: tuple[Terms, ...]
    tested_runs: TestedRuns

    def example_variance(self, seeds: int | None = None) -> float:
        """Return the variance of the mean difference that test examples make beyond what seeds show.

        See :func:`studies.results.statistics.random_effects.seeds_and_examples.example_variance`.

        Args:
            seeds: only the first so many; None takes all.

        Returns:
            The variance; NaN if the records of any run do not say which examples it was right on, or there are fewer
            than two differences.
        """
        there = self.differences.iloc[:seeds].notna()
        tested = self.tested_runs.all_of(itertools.compress(self.terms, there))
        return math.nan if tested is None else example_variance(tested)


class Pairing:
    """All counted runs of a study, to be set against each other.

    Args:
        selected: the selected configurations' runs with the errors they count for.
        front: those of the dense front, see :func:`studies.results.results.dense_front`.
        tested_runs: what runs came to on their test examples, by the column ``run_id``.
    """

    def __init__(self, selected: pd.DataFrame, front: pd.DataFrame, tested_runs: TestedRuns | None = None) -> None:
        self._tested_runs = tested_runs or TestedRuns()
        columns = ["seed", "dataset", "network", "error", "failed", "test_macs"]
        columns += ["run_id"] if self._tested_runs else []
        self._runs = {key: part[columns].set_index("seed").sort_index() for key, part in selected.groupby(list(GROUP))}
        self._front = front
        self._ceilings = {name: error_ceiling(part) for name, part in selected.groupby("dataset")}
        by_seed = front.sort_values("test_macs").groupby(["dataset", "network", "seed"]) if self._tested_runs else ()
        self._on_front = {key: (part["test_macs"].to_numpy(float), part["run_id"].tolist()) for key, part in by_seed}

    def pair(self, setting: tuple[Any, ...], arm: str, reference: str) -> Paired | None:
        """Set an arm against a reference on the same seeds; None where one of them is not run.

        A reference that is run elsewhere on the same dataset, and in one setting only, is compared with from all of
        them: so is a dense network of the widths that a paper gives.

        Raises:
            ValueError: the two do not have the same seeds.
        """
        own = self._runs.get((*setting, arm))
        if own is None:
            return None
        if reference == DENSE_FRONT:
            return self._beside_front(own, setting)
        other = _reference(self._runs, setting, reference)
        if other is None:
            return None
        if not own.index.equals(other.index):
            raise ValueError(f"{arm} and {reference} do not have the same seeds in {setting}")
        failed = own["failed"].astype(bool) | other["failed"].astype(bool)
        runs = zip(own["run_id"], other["run_id"], strict=True) if self._tested_runs else ()
        return Paired(
            (own["error"] - other["error"]).mask(failed),
            int(own["failed"].sum()),
            int(other["failed"].sum()),
            0,
            float(other["error"].mask(failed).mean()),
            self._ceilings[setting[0]],
            float(own["test_macs"].mean() / other["test_macs"].mean()),
            tuple(((run, 1.0), (its, -1.0)) for run, its in runs),
            self._tested_runs,
        )

    def _beside_front(self, own: pd.DataFrame, setting: tuple[Any, ...]) -> Paired | None:
        here = self._front[(self._front["dataset"] == setting[0]) & (self._front["network"] == setting[1])]
        if here.empty:
            return None
        if set(here["seed"]) != set(own.index):
            raise ValueError(f"the dense front does not have the seeds of the arms in {setting}")
        failed, broken = own["failed"].astype(bool), set(here.loc[here["failed"].astype(bool), "seed"])
        differences = beyond_front(own.reset_index(), here).set_axis(own.index).mask(failed)
        beyond = int((differences.isna() & ~failed & ~own.index.isin(broken)).sum())
        reference_error = float((own["error"] - differences).mean())
        terms = tuple(self._terms_on_front(setting, *row) for row in self._rows(own))
        ceiling = self._ceilings[setting[0]]
        failures = int(failed.sum()), len(broken)
        return Paired(differences, *failures, beyond, reference_error, ceiling, 1.0, terms, self._tested_runs)

    def _rows(self, own: pd.DataFrame) -> Iterable[tuple[int, str, float]]:
        """Seed, run and multiply-adds of each run, where it is known what runs came to on test examples."""
        return zip(own.index, own["run_id"], own["test_macs"].astype(float), strict=True) if self._tested_runs else ()

    def _terms_on_front(self, setting: tuple[Any, ...], seed: int, run: str, macs: float) -> Terms:
        """Return a run and the networks of the dense front on both sides of it, with their weights."""
        front_macs, front_runs = self._on_front[setting[0], setting[1], seed]
        weights = weights_on_front(front_macs, macs)
        return ((run, 1.0), *((other, -weight) for other, weight in zip(front_runs, weights, strict=True) if weight))


def _reference(runs: Mapping[Any, pd.DataFrame], setting: tuple[Any, ...], reference: str) -> pd.DataFrame | None:
    """Return its runs in this setting, or in the only one of this dataset in which it is run."""
    if (*setting, reference) in runs:
        return runs[*setting, reference]
    elsewhere = [key for key in runs if (key[0], key[-1]) == (setting[0], reference)]
    return runs[elsewhere[0]] if len(elsewhere) == 1 else None
