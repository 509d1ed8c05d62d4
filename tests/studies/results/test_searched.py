"""A searched study from invented runs to its tables: intervals and verdicts are of the procedure."""

from dataclasses import replace

import numpy as np
import pytest

from studies.design import Search
from studies.design.freezing import FrozenStudy
from studies.design.runs import PlannedRun
from studies.report.sentences import sentences
from studies.results import Results
from studies.results.planning.designs import Observed
from studies.results.statistics.looks import look_levels
from tests.support.invented import Record, measured, results_of
from tests.support.records import design_of

SEARCH = Search(points=1, searches=4)
ARMS = ("small_dense", "reinforce")


def searched(searches: int = 4, seeds: int = 2, **changes) -> FrozenStudy:
    search = replace(SEARCH, searches=searches)
    return design_of(*ARMS, seeds=seeds, search=search, test_split="fixed", densities=(0.25,), **changes)


def invented(
    design: FrozenStudy, rng: np.random.Generator, *, of_search: float, difference: float = 0.0, noise: float = 0.01
) -> Results:
    """Errors about .2: what a search finds for an arm, what a seed does to all arms, and noise of each run."""
    found: dict[tuple[str, int], float] = {}
    shared: dict[int, float] = {}

    def record(run: PlannedRun) -> Record:
        assert run.search is not None
        seed = run.configuration.seed
        effect = found.setdefault((run.arm, run.search), of_search * rng.normal())
        luck = shared.setdefault(seed, 0.02 * rng.normal())
        return measured(run, 0.2 + difference * (run.arm == "reinforce") + effect + luck + noise * rng.normal())

    return results_of(design, record)


def of_searches(design: FrozenStudy, errors: dict[str, list[float]]) -> Results:
    """What each search's winner has, the same on all of its seeds but for a thousandth."""

    def record(run: PlannedRun) -> Record:
        assert run.search is not None
        return measured(run, errors[run.arm][run.search] + 0.001 * (run.configuration.seed % 10_000))

    return results_of(design, record)


@pytest.mark.slow
@pytest.mark.parametrize("of_search", [0.0, 0.02])
def test_intervals_cover_the_procedures_over_new_searches_and_new_seeds(of_search):
    rng = np.random.default_rng(410)
    design = searched()
    errors: list[bool] = []
    exploratory: list[bool] = []
    primary: list[bool] = []
    optimism: list[bool] = []
    plain = replace(design, sweep=replace(design.sweep, primary=()))
    for place in range(240):
        results = invented(design if place % 2 else plain, rng, of_search=of_search)
        row = results.summary.set_index("arm").loc["reinforce"]
        errors.append(bool(row["ci_low"] <= 0.2 <= row["ci_high"]))
        contrast = results.contrasts.iloc[0]
        (primary if contrast["primary"] else exploratory).append(bool(contrast["ci_low"] <= 0.0 <= contrast["ci_high"]))
        flattered = results.optimism.set_index("arm").loc["reinforce"]
        optimism.append(bool(flattered["ci_low"] <= 0.0 <= flattered["ci_high"]))
    # Some three standard errors of 240 and of 120 draws; intervals of primary contrasts are widened for skewness.
    assert 0.908 < np.mean(errors) < 0.992
    assert np.mean(exploratory) > 0.89
    assert np.mean(primary) >= 0.95
    assert 0.908 < np.mean(optimism) < 0.992


def test_the_first_searchs_winner_decides_nothing():
    # Its winner is far better than the reference; those of the others are as far behind.
    results = of_searches(searched(), {"small_dense": [0.20, 0.21, 0.20, 0.21], "reinforce": [0.05, 0.35, 0.34, 0.36]})
    row = results.contrasts.iloc[0]
    assert row["primary"]
    assert row["difference"] == pytest.approx((-0.15 + 0.14 + 0.14 + 0.15) / 4)
    assert row["verdict"] == "undecided"
    summary = results.summary.set_index("arm").loc["reinforce"]
    assert summary["selected_mean"] == pytest.approx(0.0505)
    assert summary["mean"] == pytest.approx(0.2755)


def test_a_verdict_is_of_all_searches():
    errors = {"small_dense": [0.30, 0.301, 0.299, 0.30, 0.301], "reinforce": [0.10, 0.101, 0.10, 0.101, 0.10]}
    results = of_searches(searched(searches=5), errors)
    row = results.contrasts.iloc[0]
    assert (row["verdict"], row["units"], row["n"]) == ("better", 5, 10)
    assert row["ci_high"] < 0
    assert results.looks["verdict"].tolist() == ["better"]
    ((_, said),) = sentences(results.contrasts)
    assert said[0].startswith("reinforce is better than small_dense")


