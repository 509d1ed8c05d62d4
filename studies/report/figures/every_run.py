"""Every run of a search, and the runs of what it selected."""

import matplotlib.figure
import pandas as pd
from matplotlib.lines import Line2D

from studies.metric import error_label, in_units
from studies.report.drawing.figure import Figure
from studies.report.drawing.macs import macs_or_typical
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, facets, legend, line_handles
from studies.report.drawing.scales import error_axis, macs_axis
from studies.report.drawing.style import styles
from studies.results.results import GROUP, SETTING, Results, with_counted_errors


def _numbers(results: Results) -> pd.DataFrame:
    runs = with_counted_errors(results.runs)
    searched = runs["stage"] == "search"
    if not searched.any():
        return pd.DataFrame()
    measured = runs["validation_macs"].where(searched, runs["test_macs"]).astype(float)
    shown = runs[[*GROUP, "family", "stage", "search", "point", "seed", "status"]].assign(
        error=runs["counted_validation_error"].where(searched, runs["error"]),
        macs=macs_or_typical(measured, runs),
        macs_known=measured.notna(),
    )
    return shown[searched | runs["selected"]]


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    labels = Labels("realised MACs per example", error_label(numbers, "error"))
    figure, each_panel = facets(numbers, SETTING, labels, share_x="none")
    line_styles = styles(numbers)
    for ax, rows in each_panel:
        for stage, size, alpha in (("search", 5, 0.25), ("evaluate", 9, 0.9)):
            for arm, group in rows[rows["stage"] == stage].groupby("arm", sort=False):
                style = line_styles[str(arm)]
                for ok, marker in ((True, style.marker), (False, "x")):
                    shown = group[(group["status"] == "ok") == ok]
                    ax.scatter(
                        shown["macs"],
                        in_units(shown, shown["error"]),
                        s=size if ok else 3 * size,
                        color=style.colour,
                        marker=marker,
                        alpha=alpha,
                        linewidths=0 if ok else 0.8,
                        zorder=2 if stage == "search" else 3,
                    )
        macs_axis(ax)
        error_axis(ax, numbers["error"])
    kinds = (("search, validation", "o", 0.3), ("selected, test", "o", 1.0), ("failed", "x", 1.0))
    handles = [
        Line2D([], [], color="#555555", marker=marker, alpha=alpha, markersize=4, linestyle="", label=label)
        for label, marker, alpha in kinds
    ]
    legend(figure, [*line_handles(line_styles, lines=False), *handles])
    return figure


def _caption(results: Results) -> str:
    return (
        "Every run of the searches (pale: validation error against validation multiply-adds) and the runs of their "
        "winners on the evaluation seeds (dark: test error against test multiply-adds). Crosses are "
        "failed runs, at the chance floor; one that failed before its multiply-adds were known is at the median of "
        "its strategy's other runs. Both axes are logarithmic, that of the error unless one is 0. "
        + sample_note(results)
    )


EVERY_RUN = Figure("every_run", "Every run", _numbers, _draw, _caption)
