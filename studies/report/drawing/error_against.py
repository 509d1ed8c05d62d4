"""Test error against another quantity of the same runs, a line per series of arms."""

from collections.abc import Callable, Sequence

import matplotlib.axes
import matplotlib.figure
import pandas as pd

from studies.metric import error_label, in_units
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, legend, line_handles, panels
from studies.report.drawing.scales import cut, error_axis, macs_axis, ratio_axis
from studies.report.drawing.style import Style, series_of, styles
from studies.results import GROUP, SETTING, Results
from studies.results.summary import interval_kind


def error_against(
    name: str,
    title: str,
    label: str,
    values: Callable[[Results], "pd.Series[float]"],
    caption: str,
    *,
    series: Callable[[Results], pd.DataFrame] | None = None,
    by: Sequence[str] = SETTING,
    log: bool = False,
    macs: bool = False,
) -> Figure:
    """Return a figure with every run as a point and every arm as a mean, arms of a series joined by a line.

    Args:
        name: of its files.
        title: a short heading.
        label: of the horizontal axis.
        values: what is on it, for the rows of ``results.counted``; runs for which it is missing are left out.
        caption: what is on it, in a sentence.
        series: a row for each of ``results.counted``, with the columns ``series``, its name, and ``family``, whose
            colours it has; by default every arm is a series.
        by: columns whose combinations are the panels.
        log: whether the horizontal axis is logarithmic.
        macs: whether it is so with labels for large counts.
    """

    def numbers(results: Results) -> pd.DataFrame:
        runs = results.counted
        shown = runs[[*GROUP, "seed", "status", "error"]].assign(value=values(results).astype(float))
        shown = shown.merge(results.summary[[*GROUP, "mean", "ci_low", "ci_high"]], on=list(GROUP), how="left")
        drawn_as = runs[["family"]] if series is None else series(results)[["series", "family"]]
        shown = pd.concat([shown, drawn_as.reset_index(drop=True)], axis="columns")
        return shown[shown["value"].notna()].reset_index(drop=True)

    def draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
        figure, each_panel = panels(numbers, by, Labels(label, error_label(numbers)), height=2.9)
        line_styles = styles(numbers)
        for ax, rows in each_panel:
            for line, group in rows.groupby(series_of(numbers), sort=False):
                _draw_series(ax, group, line_styles[str(line)], rows["error"])
            if macs:
                macs_axis(ax)
            elif log:
                ratio_axis(ax, horizontal=True)
            error_axis(ax, numbers["error"])
        legend(figure, line_handles(line_styles, lines=False))
        return figure

    def full_caption(results: Results) -> str:
        scale = "The error axis is logarithmic unless an error is 0"
        return (
            f"{caption} Small points are runs, crosses failed ones; large points are means, with "
            f"{interval_kind(results)}, cut off below all runs; lines join the arms of a series in their order. "
            f"{'Both axes are logarithmic' if log or macs else scale}. {sample_note(results)}"
        )

    return Figure(name, title, numbers, draw, full_caption)


def _draw_series(ax: matplotlib.axes.Axes, runs: pd.DataFrame, style: Style, errors: "pd.Series[float]") -> None:
    means = runs.groupby("arm", sort=False).agg(
        value=("value", "mean"),
        mean=("mean", "first"),
        ci_low=("ci_low", "first"),
        ci_high=("ci_high", "first"),
        dataset=("dataset", "first"),
    )
    ax.plot(means["value"], in_units(means, means["mean"]), color=style.colour, linewidth=0.9, alpha=0.7)
    lows = means["ci_low"].map(lambda low: cut(low, errors))
    ends = in_units(means, lows), in_units(means, means["ci_high"])
    ax.vlines(means["value"], *ends, color=style.colour, linewidth=1.2)
    ax.plot(
        means["value"],
        in_units(means, means["mean"]),
        color=style.colour,
        marker=style.marker,
        markersize=6,
        markeredgecolor="white",
        markeredgewidth=0.6,
        linestyle="",
    )
    for ok in (True, False):
        shown = runs[(runs["status"] == "ok") == ok]
        ax.scatter(
            shown["value"],
            in_units(shown, shown["error"]),
            s=7,
            color=style.colour,
            marker=style.marker if ok else "x",
            alpha=0.3,
            linewidths=0 if ok else 0.8,
        )
