"""What a search of K points seems to gain, and what of it is there on other seeds."""

from functools import partial

import pandas as pd

from studies.catalogue.optimism.optimism_against_points import OPTIMISM_AGAINST_POINTS
from studies.catalogue.optimism.optimism_curve import optimism_curve, optimism_of_searches
from studies.formatting import points
from studies.metric import difference_text, difference_units, error_text
from studies.report.drawing.notes import sample_note
from studies.report.figures.every_run import EVERY_RUN
from studies.report.figures.expected_validation import EXPECTED_VALIDATION
from studies.report.figures.failures import FAILURES
from studies.report.figures.optimism import OPTIMISM
from studies.report.figures.seeds import SEEDS
from studies.results import GROUP, SETTING, Results
from studies.results.statistics.intervals import t_interval
from studies.results.table import Column, Table


def largest_search(results: Results) -> pd.DataFrame:
    """Return one row per arm and setting: what the search of all K points seems to gain, and what it does gain.

    Errors are fractions: at one point, at the best of K by the seed that chose it, and at that point on other seeds. A
    last row of each setting has the median over strategies of each search's optimism, mean over the searches.
    """
    curve = optimism_curve(results)
    if curve.empty:
        return curve
    groups = curve.groupby(list(GROUP), sort=False)
    one, most = groups.first(), groups.last()
    table = most.assign(
        one_point=one["chosen_by"],
        seeming_gain=one["chosen_by"] - most["chosen_by"],
        gain=one["afterwards"] - most["afterwards"],
        test_density=results.summary.set_index(list(GROUP))["test_density"],
    )
    found = optimism_of_searches(results)
    largest = found[found["k"] == found["k"].max()]
    medians = largest.groupby([*SETTING, "search"], sort=False)["optimism"].median()
    rows = []
    for key, of_searches in medians.groupby(list(SETTING), sort=False):
        low, high = t_interval(of_searches.tolist())
        setting = dict(zip(SETTING, key, strict=True))
        found_there = {"optimism": of_searches.mean(), "ci_low": low, "ci_high": high}
        rows.append({**setting, "arm": "median of all", "k": largest["k"].max(), **found_there})
    return pd.concat([table.reset_index(), pd.DataFrame(rows)], ignore_index=True)


def _caption(results: Results) -> str:
    return (
        "Validation error expected of one point, of the best of K on the tuning seed that chose it, and of that point "
        "on the other tuning seeds of its search; what the search seems to gain, and what of it is there on other "
        f"seeds, in {difference_units(results.runs)}; their difference is the optimism, with 95 % t intervals over the "
        f"searches. The last row is the median over strategies in each search. {sample_note(results)}"
    )


FIGURES = (OPTIMISM_AGAINST_POINTS, EVERY_RUN, OPTIMISM, EXPECTED_VALIDATION, SEEDS, FAILURES)

TABLES = (
    Table(
        "largest_search",
        "What the search of K points seems to gain",
        largest_search,
        (
            Column("arm", "arm"),
            Column("one_point", "one point", error_text, keys=("dataset", "one_point")),
            Column("chosen_by", "best of K", error_text, keys=("dataset", "chosen_by")),
            Column("afterwards", "on other seeds", error_text, keys=("dataset", "afterwards")),
            Column(
                "seeming_gain", "seeming gain", partial(difference_text, signed=False), keys=("dataset", "seeming_gain")
            ),
            Column("gain", "gain", partial(difference_text, signed=False), keys=("dataset", "gain")),
            Column("optimism", "optimism", difference_text, keys=("dataset", "optimism")),
            Column("ci_low", "from", points),
            Column("ci_high", "to", points),
        ),
        _caption,
    ),
)
