"""Strategies side by side at each level of something that the arms of a study vary, such as the optimiser."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import matplotlib.axes
import matplotlib.figure
import pandas as pd
from matplotlib.lines import Line2D

from studies.metric import difference_label, difference_units, error_label, in_units
from studies.report.drawing.differences import axis_range, delta_band, difference_axis, draw_difference
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import best_last, legend, strips
from studies.report.drawing.scales import cut, error_axis
from studies.report.drawing.style import Style, styles
from studies.results import SETTING, Results
from studies.results.contrasts import intervals, share_that_matters
from studies.results.statistics.intervals import rate_interval
from studies.results.summary import interval_kind

_MARKERS = "osD^v"
# How much higher a strategy's row is than one that holds a single interval.
_STRETCH = 1.7


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
    return Figure(
        name, title, partial(_failures, level=level), partial(_draw_failures, level=level), _caption_of_failures
    )


def _of_strategies(table: pd.DataFrame, results: Results) -> pd.DataFrame:
    """Name rows by their strategy, so that all arms of it look alike."""
    named = results.with_levels(table)
    return named.drop(columns="arm")


def _errors(results: Results, level: str) -> pd.DataFrame:
    columns = [*SETTING, "arm", "n", "failures", "mean", "ci_low", "ci_high", "test_density"]
    numbers = _of_strategies(results.summary[columns], results)
    return numbers[[*SETTING, "strategy", "family", level, *columns[4:]]]


def _draw_errors(numbers: pd.DataFrame, level: str) -> matplotlib.figure.Figure:
    figure, each_panel, places = strips(numbers, SETTING, best_last(numbers, "mean"), error_label(numbers))
    line_styles, marks = styles(numbers), _marks(numbers, level)
    for ax, rows in each_panel:
        low = rows["ci_low"].clip(lower=cut(0.0, rows["mean"]))
        ends = {"value": rows["mean"], "low": low, "high": rows["ci_high"]}
        shown = rows.assign(**{name: in_units(rows, values) for name, values in ends.items()})
        _draw_rows(ax, shown, level, places, line_styles, marks)
        error_axis(ax, numbers["mean"], horizontal=True)
    _finish(figure, numbers, marks)
    return figure


def _marks(numbers: pd.DataFrame, level: str) -> dict[Any, str]:
    return dict(zip(numbers[level].unique(), _MARKERS, strict=False))


def _draw_rows(
    ax: matplotlib.axes.Axes,
    rows: pd.DataFrame,
    level: str,
    places: Mapping[str, int],
    line_styles: Mapping[str, Style],
    marks: Mapping[Any, str],
) -> None:
    """Draw ``value`` from ``low`` to ``high``, as on the axis, a line for each level in the row of its strategy."""
    step = 0.8 / len(marks)
    for row in rows.to_dict("records"):
        place = places[row["strategy"]] + 0.4 - step * (list(marks).index(row[level]) + 0.5)
        colour = line_styles[row["strategy"]].colour
        ax.hlines(place, row["low"], row["high"], color=colour, linewidth=1.1)
        ax.plot([row["value"]], [place], **_marker_style(colour, marks[row[level]], row["failures"]))


def _finish(figure: matplotlib.figure.Figure, numbers: pd.DataFrame, marks: Mapping[Any, str]) -> None:
    """Make rows high enough for all their lines, and say which is which."""
    figure.set_figheight(_STRETCH * figure.get_figheight())
    handles = [Line2D([], [], label=str(value), **_marker_style("#444444", mark, 0)) for value, mark in marks.items()]
    if numbers["failures"].any():
        handles.append(Line2D([], [], label="some runs failed", **_marker_style("#444444", "o", 1)))
    legend(figure, handles)


def _marker_style(colour: str, marker: str, failures: int) -> dict[str, Any]:
    filling = "white" if failures else colour
    return {"color": colour, "marker": marker, "markersize": 4, "markerfacecolor": filling, "linestyle": ""}


def _caption_of_errors(results: Results) -> str:
    return (
        f"Mean test error (markers; hollow where runs failed) and {interval_kind(results)} (lines, cut off below all "
        "means). The axis is logarithmic; strategies are in the order of their mean over all markers. "
        + sample_note(results)
    )


def _differences(results: Results, level: str, reference: str) -> pd.DataFrame:
    columns = [*SETTING, "arm", "n", "failures", "difference", "ci_low", "ci_high", "delta", "verdict"]
    at_reference = results.arms[results.arms[level] == reference].set_index("arm")["strategy"]
    numbers = _of_strategies(results.contrasts[[*columns, "reference"]], results)
    # Primary contrasts may be with other values of the level, and with other strategies.
    own = numbers["reference"].map(at_reference) == numbers["strategy"]
    return numbers.loc[own, [*SETTING, "strategy", "family", level, *columns[4:]]]


def _draw_differences(numbers: pd.DataFrame, level: str, reference: str) -> matplotlib.figure.Figure:
    order = best_last(numbers, "difference")
    label = difference_label(numbers, f"test error minus that with {reference}")
    figure, each_panel, places = strips(numbers, [*SETTING, level], order, label)
    line_styles = styles(numbers)
    ends = axis_range(numbers)
    for ax, rows in each_panel:
        for row in rows.to_dict("records"):
            style, place = line_styles[row["strategy"]], places[row["strategy"]]
            delta_band(ax, in_units(row, row["delta"]), place)
            draw_difference(ax, row, place, ends, color=style.colour, marker=style.marker, markersize=4.5)
        difference_axis(ax, ends)
    return figure


def _caption_of_differences(results: Results, reference: str) -> str:
    return (
        f"Test error of each strategy minus its own with {reference} on the same seed, in "
        f"{difference_units(results.runs)}, so that negative is better: mean (marker) and interval of the paired "
        f"difference (line); an arrow with a number is a difference beyond the axis. {intervals(results)} Grey: ±δ, "
        f"the smallest difference that matters, {share_that_matters(results)} of the error with {reference}. "
        f"{sample_note(results)}"
    )


def _failures(results: Results, level: str) -> pd.DataFrame:
    runs = _of_strategies(results.runs[["arm", "status"]], results)
    rows: list[dict[str, Any]] = []
    for key, group in runs.groupby(["strategy", "family", level], sort=False):
        failures, n = int((group["status"] != "ok").sum()), len(group)
        low, high = rate_interval(failures, n)
        found = {"runs": n, "failures": failures, "rate": failures / n, "ci_low": low, "ci_high": high}
        rows.append({**dict(zip(("strategy", "family", level), key, strict=True)), **found})
    numbers = pd.DataFrame(rows)
    return numbers[numbers.groupby("strategy")["failures"].transform("sum") > 0].reset_index(drop=True)


def _draw_failures(numbers: pd.DataFrame, level: str) -> matplotlib.figure.Figure:
    figure, each_panel, places = strips(numbers, (), best_last(numbers, "rate"), "runs that failed (%)")
    line_styles, marks = styles(numbers), _marks(numbers, level)
    for ax, rows in each_panel:
        shown = rows.assign(value=100 * rows["rate"], low=100 * rows["ci_low"], high=100 * rows["ci_high"])
        _draw_rows(ax, shown, level, places, line_styles, marks)
        ax.set_xlim(-3, 103)
    _finish(figure, numbers, marks)
    return figure


def _caption_of_failures(results: Results) -> str:
    return (
        "Share of runs that failed, whatever the reason, those of the search included, with exact (Clopper-Pearson) "
        "95 % binomial intervals; hollow where any did. Strategies of which no run failed are left out. "
        + sample_note(results)
    )
