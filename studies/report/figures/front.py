"""The trade-off between compute and error over densities: attainment surfaces beside the dense curve."""

from collections.abc import Iterator
from typing import Any

import matplotlib.axes
import matplotlib.figure
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from studies.metric import error_label, in_units
from studies.report.drawing.external import caption_of_external, external_points
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, facets, legend, line_handles
from studies.report.drawing.scales import error_axis, ratio_axis
from studies.report.drawing.style import Style, styles
from studies.results import FRONT, GROUP, Results
from studies.results.hypervolumes import normalised_points
from studies.results.statistics.fronts import attainment

_PANEL = ("dataset", "network")
_LEVELS = (0.25, 0.5, 0.75)
_COLUMNS = ("family", "kind", "level", "target_density", "share", "error", "n", "failures")
DENSE = "dense networks"


def _numbers(results: Results) -> pd.DataFrame:
    """Rows of the kinds mean, dense (means of the dense networks) and surface, each of these with its level."""
    runs = results.counted
    runs = runs.assign(share=runs["test_macs"].astype(float) / runs["dense_macs"].astype(float))
    dense = (runs["family"] == "control") & ~runs["gated"].astype(bool)
    rows: list[dict[str, Any]] = []
    for key, group in runs[~dense].groupby(list(FRONT), sort=False):
        if group["target_density"].nunique() > 1:
            common = {**dict(zip(FRONT, key, strict=True)), "family": group["family"].iloc[0]}
            rows += [{**common, "kind": "mean", **point} for point in _means(group)]
            rows += [{**common, "kind": "surface", **point} for point in _surfaces(group)]
    dense_runs = pd.concat([runs[dense], _on_front(results)], ignore_index=True)
    for panel, group in dense_runs.groupby(list(_PANEL), sort=False):
        common = {**dict(zip(_PANEL, panel, strict=True)), "arm": DENSE, "family": "control", "kind": "dense"}
        rows += [{**common, **point} for point in _dense_curve(group)] if rows else []
    rows += _external(results) if rows else []
    return pd.DataFrame(rows, columns=[*FRONT, *_COLUMNS])


def _external(results: Results) -> list[dict[str, Any]]:
    """Return a row for each mean of others: it is a point, at its share of this study's whole dense network."""
    whole = results.runs.drop_duplicates(list(_PANEL))[[*_PANEL, "dense_macs"]]
    points = external_points(results, _PANEL, costs=True)
    if points.empty:
        return []
    grouped = points.groupby([*GROUP, "family"], sort=False, dropna=False)
    means = grouped.agg(macs=("test_macs", "mean"), error=("mean", "first"), n=("n", "first")).reset_index()
    means = means.merge(whole, on=list(_PANEL), how="left")
    shares = means["macs"] / means["dense_macs"].astype(float)
    shown = means.assign(kind="mean", share=shares, failures=0).drop(columns=["macs", "dense_macs"])
    return [{str(name): value for name, value in row.items()} for row in shown.to_dict("records")]


def _on_front(results: Results) -> pd.DataFrame:
    """Return the runs of the dense front, with their share of the whole dense network's multiply-adds."""
    front = results.front
    whole = results.runs.drop_duplicates(list(_PANEL))[[*_PANEL, "dense_macs"]]
    front = front.drop(columns="dense_macs").merge(whole, on=list(_PANEL), how="left")
    return front.assign(share=front["test_macs"].astype(float) / front["dense_macs"].astype(float))


