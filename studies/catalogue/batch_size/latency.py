"""Microseconds for a single example against density."""

import matplotlib.figure
import pandas as pd
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from studies.catalogue.batch_size.call_times import call_times
from studies.formatting import share
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, legend, line_handles, panels
from studies.report.drawing.scales import ratio_axis
from studies.report.drawing.style import styles
from studies.results import GROUP, Results

# What the timed dense networks are as strategies, whose colours they have.
_ARM = {"dense": "dense", "dense of equal MACs": "small_dense"}


def _numbers(results: Results) -> pd.DataFrame:
    """A row per strategy, the dense networks as well, and setting."""
    times = call_times(results)
    if times.empty:
        return times
    single = times[times["batch"] == 1]
    columns = [*GROUP, "family", "microseconds"]
    ours = single.drop_duplicates(list(GROUP))[columns]
    dense = single.assign(
        arm=single["reference"].map(_ARM), family="control", microseconds=single["reference_microseconds"]
    )
    return pd.concat([dense.groupby(columns[:-1], sort=False)["microseconds"].median().reset_index(), ours])


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    labels = Labels("target density τ", "microseconds per example")
    figure, each_panel = panels(numbers, ("dataset", "network"), labels, height=2.8)
    line_styles = styles(numbers)
    for ax, rows in each_panel:
        for arm, line in rows.groupby("arm", sort=False):
            style, ordered = line_styles[str(arm)], line.sort_values("target_density")
            ax.plot(
                ordered["target_density"],
                ordered["microseconds"],
                color=style.colour,
                marker=style.marker,
                markersize=4.5,
                linewidth=1.3,
            )
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_locator(FixedLocator(sorted(set(rows["target_density"]))))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: share(value)))
        ax.xaxis.set_minor_locator(NullLocator())
        ratio_axis(ax, horizontal=False)
    legend(figure, line_handles(line_styles, lines=True))
    return figure


def _caption(results: Results) -> str:
    return (
        "Processor time for one example at a time on one core, gater and read-out included: medians over the "
        "repetitions of all seeds. dense is a plain network of the same widths, small_dense one of equal "
        "multiply-adds. Both axes are logarithmic. " + sample_note(results)
    )


LATENCY = Figure("latency", "Latency of one example", _numbers, _draw, _caption)
