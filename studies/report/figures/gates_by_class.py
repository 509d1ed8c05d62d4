"""How often each block opens for each class: the paper's figure 1."""

import matplotlib.figure
import pandas as pd
from matplotlib.ticker import MaxNLocator

from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, panels
from studies.results import GROUP, Results

_PANEL = ("dataset", "network", "target_density", "arm", "layer")


def _numbers(results: Results) -> pd.DataFrame:
    """Open shares of the first seed of every strategy whose gates are not all open."""
    first = _first_seed(results)
    rows = [
        {
            **{column: run[column] for column in (*GROUP, "seed")},
            "layer": layer + 1,
            "class": label,
            "block": block,
            "open_share": share,
        }
        for run, record in zip(results.runs.to_dict("records"), results.records, strict=True)
        if run["selected"] and run["seed"] == first and run["status"] == "ok" and run["test_density"] < 1
        for layer, by_class in enumerate(record["gates_by_class"])
        for label, by_block in enumerate(by_class)
        for block, share in enumerate(by_block)
    ]
    return pd.DataFrame(rows)


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    figure, each_panel = panels(numbers, _PANEL, Labels("block", "class"), height=1.5, columns=4, narrowest=1.4)
    image, drawn = None, []
    for ax, rows in each_panel:
        table = rows.pivot_table(index="class", columns="block", values="open_share", sort=True)
        image = ax.imshow(table, cmap="cividis", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        if not ax.get_title():
            ax.set_title(rows.iloc[0]["arm"])
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(4, integer=True))
        ax.grid(visible=False)
        drawn.append(ax)
    if image is not None:
        # As thin beside many rows of panels as beside one.
        rows_of_panels = len({round(ax.get_position().y0, 3) for ax in drawn})
        figure.colorbar(image, ax=drawn, label="share of examples", aspect=14 * rows_of_panels)
    return figure


def _caption(results: Results) -> str:
    return (
        "Share of a class's test examples for which each block is computed, from executed gates "
        f"(paper, figure 1). Seed {_first_seed(results)} of each strategy; blocks have no common order between "
        f"strategies. {sample_note(results)}"
    )


def _first_seed(results: Results) -> int:
    return int(results.runs.loc[results.runs["selected"], "seed"].min())


GATES_BY_CLASS = Figure("gates_by_class", "Gates by class", _numbers, _draw, _caption)
