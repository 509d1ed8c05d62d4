"""Strategies side by side at each level of something that the arms of a study vary, such as the optimiser."""

from functools import partial
from typing import Any

import matplotlib.figure
import pandas as pd
from matplotlib.lines import Line2D

from studies.figures.failures import FAILURES
from studies.figures.figure import Figure
from studies.figures.notes import sample_note
from studies.figures.panels import best_last, legend, strips
from studies.figures.scales import cut, error_axis, signed_axis
from studies.figures.style import styles
from studies.levels import with_levels
from studies.results import SETTING, Results
from studies.statistics import rate_interval

_MARKERS = "osD^v"
# How much higher a strategy's row is than one that holds a single interval.
_STRETCH = 1.7
# Percentage points beyond which the axis of differences is logarithmic, if any are five times as far.
_LINEAR = 2.0


def error_by_level(name: str, title: str, level: str) -> Figure:
    """Return the figure of test error per strategy, with a marker for each value of a level.

    Args:
        name: of the figure's files.
        title: its heading.
        level: that the arms of the study vary; each arm has a value of it.
    """
    return Figure(name, title, partial(_errors, level=level), partial(_draw_errors, level=level), _caption_of_errors)


def difference_by_level(name: str, title: str, level: str, reference: str) -> Figure:
    """Return the figure of paired differences in test error between values of a level, each strategy with itself.

    Args:
        name: of the figure's files.
        title: its heading.
        level: that the arms of the study vary.
        reference: the value that the others are compared with, in pairs of the study.
    """
    return Figure(
        name,
        title,
        partial(_differences, level=level, reference=reference),
        partial(_draw_differences, level=level, reference=reference),
        partial(_caption_of_differences, reference=reference),
    )


def failures_by_level(name: str, title: str, level: str) -> Figure:
    """Return the figure of how many runs failed, search included, per strategy and value of a level.

    Args:
        name: of the figure's files.
        title: its heading.
        level: that the arms of the study vary.
    """
    return Figure(name, title, partial(_failures, level=level), partial(_draw_failures, level=level), FAILURES.caption)


def _of_strategies(table: pd.DataFrame, results: Results) -> pd.DataFrame:
    """Name rows by their strategy, so that all arms of it look alike."""
    named = with_levels(table, results.runs)
    return named.drop(columns="strategy").rename(columns={"base_strategy": "strategy"})


def _errors(results: Results, level: str) -> pd.DataFrame:
    columns = [*SETTING, "strategy", "n", "failures", "mean", "ci_low", "ci_high", "test_density"]
    numbers = _of_strategies(results.summary[columns], results)
    return numbers[[*SETTING, "strategy", "family", level, *columns[4:]]]


def _draw_errors(numbers: pd.DataFrame, level: str) -> matplotlib.figure.Figure:
    figure, divided, places = strips(numbers, SETTING, best_last(numbers, "mean"), "test error (%)")
    figure.set_figheight(_STRETCH * figure.get_figheight())
    looks = styles(numbers)
    marks = dict(zip(numbers[level].unique(), _MARKERS, strict=False))
    step = 0.8 / len(marks)
    for ax, rows in divided:
        for row in rows.to_dict("records"):
            number = list(marks).index(row[level])
            place = places[row["strategy"]] + 0.4 - step * (number + 0.5)
            colour = looks[row["strategy"]].colour
            low = cut(row["ci_low"], rows["mean"])
            ax.hlines(place, 100 * low, 100 * row["ci_high"], color=colour, linewidth=1.1)
            ax.plot([100 * row["mean"]], [place], **_look(colour, marks[row[level]], row["failures"]))
        error_axis(ax, numbers["mean"], horizontal=True)
    handles = [Line2D([], [], label=str(value), **_look("#444444", mark, 0)) for value, mark in marks.items()]
    if numbers["failures"].any():
        handles.append(Line2D([], [], label="some runs failed", **_look("#444444", "o", 1)))
    legend(figure, handles)
    return figure


