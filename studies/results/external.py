"""Results of others, read from a CSV to stand beside a study's own: they take part in no test and no verdict."""

import csv
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from core.data import metric_of
from core.errors import InputError, unknown
from studies.results.statistics.intervals import t_interval

# What every arm of others has behind its name, wherever it is shown.
MARK = "*"
# In place of the family that arms of a study have.
FAMILY = "external"
GROUP = ("dataset", "network", "target_density", "arm")

_NEEDED = ("arm", "dataset", "error")
_WORDS = ("arm", "dataset", "network")
# Of each number: the least and the most, whether the least itself is too little, and whether it is a whole one.
_NUMBERS: dict[str, tuple[float, float, bool, bool]] = {
    "error": (0, 1, False, False),
    "seed": (0, math.inf, False, True),
    "n": (1, math.inf, False, True),
    "target_density": (0, 1, True, False),
    "test_density": (0, 1, False, False),
    "test_macs": (0, math.inf, True, False),
    "ci_low": (0, 1, False, False),
    "ci_high": (0, 1, False, False),
}
# In bits they have no upper end.
_ERRORS = frozenset({"error", "ci_low", "ci_high"})
_RUNS = (*GROUP, "seed", "error", "test_density", "test_macs")
_SUMMARY = (*GROUP, "n", "mean", "ci_low", "ci_high", "test_density", "test_macs")


@dataclass(frozen=True)
class ExternalResults:
    """What others found, as a file of theirs says.

    Attributes:
        file: its name.
        runs: one row per run: ``GROUP``, ``seed``, ``error``, ``test_density``, ``test_macs``; empty if the file has
            means. Arms have ``MARK`` behind their names; what the file does not say is missing.
        summary: one row per ``GROUP``: ``n``, ``mean``, ``ci_low``, ``ci_high``, ``test_density`` and ``test_macs``.
            Of runs, the interval is that of t over seeds; of means, it is the file's.
    """

    file: str
    runs: pd.DataFrame
    summary: pd.DataFrame

    @property
    def arms(self) -> list[str]:
        """Names of the arms as they are shown, in the order of the file."""
        return list(dict.fromkeys(self.summary["arm"]))

    @property
    def points(self) -> pd.DataFrame:
        """What figures draw: a row for each run, with its mean, or one for each mean whose runs are not known.

        A run has its own ``seed``, ``test_error``, density and multiply-adds; a mean has no seed, nor a ``test_error``.
        """
        if self.runs.empty:
            return self.summary.assign(seed=math.nan, test_error=math.nan)
        means = self.summary[[*GROUP, "n", "mean", "ci_low", "ci_high"]]
        return self.runs.rename(columns={"error": "test_error"}).merge(means, on=list(GROUP), how="left")


def read_external(
    path: Path, datasets: Collection[str], networks: Collection[str], taken: Collection[str]
) -> ExternalResults:
    """Read results of others from a CSV.

    The columns ``arm``, ``dataset`` and ``error``, and either ``seed`` (a row per run) or ``n`` (a row per mean of so
    many runs) have to be there; ``network``, ``target_density``, ``test_density``, ``test_macs`` and, of means,
    ``ci_low`` and ``ci_high`` may be, or be empty in some rows. Errors are shares of wrong predictions, or bits, as the
    dataset has them.

    Args:
        path: of the file.
        datasets: that the study has.
        networks: that the study has.
        taken: names of arms, which others cannot have.

    Raises:
        InputError: it cannot be read, or a row is not what it should be; the message names its line.
    """
    columns, lines = _read(path)
    _check_columns(path, columns)
    rows = [
        _row(f"{path}, line {number}", dict(zip(columns, cells, strict=True)), datasets, networks, taken)
        for number, cells in lines
    ]
    _check_pairs(path, rows, [number for number, _ in lines], seeds="seed" in columns)
    table = pd.DataFrame(rows, columns=[*_WORDS, *_NUMBERS])
    table["arm"] += MARK
    means = table.rename(columns={"error": "mean"}) if "n" in columns else pd.DataFrame(_means(table))
    runs = table[:0] if "n" in columns else table
    return ExternalResults(path.name, _typed(runs, _RUNS), _typed(means, _SUMMARY))


def placed(rows: pd.DataFrame, panels: pd.DataFrame) -> pd.DataFrame:
    """Return rows of others once for each panel that they belong to, with the panel's own values.

    A row without a network or a target density belongs to every panel of its dataset; one whose target density no panel
    has, to none.

    Args:
        rows: with the columns ``GROUP``.
        panels: one row per panel, with ``dataset`` and further columns of ``GROUP``.
    """
    both = rows.merge(panels.drop_duplicates(), on="dataset", suffixes=("", "_panel"))
    for column in panels.columns.drop("dataset"):
        of_panel = f"{column}_panel"
        kept = both[both[column].isna() | (both[column] == both[of_panel])]
        both = kept.assign(**{column: kept[of_panel]}).drop(columns=of_panel)
    return both.reset_index(drop=True)


