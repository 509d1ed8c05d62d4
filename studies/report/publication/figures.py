"""What a study that repeats a publication shows: published errors beside ours, and errors against times."""

from collections.abc import Sequence

import matplotlib.figure
import pandas as pd
from matplotlib.lines import Line2D

from studies.metric import error_label, in_units
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, legend, line_handles, panels, strips
from studies.report.drawing.scales import error_axis, ratio_axis
from studies.report.drawing.seeds_in_a_row import draw_seeds
from studies.report.drawing.style import styles
from studies.report.figures.failures import FAILURES
from studies.report.figures.forest import FOREST
from studies.report.figures.gates_by_class import GATES_BY_CLASS
from studies.report.figures.learning_curves import LEARNING_CURVES
from studies.report.publication.numbers import Published, beside, pass_times
from studies.results import Results
from studies.results.examples.covered import over

_PUBLISHED = "#D55E00"


def publication_figures(rows: Sequence[Published], source: str) -> tuple[Figure, ...]:
    """Return what a study draws that repeats a publication: the two figures below, and those of every study that fit.

    Args:
        rows: what was published.
        source: where.
    """
    own = published_errors(rows, source), error_against_time(rows, source)
    return (*own, FOREST, LEARNING_CURVES, GATES_BY_CLASS, FAILURES)


def published_errors(rows: Sequence[Published], source: str) -> Figure:
    """Return a figure of the published and our errors, a line per model in the publication's order.

    Args:
        rows: what was published.
        source: where.
    """

    def numbers(results: Results) -> pd.DataFrame:
        runs = pass_times(results)[["dataset", "arm", "family", "seed", "status", "error"]]
        return beside(results, rows)[["dataset", "arm", "published_error", "mean", "ci_low", "ci_high"]].merge(
            runs, on=["dataset", "arm"]
        )

    def caption(results: Results) -> str:
        return (
            f"Test error as published ({source}; diamonds, without any interval) and here: every seed (points; crosses "
            f"failed), mean (tick) and 95 % interval of the mean over {over(results.summary)} (line, cut off below all "
            "runs). The axis is logarithmic unless an error is 0. " + sample_note(results)
        )

    return Figure("published_errors", "Published and measured errors", numbers, _draw_errors, caption)


def _draw_errors(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    order = list(dict.fromkeys(numbers["arm"]))[::-1]
    figure, each_panel, places = strips(numbers, ("dataset",), order, error_label(numbers))
    line_styles = styles(numbers)
    shown_errors = pd.concat([numbers["error"], numbers["published_error"]])
    for ax, rows in each_panel:
        for arm, group in rows.groupby("arm", sort=False):
            style, place, first = line_styles[str(arm)], places[str(arm)], group.iloc[0]
            ax.add_line(_diamond([in_units(first, first["published_error"])], [place]))
            draw_seeds(ax, group, "error", rows, place, 0.15, style)
        error_axis(ax, shown_errors, horizontal=True)
    legend(figure, [_diamond([], [], "published"), *_seed_handles()])
    return figure


def _diamond(x: Sequence[float], y: Sequence[float], label: str = "") -> Line2D:
    return Line2D(
        x,
        y,
        color=_PUBLISHED,
        marker="D",
        markersize=5,
        markerfacecolor="white",
        markeredgewidth=1.2,
        linestyle="",
        label=label,
    )


def _seed_handles() -> list[Line2D]:
    grey = "#555555"
    return [
        Line2D([], [], color=grey, marker="o", markersize=3, alpha=0.5, linestyle="", label="seeds"),
        Line2D([], [], color=grey, marker="|", markersize=6, linewidth=1.4, label="mean, 95 % interval"),
    ]


def error_against_time(rows: Sequence[Published], source: str) -> Figure:
    """Return a figure of error against the seconds of one test pass, with and without the sparse kernels.

    Args:
        rows: what was published; times that were get a panel of their own, since clocks and test sets differ.
        source: where.
    """

    def numbers(results: Results) -> pd.DataFrame:
        runs = pass_times(results)[["dataset", "arm", "family", "error", "seconds", "masked_seconds"]]
        runs = runs[runs["seconds"].notna()]
        families = runs.drop_duplicates("arm").set_index("arm")["family"]
        if runs.empty:
            return runs
        printed = [
            {
                "dataset": runs["dataset"].iloc[0],
                "panel": "published",
                "arm": row.arm,
                "family": families[row.arm],
                "error": row.error,
                "seconds": row.seconds,
                "masked_seconds": row.masked_seconds,
            }
            for row in rows
            if row.arm in families and row.seconds is not None
        ]
        ours = runs.assign(panel="measured on " + runs["dataset"])
        return pd.concat([pd.DataFrame(printed, columns=ours.columns).astype(ours.dtypes), ours], ignore_index=True)

    def caption(results: Results) -> str:
        return (
            f"Test error against the seconds of one pass over the test split on one core, as published ({source}), "
            "where times were, and here: small points are seeds, large ones means. Filled markers are with the sparse "
            "kernels, hollow ones, joined to them by a line, without: all blocks computed, then masked. Both axes are "
            "logarithmic, that of the error unless one is 0. " + sample_note(results)
        )

    return Figure("error_against_time", "Error against time", numbers, _draw_times, caption)


def _draw_times(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    labels = Labels("seconds of one pass over the test split", error_label(numbers))
    figure, each_panel = panels(numbers, ("panel",), labels, height=2.8, columns=2)
    line_styles = styles(numbers)
    for ax, rows in each_panel:
        for arm, group in rows.groupby("arm", sort=False):
            style = line_styles[str(arm)]
            if len(group) > 1:
                ax.scatter(
                    group["seconds"],
                    in_units(group, group["error"]),
                    s=7,
                    color=style.colour,
                    marker=style.marker,
                    alpha=0.35,
                    linewidths=0,
                )
            error, seconds, masked = (group[key].mean() for key in ("error", "seconds", "masked_seconds"))
            error = in_units(group.iloc[0], error)
            if pd.notna(masked):
                ax.plot([seconds, masked], [error] * 2, color=style.colour, linewidth=0.8, alpha=0.6)
                ax.plot(
                    [masked],
                    [error],
                    color=style.colour,
                    marker=style.marker,
                    markersize=5,
                    markerfacecolor="white",
                )
            ax.plot(
                [seconds],
                [error],
                color=style.colour,
                marker=style.marker,
                markersize=6,
                markeredgecolor="white",
                markeredgewidth=0.6,
            )
        ratio_axis(ax, horizontal=True)
        error_axis(ax, numbers["error"])
    legend(figure, line_handles(line_styles, lines=False))
    return figure
