"""The seeds of an arm in its row: every run as a point, and their mean with its interval below."""

import matplotlib.axes
import pandas as pd

from studies.metric import in_units
from studies.report.drawing.scales import cut
from studies.report.drawing.style import Style

_BELOW = 0.15


def draw_seeds(
    ax: matplotlib.axes.Axes,
    runs: pd.DataFrame,
    errors: str,
    panel: pd.DataFrame,
    place: float,
    above: float,
    style: Style,
) -> None:
    """Draw one arm: points above the middle of its row, crosses where runs failed, and a tick on a line below it.

    Args:
        ax: where.
        runs: of the arm, with ``dataset``, ``status`` and, the same in all of them, ``mean``, ``ci_low`` and
            ``ci_high``.
        errors: the column of their errors.
        panel: all runs of the panel, below whose errors the line is cut off.
        place: of the row.
        above: how far points are above its middle.
        style: of the arm.
    """
    for ok, marker in ((True, style.marker), (False, "x")):
        shown = runs[(runs["status"] == "ok") == ok]
        ax.scatter(
            in_units(shown, shown[errors]),
            [place + above] * len(shown),
            s=9,
            color=style.colour,
            marker=marker,
            alpha=0.5,
            linewidths=0 if ok else 0.9,
        )
    first = runs.iloc[0]
    ends = cut(first["ci_low"], panel[errors]), first["ci_high"]
    ax.hlines(place - _BELOW, *(in_units(first, end) for end in ends), color=style.colour, linewidth=1.4)
    mean = in_units(first, first["mean"])
    ax.plot([mean], [place - _BELOW], "|", color=style.colour, markersize=6, markeredgewidth=1.8)
