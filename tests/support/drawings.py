"""What is drawn of a table, read back from the drawing."""

from typing import Any

import matplotlib as mpl
import matplotlib.figure
import numpy as np
import pandas as pd

from studies.report.drawing.figure import Figure
from studies.report.drawing.panels import panels_of
from studies.report.drawing.style import theme


def drawn(figure: Figure, numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    with mpl.rc_context(theme()):
        return figure.draw(numbers)


def axes_of(figure: Figure, numbers: pd.DataFrame) -> list[Any]:
    """Its panels; colour bars are none."""
    return list(panels_of(drawn(figure, numbers)))


def legend_of(figure: Figure, numbers: pd.DataFrame) -> list[str]:
    """What its legend names; empty if it has none."""
    return [text.get_text() for legend in drawn(figure, numbers).legends for text in legend.get_texts()]


def row_of(numbers: pd.DataFrame, **key: Any) -> dict[Any, Any]:
    """The only row with these values."""
    for column, value in key.items():
        numbers = numbers[numbers[column] == value]
    (row,) = numbers.to_dict("records")
    return row


def lines_of(ax: Any) -> list[list[tuple[float, float]]]:
    return [[(round(x, 6), round(y, 6)) for x, y in np.asarray(line.get_xydata(), float)] for line in ax.lines]


def segments_of(ax: Any) -> list[list[tuple[float, float]]]:
    return [
        [(round(float(x), 6), round(float(y), 6)) for x, y in segment]
        for collection in ax.collections
        if hasattr(collection, "get_segments")
        for segment in collection.get_segments()
    ]


def picture(figure: Figure, numbers: pd.DataFrame) -> str:
    """Everything that is drawn, to be compared: NaN, of intervals that do not exist, is the same as itself."""
    return repr(
        [
            (
                ax.get_title(),
                [label.get_text() for label in ax.get_yticklabels()] if not ax.get_ylabel() else [],
                lines_of(ax),
                segments_of(ax),
                [np.ma.filled(entry.get_offsets(), np.nan).round(9).tolist() for entry in ax.collections],
                [np.asarray(image.get_array()).tolist() for image in ax.images],
                len(ax.patches),
            )
            for ax in axes_of(figure, numbers)
        ]
    )
