"""Test error of every seed, per strategy, with the interval of the mean: strategies at matched budget."""

import matplotlib.figure
import pandas as pd

from studies.metric import error_label
from studies.report.drawing.external import caption_of_external, external_points, with_external
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import best_last, strips
from studies.report.drawing.scales import error_axis
from studies.report.drawing.seeds_in_a_row import draw_seeds
from studies.report.drawing.style import styles
from studies.results import GROUP, SETTING, Results
from studies.results.summary import interval_kind


def _numbers(results: Results) -> pd.DataFrame:
    runs = results.counted
    shown = runs[[*GROUP, "family", "seed", "status"]].assign(test_error=runs["error"])
    summary = results.summary[[*GROUP, "mean", "ci_low", "ci_high", "test_density"]]
    return with_external(shown.merge(summary, on=list(GROUP), how="left"), external_points(results, SETTING))


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    # Best at the top; the strategies' seeds are paired, so the order is of means over the same seeds.
    figure, each_panel, places = strips(numbers, SETTING, best_last(numbers, "mean"), error_label(numbers))
    line_styles = styles(numbers)
    for ax, rows in each_panel:
        for arm, group in rows.groupby("arm", sort=False):
            draw_seeds(ax, group, "test_error", rows, places[str(arm)], 0.2, line_styles[str(arm)])
        error_axis(ax, numbers["test_error"], horizontal=True)
    return figure


def _caption(results: Results) -> str:
    return (
        f"Test error of every seed (points; crosses failed), its mean (tick) and {interval_kind(results)} (line, cut "
        "off below all runs). The axis is logarithmic unless an error is 0; strategies are in the "
        "order of their mean over all panels. " + sample_note(results) + caption_of_external(results, SETTING)
    )


SEEDS = Figure("seeds", "Every seed", _numbers, _draw, _caption)
