"""How much too good the winner of a search looks, against the number of points that it tried."""

import matplotlib.figure
import pandas as pd

from studies.catalogue.optimism.optimism_curve import optimism_curve
from studies.metric import difference_label, in_units
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, panels
from studies.report.drawing.scales import count_axis
from studies.report.drawing.style import styles
from studies.results import SETTING, Results


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    labels = Labels("points tried, k", difference_label(numbers, "optimism"))
    figure, each_panel = panels(numbers, [*SETTING, "arm"], labels, height=1.9)
    line_styles = styles(numbers)
    for ax, rows in each_panel:
        style = line_styles[str(rows["arm"].iloc[0])]
        ax.axhline(0, color="#555555", linewidth=0.8)
        ax.fill_between(
            rows["k"],
            in_units(rows, rows["ci_low"]),
            in_units(rows, rows["ci_high"]),
            color=style.colour,
            alpha=0.18,
            linewidth=0,
        )
        ax.plot(
            rows["k"],
            in_units(rows, rows["optimism"]),
            color=style.colour,
            linewidth=1.3,
            marker=style.marker,
            markersize=3.5,
            markevery=max(1, len(rows) // 5),
        )
        count_axis(ax)
    return figure


def _caption(results: Results) -> str:
    return (
        "Optimism of a search of k points: the validation error of the point that one tuning seed chose, on the other "
        "tuning seeds of its search, minus that on the seed that chose it; positive is too good. Means over all "
        "subsets of k of the K points, over the seeds that may choose, and over the searches (line), with the 95 % t "
        f"interval over the searches (band). Every panel has a vertical axis of its own. {sample_note(results)}"
    )


OPTIMISM_AGAINST_POINTS = Figure(
    "optimism_against_points", "Optimism against the size of the search", optimism_curve, _draw, _caption
)
