"""The tables and records that figures and reports draw on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from core.data import metric_of
from core.training.train import Epoch
from studies.design.dense_front import DENSE_FRONT
from studies.design.protocol import Protocol
from studies.design.setting import Setting
from studies.results.external import MARK, ExternalResults, read_external

# ``arm`` is the named line of a comparison: the strategy itself where a study runs it at no settings of its own.
RUN_COLUMNS = (
    "run_id",
    "study",
    "stage",
    "search",
    "point",
    "setting_id",
    "selected",
    "arm",
    "strategy",
    "levels",
    "family",
    "gated",
    "dataset",
    "network",
    "target_density",
    "seed",
    "status",
    "reason",
    "epochs",
    "chosen_epoch",
    "validation_error",
    "validation_density",
    "validation_macs",
    "test_error",
    "test_error_fallback",
    "chance_error",
    "test_loss",
    "test_density",
    "test_density_fallback",
    "over_budget",
    "all_closed",
    "dead_blocks",
    "gate_entropy",
    "test_macs",
    "dense_macs",
    "train_macs",
    "train_seconds",
    "config",
    "design_hash",
)
EPOCH_COLUMNS = tuple(entry.name for entry in fields(Epoch))
SETTING = Setting._fields
GROUP = (*SETTING, "arm")
# Arms may share a run, so that its id alone names no row.
RUN_KEYS = ("run_id", *GROUP, "strategy", "family", "seed")
FRONT = ("dataset", "network", "arm")
WINNER_COLUMNS = (
    *GROUP,
    *("search", "point", "setting_id", "validation_error", "validation_density", "validation_macs"),
    *("eligible_points", "within_budget", "settings"),
)


@dataclass(frozen=True)
class Results:
    """Results of a study, complete; tables are in the design's order.

    Attributes:
        protocol: what was fixed before any run.
        records: one per row of ``runs``.
        runs: one row per run of an arm, ``RUN_COLUMNS``.
        front_records: one per row of ``front_runs``.
        front_runs: one row per run of a dense network of the dense front, ``RUN_COLUMNS``.
        front_of: the gated networks that each arm in ``front_runs`` is for.
        winners: one row per search and ``GROUP``; empty without a search.
        summary: one row per ``GROUP``, see :func:`studies.results.summary.summarise`.
        contrasts: one row per contrast and setting, see :func:`studies.results.contrasts.contrast`.
        looks: one row per primary contrast, setting and look, see :func:`studies.results.looks.looks_taken`.
        optimism: one row per ``GROUP``, see :func:`studies.results.optimism.measure_optimism`; empty without a search.
        hypervolumes: one row per dataset, network and arm, see
            :func:`studies.results.hypervolumes.measure_hypervolumes`; empty where there are not two densities.
        overall: one row per contrast, see :func:`studies.results.across.overall.measure_overall`; empty where there is
            one setting.
        external: what others found, which stands beside the study's own and takes part in none of these.
    """

    protocol: Protocol
    records: tuple[dict[str, Any], ...]
    runs: pd.DataFrame
    front_records: tuple[dict[str, Any], ...]
    front_runs: pd.DataFrame
    front_of: Mapping[str, tuple[str, ...]]
    winners: pd.DataFrame
    summary: pd.DataFrame
    contrasts: pd.DataFrame
    looks: pd.DataFrame
    optimism: pd.DataFrame
    hypervolumes: pd.DataFrame
    overall: pd.DataFrame
    external: tuple[ExternalResults, ...] = ()

    def beside(self, file: Path) -> "Results":
        """Return these results with those of others beside them, as a CSV has them.

        Raises:
            InputError: it cannot be read, or does not fit to this study; see
                :func:`studies.results.external.read_external`.
        """
        taken = {*self.summary["arm"], DENSE_FRONT, *(arm.removesuffix(MARK) for arm in self.external_arms)}
        datasets, networks = (list(dict.fromkeys(self.summary[column])) for column in ("dataset", "network"))
        return replace(self, external=(*self.external, read_external(file, datasets, networks, taken)))

    @property
    def external_arms(self) -> tuple[str, ...]:
        """Names of others' arms as they are shown."""
        return tuple(arm for each in self.external for arm in each.arms)

    @property
    def all_records(self) -> tuple[dict[str, Any], ...]:
        """The records of every run of the study."""
        return self.records + self.front_records

    @property
    def all_runs(self) -> pd.DataFrame:
        """Every run of the study, those of the dense front last."""
        return pd.concat([self.runs, self.front_runs], ignore_index=True) if len(self.front_runs) else self.runs

    @cached_property
    def front(self) -> pd.DataFrame:
        """The runs that the dense front joins, see :func:`dense_front`."""
        return dense_front(self.front_runs, self.front_of)

    @property
    def counted(self) -> pd.DataFrame:
        """The runs that the tables are over: those on the evaluation seeds, of the winner of every search if any."""
        counted = with_counted_errors(self.runs)
        return counted[counted["selected"]]

    @cached_property
    def arms(self) -> pd.DataFrame:
        """One row per arm: ``arm``, ``strategy``, ``family``, and a column for every level that arms stand for."""
        arms = self.runs.drop_duplicates("arm")[["arm", "strategy", "family", "levels"]].reset_index(drop=True)
        levels = pd.DataFrame([json.loads(text) for text in arms["levels"]], index=arms.index)
        return arms.drop(columns="levels").join(levels)

    def with_levels(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table that has the column ``arm`` with the other columns of :attr:`arms` that it lacks."""
        missing = [column for column in self.arms if column == "arm" or column not in table]
        return table.merge(self.arms[missing], on="arm", how="left", validate="many_to_one")

    def with_families(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table that has the column ``arm`` with the column ``family``."""
        return table.merge(self.arms[["arm", "family"]], on="arm", how="left", validate="many_to_one")

    def measured(self, name: str, part: str | None = None) -> pd.DataFrame:
        """Return what a measurement found: ``RUN_KEYS`` of every counted run that has it, and a column for each entry.

        Entries inside entries have names joined by an underscore. A run that was not measured has no row, and where no
        run was there are no columns but ``RUN_KEYS``.

        Args:
            name: of the measurement, see :mod:`studies.design.measurements`.
            part: an entry that is a list of mappings; then there is a row for each of these, with its entries.
        """
        counted = self.counted
        rows: list[dict[str, Any]] = []
        places: list[int] = []
        for place in counted.index:
            found = self.records[place].get("measured", {}).get(name)
            entries = [] if found is None else [found] if part is None else found[part]
            rows += entries
            places += [place] * len(entries)
        measures = pd.json_normalize(rows, sep="_")
        return pd.concat([counted.loc[places, list(RUN_KEYS)].reset_index(drop=True), measures], axis="columns")

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """One row per epoch of the counted runs: ``RUN_KEYS``, and what :class:`core.training.train.Epoch` says."""
        counted = self.counted
        histories = [self.records[place].get("history", ()) for place in counted.index]
        places = [place for place, history in zip(counted.index, histories, strict=True) for _ in history]
        epochs = pd.DataFrame([epoch for history in histories for epoch in history], columns=list(EPOCH_COLUMNS))
        return pd.concat([counted.loc[places, list(RUN_KEYS)].reset_index(drop=True), epochs], axis="columns")


def error_ceiling(runs: pd.DataFrame) -> float:
    """Return the largest error that runs of one dataset can count for: 1 of shares, the bits of guessing.

    >>> error_ceiling(pd.DataFrame({"dataset": ["digits"], "chance_error": [0.9]}))
    1.0
    """
    bits = metric_of(runs["dataset"].iloc[0]) == "bits"
    return float(runs["chance_error"].iloc[0]) if bits else 1.0


def dense_front(front_runs: pd.DataFrame, front_of: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    """Return the counted runs of the dense front, ``network`` being a gated network that they are for.

    A run that is for several gated networks has a row for each; its own hidden layers are in ``arm``.
    """
    counted = with_counted_errors(front_runs)
    selected = counted[counted["selected"].astype(bool)]
    return selected.assign(network=selected["arm"].map(front_of)).explode("network", ignore_index=True)


def with_counted_errors(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with the columns ``failed``, ``error`` (test) and ``counted_validation_error``.

    An error is in the metric of the run's dataset: the share of wrong predictions, or bits.

    Accuracy has a floor, that of guessing: a failed run counts for it, and so does a run that ended below it, so that
    no failure ever improves a score. A run of a search has no test error.

    >>> runs = pd.DataFrame({"stage": ["evaluate"] * 3, "status": ["ok", "nan", "ok"], "test_error": [0.1, None, 0.91],
    ...                      "validation_error": [0.1, None, 0.2], "chance_error": [0.9] * 3})
    >>> with_counted_errors(runs)["error"].tolist(), with_counted_errors(runs)["counted_validation_error"].tolist()
    ([0.1, 0.9, 0.9], [0.1, 0.9, 0.2])
    """
    failed = runs["status"] != "ok"
    floor = runs["chance_error"].astype(float)

    def counted(column: str) -> "pd.Series[float]":
        return runs[column].astype(float).clip(upper=floor).where(~failed, floor)

    error = counted("test_error").where(runs["stage"] == "evaluate")
    return runs.assign(failed=failed, error=error, counted_validation_error=counted("validation_error"))
