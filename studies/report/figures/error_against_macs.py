"""Test error against realised multiply-adds, every run a point."""

import matplotlib.figure
import pandas as pd
from matplotlib.lines import Line2D

from studies.design.dense_front import DENSE_FRONT
from studies.metric import error_label, in_units
from studies.report.drawing.external import caption_of_external, external_points, with_external
from studies.report.drawing.figure import Figure
from studies.report.drawing.macs import macs_or_typical, side_by_side
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, facets, legend, line_handles
from studies.report.drawing.scales import cut, error_axis, macs_axis
from studies.report.drawing.style import styles
from studies.results import GROUP, Results
from studies.results.summary import interval_kind

_PANEL = ("dataset", "network")
_GROUP = ["arm", "target_density"]


def _numbers(results: Results) -> pd.DataFrame:
    runs = results.counted
    shown = runs[[*GROUP, "family", "seed", "status"]].assign(
        test_macs=macs_or_typical(runs["test_macs"].astype(float), runs),
        test_error=runs["error"],
    )
    summary = results.summary[[*GROUP, "mean", "ci_low", "ci_high"]]
    own = pd.concat([shown.merge(summary, on=list(GROUP), how="left"), _front(results)], ignore_index=True)
    return with_external(own, external_points(results, _PANEL, costs=True))


def _front(results: Results) -> pd.DataFrame:
    """Return a row for every dense network of the dense front: its cost, and its mean error over seeds."""
    ended = results.front[results.front["status"] == "ok"]
    by_network = ended.groupby(["dataset", "network", "arm"], sort=False)
    points = by_network.agg(test_macs=("test_macs", "mean"), mean=("error", "mean")).reset_index()
    return points.assign(arm=DENSE_FRONT, family="control", status="ok").sort_values("test_macs")


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    labels = Labels("realised MACs per test example", error_label(numbers))
    figure, each_panel = facets(numbers, _PANEL, labels, height=2.8, share_x="row", everywhere=DENSE_FRONT)
    line_styles = styles(numbers[numbers["arm"] != DENSE_FRONT])
    for ax, every_row in each_panel:
        on_front = every_row["arm"] == DENSE_FRONT
        rows, dense = every_row[~on_front], every_row[on_front]
        ax.plot(dense["test_macs"], in_units(dense, dense["mean"]), color="black", linewidth=1.0, zorder=1)
        # What others found may have no target density.
        groups = [(str(arm), group) for (arm, _), group in rows.groupby(_GROUP, sort=False, dropna=False)]
        shifts = side_by_side([group["test_macs"].mean() for _, group in groups])
        for (arm, group), aside in zip(groups, shifts, strict=True):
            style = line_styles[arm]
            ok = group[group["status"] == "ok"]
            failed = group[group["status"] != "ok"]
            for shown, marker in ((ok, style.marker), (failed, "x")):
                ax.scatter(
                    aside * shown["test_macs"],
                    in_units(shown, shown["test_error"]),
                    s=8,
                    color=style.colour,
                    marker=marker,
                    alpha=0.4,
                    linewidths=0.8 if marker == "x" else 0,
                )
            first, centre = group.iloc[0], aside * group["test_macs"].mean()
            ends = in_units(first, cut(first["ci_low"], rows["test_error"])), in_units(first, first["ci_high"])
            ax.vlines(centre, *ends, color=style.colour, linewidth=1.2)
            ax.plot(
                [centre],
                [in_units(first, first["mean"])],
                color=style.colour,
                marker=style.marker,
                markersize=6,
                markeredgecolor="white",
                markeredgewidth=0.6,
            )
        macs_axis(ax)
        error_axis(ax, numbers["test_error"])
    handles = line_handles(line_styles, lines=False)
    if (numbers["arm"] == DENSE_FRONT).any():
        handles.append(Line2D([], [], color="black", linewidth=1.0, label=DENSE_FRONT))
    legend(figure, handles)
    return figure


def _caption(results: Results) -> str:
    return (
        "Test error against realised multiply-adds per test example, gater and every pass included. "
        "Small points are runs, crosses failed ones, at the median of their strategy's other runs if their "
        f"multiply-adds are not known; large points are means with {interval_kind(results)}, cut off below all runs; "
        "arms of nearly the same cost are drawn side by side; "
        "the line is the dense front, means over seeds. "
        "Both axes are logarithmic, that of the error unless one is 0. "
        + sample_note(results)
        + caption_of_external(results, _PANEL, costs=True)
    )


ERROR_AGAINST_MACS = Figure("error_against_macs", "Error against compute", _numbers, _draw, _caption)
