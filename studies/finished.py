"""Finished studies in Python: their tables as data frames, their verdicts, their figures."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import final

import matplotlib.figure
import pandas as pd

import strategies
from core import data
from core.errors import InputError, unknown
from studies import catalogue
from studies.design.freezing import FrozenStudy
from studies.networks.finished_network import FinishedNetwork, loaded
from studies.networks.retraining import train_again
from studies.records.merging import folder_at
from studies.records.networks import Networks
from studies.report.drawing.choice import Choice, drawing
from studies.report.drawing.figure import Figure
from studies.report.drawing.venue import find_venue
from studies.report.presentation import Presentation
from studies.report.sentences import sentences
from studies.results import Results
from studies.results.collecting import collect
from studies.results.table import Table
from studies.results.tables import STANDARD

_SETTING_AND_ARM = ["dataset", "network", "target_density", "arm"]


def load(folder: str | Path) -> "FinishedStudy":
    """Read a study's results, which lie in ``RESULTS/NAME``.

    Raises:
        InputError: there is no finished study in that folder.
    """
    path = Path(folder)
    if not (path / "study.json").is_file():
        raise InputError(f"{path}: holds no study, expected a folder such as results/quickstart")
    found = folder_at(path)
    design = found.frozen().design
    return FinishedStudy(path, design, collect(design, found.ledger), found.networks)


def compare(first: "FinishedStudy", second: "FinishedStudy") -> pd.DataFrame:
    """Set two studies' summaries side by side: one row for each arm and setting that both have.

    Nothing is tested: the runs of two studies are no pairs, unless they are the same runs.

    Returns:
        ``dataset``, ``network``, ``target_density`` and ``arm``; ``n``, ``mean``, ``ci_low``, ``ci_high``,
        ``test_density`` and ``test_macs`` of each study, with ``_1`` and ``_2`` behind them; ``difference``, the second
        mean minus the first; and ``same_runs``, how many runs of the arm are in both.

    Raises:
        InputError: they have no arm and setting in common.
    """
    columns = ["n", "mean", "ci_low", "ci_high", "test_density", "test_macs"]
    one, two = (study.results.summary[[*_SETTING_AND_ARM, *columns]] for study in (first, second))
    both = one.merge(two, on=_SETTING_AND_ARM, suffixes=("_1", "_2"))
    if both.empty:
        raise InputError(f"{first.path} and {second.path}: have no arm in one setting in common")
    shared = set(first.runs["run_id"]) & set(second.runs["run_id"])
    counted = first.runs[first.runs["run_id"].isin(shared)].groupby(_SETTING_AND_ARM).size().rename("same_runs")
    both = both.merge(counted.reset_index(), on=_SETTING_AND_ARM, how="left")
    return both.assign(difference=both["mean_2"] - both["mean_1"], same_runs=both["same_runs"].fillna(0).astype(int))


@final
class FinishedStudy:
    """The results of a study; made by :func:`load`.

    Attributes:
        path: the folder that they were read from.
        design: what was frozen before the first run.
        results: all tables and records, as figures and reports use them.
    """

    def __init__(self, path: Path, design: FrozenStudy, results: Results, networks: Networks) -> None:
        self.path = path
        self._networks = networks
        self.design = design
        self.results = results

    def __repr__(self) -> str:
        runs, arms = len(self.runs), len([arm for arm in self.design.arms if not arm.front_of])
        return f"<study {self.design.study}: {arms} arms, {runs} runs, in {self.path}>"

    def beside(self, file: str | Path) -> "FinishedStudy":
        """Return this study with results of others beside its own, in its summary and in figures of error and cost.

        They take part in no test and no verdict: their seeds and test examples are others. Their arms have an asterisk
        behind their names.

        Args:
            file: a CSV, see :func:`studies.results.external.read_external`.

        Raises:
            InputError: it cannot be read, or does not fit to this study; the message names the line.
        """
        return FinishedStudy(self.path, self.design, self.results.beside(Path(file)), self._networks)

    @property
    def runs(self) -> pd.DataFrame:
        """One row for each run; columns as in ``runs.csv``."""
        return self.table("runs")

    @property
    def summary(self) -> pd.DataFrame:
        """One row for each arm and setting; columns as in ``summary.csv``."""
        return self.table("summary")

    @property
    def contrasts(self) -> pd.DataFrame:
        """One row for each contrast and setting; columns as in ``contrasts.csv``."""
        return self.table("contrasts")

    @property
    def verdicts(self) -> list[str]:
        """What is known of each primary contrast, in sentences, decided ones first in each setting."""
        return [sentence for _, said in sentences(self.results.contrasts) for sentence in said]

    @property
    def tables(self) -> list[str]:
        """Names of the tables that :meth:`table` has."""
        return list(self._tables)

    @property
    def figures(self) -> list[str]:
        """Names of the figures that :meth:`figure` draws."""
        return [figure.name for figure in self._presentation.figures]

    def table(self, name: str) -> pd.DataFrame:
        """Return a table, as the CSV file of that name holds it.

        Raises:
            InputError: there is none.
        """
        if name not in self._tables:
            raise unknown("table", name, self._tables)
        return self._tables[name].numbers(self.results)

    def network(
        self,
        arm: str,
        *,
        seed: int = 0,
        dataset: str | None = None,
        network: str | None = None,
        target_density: float | None = None,
        plugins: tuple[strategies.Plugin, ...] = (),
        own_data: str | None = None,
    ) -> FinishedNetwork:
        """Return the network of a run: the kept one, or else one that is trained again and is the same.

        One that was not kept with ``run --keep-networks`` takes as long as the run did, and is checked against the
        record to the last digit. A warning is given if other code has trained a kept one.

        Args:
            arm: whose run it is.
            seed: of the run.
            dataset: of the run, where the study has several; likewise the next two.
            network: hidden layers.
            target_density: share of open blocks.
            plugins: strategies from outside, if the arm's is one.
            own_data: where data of one's own is, if the run was on such and they are needed, as ``--dataset`` has it.

        Raises:
            InputError: there is no such run or several, it has no network, the kept one is damaged, or another one
                comes out.
        """
        asked = {"arm": arm, "dataset": dataset, "network": network, "target_density": target_density, "seed": seed}
        runs = self.runs[self.runs["selected"].astype(bool)]
        if arm not in set(runs["arm"]):
            raise unknown("arm", arm, dict.fromkeys(runs["arm"]))
        for column, value in asked.items():
            runs = runs if value is None else runs[runs[column] == value]
        if len(runs) != 1:
            said = ", ".join(f"{name} {value}" for name, value in asked.items() if value is not None)
            raise InputError(f"{len(runs)} runs are of {said}: name dataset, network, target_density or seed")
        run_id = runs["run_id"].item()
        record = next(each for each in self.results.all_records if each["run_id"] == run_id)
        if record["status"] != "ok":
            raise InputError(f"run {run_id}: ended as {record['status']}, there is no network of it")
        if own_data is not None:
            data.canonical(own_data)
        if run_id not in self._networks:
            return train_again(record, plugins)
        return loaded(self._networks.read(record), plugins)

    def figure(
        self,
        name: str,
        *,
        arms: Sequence[str] = (),
        names: Mapping[str, str] | None = None,
        palette: str = "",
        venue: str = "default",
    ) -> matplotlib.figure.Figure:
        """Draw a figure, to be saved with ``savefig`` or shown.

        Args:
            name: of the figure.
            arms: only these, and the dense front where the figure has it; none for all.
            names: what arms are called, by their names in the study.
            palette: a seaborn palette whose colours the arms have, in their order.
            venue: whose widths and sizes of letters it has.

        Raises:
            InputError: there is no such figure, arm, palette or venue, or the study has nothing to draw there.
        """
        found = self._figure(name)
        with drawing(Choice.among(self.design, arms, names or {}, palette, self.results.external_arms)):
            numbers = found.chosen_numbers(self.results)
            if numbers.empty:
                raise InputError(f"figure {name}: {self.design.study} has nothing to draw there")
            return found.drawn_for(find_venue(venue), numbers)

    def caption(self, name: str) -> str:
        """Return what a figure shows in words: n, failures, the kind of interval, and what stands beside the study.

        Raises:
            InputError: there is no such figure.
        """
        found = self._figure(name)
        return f"{found.title}. {found.caption(self.results)}"

    def _figure(self, name: str) -> Figure:
        by_name = {figure.name: figure for figure in self._presentation.figures}
        if name not in by_name:
            raise unknown("figure", name, by_name)
        return by_name[name]

    @cached_property
    def _presentation(self) -> Presentation:
        searched = self.design.sweep.search is not None
        if self.design.study in catalogue.names():
            return catalogue.presentation(self.design.study, searched=searched)
        return Presentation.usual(searched=searched)

    @cached_property
    def _tables(self) -> dict[str, Table]:
        return {table.name: table for table in (*STANDARD, *self._presentation.tables)}
