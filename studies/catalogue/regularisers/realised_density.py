"""Realised against target density."""

import matplotlib.figure
import pandas as pd
from matplotlib.lines import Line2D

from studies.catalogue.regularisers.against_level import at_levels
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, legend, line_handles, panels
from studies.report.drawing.scales import ratio_axis
from studies.report.drawing.style import styles
from studies.results import Results


def realised_density(level: str) -> Figure:
    """Return a figure of the realised density of the arms that have a level of this name, against their targets."""

    def numbers(results: Results) -> pd.DataFrame:
        runs = at_levels(results, level)
        columns = ["dataset", "network", "strategy", "family", "target_density", "seed", "test_density"]
        return runs.loc[runs["test_density"].notna(), columns]

    def caption(results: Results) -> str:
        return (
            "Realised density on the test split against the target, every seed a point, with the mean over seeds as a "
            "line; on the dashed diagonal they are equal. Both axes are logarithmic. " + sample_note(results)
        )

    return Figure("realised_density", "Realised and target density", numbers, _draw, caption)


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    labels = Labels("target density τ", "realised density")
    figure, each_panel = panels(numbers, ("dataset", "network"), labels, height=2.8)
    line_styles = styles(numbers)
    for ax, rows in each_panel:
        ends = [rows["target_density"].min(), rows["target_density"].max()]
        ax.plot(ends, ends, color="#555555", linestyle="--", linewidth=0.9)
        for strategy, group in rows.groupby("strategy", sort=False):
            style = line_styles[str(strategy)]
            ax.scatter(group["target_density"], group["test_density"], s=9, color=style.colour, alpha=0.4, linewidths=0)
            mean = group.groupby("target_density")["test_density"].mean()
            ax.plot(mean.index, mean, color=style.colour, marker=style.marker, markersize=4, linewidth=1.2)
        for horizontal in (True, False):
            ratio_axis(ax, horizontal=horizontal)
    diagonal = Line2D([], [], color="#555555", linestyle="--", linewidth=0.9, label="equal")
    legend(figure, [*line_handles(line_styles, lines=True), diagonal])
    return figure
