"""Grids of panels, one per setting in which strategies are compared."""

import math
from collections.abc import Iterator, Mapping, Sequence

import matplotlib.axes
import matplotlib.figure
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from studies.figures.style import Style

TEXT_WIDTH = 6.75  # inches: two columns of most conference styles
_NAMES = {"dataset": "", "network": "", "target_density": "τ = ", "layer": "layer "}


def panels(
    numbers: pd.DataFrame, by: Sequence[str], *, height: float, columns: int = 3, widest: float = 3.4
) -> tuple[matplotlib.figure.Figure, Iterator[tuple[matplotlib.axes.Axes, pd.DataFrame]]]:
    """Return a figure, and its axes with the rows of ``numbers`` that belong there, one per combination of ``by``.

    Args:
        numbers: the table to divide.
        by: columns whose combinations are the panels.
        height: of one panel, in inches.
        columns: most panels in a row.
        widest: of one panel, in inches.
    """
    groups = list(numbers.groupby(list(by), sort=False))
    across = min(columns, len(groups))
    down = math.ceil(len(groups) / across)
    size = (min(TEXT_WIDTH, widest * across), height * down)
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).flatten()
    for spare in axes[len(groups) :]:
        spare.remove()
    varying = [column for column in by if numbers[column].nunique() > 1]

    def divided() -> Iterator[tuple[matplotlib.axes.Axes, pd.DataFrame]]:
        for ax, (_, rows) in zip(axes, groups, strict=False):
            first = rows.iloc[0]
            ax.set_title(", ".join(f"{_NAMES.get(column, '')}{_short(first[column])}" for column in varying))
            yield ax, rows

    return figure, divided()


def strategy_legend(figure: matplotlib.figure.Figure, looks: Mapping[str, Style], *, lines: bool) -> None:
    """Put a legend of all strategies beside the panels; with ``lines`` for curves, else with markers only."""
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, markersize=5, linestyle="-" if lines else "", label=name)
        for name, look in looks.items()
    ]
    figure.legend(handles=handles, loc="outside right upper")


def error_axis(ax: matplotlib.axes.Axes, errors: "pd.Series[float]") -> None:
    """Make the vertical axis logarithmic, labelled in plain per cent: errors of interest differ by ratios.

    Where an error is 0 the axis stays linear, so that no run falls off it.
    """
    if (errors <= 0).any():
        ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
        return
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 1.5, 2, 3, 4, 5, 6, 8)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_locator(NullLocator())


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
