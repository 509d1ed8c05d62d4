"""Honest test error beside the error with gates that were chosen by looking at the labels."""

from typing import Any

import matplotlib.figure
import pandas as pd
from matplotlib.lines import Line2D

from studies.catalogue.teachers.label_leakage import errors_with_labels
from studies.metric import error_label, in_units
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import best_last, legend, strips
from studies.report.drawing.style import styles
from studies.results import SETTING, Results
from studies.results.examples.covered import over

# Above and below the middle of a row.
_APART = 0.17


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    figure, each_panel, places = strips(numbers, SETTING, best_last(numbers, "mean"), error_label(numbers))
    figure.set_figheight(1.3 * figure.get_figheight())
    line_styles = styles(numbers)
    for ax, rows in each_panel:
        for row in rows.to_dict("records"):
            style, place = line_styles[row["arm"]], places[row["arm"]]
            honest = (row["mean"], row["ci_low"], row["ci_high"])
            leaked = (row["error_with_labels"], row["with_labels_low"], row["with_labels_high"])
            for side, (mean, low, high), filled in ((1, honest, True), (-1, leaked, False)):
                ax.hlines(
                    place + side * _APART, in_units(row, low), in_units(row, high), color=style.colour, linewidth=1.2
                )
                ax.plot(
                    [in_units(row, mean)],
                    [place + side * _APART],
                    **_marker_style(style.colour, style.marker, filled=filled),
                )
    legend(
        figure,
        [
            Line2D([], [], label=label, **_marker_style("#444444", "o", filled=filled))
            for label, filled in (("own gates, without labels", True), ("teacher's gates, with labels", False))
        ],
    )
    return figure


def _marker_style(colour: str, marker: str, *, filled: bool) -> dict[str, Any]:
    inside = colour if filled else "white"
    return {"color": colour, "marker": marker, "markersize": 5, "markerfacecolor": inside, "linestyle": ""}


def _caption(results: Results) -> str:
    return (
        "Test error of each strategy with the gates that it chooses itself (filled), and, where there is a teacher, "
        "with the gates that the teacher chooses with the labels of the test examples in sight (hollow): means over "
        f"seeds with 95 % intervals, of the first over {over(results.summary)}, of the other over seeds alone. Only "
        "the first can be had in use. " + sample_note(results)
    )


WITH_LABELS = Figure("with_labels", "Error without and with labels", errors_with_labels, _draw, _caption)
