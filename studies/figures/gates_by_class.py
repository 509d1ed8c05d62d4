"""How often each block opens for each class: the paper's figure 1."""

import matplotlib.figure
import pandas as pd

from studies.figures.figure import Figure
from studies.figures.panels import panels
from studies.results import GROUP, Results

_PANEL = ("dataset", "network", "target_density", "strategy", "layer")


def _numbers(results: Results) -> pd.DataFrame:
    """Open shares of the first seed of every strategy whose gates are not all open."""
    first = results.runs["seed"].min()
    rows = [
        {
            **{column: run[column] for column in (*GROUP, "seed")},
            "layer": layer + 1,
            "class": label,
            "block": block,
            "open_share": share,
        }
        for run, record in zip(results.runs.to_dict("records"), results.records, strict=True)
        if run["seed"] == first and record["status"] == "ok" and run["test_density"] < 1
        for layer, by_class in enumerate(record["gates_by_class"])
        for label, by_block in enumerate(by_class)
        for block, share in enumerate(by_block)
    ]
    return pd.DataFrame(rows)


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    figure, divided = panels(numbers, _PANEL, height=2.3, columns=3)
    image = None
    for ax, rows in divided:
        table = rows.pivot_table(index="class", columns="block", values="open_share", sort=True)
        image = ax.imshow(table, cmap="cividis", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        if not ax.get_title():
            ax.set_title(rows.iloc[0]["strategy"])
        ax.set_yticks(range(len(table.index)), [str(label) for label in table.index])
        ax.set_xlabel("block")
        ax.set_ylabel("class")
        ax.grid(visible=False)
    if image is not None:
        # As thin beside many rows of panels as beside one.
        rows_of_panels = len({round(ax.get_position().y0, 3) for ax in figure.axes})
        figure.colorbar(image, ax=figure.axes, label="share of examples", aspect=20 * rows_of_panels)
    return figure


def _caption(results: Results) -> str:
    first = results.runs["seed"].min()
    return (
        "Share of a class's test examples for which each block is computed, from executed gates "
        f"(paper, figure 1). Seed {first} of each strategy; blocks have no common order between strategies."
    )


GATES_BY_CLASS = Figure("gates_by_class", "Gates by class", _numbers, _draw, _caption)
