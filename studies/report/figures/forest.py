"""Paired differences to a reference, with their intervals and verdicts."""

from collections.abc import Mapping
from typing import Any

import matplotlib.figure
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from studies.metric import difference_label, difference_units, in_units
from studies.report.drawing.contrast_numbers import contrasts_by_reference, reference_of
from studies.report.drawing.differences import axis_range, delta_band, difference_axis, draw_difference
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import best_last, legend, strips
from studies.report.drawing.style import styles
from studies.results import SETTING, Results
from studies.results.contrasts import intervals, share_that_matters

# Shape and filling of each verdict; lower errors are to the left.
_MARKS = {
    "better": ("<", "full"),
    "worse": (">", "full"),
    "equivalent": ("s", "hollow"),
    "undecided": ("o", "hollow"),
    "no verdict": ("x", "full"),
    "exploratory": (".", "full"),
}


def _numbers(results: Results) -> pd.DataFrame:
    columns = ["n", "difference", "ci_low", "ci_high", "delta", "primary", "verdict"]
    numbers = contrasts_by_reference(results, columns)
    return numbers.assign(verdict=[_mark(row) for row in numbers.to_dict("records")]).drop(columns="primary")


def _mark(row: Mapping[Any, Any]) -> str:
    return str(row["verdict"] or ("no verdict" if row["primary"] else "exploratory"))


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    by = [*SETTING, "reference"]
    order = best_last(numbers, "difference")
    label = difference_label(numbers, f"test error minus that of {reference_of(numbers)}")
    figure, each_panel, places = strips(numbers, by, order, label, few="arm")
    line_styles = styles(numbers)
    ends = axis_range(numbers)
    for ax, rows in each_panel:
        for row in rows.to_dict("records"):
            place = places[row["arm"]]
            delta_band(ax, in_units(row, row["delta"]), place)
            draw_difference(ax, row, place, ends, **_marker_style(row["verdict"], line_styles[row["arm"]].colour))
        difference_axis(ax, ends)
    found = set(numbers["verdict"])
    handles = [
        Line2D([], [], linestyle="", label=mark, **_marker_style(mark, "#444444")) for mark in _MARKS if mark in found
    ]
    legend(figure, [*handles, Patch(color="#dddddd", label="within δ")])
    return figure


def _marker_style(mark: str, colour: str) -> dict[str, Any]:
    marker, filling = _MARKS[mark]
    style = {"color": colour, "marker": marker, "markersize": 5, "markeredgewidth": 1.0}
    # A hollow marker hides the line behind it.
    return style | {"markerfacecolor": "white"} if filling == "hollow" else style


def _caption(results: Results) -> str:
    far = "An arrow with a number is a difference beyond the axis." if not _numbers(results).empty else ""
    return (
        f"Test error of each arm minus that of the reference on the same seed, in {difference_units(results.runs)}, so "
        f"that negative is better: mean (marker) and interval (line). {intervals(results)} Grey: ±δ, the smallest "
        f"difference that matters, {share_that_matters(results)} of the reference's error. {far} {sample_note(results)}"
    )


FOREST = Figure("forest", "Differences to the reference", _numbers, _draw, _caption)
