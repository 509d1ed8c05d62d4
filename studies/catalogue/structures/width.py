"""What becomes of strategies when layers grow wider: error and cost, a line per strategy through its networks."""

from collections.abc import Mapping
from functools import partial
from typing import Literal

import matplotlib.axes
import matplotlib.figure
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from core.architecture import Architecture
from studies.metric import error_label, in_units
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, facets, legend, line_handles
from studies.report.drawing.scales import cut, error_axis, macs_axis, ratio_axis
from studies.report.drawing.style import Style, styles
from studies.results import GROUP, Results
from studies.results.examples.covered import over

Quantity = Literal["hidden_units", "test_macs", "mean"]

_LABELS: Mapping[Quantity, str] = {
    "hidden_units": "hidden units",
    "test_macs": "realised MACs per test example",
    "mean": "test error",
}

# How far apart strategies are drawn at one width, so that their intervals can be seen.
_SPREAD = 1.05


def hidden_units(network: str) -> int:
    """Return how many units the hidden layers of a network have.

    >>> hidden_units("16x16,8x4")
    288
    """
    return sum(layer.units for layer in Architecture.parse(network, features=1, classes=1).layers)


def over_widths(name: str, title: str, x: Quantity, y: Quantity) -> Figure:
    """Return the figure of one quantity against another, each strategy a line through its networks.

    What is run on a single network is a dashed line across, where ``x`` is hidden units: something to compare with at
    every width.

    Args:
        name: of the figure's files.
        title: its heading.
        x: of the horizontal axis.
        y: of the vertical axis; the mean of the error comes with its interval.
    """
    return Figure(name, title, _numbers, partial(_draw, x=x, y=y), partial(_caption, x=x, y=y))


def _numbers(results: Results) -> pd.DataFrame:
    columns = [*GROUP, "n", "failures", "mean", "ci_low", "ci_high", "test_density", "test_macs"]
    numbers = results.with_families(results.summary[columns])
    return numbers.assign(hidden_units=numbers["network"].map(hidden_units))


def _draw(numbers: pd.DataFrame, x: Quantity, y: Quantity) -> matplotlib.figure.Figure:
    figure, each_panel = facets(
        numbers,
        ("dataset",),
        Labels(*(error_label(numbers) if of == "mean" else _LABELS[of] for of in (x, y))),
        height=3.0,
    )
    line_styles = styles(numbers)
    across = _run_once(numbers) if x == "hidden_units" else []
    spread = dict(zip(line_styles, np.linspace(1 / _SPREAD, _SPREAD, len(line_styles)), strict=True))
    for ax, rows in each_panel:
        for arm, group in rows.groupby("arm", sort=False):
            style, line = line_styles[str(arm)], group.sort_values("hidden_units")
            heights = in_units(line, line[y]) if y == "mean" else line[y]
            if arm in across:
                ax.axhline(heights.iloc[0], color=style.colour, linewidth=1.1, linestyle="--")
                continue
            places = line[x] * (spread[str(arm)] if x == "hidden_units" else 1.0)
            ax.plot(places, heights, color=style.colour, marker=style.marker, markersize=4.5, linewidth=1.2)
            if y == "mean":
                low = line["ci_low"].clip(lower=cut(0.0, rows["mean"]))
                ax.vlines(
                    places, in_units(line, low), in_units(line, line["ci_high"]), color=style.colour, linewidth=1.2
                )
        _scale(ax, x, numbers, horizontal=True)
        _scale(ax, y, numbers, horizontal=False)
        if x == "hidden_units":
            widths = sorted(rows.loc[~rows["arm"].isin(across), "hidden_units"].unique())
            ax.xaxis.set_major_locator(FixedLocator(widths))
    legend(figure, [_dashed(handle) if handle.get_label() in across else handle for handle in _handles(line_styles)])
    return figure


def _run_once(numbers: pd.DataFrame) -> list[str]:
    """Return what is run on one network, where others are run on several."""
    networks = numbers.groupby("arm")["network"].nunique()
    return [str(name) for name in networks[(networks == 1) & (networks.max() > 1)].index]


def _handles(line_styles: Mapping[str, Style]) -> list[Line2D]:
    return [handle for handle in line_handles(line_styles, lines=True) if isinstance(handle, Line2D)]


def _dashed(handle: Line2D) -> Line2D:
    return Line2D([], [], color=handle.get_color(), linestyle="--", linewidth=1.1, label=str(handle.get_label()))


def _scale(ax: matplotlib.axes.Axes, quantity: Quantity, numbers: pd.DataFrame, *, horizontal: bool) -> None:
    match quantity:
        case "mean":
            error_axis(ax, numbers["mean"], horizontal=horizontal)
        case "test_macs":
            macs_axis(ax, horizontal=horizontal)
        case "hidden_units":
            ratio_axis(ax, horizontal=horizontal)


def _caption(results: Results, x: Quantity, y: Quantity) -> str:
    whiskers = (
        f" with 95 % intervals over {over(results.summary)}, cut off below all means"
        if "mean" in (x, y)
        else " over seeds"
    )
    across = (
        " Dashed lines are networks of one width; points are moved aside a little, so that all are seen."
        if x == "hidden_units"
        else ""
    )
    return (
        f"{_LABELS[y].capitalize().replace('macs', 'MACs')} against {_LABELS[x]}, a line through "
        f"the networks of each strategy: means{whiskers}.{across} Both axes are logarithmic. {sample_note(results)}"
    )
