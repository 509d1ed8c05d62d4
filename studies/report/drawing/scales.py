"""Axes for numbers that differ by ratios, with plain labels."""

import math
from collections.abc import Sequence

import matplotlib.axes
import numpy as np
import pandas as pd
from matplotlib.axis import Axis, XAxis
from matplotlib.ticker import Formatter, FuncFormatter, Locator, MaxNLocator, NullLocator, StrMethodFormatter
from numpy.typing import ArrayLike

# Where there is no room for all, these come first.
_DIGITS = (1, 5, 2, 3, 8, 4, 1.5, 6)
_PLAIN = StrMethodFormatter("{x:g}")
# What a label takes along its axis, in sizes of its letters.
_ACROSS, _ACROSS_MACS, _UP = 2.8, 4.0, 1.4


class RoundTicks(Locator):
    """Round numbers on a logarithmic axis, as many as do not touch.

    Args:
        room: that a label takes along the axis, in sizes of its letters.
    """

    def __init__(self, room: float) -> None:
        self._room = room

    def __call__(self) -> list[float]:
        low, high = _view(self.axis)
        return self._ticks(low, high, self._room / _length(self.axis))

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        return self._ticks(vmin, vmax, 0.0)

    def _ticks(self, low: float, high: float, gap: float) -> list[float]:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ranked = [digit * 10.0**decade for digit in _DIGITS for decade in decades]
        inside = [tick for tick in ranked if low <= tick <= high]
        ticks = _apart(inside, np.log(inside), gap * math.log(high / low))
        # So little of a logarithmic axis looks like a linear one.
        if high < 2.5 * low or len(ticks) < 2:
            most = max(2, min(5, int(1 / gap) if gap else 5))
            linear = MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(low, high)
            return [float(tick) for tick in linear if low <= tick <= high]
        return ticks


def _view(axis: object) -> tuple[float, float]:
    assert isinstance(axis, Axis)
    low, high = sorted(axis.get_view_interval())
    return low, high


def _length(axis: object) -> int:
    """In sizes of letters; matplotlib reckons with labels of three across, and of two up."""
    assert isinstance(axis, Axis)
    return max(1, axis.get_tick_space()) * (3 if isinstance(axis, XAxis) else 2)


def _apart(ticks: Sequence[float], places: ArrayLike, gap: float) -> list[float]:
    """Return ticks in order without those that are too close to one before."""
    kept: dict[float, float] = {}
    for tick, place in zip(ticks, np.asarray(places, float).tolist(), strict=True):
        if all(abs(place - other) >= gap for other in kept.values()):
            kept[tick] = place
    return sorted(kept)


def error_axis(ax: matplotlib.axes.Axes, errors: "pd.Series[float]", *, horizontal: bool = False) -> None:
    """Make the axis of errors logarithmic, labelled in plain per cent: errors of interest differ by ratios.

    Where an error is 0 the axis stays linear, so that no run falls off it.

    Args:
        ax: whose axis, the vertical one unless ``horizontal``.
        errors: all that the figure shows, so that its panels do not differ.
        horizontal: the horizontal one instead.
    """
    if not (errors <= 0).any():
        ratio_axis(ax, horizontal=horizontal)


def macs_axis(ax: matplotlib.axes.Axes, *, horizontal: bool = True) -> None:
    """Make an axis logarithmic, labelled in thousands and millions."""
    if horizontal:
        ax.set_xscale("log")
        _mark(ax.xaxis, _ACROSS_MACS, FuncFormatter(_engineering))
    else:
        ax.set_yscale("log")
        _mark(ax.yaxis, _UP, FuncFormatter(_engineering))


def ratio_axis(ax: matplotlib.axes.Axes, *, horizontal: bool) -> None:
    """Make an axis logarithmic, labelled with plain numbers."""
    if horizontal:
        ax.set_xscale("log")
        _mark(ax.xaxis, _ACROSS, _PLAIN)
    else:
        ax.set_yscale("log")
        _mark(ax.yaxis, _UP, _PLAIN)


def count_axis(ax: matplotlib.axes.Axes) -> None:
    """Label the horizontal axis with whole numbers only, as many as do not touch."""
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))


def cut(low: float, errors: "pd.Series[float]") -> float:
    """Return the low end of an interval, cut off below all errors that are shown with it.

    It may be next to 0, or below, where a logarithmic axis has no end. NaN stays NaN.

    >>> cut(0.18, pd.Series([0.2, 0.3])), round(cut(-0.1, pd.Series([0.2, 0.3])), 2)
    (0.18, 0.16)
    """
    return float(np.maximum(low, 0.8 * errors.min()))


def _mark(axis: Axis, room: float, formatter: Formatter) -> None:
    axis.set_major_locator(RoundTicks(room))
    axis.set_major_formatter(formatter)
    axis.set_minor_locator(NullLocator())


def _engineering(value: float, _: object) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"
