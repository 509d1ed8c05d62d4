"""Speed-up of a gated layer over a dense one against density, one panel for each side that is gated."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import matplotlib.figure
import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.ticker import FuncFormatter, NullLocator

from studies.records.files import write_atomically
from studies.report.drawing.figure import save
from studies.report.drawing.style import theme

_TITLES = {"output": "output gates only", "both": "gates on both sides"}

UNITS = 1024


def numbers(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Return what is drawn: the rows of one layer against the dense baseline, at every batch size and density.

    Of a GPU these are the times of the device, without the host's.
    """
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    if (table["launch"] == "graph").any():
        table = table[table["launch"] == "graph"]
    chosen = table["case"].isin(["gemv", "minibatch"]) & (table["baseline"] == "dense") & (table["d_out"] == UNITS)
    columns = ["gated", "batch", "density", "ideal", "speedup", "speedup_p10", "speedup_p90", "device", "threads"]
    return table.loc[chosen, columns].sort_values(["gated", "batch", "density"], ascending=[False, True, True])


def write(rows: Sequence[dict[str, object]], picture: Path) -> None:
    """Write the picture, and beside it the numbers it shows as CSV.

    Raises:
        ValueError: the rows hold nothing to draw.
    """
    drawn = numbers(rows)
    if drawn.empty:
        raise ValueError(f"no row is of a layer of {UNITS} units against the dense baseline")
    write_atomically(picture.with_suffix(".csv"), drawn.to_csv(index=False, lineterminator="\n"))
    with mpl.rc_context(theme()):
        save(_draw(drawn), picture)


def _draw(drawn: pd.DataFrame) -> matplotlib.figure.Figure:
    panels = [gated for gated in _TITLES if gated in set(drawn["gated"])]
    figure, axes = plt.subplots(1, len(panels), figsize=(3.4 * len(panels), 3.0), squeeze=False, layout="constrained")
    batches = sorted(set(drawn["batch"]))
    colours = dict(zip(batches, sns.color_palette("viridis_r", len(batches)), strict=True))
    for ax, gated in zip(axes[0], panels, strict=True):
        rows = drawn[drawn["gated"] == gated]
        ideal = rows.drop_duplicates("density").sort_values("density")
        ax.plot(ideal["density"], ideal["ideal"], color="black", linestyle="--", linewidth=1.0, label="ideal")
        ax.axhline(1.0, color="#888888", linewidth=0.8)
        for batch, group in rows.groupby("batch"):
            style = {"color": colours[batch]}
            ax.plot(group["density"], group["speedup"], marker="o", markersize=3.5, label=f"batch {batch}", **style)
            ax.fill_between(group["density"], group["speedup_p10"], group["speedup_p90"], alpha=0.25, **style)
        ax.set_xscale("log", base=2)
        ax.set_yscale("log", base=2)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"1/{round(1 / value)}" if value < 1 else "1"))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_major_locator(mpl.ticker.FixedLocator(sorted(set(rows["density"]))))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_title(_TITLES[gated])
        ax.set_xlabel("density of open blocks")
    axes[0][0].set_ylabel(f"speed-up over dense, {UNITS} units")
    axes[0][-1].legend(loc="upper right")
    return figure
