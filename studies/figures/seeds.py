"""Test error of every seed, per strategy, with the interval of the mean."""

import matplotlib.figure
import pandas as pd

from studies.figures.figure import Figure, sample_note
from studies.figures.panels import panels
from studies.figures.style import styles
from studies.results import GROUP, Results

_PANEL = ("dataset", "network", "target_density")


def _numbers(results: Results) -> pd.DataFrame:
    runs = results.counted
    shown = runs[[*GROUP, "family", "seed", "status"]].assign(test_error=runs["error"])
    summary = results.summary[[*GROUP, "mean", "ci_low", "ci_high", "test_density"]]
    return shown.merge(summary, on=list(GROUP), how="left")


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    most = int(numbers.groupby(list(_PANEL))["strategy"].nunique().max())
    figure, divided = panels(numbers, _PANEL, height=0.65 + 0.3 * most, columns=2, widest=5.2)
    looks = styles(numbers)
    for ax, rows in divided:
        # Best at the top; the strategies' seeds are paired, so the order is of means over the same seeds.
        order = rows.drop_duplicates("strategy").sort_values("mean", ascending=False)["strategy"].tolist()
        for place, strategy in enumerate(order):
            group = rows[rows["strategy"] == strategy].sort_values("seed")
            look, first = looks[strategy], group.iloc[0]
            for status, marker in (("ok", look.marker), ("failed", "x")):
                shown = group[(group["status"] == "ok") == (status == "ok")]
                ax.scatter(
                    100 * shown["test_error"],
                    [place + 0.16] * len(shown),
                    s=14,
                    color=look.colour,
                    marker=marker,
                    alpha=0.6,
                )
            ax.hlines(place - 0.16, 100 * first["ci_low"], 100 * first["ci_high"], color=look.colour, linewidth=1.6)
            ax.plot([100 * first["mean"]], [place - 0.16], "|", color=look.colour, markersize=9, markeredgewidth=2)
        ax.set_yticks(range(len(order)), [f"{name}  " for name in order])
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(-0.6, len(order) - 0.4)
        ax.grid(visible=False, axis="y")
        ax.set_xlabel("test error (%)")
    return figure


def _caption(results: Results) -> str:
    return (
        "Test error of every seed (points), its mean (tick) and the 95 % t interval of the mean over seeds (line). "
        + sample_note(results)
    )


SEEDS = Figure("seeds", "Every seed", _numbers, _draw, _caption)
