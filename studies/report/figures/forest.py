"""Paired differences to a reference, with their intervals and verdicts."""

from typing import Any

import matplotlib.figure
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from studies.report.drawing.contrast_numbers import contrasts_by_reference, reference_of
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import count_of, sample_note
from studies.report.drawing.panels import best_last, legend, strips
from studies.report.drawing.scales import signed_axis
from studies.report.drawing.style import styles
from studies.results import SETTING, Results

# Shape and filling of each verdict; lower errors are to the left.
_MARKS = {
    "better": ("<", "full"),
    "worse": (">", "full"),
    "detectable but small": ("D", "left"),
    "equivalent": ("s", "hollow"),
    "inconclusive": ("o", "hollow"),
}
_LINEAR, _FAR = 4.0, 20.0  # deltas
_LEAST_LINEAR = 1.0  # percentage points


def _numbers(results: Results) -> pd.DataFrame:
    columns = ["n", "difference", "ci_low", "ci_high", "p_holm", "verdict"]
    return contrasts_by_reference(results, columns).assign(delta=results.protocol.delta)


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    by = [*SETTING, "reference"]
    order = best_last(numbers, "difference")
    label = f"test error minus that of {reference_of(numbers)} (points)"
    figure, each_panel, places = strips(numbers, by, order, label)
    line_styles = styles(numbers)
    delta = 100 * float(numbers["delta"].iloc[0])
    for ax, rows in each_panel:
        ax.axvspan(-delta, delta, color="#dddddd", alpha=0.7, linewidth=0, zorder=0.5)
        ax.axvline(0, color="#555555", linewidth=0.8, zorder=1)
        for row in rows.to_dict("records"):
            colour, place = line_styles[row["arm"]].colour, places[row["arm"]]
            ax.hlines(place, 100 * row["ci_low"], 100 * row["ci_high"], color=colour, linewidth=1.3)
            ax.plot([100 * row["difference"]], [place], **_marker_style(row["verdict"], colour))
        signed_axis(ax, _linear_up_to(numbers))
    handles = [
        Line2D([], [], linestyle="", label=verdict, **_marker_style(verdict, "#444444"))
        for verdict in _MARKS
        if (numbers["verdict"] == verdict).any()
    ]
    legend(figure, [*handles, Patch(color="#dddddd", label=f"within δ = {delta:g} points")])
    return figure


def _marker_style(verdict: str, colour: str) -> dict[str, Any]:
    marker, filling = _MARKS[verdict]
    style = {"color": colour, "marker": marker, "markersize": 5, "markeredgewidth": 1.0}
    # A hollow marker hides the line behind it.
    if filling == "hollow":
        return style | {"markerfacecolor": "white"}
    return style | {"fillstyle": filling, "markerfacecoloralt": "white"}


def _linear_up_to(numbers: pd.DataFrame) -> float | None:
    """Where the axis becomes logarithmic, in percentage points: None if it need not, as no difference is that far."""
    delta = 100 * float(numbers["delta"].iloc[0])
    farthest = 100 * float(numbers[["difference", "ci_low", "ci_high"]].abs().max().max())
    linear = max(_LINEAR * delta, _LEAST_LINEAR)
    return linear if farthest > _FAR / _LINEAR * linear else None


def _caption(results: Results) -> str:
    numbers = _numbers(results)
    linear = None if numbers.empty else _linear_up_to(numbers)
    contrasts = count_of(len(numbers), "contrast")
    scale = f" The axis is linear up to {linear:g} points and logarithmic beyond." if linear is not None else ""
    return (
        "Test error of each strategy minus that of the reference on the same seed, in percentage points, so that "
        "negative is better: mean (marker) and its 95 % t interval (line). Markers are verdicts, from sign flip tests "
        f"at level {results.protocol.alpha:g}, corrected by Holm's method for {contrasts}, and from the interval's "
        f"place; the band is ±δ = {100 * results.protocol.delta:g} points, the smallest difference that "
        f"matters.{scale} {sample_note(results)}"
    )


FOREST = Figure("forest", "Differences to the reference", _numbers, _draw, _caption)
