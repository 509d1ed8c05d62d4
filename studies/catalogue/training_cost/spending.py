"""Validation error against what training has spent so far, dense networks in every panel."""

from functools import partial

import matplotlib.axes
import matplotlib.figure
import pandas as pd

from studies.catalogue.training_cost.reached import training_epochs
from studies.metric import error_label, in_units
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, facets, legend, line_handles
from studies.report.drawing.scales import error_axis, ratio_axis
from studies.report.drawing.style import Style, styles
from studies.results import SETTING, Results

_REFERENCES = ("dense", "small_dense")


def error_against_training(name: str, title: str, cost: str, label: str) -> Figure:
    """Return the figure of validation error against a cost of training.

    Args:
        name: of the figure's files.
        title: its heading.
        cost: ``passes`` or ``seconds``, of :class:`studies.catalogue.training_cost.reached.Spent`.
        label: of the horizontal axis.
    """
    return Figure(name, title, _numbers, partial(_draw, cost=cost, label=label), _caption)


def _numbers(results: Results) -> pd.DataFrame:
    # By strategy: arms that differ in nothing but their network are one line in panels of networks.
    columns = [*SETTING, "strategy", "family", "seed", "epoch", "validation_error", "passes", "seconds"]
    return training_epochs(results)[columns]


def _draw(numbers: pd.DataFrame, cost: str, label: str) -> matplotlib.figure.Figure:
    figure, each_panel = facets(
        numbers, SETTING, Labels(label, error_label(numbers, "validation error")), height=3.4, share_x="row"
    )
    line_styles = styles(numbers)
    for ax, rows in each_panel:
        shown = set(rows["strategy"])
        same = (numbers[list(SETTING)] == rows.iloc[0][list(SETTING)]).all(axis=1)
        for name in _REFERENCES:
            reference = numbers[same & (numbers["strategy"] == name)]
            if name not in shown and not reference.empty:
                _line(ax, reference, cost, line_styles[name], "--")
        for strategy, group in rows.groupby("strategy", sort=False):
            style = line_styles[str(strategy)]
            for _, run in group.groupby("seed"):
                ax.plot(
                    run[cost], in_units(run, run["validation_error"]), color=style.colour, linewidth=0.4, alpha=0.25
                )
            _line(ax, group, cost, style, "-")
        ratio_axis(ax, horizontal=True)
        error_axis(ax, numbers["validation_error"])
    legend(figure, line_handles(line_styles, lines=True))
    return figure


def _line(ax: matplotlib.axes.Axes, group: pd.DataFrame, cost: str, style: Style, linestyle: str) -> None:
    mean = group.groupby("epoch")[[cost, "validation_error"]].mean()
    own = linestyle == "-"
    ax.plot(
        mean[cost],
        in_units(group.iloc[0], mean["validation_error"]),
        color=style.colour,
        linestyle=linestyle,
        linewidth=1.4 if own else 1.0,
        marker=style.marker if own else "",
        markersize=3.5,
        markevery=max(1, len(mean) // 4),
    )


def _caption(results: Results) -> str:
    return (
        "Validation error at the end of each epoch against what training had spent by then: thin lines are seeds, "
        "thick ones the mean over seeds of both; dashed lines repeat the dense networks where other strategies are "
        "shown. Multiply-adds are of forward and backward passes, in forward passes of the dense network per training "
        "example; seconds are of training steps on one thread, beside another run. Both axes are logarithmic, that of "
        "the error unless one is 0. " + sample_note(results)
    )
