"""The numbers of each figure on studies small enough to work out by hand, and what no number says of its drawing."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.colors import to_hex
from scipy import special

from studies.design import Primary, Search
from studies.design.runs import PlannedRun
from studies.report.figures.detectable import DETECTABLE
from studies.report.figures.error_against_macs import ERROR_AGAINST_MACS
from studies.report.figures.every_run import EVERY_RUN
from studies.report.figures.expected_validation import EXPECTED_VALIDATION
from studies.report.figures.failures import FAILURES
from studies.report.figures.forest import FOREST
from studies.report.figures.front import DENSE, FRONT_OF_DENSITIES
from studies.report.figures.gates_by_class import GATES_BY_CLASS
from studies.report.figures.improvement import IMPROVEMENT
from studies.report.figures.learning_curves import LEARNING_CURVES
from studies.report.figures.optimism import OPTIMISM
from studies.report.figures.profile import PROFILE
from studies.report.figures.seeds import SEEDS
from studies.results import Results
from tests.support.drawings import axes_of, legend_of, row_of
from tests.support.invented import Record, measured, random_record, results_of
from tests.support.records import CHANCE, design_of, record_of


def of_errors(errors: dict[str, list[float | None]], **changes: Any) -> Results:
    """A study whose runs have these test errors, one per seed; None is a run that failed."""

    def record(run: PlannedRun) -> Record:
        error = errors[run.configuration.strategy][run.configuration.seed]
        return record_of(run.configuration, "error") if error is None else measured(run, error)

    seeds = len(next(iter(errors.values())))
    return results_of(design_of(*errors, seeds=seeds, **changes), record)


# Of each point of each search the validation error on its two tuning seeds; None failed.
TRIED: dict[str, dict[int, list[tuple[float, float | None]]]] = {
    "small_dense": {0: [(0.4, 0.4), (0.2, 0.2), (0.3, 0.3)], 1: [(0.2, 0.2), (0.5, 0.5), (0.5, 0.5)]},
    "reinforce": {0: [(0.3, 0.3), (0.1, None), (0.15, 0.25)], 1: [(0.6, 0.6), (0.6, 0.6), (0.6, 0.6)]},
}
# Test error on each evaluation seed; validation error there is 0.02 lower.
FRESH = {"small_dense": [0.30, 0.32], "reinforce": [0.25, 0.29]}


def tried(run: PlannedRun) -> Record:
    strategy = run.configuration.strategy
    if run.configuration.stage == "evaluate":
        fresh = FRESH[strategy][run.configuration.seed % 10_000] + (0.1 if run.search else 0.0)
        return measured(run, fresh, macs=60.0) | {"validation_error": fresh - 0.02}
    assert run.search is not None
    assert run.point is not None
    error = TRIED[strategy][run.search][run.point][run.configuration.seed % 1000]
    if error is None:
        return record_of(run.configuration, "error") | {"dense_macs": 200.0}
    return measured(run, error, macs=40.0 + 10.0 * run.point)


@pytest.fixture(scope="module")
def searched():
    """Two strategies, searched twice: three points on two tuning seeds; each winner on two seeds of its own."""
    search = Search(points=3, seeds=2, searches=2)
    return results_of(design_of("small_dense", "reinforce", seeds=2, test_split="fixed", search=search), tried)


class TestEveryRun:
    def test_all_runs_of_the_search_and_the_selected_ones_are_there_and_no_other(self, searched):
        numbers = EVERY_RUN.numbers(searched)
        # 2 strategies x 2 searches x 3 points x 2 tuning seeds, and 2 strategies x 2 searches x 2 evaluation seeds.
        assert numbers["stage"].value_counts().to_dict() == {"search": 24, "evaluate": 8}
        fresh = numbers[numbers["stage"] == "evaluate"]
        for arm, errors in FRESH.items():
            expected = [error + shift for error in errors for shift in (0.0, 0.1)]
            assert fresh.loc[fresh["arm"] == arm, "error"].tolist() == pytest.approx(expected)
        assert set(fresh["macs"]) == {60.0}

    def test_a_run_of_the_search_is_at_its_validation_error_and_multiply_adds(self, searched):
        numbers = EVERY_RUN.numbers(searched)
        row = row_of(numbers, stage="search", arm="reinforce", search=0, point=2, seed=1)
        assert (row["error"], row["macs"], row["macs_known"]) == (0.25, 60.0, True)

    def test_a_failed_run_is_at_the_chance_floor_and_the_median_of_its_strategys_other_runs(self, searched):
        (row,) = EVERY_RUN.numbers(searched).query("status != 'ok'").to_dict("records")
        assert (row["arm"], row["error"], row["macs_known"]) == ("reinforce", CHANCE, False)
        # In the search four with 40, three with 50 and four with 60; on evaluation seeds four with 60.
        assert row["macs"] == 60.0


class TestExpectedValidation:
    def test_it_is_the_mean_over_searches_of_the_expected_minimum(self, searched):
        numbers = EXPECTED_VALIDATION.numbers(searched)
        assert len(numbers) == 2 * 3
        # Of .4, .2, .3 the minima of pairs are .2, .3, .2; of .2, .5, .5 they are .2, .2, .5.
        pairs = row_of(numbers, arm="small_dense", k=2)
        assert pairs["lowest"] == pytest.approx(0.7 / 3)
        assert pairs["highest"] == pytest.approx(0.9 / 3)
        assert pairs["expected_error"] == pytest.approx(1.6 / 6)
        assert row_of(numbers, arm="small_dense", k=1)["expected_error"] == pytest.approx((0.3 + 0.4) / 2)
        assert row_of(numbers, arm="small_dense", k=3)["expected_error"] == pytest.approx(0.2)

    def test_a_failed_run_counts_at_the_chance_floor_in_the_mean_over_tuning_seeds(self, searched):
        numbers = EXPECTED_VALIDATION.numbers(searched)
        # The points of the first search come to .3, (.1 + .9) / 2 and .2.
        assert row_of(numbers, arm="reinforce", k=1)["lowest"] == pytest.approx(1.0 / 3)
        assert row_of(numbers, arm="reinforce", k=3)["lowest"] == pytest.approx(0.2)


class TestOptimism:
    def test_it_leads_from_the_search_to_fresh_seeds(self, searched):
        row = row_of(OPTIMISM.numbers(searched), arm="reinforce")
        # The winner of the first search had .15 and .25 in it, that of the second .6 twice.
        assert row["search_error"] == pytest.approx((0.2 + 0.6) / 2)
        assert row["fresh_validation_error"] == pytest.approx((0.25 + 0.35) / 2)
        assert row["test_error"] == pytest.approx((0.27 + 0.37) / 2)
        # Of .27 and .37 the mean is .32, its standard error .05, and the quantile of t 12.706; on the logit scale.
        half = 12.7062 * 0.05 / (0.32 * 0.68)
        assert row["test_ci_high"] == pytest.approx(special.expit(special.logit(0.32) + half), abs=1e-5)
        assert row["test_ci_low"] == pytest.approx(special.expit(special.logit(0.32) - half), abs=1e-5)


def costs(run: PlannedRun) -> Record:
    """Multiply-adds and test errors by strategy, density and seed; the dense network has 100."""
    configuration = run.configuration
    points: dict[tuple[str, float], list[tuple[float, float | None] | None]] = {
        ("reinforce", 0.25): [(20, 0.4), (30, 0.5)],
        ("reinforce", 0.5): [(50, 0.2), (60, 0.1)],
        ("top_k", 0.25): [None, None],
        ("top_k", 0.5): [(40, 0.3), (90, None)],
        ("dense", 0.25): [(100, 0.02), (100, 0.04)],
        ("dense", 0.5): [(100, 0.06), (100, 0.08)],
        ("small_dense", 0.25): [(25, 0.3), (25, 0.4)],
        ("small_dense", 0.5): [(50, 0.2), (50, 0.3)],
    }
    point = points[configuration.strategy, configuration.target_density][configuration.seed]
    if point is None:
        return record_of(configuration, "error") | {"dense_macs": 100.0}
    macs, error = point
    made = measured(run, error or 0.01, macs=macs, dense_macs=100.0)
    return made if error is not None else made | {"status": "over_budget"}


@pytest.fixture(scope="module")
def front():
    design = design_of("dense", "small_dense", "reinforce", "top_k", seeds=2, densities=(0.25, 0.5))
    return FRONT_OF_DENSITIES.numbers(results_of(design, costs))


def surface_of(numbers: pd.DataFrame, arm: str, level: float) -> list[tuple[float, float]]:
    own = numbers[(numbers["arm"] == arm) & (numbers["level"] == level)]
    return [(round(share, 9), round(error, 9)) for share, error in zip(own["share"], own["error"], strict=True)]


class TestFront:
    def test_surfaces_are_what_one_or_both_of_two_seeds_reach(self, front):
        # The last point is where the steps end.
        assert surface_of(front, "reinforce", 0.5) == [(0.2, 0.4), (0.5, 0.2), (0.6, 0.1), (0.6, 0.1)]
        assert surface_of(front, "reinforce", 0.25) == surface_of(front, "reinforce", 0.5)
        assert surface_of(front, "reinforce", 0.75) == [(0.3, 0.5), (0.6, 0.2), (0.6, 0.2)]

    def test_a_failed_run_reaches_nothing_whatever_it_cost(self, front):
        assert surface_of(front, "top_k", 0.5) == [(0.4, 0.3), (0.4, 0.3)]
        assert surface_of(front, "top_k", 0.75) == []

    def test_means_are_over_all_seeds_of_a_density(self, front):
        means = front[front["kind"] == "mean"]

        def mean_of(arm: str, density: float) -> list[float]:
            row = row_of(means, arm=arm, target_density=density)
            return [float(row[column]) for column in ("share", "error", "n", "failures")]

        assert mean_of("reinforce", 0.25) == pytest.approx([0.25, 0.45, 2, 0])
        assert mean_of("top_k", 0.5)[1:] == pytest.approx([0.6, 2, 1])
        # With nothing measured it stands at its target.
        assert mean_of("top_k", 0.25) == pytest.approx([0.25, CHANCE, 2, 2])

    def test_the_dense_curve_has_a_point_per_size_of_network(self, front):
        dense = front[front["kind"] == "dense"]
        assert set(dense["arm"]) == {DENSE}
        points = [(share, round(error, 9), n) for share, error, n in dense[["share", "error", "n"]].to_numpy().tolist()]
        assert points == [(0.25, 0.35, 2), (0.5, 0.25, 2), (1.0, 0.05, 4)]
        assert not {"dense", "small_dense"} & set(front["arm"])

    def test_surfaces_are_steps_and_the_dense_curve_is_none(self, front):
        (ax,) = axes_of(FRONT_OF_DENSITIES, front)
        assert [line.get_drawstyle() for line in ax.lines] == ["steps-post", "steps-post", "default"]
        assert legend_of(FRONT_OF_DENSITIES, front) == ["reinforce", "top_k", DENSE]

    def test_the_band_is_between_the_outer_surfaces_where_there_are_both(self, front):
        (ax,) = axes_of(FRONT_OF_DENSITIES, front[front["arm"] != "top_k"])
        (band,) = [collection for collection in ax.collections if isinstance(collection, FillBetweenPolyCollection)]
        corners = {(round(float(x), 6), round(float(y), 6)) for x, y in np.asarray(band.get_paths()[0].vertices)}
        # From 30 % the better surface has 40, from 50 % it has 20, and at 60 % 10; the worse one 50, and 20 at 60 %.
        better = {(30.0, 40.0), (50.0, 40.0), (50.0, 20.0), (60.0, 20.0), (60.0, 10.0)}
        assert corners == better | {(30.0, 50.0), (50.0, 50.0), (60.0, 50.0)}

    def test_a_strategy_that_only_failed_has_its_means_alone(self):
        numbers = FRONT_OF_DENSITIES.numbers(of_errors({"reinforce": [None, None]}, densities=(0.25, 0.5)))
        assert numbers[["kind", "share", "error", "failures"]].to_numpy().tolist() == [
            ["mean", 0.25, CHANCE, 2],
            ["mean", 0.5, CHANCE, 2],
        ]
        assert legend_of(FRONT_OF_DENSITIES, numbers) == ["reinforce"]

    def test_a_strategy_at_one_density_is_left_out(self):
        def record(run: PlannedRun) -> Record:
            return measured(run, 0.2)

        numbers = FRONT_OF_DENSITIES.numbers(results_of(design_of("dense", "reinforce"), record))
        assert numbers.empty


def contrasts(verdicts: dict[str, tuple[float, float, float]], delta: float = 0.01) -> pd.DataFrame:
    """The numbers of a forest: per verdict the difference and both ends."""
    return pd.DataFrame(
        [
            {
                "dataset": "digits",
                "network": "8x2",
                "target_density": 0.25,
                "arm": f"arm_{number}",
                "family": "relaxation",
                "reference": "small_dense",
                "difference": difference,
                "ci_low": low,
                "ci_high": high,
                "verdict": verdict,
                "delta": delta,
            }
            for number, (verdict, (difference, low, high)) in enumerate(verdicts.items())
        ]
    )


VERDICTS = {
    "worse": (0.04, 0.03, 0.05),
    "undecided": (0.01, -0.02, 0.04),
    "equivalent": (0.001, -0.004, 0.006),
    "better": (-0.03, -0.04, -0.02),
}


class TestForest:
    def test_the_numbers_are_those_of_the_contrasts(self):
        errors: dict[str, list[float | None]] = {
            "small_dense": [0.2, 0.3, 0.4],
            "reinforce": [0.1, 0.1, 0.1],
            "top_k": [0.3, 0.3, None],
        }
        results = of_errors(errors, references=("small_dense", "reinforce"))
        numbers = FOREST.numbers(results)
        pairs = list(zip(numbers["arm"], numbers["reference"], strict=True))
        assert pairs == [("reinforce", "small_dense"), ("top_k", "small_dense"), ("top_k", "reinforce")]
        # On the two seeds of three on which no run failed.
        assert numbers["difference"].tolist() == pytest.approx([-0.2, 0.05, 0.2])
        assert results.contrasts["withheld"].tolist() == ["", "runs failed", "runs failed"]
        assert numbers["verdict"].tolist()[1:] == ["no verdict"] * 2
        columns = ["arm", "reference", "ci_low", "ci_high", "delta"]
        merged = numbers[columns].merge(results.contrasts[columns])
        assert len(merged) == 3
        assert set(numbers["family"]) == {"policy gradient", "routing"}

    def test_references_come_one_after_the_other(self):
        errors: dict[str, list[float | None]] = {name: [0.2, 0.3] for name in ("small_dense", "reinforce", "top_k")}
        results = of_errors(errors, references=("small_dense", "reinforce"), densities=(0.25, 0.5))
        numbers = FOREST.numbers(results)
        assert numbers["reference"].tolist() == ["small_dense"] * 4 + ["reinforce"] * 2
        titles = [ax.get_title().replace("\n", ", ") for ax in axes_of(FOREST, numbers)]
        names = [(density, name) for name in ("small_dense", "reinforce") for density in ("1/4", "1/2")]
        assert titles == [f"τ = {density}, against {name}" for density, name in names]

    def test_the_best_is_at_the_top(self):
        (ax,) = axes_of(FOREST, contrasts(VERDICTS))
        assert [label.get_text() for label in ax.get_yticklabels()] == [f"arm_{number}" for number in range(4)]

    def test_verdicts_are_told_apart_by_shape_and_filling_alone(self):
        (ax,) = axes_of(FOREST, contrasts(VERDICTS))
        marks = [line for line in ax.lines if len(line.get_xydata()) == 1]
        hollow = [to_hex(line.get_markerfacecolor()) == "#ffffff" for line in marks]
        looks = {(line.get_marker(), line.get_fillstyle(), empty) for line, empty in zip(marks, hollow, strict=True)}
        assert len(looks) == len(marks) == 4
        *named, band = [text.get_text() for legend in ax.get_figure().legends for text in legend.get_texts()]
        assert named == ["better", "worse", "equivalent", "undecided"]
        assert band == "within δ"

    def test_what_has_no_verdict_looks_neither_decided_nor_undecided(self):
        errors: dict[str, list[float | None]] = {
            "small_dense": [0.2, 0.3, 0.4],
            "reinforce": [0.1, 0.1, 0.1],
            "top_k": [0.3, 0.3, None],
        }
        results = of_errors(errors, primary=(Primary("top_k", "small_dense"),))
        numbers = FOREST.numbers(results)
        assert dict(zip(numbers["arm"], numbers["verdict"], strict=True)) == {
            "reinforce": "exploratory",
            "top_k": "no verdict",
        }
        (ax,) = axes_of(FOREST, numbers)
        named = [text.get_text() for legend in ax.get_figure().legends for text in legend.get_texts()]
        assert named[:-1] == ["no verdict", "exploratory"]

    def test_the_axis_is_linear_and_a_far_difference_is_an_arrow_with_its_value(self):
        near = axes_of(FOREST, contrasts(VERDICTS))[0]
        (ax,) = axes_of(FOREST, contrasts({**VERDICTS, "worse": (0.5, 0.4, 0.6)}))
        assert ax.get_xscale() == near.get_xscale() == "linear"
        assert [text.get_text() for text in near.texts] == []
        assert [text.get_text() for text in ax.texts] == ["+50.0"]
        assert ax.get_xlim()[1] < 10


class TestImprovement:
    def test_paired_and_unpaired_probabilities_are_two_things(self):
        results = of_errors({"small_dense": [0.2, 0.4, 0.4], "reinforce": [0.1, 0.3, None]})
        (row,) = IMPROVEMENT.numbers(results).to_dict("records")
        # Lower on both seeds without a failure. Of nine pairs .1 is lower in three and .3 in two.
        assert row["probability_better"] == 1
        assert row["probability_unpaired"] == pytest.approx(5 / 9)
        # Wilson's interval of 2 of 2.
        assert row["probability_better_low"] == pytest.approx(0.3424, abs=1e-4)

    def test_the_unpaired_one_is_hollow(self):
        results = of_errors({"small_dense": [0.2, 0.4, 0.4], "reinforce": [0.1, 0.3, None]})
        (ax,) = axes_of(IMPROVEMENT, IMPROVEMENT.numbers(results))
        hollow = {line.get_marker(): line.get_markerfacecolor() == "white" for line in ax.lines}
        assert (hollow["o"], hollow["D"]) == (False, True)


class TestProfile:
    def test_curves_step_at_the_errors_and_begin_at_the_lowest_of_the_panel(self):
        results = of_errors({"small_dense": [0.2, 0.2, None, 0.4], "reinforce": [0.3, 0.1, 0.3, 0.5]})
        numbers = PROFILE.numbers(results)
        curves = {arm: list(zip(own["error"], own["share_above"], strict=True)) for arm, own in numbers.groupby("arm")}
        assert curves == {
            "small_dense": [(0.1, 1.0), (0.1, 1.0), (0.2, 0.5), (0.4, 0.25), (0.9, 0.0)],
            "reinforce": [(0.1, 1.0), (0.1, 0.75), (0.3, 0.25), (0.5, 0.0)],
        }
        (ax,) = axes_of(PROFILE, numbers)
        assert {line.get_drawstyle() for line in ax.lines} == {"steps-post"}

    def test_densities_are_pooled(self):
        results = of_errors({"small_dense": [0.2, 0.4]}, densities=(0.25, 0.5))
        assert set(PROFILE.numbers(results)["runs"]) == {4}
        assert len(axes_of(PROFILE, PROFILE.numbers(results))) == 1


class TestFailures:
    def test_rates_are_counted_by_stage_with_exact_intervals(self, searched):
        numbers = FAILURES.numbers(searched)
        row = row_of(numbers, arm="reinforce", stage="search")
        assert (row["runs"], row["failures"]) == (12, 1)
        assert row["rate"] == pytest.approx(1 / 12)
        # One of twelve: the low end is 1 - .975^(1/12).
        assert row["ci_low"] == pytest.approx(1 - 0.975 ** (1 / 12))
        none = row_of(numbers, arm="small_dense", stage="search")
        assert none["ci_low"] == 0.0
        assert none["ci_high"] == pytest.approx(1 - 0.025 ** (1 / 12))
        # Two seeds of each search's winner.
        assert [row_of(numbers, arm=name, stage="evaluate")["runs"] for name in FRESH] == [4, 4]

    def test_all_settings_are_taken_together(self):
        results = of_errors({"small_dense": [0.2, None], "reinforce": [0.1, 0.3]}, densities=(0.25, 0.5))
        numbers = FAILURES.numbers(results)
        assert numbers[["arm", "stage", "runs", "failures"]].to_numpy().tolist() == [
            ["small_dense", "evaluate", 4, 2],
            ["reinforce", "evaluate", 4, 0],
        ]
        (ax,) = axes_of(FAILURES, numbers)
        assert [label.get_text() for label in ax.get_yticklabels()] == ["small_dense", "reinforce"]
        assert "2 of 8 runs" in FAILURES.caption(results)


# Against small_dense one strategy's differences vary, the other's do not.
STEADY: dict[str, list[float | None]] = {
    "small_dense": [0.20, 0.20, 0.20, 0.20],
    "reinforce": [0.21, 0.22, 0.23, 0.24],
    "top_k": [0.30, 0.30, 0.30, 0.30],
}


class TestDetectable:
    def test_at_the_studys_own_seeds_it_is_what_the_contrast_says(self):
        results = of_errors(STEADY)
        numbers = DETECTABLE.numbers(results)
        at_own = row_of(numbers, seeds=4)
        contrast = row_of(results.contrasts, arm="reinforce")
        assert at_own["detectable"] == pytest.approx(contrast["detectable"])
        # The standard deviation of 1, 2, 3, 4 is sqrt(5 / 3).
        assert at_own["std"] == pytest.approx(0.01 * np.sqrt(5 / 3))

    def test_it_falls_with_seeds_up_to_fifty_and_differences_above_everything_are_left_out(self):
        numbers = DETECTABLE.numbers(of_errors(STEADY))
        assert set(numbers["arm"]) == {"reinforce"}
        assert numbers["seeds"].max() == 50
        assert (numbers["detectable"].diff().dropna() < 0).all()
        noisy = DETECTABLE.numbers(of_errors({"small_dense": [0.2, 0.9, 0.2], "reinforce": [0.9, 0.2, 0.9]}))
        assert noisy["detectable"].max() <= 1
        assert noisy["seeds"].min() > 2

    def test_it_holds_the_studys_seeds_and_delta(self):
        numbers = DETECTABLE.numbers(of_errors(STEADY, delta=0.3))
        assert set(numbers["units"]) == {4}
        # 30 % of the reference's .2.
        assert set(numbers["delta"].round(6)) == {0.06}

    def test_contrasts_without_a_verdict_are_left_out(self):
        assert DETECTABLE.numbers(of_errors(STEADY, primary=())).empty

    def test_the_level_is_divided_by_all_primary_contrasts(self):
        one = DETECTABLE.numbers(of_errors({name: STEADY[name] for name in ("small_dense", "reinforce")}))
        two = DETECTABLE.numbers(of_errors(STEADY))
        assert row_of(one, seeds=20)["detectable"] < row_of(two, seeds=20)["detectable"]
        assert "0.05 / 2" in DETECTABLE.caption(of_errors(STEADY))


class TestStandardFigures:
    def test_learning_curves_hold_every_epoch_of_every_selected_run(self, searched):
        numbers = LEARNING_CURVES.numbers(searched)
        assert len(numbers) == 2 * 2 * 2 * 3
        chosen = numbers[(numbers["arm"] == "small_dense") & (numbers["seed"] == 0)]
        place = int(np.argmax(searched.runs["selected"].to_numpy()))
        assert searched.runs.iloc[place]["strategy"] == "small_dense"
        history = searched.records[place]["history"]
        assert chosen["validation_error"].tolist() == [epoch["validation_error"] for epoch in history]

    @pytest.mark.parametrize("epochs", [1, 2, 7])
    def test_epochs_are_whole_on_the_axis_of_learning_curves(self, epochs):
        numbers = LEARNING_CURVES.numbers(results_of(design_of(training={"epochs": epochs}), random_record()))
        (ax,) = axes_of(LEARNING_CURVES, numbers)
        shown = [tick for tick in ax.get_xticks() if ax.get_xlim()[0] <= tick <= ax.get_xlim()[1]]
        assert shown
        assert all(tick == round(tick) for tick in shown)

    def test_gates_by_class_shows_the_first_evaluation_seed_of_strategies_that_gate(self):
        search = Search(points=5, searches=2)
        design = design_of("dense", "reinforce", networks=("8x2,8x4",), test_split="fixed", search=search)
        results = results_of(design, random_record())
        numbers = GATES_BY_CLASS.numbers(results)
        assert set(numbers["arm"]) == {"reinforce"}
        # The second search chose another point, which was run on this seed too.
        assert results.winners.query("arm == 'reinforce'")["point"].nunique() == 2
        assert len(numbers) == 10 * (8 + 8)
        selected = results.runs["selected"] & (results.runs["strategy"] == "reinforce") & (results.runs["seed"] == 0)
        record = results.records[int(np.argmax(selected.to_numpy()))]
        for layer in (1, 2):
            rows = numbers[numbers["layer"] == layer]
            table = rows.pivot_table(index="class", columns="block", values="open_share")
            assert table.to_numpy().tolist() == record["gates_by_class"][layer - 1]
        titles = [ax.get_title() for ax in axes_of(GATES_BY_CLASS, numbers)]
        assert titles == ["layer 1", "layer 2"]

    def test_the_best_strategy_over_all_panels_is_at_the_top(self):
        results = of_errors(
            {"small_dense": [0.3, 0.3], "reinforce": [0.1, 0.2], "top_k": [0.2, 0.2]}, densities=(0.25, 0.5)
        )
        left, right = axes_of(SEEDS, SEEDS.numbers(results))
        assert [label.get_text() for label in left.get_yticklabels()] == ["small_dense", "top_k", "reinforce"]
        assert not any(label.get_visible() for label in right.get_yticklabels())
        assert [left.get_title(), right.get_title()] == ["τ = 1/4", "τ = 1/2"]

    def test_every_seed_stands_with_the_interval_of_its_arm(self):
        results = of_errors({"small_dense": [0.10, 0.30], "reinforce": [0.20, 0.21]})
        numbers = SEEDS.numbers(results)
        assert sorted(numbers["test_error"]) == [0.1, 0.2, 0.21, 0.3]
        ends = numbers[numbers["arm"] == "reinforce"][["ci_low", "ci_high"]].drop_duplicates().to_numpy().tolist()
        assert ends == [pytest.approx([0.205 - 12.7062 * 0.005, 0.205 + 12.7062 * 0.005], abs=1e-5)]

    def test_a_run_without_multiply_adds_stands_at_the_median_of_the_others(self):
        results = of_errors({"reinforce": [0.1, 0.2, None]})
        numbers = ERROR_AGAINST_MACS.numbers(results)
        assert numbers["test_macs"].tolist() == [50.0, 50.0, 50.0]
        assert numbers["test_error"].tolist() == [0.1, 0.2, CHANCE]
