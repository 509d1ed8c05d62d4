"""Grids of panels, one per setting in which strategies are compared, and the legend above them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import matplotlib as mpl
import matplotlib.axes
import matplotlib.figure
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath

from studies.formatting import share
from studies.report.drawing.style import FAMILIES, Style, series_of

_NAMES = {"target_density": "τ = ", "layer": "layer ", "reference": "against "}
# More strategies than these in one panel are not told apart.
MOST_TOGETHER = 9


class Panel(NamedTuple):
    """Axes, and the rows that belong there."""

    ax: matplotlib.axes.Axes
    rows: pd.DataFrame


class Labels(NamedTuple):
    """Axis labels, shared by all panels."""

    x: str
    y: str


def panels(
    numbers: pd.DataFrame,
    by: Sequence[str],
    labels: Labels,
    *,
    height: float = 2.3,
    columns: int = 3,
    narrowest: float = 1.75,
) -> tuple[matplotlib.figure.Figure, Iterator[Panel]]:
    """Return a figure and its panels, one per combination of ``by``, each with axes of its own.

    Args:
        numbers: the table to divide.
        by: columns whose combinations are the panels.
        labels: of the axes.
        height: of one panel, in inches.
        columns: most panels in a row.
        narrowest: width of a panel, in inches, below which fewer are put in a row.
    """
    groups = _groups(numbers, by)
    across = max(1, min(columns, len(groups), int(_width() / narrowest)))
    figure, grid = _grid([height] * math.ceil(len(groups) / across), across)
    axes = [ax for row in grid for ax in row]
    for spare in axes[len(groups) :]:
        spare.remove()
    _label(figure, axes[: len(groups)], labels)
    varying = [column for column in by if numbers[column].nunique() > 1]

    def each_panel() -> Iterator[Panel]:
        for ax, rows in zip(axes, groups, strict=False):
            ax.set_title(wrapped(heading(rows, varying), 0.75 * _width() / across))
            yield Panel(ax, rows)

    return figure, each_panel()


def facets(
    numbers: pd.DataFrame,
    by: Sequence[str],
    labels: Labels,
    *,
    height: float = 2.3,
    share_x: Literal["none", "all", "row"] = "all",
    everywhere: str = "",
) -> tuple[matplotlib.figure.Figure, Iterator[Panel]]:
    """Return a figure and its panels as :func:`panels` does, unless there are too many strategies for one panel.

    Then each combination of ``by`` is a row of panels with the same axes, and each column holds a few families.

    Args:
        numbers: the table to divide, with a column that names lines, see
            :func:`studies.report.drawing.style.series_of`, and ``family``.
        by: columns whose combinations are the panels, or rows of panels.
        labels: of the axes.
        height: of one panel, in inches; of rows of panels less.
        share_x: which of them have the same horizontal axis then: all, those in a row, or none.
        everywhere: what stands in every panel of its row, whatever its family.
    """
    settings = _groups(numbers, by)
    if max(rows[series_of(rows)].nunique() for rows in settings) <= MOST_TOGETHER:
        return panels(numbers, by, labels, height=height)
    together = _families_together(numbers)
    share = 0.55 if len(settings) > 1 else 1.0
    figure, grid = _grid([share * height] * len(settings), len(together), share_x=share_x, share_y="row")
    varying = [column for column in by if numbers[column].nunique() > 1]
    if len(settings) > 1:
        for row, rows in zip(grid, settings, strict=True):
            row[0].set_ylabel("\n".join(heading(rows, varying)))
        figure.supylabel(labels.y)
    else:
        grid[0][0].set_ylabel(labels.y)
    figure.supxlabel(labels.x)
    for ax, families in zip(grid[0], together, strict=True):
        ax.set_title(wrapped(families, 0.75 * _width() / len(together)))

    def each_panel() -> Iterator[Panel]:
        for row, rows in zip(grid, settings, strict=True):
            for ax, families in zip(row, together, strict=True):
                own = rows["family"].isin(families)
                if own.any():
                    yield Panel(ax, rows[own | (rows[series_of(rows)] == everywhere)])

    return figure, each_panel()


def strips(
    numbers: pd.DataFrame, by: Sequence[str], order: Sequence[str], x_label: str, *, few: str | None = None
) -> tuple[matplotlib.figure.Figure, Iterator[Panel], dict[str, int]]:
    """Return a figure whose panels have a row per arm, and each arm's height in them.

    Args:
        numbers: the table to divide.
        by: columns whose combinations are the panels.
        order: all arms, from the bottom; panels side by side share their names.
        x_label: of the horizontal axes.
        few: a column whose values ``order`` has. Panels that span fewer than half of the arms come last then, in rows
            that are as high as their arms need.
    """
    places = {name: place for place, name in enumerate(order)}
    groups = _groups(numbers, by)
    whole = (0, len(order) - 1)
    spans = [whole if few is None else _span(rows[few].map(places), len(order)) for rows in groups]
    of_all = [at for at, span in enumerate(spans) if span == whole]
    of_few = [at for at, span in enumerate(spans) if span != whole]
    size = _size("ytick.labelsize")
    names = max(_text_width(name, size) for name in order) + 0.3
    across = max(1, min(3, max(len(of_all), len(of_few)), int((_width() - names) / 1.05)))
    pitch = 1.6 * size / 72
    # The groups that stand beside each other, and from where to where their arms go.
    beside = [side[at : at + across] for side in (of_all, of_few) for at in range(0, len(side), across)]
    ends = [(min(spans[at][0] for at in row), max(spans[at][1] for at in row)) for row in beside]
    heights = [pitch * (high - low + 1.5) + 0.5 * (len(groups) > 1) for low, high in ends]
    figure, grid = _grid(heights, across, share_y="row")
    figure.set_figheight(figure.get_figheight() + 0.6)
    for row, shown in zip(grid, beside, strict=True):
        for spare in row[len(shown) :]:
            spare.remove()
    # That of one panel would be longer than its axis.
    figure.supxlabel(x_label)
    varying = [column for column in by if numbers[column].nunique() > 1]

    def each_panel() -> Iterator[Panel]:
        for row, shown, (low, high) in zip(grid, beside, ends, strict=True):
            for ax, at in zip(row, shown, strict=False):
                ax.set_title(wrapped(heading(groups[at], varying), 0.95 * (_width() - names) / across))
                ax.set_yticks(range(low, high + 1), order[low : high + 1])
                ax.tick_params(axis="y", length=0)
                ax.set_ylim(low - 0.6, high + 0.6)
                ax.spines["left"].set_visible(False)
                yield Panel(ax, groups[at])

    return figure, each_panel(), places


def _span(places: "pd.Series[int]", arms: int) -> tuple[int, int]:
    """Return the lowest and the highest place, or those of all arms unless fewer than half are between."""
    low, high = int(places.min()), int(places.max())
    return (low, high) if 2 * (high - low + 1) < arms else (0, arms - 1)


def best_last(numbers: pd.DataFrame, column: str) -> list[str]:
    """Return the arms by their mean of a column, lowest last: at the top of a strip."""
    means = numbers.groupby(series_of(numbers), sort=False)[column].mean()
    return [str(name) for name in means.sort_values(ascending=False, kind="stable").index]


def panels_of(figure: matplotlib.figure.Figure) -> list[matplotlib.axes.Axes]:
    """Return the axes of a figure without those of its colour bar."""
    return [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]


def line_handles(line_styles: Mapping[str, Style], *, lines: bool) -> list[Artist]:
    """Return a legend's entries for strategies; with ``lines`` for curves, else with markers only."""
    line: Literal["-", ""] = "-" if lines else ""
    return [
        Line2D([], [], color=style.colour, marker=style.marker, markersize=4.5, linestyle=line, label=name)
        for name, style in line_styles.items()
    ]


