import sys
from dataclasses import replace
from importlib import reload
from pathlib import Path

import numpy as np
import pytest

import strategies
from studies.catalogue import optimizers
from studies.catalogue.optimizers.report import (
    BY_OPTIMIZER,
    mean_differences,
    order_by_optimizer,
    strategies_by_optimizer,
)
from studies.design.freezing import FrozenStudy
from studies.design.runs import PlannedRun
from studies.design.study import SCALES
from studies.results import Results
from tests.support.drawings import row_of
from tests.support.invented import Record, measured, results_of
from tests.support.records import record_of
from tests.support.tables import written

STUDY = optimizers.STUDY
NAMES = strategies.built_in()
RATES = optimizers.RATES
OPTIMIZERS = tuple(RATES)


def design(scale: str = "default") -> FrozenStudy:
    return FrozenStudy.freeze("optimizers", scale, STUDY.scales[scale])  # type: ignore[index]


@pytest.mark.parametrize("scale", SCALES)
def test_every_strategy_is_run_under_every_optimiser_at_its_own_defaults(scale):
    frozen = design(scale)
    assert [(arm.strategy, arm.levels["optimizer"]) for arm in frozen.arms] == [
        (name, optimizer) for name in NAMES for optimizer in OPTIMIZERS
    ]
    for arm in frozen.arms:
        space = strategies.find(arm.strategy).space
        assert arm.strategy_settings == {name: domain.default for name, domain in space.items()}
        assert arm.training["optimizer"] == arm.levels["optimizer"]


def test_a_new_strategy_file_takes_part_without_an_entry_in_any_list(tmp_path, monkeypatch):
    source = (Path(strategies.__path__[0]) / "top_k.py").read_text("utf-8")
    (tmp_path / "brand_new.py").write_text(source, "utf-8")
    monkeypatch.setattr(strategies, "__path__", [*strategies.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "strategies.brand_new", raising=False)
    try:
        assert {f"brand_new, {name}" for name in OPTIMIZERS} <= {arm.name for arm in reload(optimizers).ARMS}
    finally:
        monkeypatch.undo()
        reload(optimizers)


@pytest.mark.parametrize("scale", SCALES)
def test_a_search_varies_the_rates_alone_at_the_same_places_of_every_optimisers_range(scale):
    proposals = design(scale).proposals
    for name, searches in proposals.items():
        optimizer = name.rpartition(" ")[2]
        for number, points in enumerate(searches):
            assert all(not point["strategy_settings"] for point in points)
            for place, point in enumerate(points[1:], start=1):
                assert set(point["training"]) == {"learning_rate", "gater_learning_rate"}
                of_adam = proposals["dense, adam"][number][place]["training"]
                for key, own, adam in zip(point["training"], RATES[optimizer], RATES["adam"], strict=True):
                    # At the upper end of the setting's own range a search goes no further.
                    assert point["training"][key] == pytest.approx(min(1.0, of_adam[key] * own / adam))
                    assert own / 3 <= point["training"][key] <= own * 3


def test_every_other_optimiser_is_compared_with_adam_on_the_same_strategy_and_momentum_with_plain_sgd_for_three():
    assert set(design().contrasts) == {
        *((f"{name}, {other}", f"{name}, adam") for name in NAMES for other in OPTIMIZERS if other != "adam"),
        *((f"{name}, momentum", f"{name}, sgd") for name in ("reinforce", "top_k", "dense")),
    }


def record(run: PlannedRun) -> Record:
    """Errors that rise by name, the other way round under SGD, and by one point with the seed of a search.

    What momentum adds is a tenth of a point more in the second search.
    """
    strategy, optimizer = run.arm.split(", ")
    place = NAMES.index(strategy)
    if run.configuration.stage == "search" and (strategy, optimizer, run.point) == ("dense", "sgd", 1):
        return record_of(run.configuration, "diverged")
    error = 0.1 + 0.02 * (len(NAMES) - place if optimizer == "sgd" else place) + 0.01 * (run.configuration.seed % 1000)
    return measured(run, error + (0.05 + 0.001 * (run.search or 0) if optimizer == "momentum" else 0.0))


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of(design("quick"), record)


def test_the_table_has_a_row_per_strategy_and_columns_per_optimiser(results):
    numbers = strategies_by_optimizer(results)
    assert sorted(numbers["strategy"]) == NAMES
    row = row_of(numbers, strategy=NAMES[0])
    assert (row["adam"], row["momentum"]) == pytest.approx((0.105, 0.1555))
    assert row_of(numbers, strategy="dense")["sgd_search_failures"] == 2
    assert numbers.filter(like="search_failures").to_numpy().sum() == 2
    means = numbers[list(OPTIMIZERS)].mean(axis=1)
    assert means.is_monotonic_increasing
    cells = written(BY_OPTIMIZER, numbers)
    assert all(len(cell) == 1 + 2 * len(OPTIMIZERS) for cell in cells)


def test_orders_are_compared_between_different_seeds(results):
    numbers = order_by_optimizer(results)
    adam, sgd = (row_of(numbers, optimizer=name) for name in ("adam", "sgd"))
    assert (adam["adam"], adam["momentum"], sgd["sgd"]) == pytest.approx((1.0, 1.0, 1.0))
    assert (adam["sgd"], sgd["adam"]) == pytest.approx((-1.0, -1.0))


def test_what_an_optimiser_changes_is_the_mean_over_strategies_with_an_interval_over_searches(results):
    numbers = mean_differences(results)
    assert numbers["networks"].tolist() == ["dense"] * 4 + ["gated"] * 4
    gated = row_of(numbers, networks="gated", optimizer="momentum", reference="adam")
    assert gated["strategies"] == len(NAMES) - 2
    # Of .05 and .051, with the quantile 12.706 of t.
    ends = [gated[end] for end in ("difference", "median", "ci_low", "ci_high")]
    assert ends == pytest.approx([0.0505, 0.0505, 0.0505 - 12.7062 * 0.0005, 0.0505 + 12.7062 * 0.0005])
    assert (gated["better"], gated["worse"]) == (0, len(NAMES) - 2)
    own = [0.02 * (len(NAMES) - 2 * NAMES.index(name)) for name in ("dense", "small_dense")]
    dense = row_of(numbers, networks="dense", optimizer="sgd")
    assert (dense["difference"], dense["median"]) == pytest.approx((np.mean(own), np.mean(own)))
    none = row_of(numbers, networks="gated", optimizer="adam", reference="rmsprop")
    assert (none["difference"], none["better"], none["worse"]) == (0.0, 0, 0)


def test_one_seed_has_no_other_to_agree_with():
    one_seed = replace(STUDY.scales["quick"], seeds=1)
    assert order_by_optimizer(results_of(FrozenStudy.freeze("optimizers", "quick", one_seed), record)).empty
