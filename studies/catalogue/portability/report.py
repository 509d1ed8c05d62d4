"""The same networks in every way to run them: agreement, speed, and training."""

import pandas as pd

from studies.catalogue.portability.backends import trainings, ways
from studies.catalogue.portability.by_backend import by_way
from studies.formatting import count, number, percent
from studies.report.drawing.notes import sample_note
from studies.report.figures.seeds import SEEDS
from studies.results import SETTING, Results
from studies.results.table import Column, Table


def _ways(results: Results) -> pd.DataFrame:
    """A row per way and strategy, over all seeds and settings; what cannot be had here has its reason."""
    table = ways(results)
    grouped = table.groupby(["way", "arm", *SETTING], sort=False)
    found = grouped.agg(
        reason=("reason", "first"),
        examples=("examples", "sum"),
        other_gates=("other_gates", lambda counts: counts.sum(min_count=1)),
        difference=("difference", "max"),
        equal_predictions=("equal_predictions", "mean"),
        microseconds=("microseconds", "median"),
        speedup=("speedup", "median"),
        speedup_low=("speedup", "min"),
        speedup_high=("speedup", "max"),
        graphs=("graphs", "max"),
        compile_seconds=("compile_seconds", "median"),
    )
    return found.reset_index().assign(reason=lambda rows: rows["reason"].fillna(""))


def _trainings(results: Results) -> pd.DataFrame:
    grouped = trainings(results).groupby(["way", "arm", *SETTING], sort=False)
    found = grouped.agg(
        reason=("reason", "first"),
        parameter_difference=("parameter_difference", "max"),
        parameter_difference_median=("parameter_difference", "median"),
        equal_predictions=("equal_predictions", "mean"),
    )
    return found.reset_index().assign(reason=lambda rows: rows["reason"].fillna(""))


def _tiny(value: float) -> str:
    """Write a small positive number; a dash where there is none.

    >>> _tiny(0.0000021), _tiny(float("nan"))
    ('2.1e-06', '–')
    """
    return f"{value:.1e}" if value == value else "–"


WAYS = Table(
    name="ways",
    title="The same network in every way",
    numbers=_ways,
    columns=(
        Column("way", "way"),
        Column("arm", "arm"),
        Column("other_gates", "other gates", count),
        Column("difference", "difference", _tiny),
        Column("equal_predictions", "equal predictions", lambda value: percent(value, 2)),
        Column("microseconds", "µs", count),
        Column("speedup", "times as fast as reference", lambda value: number(value, 2)),
        Column("graphs", "graphs", count),
        Column("compile_seconds", "s to compile", lambda value: number(value, 1)),
        Column("reason", "cannot be had here"),
    ),
    caption=lambda results: (
        "Against the reference back end in double precision under the same gate noise: in how many examples of all "
        "seeds other blocks were opened, the largest difference of a logit in the others, and the share of equal "
        "predictions. Processor time of a batch on one core, and how many times as fast that is as the reference back "
        "end, which took turns with it: medians over seeds. Of torch.compile, the graphs that it cut the network into, "
        "and the seconds of the first call. " + sample_note(results)
    ),
)

TRAININGS = Table(
    name="trainings",
    title="Training on one back end or another",
    numbers=_trainings,
    columns=(
        Column("way", "back end"),
        Column("arm", "arm"),
        Column("parameter_difference_median", "median difference", _tiny),
        Column("parameter_difference", "largest", _tiny),
        Column("equal_predictions", "equal predictions", lambda value: percent(value, 2)),
        Column("reason", "cannot be had here"),
    ),
    caption=lambda results: (
        "After one epoch from the same initial values and with the same noise, against one on the reference back end: "
        "the largest difference of a parameter, median and largest over seeds, and the share of equal predictions. "
        + sample_note(results)
    ),
)

FIGURES = (
    by_way(
        "differences",
        "Differences to double precision",
        "difference",
        "largest difference of a logit",
        "Largest absolute difference of a class logit to the reference back end in double precision, over all "
        "examples in which the same blocks were opened; a point is a run.",
    ),
    by_way(
        "speed",
        "Speed against the reference back end",
        "speedup",
        "times as fast as the reference back end",
        "How many times as fast each way is as the reference back end on the same batch and one core, by processor "
        "time, in turns; a point is a run.",
        mark=1.0,
    ),
    SEEDS,
)

TABLES = (WAYS, TRAININGS)