@pytest.mark.parametrize(("searches", "expected"), [(1, "R = 1 search"), (2, "R = 2 searches")])
def test_fewer_than_three_searches_have_no_verdict(searches, expected):
    errors = {"small_dense": [0.30, 0.31], "reinforce": [0.10, 0.11]}
    results = of_searches(searched(searches=searches), errors)
    row = results.contrasts.iloc[0]
    assert row["verdict"] == ""
    assert row["withheld"].startswith(expected)
    # One search shows no variance, and is no look.
    assert results.looks["verdict"].tolist() == [""] * (searches - 1)
    ((_, said),) = sentences(results.contrasts)
    assert f"has no verdict, since {expected}" in said[0]


def test_searches_that_find_the_same_have_an_interval_still():
    results = of_searches(searched(), {"small_dense": [0.2] * 4, "reinforce": [0.2] * 4})
    assert results.summary[["ci_low", "ci_high"]].to_numpy().tolist() == [[0.0, 1.0]] * 2
    row = results.contrasts.iloc[0]
    assert (row["ci_low"], row["ci_high"], row["verdict"]) == (-1.0, 1.0, "undecided")


def test_no_interval_leaves_the_range_of_errors():
    errors = {"small_dense": [0.02, 0.03, 0.02, 0.03], "reinforce": [0.05, 0.85, 0.03, 0.88]}
    results = of_searches(searched(), errors)
    assert results.summary["ci_low"].between(0, 1).all()
    assert results.summary["ci_high"].between(0, 1).all()
    assert (results.summary["ci_low"] < results.summary["mean"]).all()
    assert results.contrasts["ci_low"].between(-1, 1).all()
    assert results.contrasts["ci_high"].between(-1, 1).all()


def test_a_look_is_at_all_seeds_of_the_first_searches():
    design = searched(searches=5, looks=(3, 5, 8))
    rng = np.random.default_rng(411)
    results = invented(design, rng, of_search=0.01)
    runs = results.counted.pivot_table(index=["search", "seed"], columns="arm", values="error")
    differences = (runs["reinforce"] - runs["small_dense"]).reset_index(name="difference")
    early = differences[differences["search"] < 3]
    assert results.looks["units"].tolist() == [3, 5]
    assert results.looks["difference"].tolist() == pytest.approx(
        [early["difference"].mean(), differences["difference"].mean()]
    )
    levels = look_levels((3, 5, 8), 0.05)
    assert results.looks["level"].tolist() == [*levels[:2]]
    last, contrast = results.looks.iloc[1], results.contrasts.iloc[0]
    assert (contrast["level"], contrast["ci_low"]) == pytest.approx((levels[1], last["ci_low"]))
    assert (contrast["verdict"], contrast["withheld"]) == (last["verdict"], "")


def test_a_number_of_searches_that_is_no_look_has_no_verdict_however_many_seeds_there_are():
    errors = {"small_dense": [0.30, 0.301, 0.299, 0.30], "reinforce": [0.10, 0.101, 0.10, 0.101]}
    results = of_searches(searched(seeds=3, looks=(3, 5)), errors)
    row = results.contrasts.iloc[0]
    assert (row["verdict"], row["withheld"]) == ("", "4 searches are no look of the study")
    assert results.looks["units"].tolist() == [3]


def test_a_simulated_design_draws_differences_of_searches():
    results = of_searches(searched(), {"small_dense": [0.20, 0.21, 0.20, 0.21], "reinforce": [0.05, 0.35, 0.34, 0.36]})
    observed = Observed.of(results)
    assert observed is not None
    differences = np.array([-0.15, 0.14, 0.14, 0.15])
    assert observed.differences == pytest.approx((differences - differences.mean()) / differences.std(ddof=1))


def test_a_failed_run_of_any_winner_withholds_the_verdict():
    design = searched()

    def record(run: PlannedRun) -> Record:
        made = measured(run, 0.1 + 0.01 * (run.search or 0) + 0.2 * (run.arm == "small_dense"))
        failed = run.arm == "reinforce" and run.configuration.seed == 30_001
        return made | {"status": "nan", "test_error": None, "reason": "lost"} if failed else made

    results = results_of(design, record)
    row = results.contrasts.iloc[0]
    assert (row["verdict"], row["withheld"], row["failures"], row["units"]) == ("", "runs failed", 1, 4)
    summary = results.summary.set_index("arm").loc["reinforce"]
    assert (summary["n"], summary["failures"]) == (8, 1)
    # One of eight runs, in four searches: not known better than from four runs.
    assert summary["failure_high"] > 0.5
