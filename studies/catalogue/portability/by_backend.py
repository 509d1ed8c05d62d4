"""A quantity of every run in each of the ways to run a network, strategies side by side."""

import matplotlib.figure
import pandas as pd

from studies.catalogue.portability.backends import ways
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import legend, line_handles, strips
from studies.report.drawing.scales import ratio_axis
from studies.report.drawing.style import styles
from studies.results import GROUP, Results

_PANEL = ("dataset", "network", "target_density")
# How much higher a way's row is than one that holds a single strategy.
_STRETCH = 1.9


def by_way(name: str, title: str, column: str, label: str, caption: str, *, mark: float | None = None) -> Figure:
    """Return a figure with a row for each way, and a point in it for each run.

    Args:
        name: of its files.
        title: a short heading.
        column: of :func:`studies.catalogue.portability.backends.ways`, positive numbers; runs without are left out.
        label: of the horizontal axis, which is logarithmic.
        caption: what a point is, in a sentence.
        mark: where a line is drawn.
    """

    def numbers(results: Results) -> pd.DataFrame:
        table = ways(results)
        return table.loc[table[column] > 0, [*GROUP, "family", "seed", "way", column]]

    def draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
        order = list(dict.fromkeys(numbers["way"]))[::-1]
        figure, each_panel, places = strips(numbers, _PANEL, order, label)
        figure.set_figheight(_STRETCH * figure.get_figheight())
        line_styles = styles(numbers)
        step = 0.8 / len(line_styles)
        heights = {arm: 0.4 - step * (number + 0.5) for number, arm in enumerate(line_styles)}
        for ax, rows in each_panel:
            for (way, arm), runs in rows.groupby(["way", "arm"], sort=False):
                style, place = line_styles[str(arm)], places[str(way)] + heights[str(arm)]
                at = [place] * len(runs)
                ax.scatter(runs[column], at, s=14, color=style.colour, marker=style.marker, alpha=0.6, linewidths=0)
            if mark is not None:
                ax.axvline(mark, color="#555555", linewidth=0.9, zorder=1)
            ratio_axis(ax, horizontal=True)
        legend(figure, line_handles(line_styles, lines=False))
        return figure

    def full_caption(results: Results) -> str:
        return f"{caption} The axis is logarithmic. {sample_note(results)}"

    return Figure(name, title, numbers, draw, full_caption)