def _read(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the head, and every row that is not blank with the number of its line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: is no CSV in UTF-8: {error}") from None
    if len(lines) < 2:
        raise InputError(f"{path}: holds no results, expected a line of column names and a line for each")
    (_, columns), *rows = lines
    for number, row in rows:
        if len(row) != len(columns):
            raise InputError(
                f"{path}, line {number}: has {len(row)} cells, expected {len(columns)} as in the first line"
            )
    return columns, rows


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    known = [*_WORDS, *_NUMBERS]
    for column in columns:
        if column not in known:
            raise InputError(f"{path}: {unknown('column', column, known)}")
    if len(set(columns)) < len(columns):
        raise InputError(f"{path}: has a column twice: {', '.join(columns)}")
    for column in _NEEDED:
        if column not in columns:
            raise InputError(f"{path}: lacks the column {column}; it has {', '.join(columns)}")
    if ("seed" in columns) == ("n" in columns):
        raise InputError(f"{path}: expected either seed, for a row per run, or n, for a row per mean of n runs")
    intervals = {"ci_low", "ci_high"} & set(columns)
    if intervals and "n" not in columns:
        raise InputError(f"{path}: {' and '.join(sorted(intervals))} are of means, and this file has a row per run")
    if len(intervals) == 1:
        raise InputError(f"{path}: has {intervals.pop()} alone, expected both ci_low and ci_high or neither")


def _row(
    where: str, cells: dict[str, str], datasets: Collection[str], networks: Collection[str], taken: Collection[str]
) -> dict[str, Any]:
    row: dict[str, Any] = {name: cells.get(name) or None for name in _WORDS}
    for name in ("arm", "dataset"):
        if row[name] is None:
            raise InputError(f"{where}: {name} is empty")
    if row["arm"] in taken:
        raise InputError(f"{where}: {row['arm']} is an arm of the study too: call it something else")
    if row["dataset"] not in datasets:
        raise InputError(f"{where}: {unknown('dataset', row['dataset'], datasets)}")
    if row["network"] is not None and row["network"] not in networks:
        raise InputError(f"{where}: {unknown('network', row['network'], networks)}; left empty, it stands beside all")
    bits = metric_of(row["dataset"]) == "bits"
    row |= {name: _number(where, name, cells.get(name, ""), bits=bits and name in _ERRORS) for name in _NUMBERS}
    for name in ("error", "seed", "n"):
        if name in cells and row[name] is None:
            raise InputError(f"{where}: {name} is empty")
    low, high = row["ci_low"], row["ci_high"]
    if (low is None) != (high is None):
        raise InputError(f"{where}: expected both ci_low and ci_high or neither")
    if low is not None and not low <= row["error"] <= high:
        raise InputError(f"{where}: error {row['error']:g} is not between ci_low {low:g} and ci_high {high:g}")
    return row


def _number(where: str, name: str, text: str, *, bits: bool) -> float | None:
    if not text:
        return None
    least, most, beyond, whole = _NUMBERS[name]
    most = math.inf if bits else most
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{where}: {name} {text!r} is not a number") from None
    if most == 1 < value <= 100:
        raise InputError(f"{where}: {name} {text} is not within 0 and 1: expected a fraction, not per cent")
    inside = math.isfinite(value) and least <= value <= most and not (beyond and value == least)
    if not inside or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        least_said = f"above {least:g}" if beyond else f"from {least:g}"
        upto = "" if math.isinf(most) else f" to {most:g}"
        raise InputError(f"{where}: {name} {text} is not {kind} {least_said}{upto}")
    return int(value) if whole else value


def _check_pairs(path: Path, rows: Sequence[dict[str, Any]], lines: Sequence[int], *, seeds: bool) -> None:
    """Check that no row is there twice, and that of an arm in a setting all runs say what they cost or none does."""
    first: dict[tuple[Any, ...], int] = {}
    for row, line in zip(rows, lines, strict=True):
        key = tuple(row[column] for column in (*GROUP, *(("seed",) if seeds else ())))
        if key in first:
            same = ", ".join((*GROUP, *(("seed",) if seeds else ())))
            raise InputError(f"{path}, line {line}: has the same {same} as line {first[key]}")
        first[key] = line
    for column in ("test_density", "test_macs"):
        said: dict[tuple[Any, ...], bool] = {}
        for row, line in zip(rows, lines, strict=True):
            key = tuple(row[name] for name in GROUP)
            if said.setdefault(key, row[column] is not None) != (row[column] is not None):
                raise InputError(f"{path}, line {line}: {row['arm']} has {column} in some of its runs only")


def _means(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for key, group in table.groupby(list(GROUP), sort=False, dropna=False):
        low, high = t_interval(group["error"].tolist())
        yield {
            **dict(zip(GROUP, key, strict=True)),
            "n": len(group),
            "mean": group["error"].mean(),
            "ci_low": low,
            "ci_high": high,
            "test_density": group["test_density"].mean(),
            "test_macs": group["test_macs"].mean(),
        }


def _typed(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return some columns, of the same types whatever a file leaves empty."""
    types = {column: object if column in _WORDS else int if column in ("n", "seed") else float for column in columns}
    return table[list(columns)].astype(types).reset_index(drop=True)
