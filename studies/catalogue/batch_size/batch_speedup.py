"""Speed-up over dense networks against batch size, a line per density."""

import matplotlib.axes
import matplotlib.figure
import pandas as pd
import seaborn as sns
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from studies.catalogue.batch_size.call_times import call_times
from studies.formatting import share
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, legend, panels
from studies.report.drawing.scales import ratio_axis
from studies.results import Results


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    by = ("dataset", "network", "arm", "reference")
    figure, each_panel = panels(numbers, by, Labels("batch size", "speed-up"), columns=2, height=2.1)
    densities = sorted(set(numbers["target_density"]))
    colours = dict(zip(densities, sns.color_palette("viridis_r", len(densities)), strict=True))
    for ax, rows in each_panel:
        ax.axhline(1.0, color="#555555", linewidth=0.9, zorder=1)
        for density, line in rows.groupby("target_density"):
            style = {"color": colours[density]}
            ax.plot(line["batch"], line["speedup"], marker="o", markersize=3.2, linewidth=1.2, **style)
            ax.fill_between(line["batch"], line["speedup_p10"], line["speedup_p90"], alpha=0.25, linewidth=0, **style)
        _batch_axis(ax, rows["batch"])
        ratio_axis(ax, horizontal=False)
    legend(
        figure,
        [
            Line2D([], [], color=colours[density], marker="o", markersize=3.5, label=f"τ = {share(density)}")
            for density in densities
        ],
    )
    return figure


def _batch_axis(ax: matplotlib.axes.Axes, batches: "pd.Series[int]") -> None:
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(FixedLocator(sorted(set(batches))[::2]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _caption(results: Results) -> str:
    return (
        "Time of a dense network over that of the trained gated one for the same batch, on one core and by processor "
        "time: medians over the repetitions of all seeds, in which both took turns, and their 10th to 90th "
        "percentiles. Above 1 gating is faster. Both axes are logarithmic. " + sample_note(results)
    )


BATCH_SPEEDUP = Figure("batch_speedup", "Speed-up against batch size", call_times, _draw, _caption)
