"""Differences of an arm to a reference, seed by seed: the one place that says which runs are set against which."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from studies.design.dense_front import DENSE_FRONT
from studies.results.equal_compute import beyond_front
from studies.results.results import GROUP


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
        macs_ratio: mean multiply-adds of the arm over those of the reference, 1 on the dense front.
    """

    differences: "pd.Series[float]"
    failures: int
    reference_failures: int
    beyond: int
    reference_error: float
    macs_ratio: float


class Pairing:
    """All counted runs of a study, to be set against each other.

    Args:
        selected: the selected configurations' runs with the errors they count for.
        front: those of the dense front, see :func:`studies.results.results.dense_front`.
    """

    def __init__(self, selected: pd.DataFrame, front: pd.DataFrame) -> None:
        columns = ["seed", "dataset", "network", "error", "failed", "test_macs"]
        self._runs = {key: part[columns].set_index("seed").sort_index() for key, part in selected.groupby(list(GROUP))}
        self._front = front

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
        return Paired(
            (own["error"] - other["error"]).mask(failed),
            int(own["failed"].sum()),
            int(other["failed"].sum()),
            0,
            float(other["error"].mask(failed).mean()),
            float(own["test_macs"].mean() / other["test_macs"].mean()),
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
        return Paired(differences, int(failed.sum()), len(broken), beyond, reference_error, 1.0)


def _reference(runs: Mapping[Any, pd.DataFrame], setting: tuple[Any, ...], reference: str) -> pd.DataFrame | None:
    """Return its runs in this setting, or in the only one of this dataset in which it is run."""
    if (*setting, reference) in runs:
        return runs[*setting, reference]
    elsewhere = [key for key in runs if (key[0], key[-1]) == (setting[0], reference)]
    return runs[elsewhere[0]] if len(elsewhere) == 1 else None
