"""Performance profiles: how often a strategy's error is above each threshold."""

from typing import Any

import matplotlib.figure
import pandas as pd

from studies.metric import error_label, in_units
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, facets, legend, line_handles
from studies.report.drawing.scales import error_axis
from studies.report.drawing.style import styles
from studies.results import FRONT, Results
from studies.results.statistics.curves import survival

_PANEL = ("dataset", "network")


def _numbers(results: Results) -> pd.DataFrame:
    """The corners of the steps, from the lowest error in the panel, where all runs are above or at it."""
    runs = results.counted
    rows: list[dict[str, Any]] = []
    for _, panel in runs.groupby(list(_PANEL), sort=False):
        lowest = panel["error"].min()
        for key, group in panel.groupby([*FRONT, "family"], sort=False):
            errors = sorted({lowest, *group["error"]})
            corners = [(lowest, 1.0), *zip(errors, survival(group["error"], errors), strict=True)]
            common = {**dict(zip((*FRONT, "family"), key, strict=True)), "runs": len(group)}
            rows += [{**common, "error": error, "share_above": share} for error, share in corners]
    return pd.DataFrame(rows)


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    labels = Labels(error_label(numbers, "threshold t of test error"), "share of runs with error > t")
    figure, each_panel = facets(numbers, _PANEL, labels, height=2.8)
    line_styles = styles(numbers)
    for ax, rows in each_panel:
        for arm, group in rows.groupby("arm", sort=False):
            style = line_styles[str(arm)]
            ax.step(
                in_units(group, group["error"]),
                group["share_above"],
                where="post",
                color=style.colour,
                linewidth=1.1,
                marker=style.marker,
                markersize=3.5,
                markevery=(2, max(1, len(group) // 6)),
            )
        ax.set_yticks([0, 0.5, 1], ["0", "½", "1"])
        ax.set_ylim(-0.03, 1.03)
        error_axis(ax, numbers["error"], horizontal=True)
    legend(figure, line_handles(line_styles, lines=True))
    return figure


def _caption(results: Results) -> str:
    return (
        "Performance profiles: the share of a strategy's runs, over all seeds and densities, whose test error is above "
        "t; lower is better, and a curve that stays up to the right end is of failed runs. The axis of t is "
        "logarithmic unless an error is 0; no interval is shown. " + sample_note(results)
    )


PROFILE = Figure("profile", "Performance profiles", _numbers, _draw, _caption)
