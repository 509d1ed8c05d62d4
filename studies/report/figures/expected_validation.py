"""What a search of k points is expected to find."""

from typing import Any

import matplotlib.figure
import numpy as np
import pandas as pd

from studies.metric import error_label, in_units
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, facets, legend, line_handles
from studies.report.drawing.scales import count_axis, error_axis
from studies.report.drawing.style import styles
from studies.results.results import GROUP, SETTING, Results, with_counted_errors
from studies.results.statistics.curves import expected_best


def _numbers(results: Results) -> pd.DataFrame:
    runs = with_counted_errors(results.runs)
    tried = runs[runs["stage"] == "search"]
    rows: list[dict[str, Any]] = []
    for key, group in tried.groupby([*GROUP, "family"], sort=False):
        points = group.groupby(["search", "point"])["counted_validation_error"].mean()
        by_search = [of_search.tolist() for _, of_search in points.groupby("search")]
        for k in range(1, len(by_search[0]) + 1):
            expected = [expected_best(errors, k) for errors in by_search]
            rows.append(
                {
                    **dict(zip((*GROUP, "family"), key, strict=True)),
                    "k": k,
                    "searches": len(expected),
                    "expected_error": float(np.mean(expected)),
                    "lowest": min(expected),
                    "highest": max(expected),
                }
            )
    return pd.DataFrame(rows)


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    labels = Labels("points tried, k", error_label(numbers, "expected best validation error"))
    figure, each_panel = facets(numbers, SETTING, labels)
    line_styles = styles(numbers)
    for ax, rows in each_panel:
        for arm, group in rows.groupby("arm", sort=False):
            style = line_styles[str(arm)]
            ax.fill_between(
                group["k"],
                in_units(group, group["lowest"]),
                in_units(group, group["highest"]),
                color=style.colour,
                alpha=0.12,
                linewidth=0,
            )
            ax.plot(
                group["k"],
                in_units(group, group["expected_error"]),
                color=style.colour,
                linewidth=1.2,
                marker=style.marker,
                markersize=3.5,
                markevery=max(1, len(group) // 5),
            )
        count_axis(ax)
        error_axis(ax, numbers["lowest"])
    legend(figure, line_handles(line_styles, lines=True))
    return figure


def _caption(results: Results) -> str:
    return (
        "Lowest validation error expected of a search of k points: the mean over all subsets of k of the K points of a "
        "search, each point's error being its mean over tuning seeds, and then over the R searches (line), which "
        "spread from the lowest to the highest (band, not a confidence interval). All points count; runs that failed "
        "or were over the density budget do so at the chance floor. The error axis is logarithmic unless an error is "
        "0. " + sample_note(results)
    )


EXPECTED_VALIDATION = Figure("expected_validation", "What a search is expected to find", _numbers, _draw, _caption)
