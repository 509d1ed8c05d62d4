"""How much a search flatters its winner: every run of it, its winners on fresh seeds, and optimism against its size."""

from dataclasses import replace

import pandas as pd

from strategies import find
from studies.analysis.optimism_curve import optimism_curve, optimism_of_searches
from studies.figures.every_run import EVERY_RUN
from studies.figures.expected_validation import EXPECTED_VALIDATION
from studies.figures.failures import FAILURES
from studies.figures.notes import sample_note
from studies.figures.optimism import OPTIMISM
from studies.figures.optimism_against_points import OPTIMISM_AGAINST_POINTS
from studies.figures.seeds import SEEDS
from studies.formatting import percent, points
from studies.protocol import Search
from studies.results import GROUP, SETTING, Results
from studies.statistics import t_interval
from studies.study import Study, Sweep
from studies.table import Column, Table

# What holds a strategy to its density is not searched: a search by error alone would buy error with open blocks.
AT_DEFAULTS = {
    name: {setting: find(name).space[setting].default for setting in ("lambda_s", "lambda_v", "penalty_warmup")}
    for name in ("reinforce", "straight_through")
}

SWEEP = Sweep(
    seeds=5,
    strategies=("small_dense", "reinforce", "straight_through", "top_k", "local_search"),
    # What the density still does by itself should not decide here.
    training={"epochs": 6, "density_tolerance": 1.0},
    # Nor is what multiplies the cost of a run.
    strategy_settings={
        **AT_DEFAULTS,
        "reinforce": {**AT_DEFAULTS["reinforce"], "baseline": "batch_minimum"},
        "local_search": {"steps": 1, "restarts": 0},
    },
    test_split="fixed",
    search=Search(points=16, seeds=2, searches=4, rerun_seeds=2),
)


def largest_search(results: Results) -> pd.DataFrame:
    """Return one row per strategy and setting: what the search of all K points seems to gain, and what it does gain.

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
        rows.append({**setting, "strategy": "median of all", "k": largest["k"].max(), **found_there})
    return pd.concat([table.reset_index(), pd.DataFrame(rows)], ignore_index=True)


def _caption(results: Results) -> str:
    return (
        "Validation error expected of one point, of the best of K on the tuning seed that chose it, and of that point "
        "on the other tuning seeds of its search; what the search seems to gain, and what of it is there on other "
        "seeds, in points; their difference is the optimism, with 95 % t intervals over the searches. The last row is "
        f"the median over strategies in each search. {sample_note(results)}"
    )


STUDY = Study(
    question="How much too good does the best of K runs look, and how fast does that grow with K?",
    source="retrospective, R2",
    figures=(OPTIMISM_AGAINST_POINTS, EVERY_RUN, OPTIMISM, EXPECTED_VALIDATION, SEEDS, FAILURES),
    tables=(
        Table(
            "largest_search",
            "What the search of K points seems to gain",
            largest_search,
            (
                Column("strategy", "strategy"),
                Column("one_point", "one point", percent),
                Column("chosen_by", "best of K", percent),
                Column("afterwards", "on other seeds", percent),
                Column("seeming_gain", "seeming gain", lambda gain: points(gain, signed=False)),
                Column("gain", "gain", lambda gain: points(gain, signed=False)),
                Column("optimism", "optimism", points),
                Column("ci_low", "from", points),
                Column("ci_high", "to", points),
            ),
            _caption,
        ),
    ),
    scales={
        "quick": replace(
            SWEEP,
            seeds=2,
            training={**SWEEP.training, "epochs": 4},
            search=Search(points=6, seeds=2, searches=2, rerun_seeds=2),
        ),
        "default": SWEEP,
        "paper": replace(
            SWEEP,
            seeds=20,
            training={**SWEEP.training, "epochs": 25},
            search=Search(points=64, seeds=3, searches=5, rerun_seeds=10),
        ),
    },
)
