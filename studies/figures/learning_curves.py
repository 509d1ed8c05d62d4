"""Validation error while training, every seed a line."""

import matplotlib.figure
import pandas as pd

from studies.figures.figure import Figure, sample_note
from studies.figures.panels import error_axis, panels, strategy_legend
from studies.figures.style import styles
from studies.results import GROUP, Results

_PANEL = ("dataset", "network", "target_density")


def _numbers(results: Results) -> pd.DataFrame:
    rows = [
        {
            **{column: run[column] for column in (*GROUP, "family", "seed")},
            "epoch": epoch["epoch"],
            "validation_error": epoch["validation_error"],
            "validation_density": epoch["validation_density"],
        }
        for run, record in zip(results.runs.to_dict("records"), results.records, strict=True)
        for epoch in record.get("history", ())
    ]
    return pd.DataFrame(rows)


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    figure, divided = panels(numbers, _PANEL, height=2.8, columns=2, widest=4.6)
    looks = styles(numbers)
    for ax, rows in divided:
        for strategy, group in rows.groupby("strategy", sort=False):
            look = looks[str(strategy)]
            for _, run in group.groupby("seed"):
                ax.plot(run["epoch"], 100 * run["validation_error"], color=look.colour, linewidth=0.6, alpha=0.35)
            mean = group.groupby("epoch")["validation_error"].mean()
            ax.plot(
                mean.index,
                100 * mean,
                color=look.colour,
                linewidth=1.6,
                marker=look.marker,
                markersize=4,
                markevery=max(1, len(mean) // 8),
            )
        error_axis(ax, rows["validation_error"])
        ax.set_xlabel("epoch")
        ax.set_ylabel("validation error (%)")
    strategy_legend(figure, looks, lines=True)
    return figure


def _caption(results: Results) -> str:
    return (
        "Validation error after each epoch: thin lines are seeds, thick lines their mean over seeds still training; "
        "the error axis is logarithmic unless an error is 0. " + sample_note(results)
    )


LEARNING_CURVES = Figure("learning_curves", "Learning curves", _numbers, _draw, _caption)
