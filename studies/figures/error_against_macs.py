"""Test error against realised multiply-adds, every run a point."""

import matplotlib.figure
import pandas as pd
from matplotlib.ticker import FuncFormatter, LogLocator

from studies.figures.figure import Figure, sample_note
from studies.figures.panels import error_axis, panels, strategy_legend
from studies.figures.style import styles
from studies.results import GROUP, Results

_PANEL = ("dataset", "network")


def _numbers(results: Results) -> pd.DataFrame:
    runs = results.counted
    shown = runs[[*GROUP, "family", "seed", "status"]].assign(
        test_macs=runs["test_macs"].astype(float).fillna(runs["dense_macs"].astype(float)),
        test_error=runs["error"],
    )
    summary = results.summary[[*GROUP, "mean", "ci_low", "ci_high"]]
    return shown.merge(summary, on=list(GROUP), how="left")


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    figure, divided = panels(numbers, _PANEL, height=3.3, columns=2, widest=5.0)
    looks = styles(numbers)
    for ax, rows in divided:
        for (strategy, _), group in rows.groupby(["strategy", "target_density"], sort=False):
            look = looks[str(strategy)]
            ok = group[group["status"] == "ok"]
            failed = group[group["status"] != "ok"]
            for shown, marker in ((ok, look.marker), (failed, "x")):
                ax.scatter(
                    shown["test_macs"], 100 * shown["test_error"], s=12, color=look.colour, marker=marker, alpha=0.5
                )
            first = group.iloc[0]
            centre = 100 * first["mean"]
            # The interval of fewer than two seeds does not exist, and is not drawn.
            bars = [[centre - 100 * first["ci_low"]], [100 * first["ci_high"] - centre]]
            ax.errorbar(
                [group["test_macs"].mean()],
                [centre],
                yerr=None if pd.isna(first["ci_low"]) else bars,
                fmt=look.marker,
                markersize=6,
                markeredgecolor="white",
                markeredgewidth=0.6,
                color=look.colour,
                capsize=2.5,
                elinewidth=1.0,
            )
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 3, 5)))
        ax.xaxis.set_major_formatter(FuncFormatter(_engineering))
        ax.xaxis.set_minor_formatter("")
        ax.set_xlabel("realised MACs per test example")
        ax.set_ylabel("test error (%)")
        error_axis(ax, rows["test_error"])
    strategy_legend(figure, looks, lines=False)
    return figure


def _engineering(value: float, _: object) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"


def _caption(results: Results) -> str:
    return (
        "Test error against realised multiply-adds per test example, gater and every pass included. "
        "Small points are runs; large ones are means with 95 % t intervals over seeds; both axes are logarithmic, that "
        "of the error unless one is 0. " + sample_note(results)
    )


ERROR_AGAINST_MACS = Figure("error_against_macs", "Error against compute", _numbers, _draw, _caption)