def _look(colour: str, marker: str, failures: int) -> dict[str, Any]:
    filling = "white" if failures else colour
    return {"color": colour, "marker": marker, "markersize": 4, "markerfacecolor": filling, "linestyle": ""}


def _caption_of_errors(results: Results) -> str:
    return (
        "Mean test error (markers; hollow where runs failed) and its 95 % t interval over seeds (lines, cut off below "
        "all means). The axis is logarithmic; strategies are in the order of their mean over all markers. "
        + sample_note(results)
    )


def _differences(results: Results, level: str, reference: str) -> pd.DataFrame:
    columns = [*SETTING, "strategy", "n", "failures", "difference", "ci_low", "ci_high", "p_holm", "verdict"]
    numbers = _of_strategies(results.contrasts[columns], results)
    numbers = numbers[numbers[level] != reference].assign(delta=results.protocol.delta)
    return numbers[[*SETTING, "strategy", "family", level, *columns[4:], "delta"]]


def _draw_differences(numbers: pd.DataFrame, level: str, reference: str) -> matplotlib.figure.Figure:
    order = best_last(numbers, "difference")
    label = f"test error minus that with {reference} (points)"
    figure, divided, places = strips(numbers, [*SETTING, level], order, label)
    looks = styles(numbers)
    delta = 100 * float(numbers["delta"].iloc[0])
    shown = 100 * numbers[["difference", "ci_low", "ci_high"]]
    farthest = float(shown.abs().max().max())
    ends = float(shown.min().min()), float(shown.max().max())
    for ax, rows in divided:
        ax.axvspan(-delta, delta, color="#dddddd", alpha=0.7, linewidth=0, zorder=0.5)
        ax.axvline(0, color="#555555", linewidth=0.8, zorder=1)
        for row in rows.to_dict("records"):
            look, place = looks[row["strategy"]], places[row["strategy"]]
            ax.hlines(place, 100 * row["ci_low"], 100 * row["ci_high"], color=look.colour, linewidth=1.3)
            ax.plot([100 * row["difference"]], [place], color=look.colour, marker=look.marker, markersize=4.5)
        # The same in all panels: invisible points at both ends.
        ax.scatter(ends, [0, 0], alpha=0)
        signed_axis(ax, _LINEAR if farthest > 5 * _LINEAR else None)
    return figure


def _caption_of_differences(results: Results, reference: str) -> str:
    return (
        f"Test error of each strategy minus its own with {reference} on the same seed, in percentage points, so that "
        "negative is better: mean (marker) and 95 % t interval of the paired difference (line). The band is "
        f"±δ = {100 * results.protocol.delta:g} points, the smallest difference that matters; the axis is logarithmic "
        f"beyond {_LINEAR:g} points if differences are large. " + sample_note(results)
    )


def _failures(results: Results, level: str) -> pd.DataFrame:
    runs = _of_strategies(results.runs[["strategy", "status"]], results)
    rows: list[dict[str, Any]] = []
    for key, group in runs.groupby(["strategy", "family", level], sort=False):
        failures, n = int((group["status"] != "ok").sum()), len(group)
        low, high = rate_interval(failures, n)
        found = {"runs": n, "failures": failures, "rate": failures / n, "ci_low": low, "ci_high": high}
        rows.append({**dict(zip(("strategy", "family", level), key, strict=True)), **found})
    return pd.DataFrame(rows) if any(row["failures"] for row in rows) else pd.DataFrame()


def _draw_failures(numbers: pd.DataFrame, level: str) -> matplotlib.figure.Figure:
    figure, divided, places = strips(numbers, (level,), best_last(numbers, "rate"), "runs that failed (%)")
    looks = styles(numbers)
    for ax, rows in divided:
        for row in rows.to_dict("records"):
            look, place = looks[row["strategy"]], places[row["strategy"]]
            ax.hlines(place, 100 * row["ci_low"], 100 * row["ci_high"], color=look.colour, linewidth=1.2)
            ax.plot([100 * row["rate"]], [place], color=look.colour, marker=look.marker, markersize=4.5)
        ax.set_xlim(-3, 103)
    return figure
