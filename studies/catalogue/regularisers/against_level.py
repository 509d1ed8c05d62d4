"""What runs came to against a numeric level of their arms, one panel per measure."""

from collections.abc import Mapping, Sequence

import matplotlib.axes
import matplotlib.figure
import numpy as np
import pandas as pd
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from studies.metric import error_label, in_units
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, legend, line_handles, panels
from studies.report.drawing.style import styles
from studies.results import Results
from studies.results.statistics.intervals import t_interval

# What is drawn of a run, and by how much it is multiplied; the error, in its own unit, beside them.
MEASURES: Mapping[str, tuple[str, float]] = {
    "test_density": ("realised density", 1.0),
    "all_closed": ("fully closed (%)", 100.0),
    "seconds": ("milliseconds of a test pass", 1000.0),
    "masked_seconds": ("milliseconds of a test pass, masked", 1000.0),
}


def at_levels(results: Results, level: str) -> pd.DataFrame:
    """Return the counted runs of those arms that have a level of this name, with its value in the column ``level``."""
    keys = ["run_id", "arm"]
    times = results.measured("pass_time").reindex(columns=[*keys, "seconds", "masked_seconds"])
    runs = results.with_levels(results.counted).merge(times, on=keys, how="left", validate="one_to_one")
    runs = runs.assign(level=runs.get(level, np.nan))
    return runs[runs["level"].notna()].astype({"level": float, "seconds": float, "masked_seconds": float})


def against_level(level: str, label: str, measures: Sequence[str], *, name: str, title: str, opening: str) -> Figure:
    """Return a figure of measures of runs against a numeric level of their arms.

    Args:
        level: its name.
        label: of the horizontal axis.
        measures: ``error``, or of :data:`MEASURES`, a panel each.
        name: of the figure's files.
        title: of the figure.
        opening: what the caption begins with.
    """

    def numbers(results: Results) -> pd.DataFrame:
        runs = at_levels(results, level)
        known = {"error": (error_label(runs), in_units(runs.iloc[0], 1.0)), **MEASURES} if len(runs) else MEASURES
        rows = [
            {
                "measure": known[measure][0],
                "strategy": strategy,
                "family": group["family"].iloc[0],
                "level": value,
                "seed": seed,
                "value": found,
                "mean": shown.mean(),
                "ci_low": low,
                "ci_high": high,
            }
            for measure in measures
            for (strategy, value), group in runs.groupby(["strategy", "level"])
            if not (shown := known[measure][1] * group.set_index("seed")[measure].astype(float).dropna()).empty
            for low, high in (t_interval(shown.tolist()),)
            for seed, found in shown.items()
        ]
        return pd.DataFrame(rows)

    def caption(results: Results) -> str:
        return (
            f"{opening} Every seed (points), mean and 95 % t interval over seeds alone (line and bars, cut off at 0). "
            "The horizontal axis is logarithmic, down to the smallest value above 0. " + sample_note(results)
        )

    return Figure(name, title, numbers, lambda table: _draw(table, label), caption)


def _draw(numbers: pd.DataFrame, label: str) -> matplotlib.figure.Figure:
    figure, each_panel = panels(numbers, ("measure",), Labels(label, ""), height=2.5)
    line_styles = styles(numbers)
    for ax, rows in each_panel:
        for strategy, group in rows.groupby("strategy", sort=False):
            style = line_styles[str(strategy)]
            ax.scatter(group["level"], group["value"], s=8, color=style.colour, alpha=0.35, linewidths=0)
            line = group.drop_duplicates("level").sort_values("level")
            ax.plot(line["level"], line["mean"], color=style.colour, marker=style.marker, markersize=4, linewidth=1.2)
            ax.vlines(line["level"], line["ci_low"].clip(lower=0), line["ci_high"], color=style.colour, linewidth=1.2)
        _level_axis(ax, rows["level"])
        if not ax.get_title():
            ax.set_ylabel(rows["measure"].iloc[0])
    if numbers["strategy"].nunique() > 1:
        legend(figure, line_handles(line_styles, lines=True))
    return figure


def _level_axis(ax: matplotlib.axes.Axes, levels: "pd.Series[float]") -> None:
    """Make the horizontal axis logarithmic, but for 0 where that is among the levels, and mark every level."""
    ax.set_xscale("symlog", linthresh=levels[levels > 0].min(), linscale=0.5)
    ax.xaxis.set_major_locator(FixedLocator(sorted(set(levels)), nbins=8))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