def _means(group: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for density, of_density in group.groupby("target_density"):
        share = of_density["share"].mean()
        yield {
            "target_density": density,
            "share": density if np.isnan(share) else share,
            "error": of_density["error"].mean(),
            "n": len(of_density),
            "failures": of_density["failed"].sum(),
        }


def _surfaces(group: pd.DataFrame) -> Iterator[dict[str, Any]]:
    chance = float(group["chance_error"].iloc[0])
    points = [normalised_points(of_seed) * (1.0, chance) for _, of_seed in group.groupby("seed")]
    # What is reached with less is reached with more: the last step ends where the strategy's runs do.
    furthest = group.loc[~group["failed"], "share"].max()
    for level in _LEVELS:
        surface = attainment(points, level)
        for share, error in surface:
            yield {"level": level, "share": share, "error": error}
        if len(surface):
            yield {"level": level, "share": furthest, "error": surface[-1][1]}


def _dense_curve(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """Means of networks of the same size: the whole one does not change with the target density."""
    sizes = runs.groupby(["arm", "target_density"])["share"].transform("mean").round(6)
    curve = runs.groupby(sizes)["error"].agg(["mean", "size"])
    return [{"share": share, "error": row["mean"], "n": int(row["size"])} for share, row in curve.iterrows()]


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    gated = numbers[numbers["kind"] != "dense"]
    labels = Labels("realised MACs relative to the dense network (%)", error_label(numbers))
    figure, each_panel = facets(gated, _PANEL, labels, height=2.8)
    line_styles = styles(gated)
    for ax, rows in each_panel:
        first = rows.iloc[0]
        for arm, group in rows.groupby("arm", sort=False):
            _draw_strategy(ax, group, line_styles[str(arm)])
        here = (numbers["dataset"] == first["dataset"]) & (numbers["network"] == first["network"])
        dense = numbers[here & (numbers["kind"] == "dense")]
        ax.plot(
            100 * dense["share"],
            in_units(dense, dense["error"]),
            color="black",
            linewidth=1.2,
            marker="o",
            markersize=3,
        )
        ratio_axis(ax, horizontal=True)
        error_axis(ax, numbers["error"])
    handles = line_handles(line_styles, lines=True)
    if (numbers["kind"] == "dense").any():
        handles.append(Line2D([], [], color="black", linewidth=1.2, marker="o", markersize=3, label=DENSE))
    legend(figure, handles)
    return figure


def _draw_strategy(ax: matplotlib.axes.Axes, group: pd.DataFrame, style: Style) -> None:
    surfaces = {level: group[group["level"] == level] for level in _LEVELS}
    low, median, high = (surfaces[level] for level in _LEVELS)
    ax.step(100 * median["share"], in_units(median, median["error"]), where="post", color=style.colour, linewidth=1.2)
    if len(high):
        # Steps of both ends at the places of either, from where both are reached.
        at = np.unique(np.concatenate([low["share"], high["share"]]))
        at = at[at >= high["share"].min()]
        better, worse = (in_units(surface.iloc[0], _step(surface, at)) for surface in (low, high))
        ax.fill_between(100 * at, better, worse, step="post", color=style.colour, alpha=0.15, linewidth=0)
    means = group[group["kind"] == "mean"]
    for failed, marker in ((False, style.marker), (True, "x")):
        shown = means[(means["failures"] == means["n"]) == failed]
        ax.scatter(
            100 * shown["share"], in_units(shown, shown["error"]), s=16, color=style.colour, marker=marker, zorder=3
        )


def _step(surface: pd.DataFrame, at: np.ndarray) -> np.ndarray:
    """The error that a surface reaches with each share: that of its last point up to there."""
    places = np.searchsorted(surface["share"].to_numpy(), at, side="right") - 1
    return np.asarray(surface["error"].to_numpy()[places], dtype=float)


def _caption(results: Results) -> str:
    return (
        "Test error against realised multiply-adds, relative to the dense network's. Points are means over seeds at "
        "each target density; crosses are means of runs that all failed, at the target density if their multiply-adds "
        "are not known. Steps are median attainment surfaces over all densities: half of the seeds reach that error "
        "with those multiply-adds, or better; bands lie between the surfaces of a quarter and of three quarters of the "
        "seeds, where there are both. Black: dense networks of several sizes, means over seeds. Both axes are "
        "logarithmic, that of the error unless one is 0. "
        + sample_note(results)
        + caption_of_external(results, _PANEL, costs=True)
    )


FRONT_OF_DENSITIES = Figure("front", "Error against compute over densities", _numbers, _draw, _caption)
