"""What is frozen of the paper's experiments: its numbers, read for a mean instead of a sum, and its networks."""

from dataclasses import replace

import pytest

import strategies
from core import data
from core.architecture import Architecture
from studies import catalogue
from studies.catalogue.paper_cifar10 import report as paper_cifar10
from studies.catalogue.paper_mnist import report as paper_mnist
from studies.catalogue.paper_svhn import report as paper_svhn
from studies.design.freezing import FrozenStudy
from studies.running.trial import execute

REPORTS = {"paper_mnist": paper_mnist, "paper_cifar10": paper_cifar10, "paper_svhn": paper_svhn}
CODE_BATCH = 128


def design(name: str, scale: str = "default") -> FrozenStudy:
    return FrozenStudy.freeze(name, scale, catalogue.find(name).scales[scale])  # type: ignore[index]


@pytest.mark.parametrize("name", REPORTS)
def test_what_stands_beside_a_sum_over_the_batch_is_read_for_its_mean(name):
    sweep = design(name).sweep
    assert sweep.training["batch_size"] == CODE_BATCH
    assert sweep.training["learning_rate"] == pytest.approx(1e-3 * CODE_BATCH)
    assert (sweep.training["optimizer"], sweep.training["schedule"]) == ("sgd", "constant")
    settings = next(arm for arm in design(name).arms if arm.strategy == "reinforce").strategy_settings
    if name == "paper_mnist":
        assert sweep.training["gater_learning_rate"] == pytest.approx(5e-5 * CODE_BATCH)
        assert (settings["lambda_s"], settings["lambda_v"]) == (200 / CODE_BATCH, 200 / CODE_BATCH)
        assert sweep.training["lambda_l2"] * CODE_BATCH == pytest.approx(0.005)
    else:
        assert sweep.training["gater_learning_rate"] == pytest.approx([1e-5 * CODE_BATCH, 5e-4 * CODE_BATCH])
        assert settings["lambda_s"] * CODE_BATCH == 20
        assert [weight * CODE_BATCH for weight in settings["lambda_v"]] == [40, 20]
        assert sweep.training["lambda_l2"] * CODE_BATCH == pytest.approx(0.01)
    assert (settings["gates"], settings["baseline"], settings["penalties"]) == ("bernoulli", "none", "paper")
    # Nothing but the paper's penalties keeps the budget, and test gates are sampled.
    gated = [arm.strategy_settings for arm in design(name).arms if arm.strategy == "reinforce"]
    assert {(each["density_price_rate"], each["test_gates"]) for each in gated} == {(0.0, "sampled")}


@pytest.mark.parametrize("name", REPORTS)
def test_every_published_model_has_an_arm_and_every_arm_but_those_of_the_code_was_published(name):
    arms = {arm.name for arm in design(name).arms}
    coded = {arm for arm in arms if arm.startswith("code ")}
    assert len(coded) == 1
    # The dense network of the code's multiply-adds.
    of_its_cost = {"NN 96"} if name == "paper_mnist" else set()
    assert arms - coded - of_its_cost == {row.arm for row in REPORTS[name].PUBLISHED}
    assert {arm for pair in design(name).contrasts for arm in pair} <= arms
    assert design(name).contrasts


@pytest.mark.parametrize("name", REPORTS)
def test_names_of_arms_say_how_wide_their_networks_are(name):
    for arm in design(name).arms:
        assert arm.network is not None
        layers = Architecture.parse(arm.network, 1, 1).layers
        kind, _, shape = arm.name.partition(" ")
        # The command line separates names by commas.
        assert "," not in arm.name
        if kind == "NN":
            assert shape == "-".join(str(layer.units) for layer in layers)
            assert (arm.strategy, arm.density) == ("dense", 1.0)
        elif kind in ("condnet", "code"):
            blocks, _, size = shape.partition("x")
            assert blocks.split("-") == [str(layer.blocks) for layer in layers]
            assert {str(layer.size) for layer in layers} == {size}
        else:
            assert arm.density == float(shape)


@pytest.mark.parametrize("name", REPORTS)
def test_the_arm_of_the_code_differs_from_the_papers_in_what_the_code_differs_in(name):
    (coded,) = (arm for arm in design(name).arms if arm.name.startswith("code "))
    own = design(name).arm(coded.name.replace("code", "condnet"))
    assert (coded.network, coded.density) == (own.network, own.density)
    changed = {key: value for key, value in coded.strategy_settings.items() if own.strategy_settings[key] != value}
    assert changed == {"baseline": "batch_minimum", "probability_floor": 0.01, "penalties": "code"}


def test_targets_of_layers_average_to_the_density_of_the_run():
    arm = design("paper_svhn").arm("condnet 27-7x16")
    first, second = arm.strategy_settings["layer_densities"]
    assert (first, second) == (1 / 25, 1 / 7)
    assert arm.density == pytest.approx((27 * first + 7 * second) / 34)


@pytest.mark.parametrize(("name", "arm"), [("paper_mnist", "condnet 16x16"), ("paper_svhn", "condnet 27-7x16")])
def test_an_arm_trains_on_embedded_data_and_is_timed(name, arm):
    sweep = catalogue.find(name).scales["quick"]
    frozen = FrozenStudy.freeze(
        name, "quick", replace(sweep, datasets=("digits",), training={**sweep.training, "epochs": 1})
    )
    (where,) = (where for where in frozen.combinations() if where[1] == arm)
    record = execute(
        frozen.configuration(*where, "evaluate", 0), strategies.find(frozen.arm(arm).strategy), data.load("digits")
    )
    assert (record["status"], record["reason"]) == ("ok", "")
    assert record["measured"]["pass_time"]["masked_seconds"] > 0
