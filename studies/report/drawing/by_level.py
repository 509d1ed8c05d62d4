"""A quantity with its interval at each level of a factor, arms side by side."""

from collections.abc import Callable, Sequence

import matplotlib.figure
import numpy as np
import pandas as pd

from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, legend, line_handles, panels
from studies.report.drawing.scales import ratio_axis
from studies.report.drawing.style import series_of, styles
from studies.results import SETTING, Results

# All lines at a level together, as a share of the distance between levels.
_SPREAD = 0.7


def by_level(
    name: str,
    title: str,
    labels: Labels | Callable[[pd.DataFrame], Labels],
    numbers: Callable[[Results], pd.DataFrame],
    caption: str,
    *,
    by: Sequence[str] = SETTING,
    lines: bool = False,
    log: bool = False,
) -> Figure:
    """Return a figure with a point per line and level.

    Args:
        name: of its files.
        title: a short heading.
        labels: of the axes, or what makes them of the numbers.
        numbers: a table with a column that names lines, see :func:`studies.report.drawing.style.series_of`,
            ``family``, ``level``, and ``value``, ``low`` and ``high`` in the units of the label; levels are drawn in
            the order of their first rows.
        caption: what is shown and the kind of interval, in a sentence.
        by: columns whose combinations are the panels.
        lines: whether levels follow one another, so that lines join them.
        log: whether the vertical axis is logarithmic.
    """

    def draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
        figure, each_panel = panels(numbers, by, labels(numbers) if callable(labels) else labels, height=2.9, columns=2)
        line_styles = styles(numbers)
        levels = list(dict.fromkeys(numbers["level"].astype(str)))
        offsets = np.linspace(-_SPREAD / 2, _SPREAD / 2, len(line_styles)) if len(line_styles) > 1 else [0.0]
        # Lines are told apart without being moved so far.
        places = dict(zip(line_styles, (0.3 if lines else 1.0) * np.asarray(offsets), strict=True))
        for ax, rows in each_panel:
            for line, group in rows.groupby(series_of(numbers), sort=False):
                style = line_styles[str(line)]
                at = group["level"].astype(str).map(levels.index) + places[str(line)]
                low = np.maximum(group["low"], 0.8 * rows["value"].min()) if log else group["low"]
                ax.vlines(at, low, group["high"], color=style.colour, linewidth=1.3)
                ax.plot(
                    at,
                    group["value"],
                    color=style.colour,
                    marker=style.marker,
                    markersize=4.5,
                    linewidth=1.0,
                    linestyle="-" if lines else "",
                )
            ax.set_xticks(range(len(levels)), levels)
            ax.grid(visible=False, axis="x")
            if log:
                ratio_axis(ax, horizontal=False)
        legend(figure, line_handles(line_styles, lines=lines))
        return figure

    def full_caption(results: Results) -> str:
        scale = " The vertical axis is logarithmic; intervals are cut off below all points." if log else ""
        return f"{caption}{scale} {sample_note(results)}"

    return Figure(name, title, numbers, draw, full_caption)
