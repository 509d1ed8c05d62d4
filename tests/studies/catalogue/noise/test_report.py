"""The study of noise and entropy: its arms, and what its table and figures show."""

import pytest

from studies.catalogue import noise
from studies.catalogue.noise.report import AGAINST_ENTROPY, BY_PRICE, TABLE
from studies.design.freezing import FrozenStudy
from studies.results import Results
from tests.support.drawings import axes_of, row_of
from tests.support.invented import random_record, results_of
from tests.support.tables import written


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of(FrozenStudy.freeze("noise", "quick", noise.STUDY.scales["quick"]), random_record())


@pytest.mark.parametrize("scale", ["quick", "default", "paper"])
def test_every_contrast_is_between_arms_and_differs_in_one_thing(scale):
    design = FrozenStudy.freeze("noise", scale, noise.STUDY.scales[scale])
    arms = {arm.name: arm for arm in design.arms}
    assert len(design.contrasts) == len(set(design.contrasts)) > 10
    for one, other in design.contrasts:
        first, second = arms[one], arms[other]
        different = [key for key, value in first.strategy_settings.items() if second.strategy_settings[key] != value]
        assert first.strategy == second.strategy
        assert different in (["entropy"], ["entropy_floor"], ["noise"], ["test_gates"], ["train_gates"])


@pytest.mark.parametrize("scale", ["quick", "default", "paper"])
def test_every_arm_is_kept_to_one_density_in_training_and_at_test_time(scale):
    sweep = noise.STUDY.scales[scale]
    design = FrozenStudy.freeze("noise", scale, sweep)
    assert len(sweep.densities) == 1
    assert "density_tolerance" not in sweep.training
    assert all(arm.strategy_settings["density_price_rate"] > 0 for arm in design.arms)
    sampled = [arm.name for arm in design.arms if arm.strategy_settings["test_gates"] != "calibrated"]
    assert sampled == [tested.named(noise.NONE) for tested in noise.TESTED]


def test_training_without_noise_is_without_noise_at_test_time_too():
    arms = {arm.name: arm for arm in noise.STUDY.scales["default"].arms}
    settings = arms["none (straight_through), entropy 0"].strategy_settings
    assert (settings["train_gates"], settings["test_gates"]) == ("threshold", "calibrated")
    assert arms["none (gaussian_gates), entropy 0"].strategy_settings["noise"] == 0


def test_the_table_has_the_mean_entropy_of_each_arms_gates(results):
    table = TABLE.numbers(results)
    assert len(table) == 7 * 4 + 2
    row = row_of(table, noise="Gaussian, sigma 0.1", entropy=-4.0)
    runs = results.runs[results.runs["arm"] == row["arm"]]
    assert row["gate_entropy"] == pytest.approx(runs["gate_entropy"].astype(float).mean())
    cells = written(TABLE, table)
    assert cells[0][:2] == ["Bernoulli (reinforce)", "−4"]
    assert [row[1] for row in cells[1:4]] == ["none", "floor 0.15", "+2"]
    assert TABLE.caption(results)


def test_prices_stand_side_by_side_and_kinds_of_noise_share_a_hue(results):
    numbers = BY_PRICE.numbers(results)
    assert list(dict.fromkeys(numbers["level"])) == ["−4", "none", "+2", "floor 0.15"]
    assert len(numbers) == 7 * 4
    row = row_of(numbers, series="none (gaussian_gates)", level="none")
    mean = results.summary.set_index("arm").loc["none (gaussian_gates), entropy 0", "mean"]
    assert row["value"] == pytest.approx(100 * mean)
    assert row["family"] == "control"
    (ax,) = axes_of(BY_PRICE, numbers)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["−4", "none", "+2", "floor 0.15"]


def test_arms_of_a_kind_of_noise_are_joined_in_the_figure_of_entropies(results):
    numbers = AGAINST_ENTROPY.numbers(results)
    assert len(numbers) == len(results.runs)
    gaussian = numbers[numbers["series"] == "Gaussian, sigma 1"]
    assert gaussian["arm"].nunique() == 4
    assert set(gaussian["family"]) == {"relaxation"}
