"""Test error against realised multiply-adds, every run a point."""

import matplotlib.figure
import pandas as pd

from studies.report.drawing.figure import Figure
from studies.report.drawing.macs import macs_or_typical
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, facets, legend, line_handles
from studies.report.drawing.scales import cut, error_axis, macs_axis
from studies.report.drawing.style import styles
from studies.results import GROUP, Results

_PANEL = ("dataset", "network")


def _numbers(results: Results) -> pd.DataFrame:
    runs = results.counted
    shown = runs[[*GROUP, "family", "seed", "status"]].assign(
        test_macs=macs_or_typical(runs["test_macs"].astype(float), runs),
        test_error=runs["error"],
    )
    summary = results.summary[[*GROUP, "mean", "ci_low", "ci_high"]]
    return shown.merge(summary, on=list(GROUP), how="left")


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    labels = Labels("realised MACs per test example", "test error (%)")
    figure, each_panel = facets(numbers, _PANEL, labels, height=2.8, share_x="row")
    line_styles = styles(numbers)
    for ax, rows in each_panel:
        for (arm, _), group in rows.groupby(["arm", "target_density"], sort=False):
            style = line_styles[str(arm)]
            ok = group[group["status"] == "ok"]
            failed = group[group["status"] != "ok"]
            for shown, marker in ((ok, style.marker), (failed, "x")):
                ax.scatter(
                    shown["test_macs"],
                    100 * shown["test_error"],
                    s=8,
                    color=style.colour,
                    marker=marker,
                    alpha=0.4,
                    linewidths=0.8 if marker == "x" else 0,
                )
            first, centre = group.iloc[0], group["test_macs"].mean()
            ends = 100 * cut(first["ci_low"], rows["test_error"]), 100 * first["ci_high"]
            ax.vlines(centre, *ends, color=style.colour, linewidth=1.2)
            ax.plot(
                [centre],
                [100 * first["mean"]],
                color=style.colour,
                marker=style.marker,
                markersize=6,
                markeredgecolor="white",
                markeredgewidth=0.6,
            )
        macs_axis(ax)
        error_axis(ax, numbers["test_error"])
    legend(figure, line_handles(line_styles, lines=False))
    return figure


def _caption(results: Results) -> str:
    return (
        "Test error against realised multiply-adds per test example, gater and every pass included. "
        "Small points are runs, crosses failed ones, at the median of their strategy's other runs if their "
        "multiply-adds are not known; large points are means with 95 % t intervals over seeds, cut off below all runs. "
        "Both axes are logarithmic, that of the error unless one is 0. " + sample_note(results)
    )


ERROR_AGAINST_MACS = Figure("error_against_macs", "Error against compute", _numbers, _draw, _caption)
