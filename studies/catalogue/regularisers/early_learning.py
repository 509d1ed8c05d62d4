"""Validation error over the first epochs, for each value of a level of the arms."""

import matplotlib.figure
import pandas as pd
import seaborn as sns
from matplotlib.lines import Line2D

from studies.catalogue.regularisers.against_level import at_levels
from studies.metric import error_label, in_units
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, legend, panels
from studies.report.drawing.scales import count_axis, error_axis
from studies.results import Results


def early_learning(level: str, label: str, epochs: int) -> Figure:
    """Return a figure of the first epochs.

    Args:
        level: whose values are the lines.
        label: its name in the legend.
        epochs: how many.
    """

    def numbers(results: Results) -> pd.DataFrame:
        runs = at_levels(results, level)[["run_id", "arm", "dataset", "network", "level", "seed"]]
        early = results.epochs.loc[results.epochs["epoch"] <= epochs, ["run_id", "arm", "epoch", "validation_error"]]
        return runs.merge(early, on=["run_id", "arm"]).drop(columns=["run_id", "arm"])

    def caption(results: Results) -> str:
        return (
            f"Validation error after each of the first {epochs} epochs for each value of {level}: thin lines are "
            "seeds, thick ones their mean; the darker, the larger the value. The error axis is logarithmic unless an "
            "error is 0. " + sample_note(results)
        )

    return Figure("early_learning", "Early learning", numbers, lambda table: _draw(table, label), caption)


def _draw(numbers: pd.DataFrame, label: str) -> matplotlib.figure.Figure:
    figure, each_panel = panels(
        numbers, ("dataset", "network"), Labels("epoch", error_label(numbers, "validation error")), height=2.8
    )
    values = sorted(set(numbers["level"]))
    colours = dict(zip(values, sns.color_palette("viridis_r", len(values)), strict=True))
    for ax, rows in each_panel:
        for value, group in rows.groupby("level"):
            for _, run in group.groupby("seed"):
                ax.plot(
                    run["epoch"],
                    in_units(run, run["validation_error"]),
                    color=colours[value],
                    linewidth=0.5,
                    alpha=0.25,
                )
            mean = group.groupby("epoch")["validation_error"].mean()
            ax.plot(mean.index, in_units(rows.iloc[0], mean), color=colours[value], linewidth=1.5)
        error_axis(ax, numbers["validation_error"])
        count_axis(ax)
    legend(figure, [Line2D([], [], color=colours[value], label=f"{label} = {value:g}") for value in values])
    return figure
