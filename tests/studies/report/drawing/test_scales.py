import itertools
from typing import Any

import matplotlib as mpl
import matplotlib.figure
import numpy as np
import pandas as pd
import pytest

from studies.report.drawing.scales import RoundTicks, count_axis, cut, error_axis, macs_axis
from studies.report.drawing.style import theme


def axes(width: float = 3.0, height: float = 2.0) -> Any:
    with mpl.rc_context(theme()):
        return matplotlib.figure.Figure(figsize=(width, height)).add_axes((0, 0, 1, 1))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.9, 11.0, [1, 1.5, 2, 3, 4, 5, 6, 8, 10]),
        # Too little for powers of ten.
        (22.0, 31.0, [22.5, 25, 27.5, 30]),
        (6.1, 6.9, [6.2, 6.4, 6.6, 6.8]),
    ],
)
def test_ticks_are_round_numbers_within_the_view(low, high, expected):
    ticks = RoundTicks(1.0).tick_values(low, high)
    assert all(low <= tick <= high for tick in ticks)
    if low > 1:
        assert len(ticks) >= 2
        assert np.allclose(np.diff(ticks), np.diff(ticks)[0])
    else:
        assert ticks == expected


@pytest.mark.parametrize("height", [0.8, 1.5, 4.0])
def test_the_taller_an_axis_the_more_ticks_and_labels_never_touch(height):
    with mpl.rc_context(theme()):
        ax = axes(height=height)
        ax.plot([1, 2], [2, 95])
        error_axis(ax, pd.Series([0.02, 0.95]))
        ticks = ax.get_yticks()
        assert len(ticks) >= 2
        ax.figure.draw_without_rendering()
        boxes = [tick.label1.get_window_extent() for tick in ax.yaxis.get_major_ticks()]
    assert not any(boxes[i].overlaps(boxes[j]) for i in range(len(boxes)) for j in range(i))
    assert (len(ticks) >= 7) == (height == 4.0)


@pytest.mark.parametrize("highest", [1, 2, 8, 120, 1000])
@pytest.mark.parametrize("width", [0.8, 1.5, 4.0])
def test_counts_are_whole_and_their_labels_never_touch(width, highest):
    with mpl.rc_context(theme()):
        ax = axes(width=width)
        ax.plot([1, highest], [0, 1])
        count_axis(ax)
        ax.figure.draw_without_rendering()
        boxes = [tick.label1.get_window_extent() for tick in ax.xaxis.get_major_ticks()]
    low, high = ax.get_xlim()
    ticks = [tick for tick in ax.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(float(tick).is_integer() for tick in ticks)
    assert not any(left.overlaps(right) for left, right in itertools.pairwise(boxes))


def test_an_axis_of_errors_is_linear_only_where_an_error_is_zero():
    for errors, scale in (([0.1, 0.2], "log"), ([0.0, 0.2], "linear")):
        ax = axes()
        error_axis(ax, pd.Series(errors))
        assert (ax.get_yscale(), ax.get_xscale()) == (scale, "linear")
        error_axis(ax, pd.Series(errors), horizontal=True)
        assert ax.get_xscale() == scale


def test_multiply_adds_are_written_with_their_unit():
    ax = axes()
    ax.set_xlim(100, 3e7)
    macs_axis(ax)
    written = ax.xaxis.get_major_formatter()
    assert [written(value, 0) for value in (200, 1500, 2e6, 3e9)] == ["200", "1.5 k", "2 M", "3 G"]


def test_an_interval_that_does_not_exist_has_no_end():
    assert np.isnan(cut(float("nan"), pd.Series([0.2])))
