"""Validation error while training, every seed a line."""

import matplotlib.figure
import pandas as pd

from studies.metric import error_label, in_units
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, facets, legend, line_handles
from studies.report.drawing.scales import count_axis, error_axis
from studies.report.drawing.style import styles
from studies.results import GROUP, SETTING, Results


def _numbers(results: Results) -> pd.DataFrame:
    return results.epochs[[*GROUP, "family", "seed", "epoch", "validation_error", "validation_density"]]


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    figure, each_panel = facets(numbers, SETTING, Labels("epoch", error_label(numbers, "validation error")))
    line_styles = styles(numbers)
    for ax, rows in each_panel:
        for arm, group in rows.groupby("arm", sort=False):
            style = line_styles[str(arm)]
            for _, run in group.groupby("seed"):
                ax.plot(
                    run["epoch"], in_units(run, run["validation_error"]), color=style.colour, linewidth=0.5, alpha=0.3
                )
            mean = group.groupby("epoch")["validation_error"].mean()
            ax.plot(
                mean.index,
                in_units(rows.iloc[0], mean),
                color=style.colour,
                linewidth=1.4,
                marker=style.marker,
                markersize=3.5,
                markevery=max(1, len(mean) // 8),
            )
        error_axis(ax, numbers["validation_error"])
        count_axis(ax)
    legend(figure, line_handles(line_styles, lines=True))
    return figure


def _caption(results: Results) -> str:
    return (
        "Validation error after each epoch: thin lines are seeds, thick lines their mean over seeds still training; "
        "the error axis is logarithmic unless an error is 0. " + sample_note(results)
    )


LEARNING_CURVES = Figure("learning_curves", "Learning curves", _numbers, _draw, _caption)