def legend(figure: matplotlib.figure.Figure, handles: Sequence[Artist]) -> None:
    """Put a legend above all panels, in as few lines as it takes, and make the figure higher by as much."""
    room = 0.98 * figure.get_figwidth() * figure.dpi
    for lines in range(1, len(handles) + 1):
        columns = math.ceil(len(handles) / lines)
        added = figure.legend(
            handles=handles, loc="outside upper center", ncols=columns, columnspacing=1.2, handlelength=1.6
        )
        extent = added.get_window_extent()
        if extent.width <= room or columns == 1:
            break
        added.remove()
    figure.set_figheight(figure.get_figheight() + extent.height / figure.dpi)


def heading(rows: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Say what rows have in these columns, in words."""
    first = rows.iloc[0]
    return [f"{_NAMES.get(column, '')}{_short(first[column])}" for column in columns]


def wrapped(parts: Sequence[str], width: float) -> str:
    """Join parts of a heading by commas, in as many lines as keep to a width in inches."""
    size = _size("axes.titlesize")
    lines: list[str] = []
    for part in parts:
        if lines and _text_width(f"{lines[-1]}, {part}", size) <= width:
            lines[-1] += f", {part}"
        else:
            lines.append(part)
    return "\n".join(lines)


def _groups(numbers: pd.DataFrame, by: Sequence[str]) -> list[pd.DataFrame]:
    return [rows for _, rows in numbers.groupby(list(by), sort=False)] if by else [numbers]


def _grid(
    heights: Sequence[float],
    across: int,
    *,
    share_x: Literal["none", "all", "row"] = "none",
    share_y: Literal["none", "all", "row"] = "none",
) -> tuple[matplotlib.figure.Figure, list[list[matplotlib.axes.Axes]]]:
    figure = matplotlib.figure.Figure(figsize=(_width(), sum(heights)), layout="constrained")
    axes = figure.subplots(len(heights), across, squeeze=False, sharex=share_x, sharey=share_y, height_ratios=heights)
    return figure, [list(row) for row in axes]


def _width() -> float:
    return float(mpl.rcParams["figure.figsize"][0])


def _label(figure: matplotlib.figure.Figure, axes: Sequence[matplotlib.axes.Axes], labels: Labels) -> None:
    if len(axes) == 1:
        axes[0].set_xlabel(labels.x)
        axes[0].set_ylabel(labels.y)
    else:
        figure.supxlabel(labels.x)
        figure.supylabel(labels.y)


def _short(value: object) -> str:
    return share(value) if isinstance(value, float) else str(value)


def _size(setting: Literal["axes.titlesize", "ytick.labelsize"]) -> float:
    """In points: matplotlib's own settings are words."""
    return float(FontProperties(size=mpl.rcParams[setting]).get_size_in_points())


def _text_width(text: str, size: float) -> float:
    """In inches, in the letters of the theme in force."""
    return float(TextPath((0, 0), text, size=size).get_extents().width) / 72


def _families_together(numbers: pd.DataFrame) -> list[list[str]]:
    """Put families into as few groups of at most ``MOST_TOGETHER - 1`` strategies as their order allows."""
    counts = numbers.groupby("family")[series_of(numbers)].nunique()
    groups: list[list[str]] = []
    size = 0
    for family in FAMILIES:
        if family not in counts:
            continue
        if groups and size + counts[family] < MOST_TOGETHER:
            groups[-1].append(family)
            size += counts[family]
        else:
            groups.append([family])
            size = counts[family]
    return groups
