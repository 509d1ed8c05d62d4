"""Paired differences in rows on a linear axis, those too far for it at its ends with their values."""

from collections.abc import Mapping
from typing import Any

import matplotlib.axes
import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter

from studies.metric import difference_text, in_units

# A difference is far if it is more than so many times the median size of all.
FAR = 5.0
_ROW = 0.8


def axis_range(numbers: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of an axis that shows most differences and their intervals, and 0, in percentage points or bits.

    Args:
        numbers: with ``dataset``, and ``difference``, ``ci_low``, ``ci_high`` and ``delta`` as errors are.

    One of five is far: the axis is made for the others.

    >>> middle = pd.Series([-0.01, 0.0, 0.01, 0.02, 0.5])
    >>> ends = {"ci_low": middle - 0.01, "ci_high": middle + 0.01}
    >>> low, high = axis_range(pd.DataFrame({"dataset": "digits", "difference": middle, "delta": 0.003, **ends}))
    >>> round(low, 2), round(high, 2)
    (-2.3, 3.3)
    """
    columns = ["difference", "ci_low", "ci_high", "delta"]
    scaled = pd.DataFrame({column: in_units(numbers, numbers[column]) for column in columns})
    ends = scaled.abs().max(axis="columns")
    near = scaled[ends <= FAR * ends.median()] if len(ends) else scaled
    shown = pd.concat([near["ci_low"], near["ci_high"], near["difference"], near["delta"], -near["delta"]]).dropna()
    low, high = (float(shown.min()), float(shown.max())) if len(shown) else (-1.0, 1.0)
    low, high = min(low, 0.0), max(high, 0.0)
    # Differences may all be 0.
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def difference_axis(ax: matplotlib.axes.Axes, ends: tuple[float, float]) -> None:
    """Mark 0, and make the horizontal axis go from one end to the other, labelled with signed numbers."""
    ax.axvline(0, color="#555555", linewidth=0.8, zorder=1)
    ax.set_xlim(*ends)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))


def delta_band(ax: matplotlib.axes.Axes, delta: float, place: float) -> None:
    """Shade what is too small to matter in one row, in percentage points or bits."""
    ax.fill_between(
        [-delta, delta], place - _ROW / 2, place + _ROW / 2, color="#dddddd", alpha=0.7, linewidth=0, zorder=0.5
    )


def draw_difference(
    ax: matplotlib.axes.Axes, row: Mapping[Any, Any], place: float, ends: tuple[float, float], **marker: Any
) -> None:
    """Draw a difference and its interval, or, where it is off the axis, an arrow with its value at that end.

    Args:
        ax: where.
        row: with ``dataset``, and ``difference``, ``ci_low`` and ``ci_high`` as errors are; NaN where there are none.
        place: of the row.
        ends: of the axis, in percentage points or bits.
        marker: settings of the marker, its colour among them.
    """
    middle, low, high = (in_units(row, row[key]) for key in ("difference", "ci_low", "ci_high"))
    if np.isnan(middle):
        return
    colour = marker["color"]
    ax.hlines(place, max(low, ends[0]), min(high, ends[1]), color=colour, linewidth=1.3)
    if ends[0] <= middle <= ends[1]:
        ax.plot([middle], [place], **marker)
        return
    left = middle < ends[0]
    ax.annotate(
        difference_text(row["dataset"], row["difference"]).removesuffix(" bits"),
        xy=(ends[0] if left else ends[1], place),
        xytext=(14 if left else -14, 0),
        textcoords="offset points",
        ha="left" if left else "right",
        va="center",
        color=colour,
        fontsize="small",
        arrowprops={"arrowstyle": "->", "color": colour, "shrinkA": 0, "shrinkB": 0},
    )
