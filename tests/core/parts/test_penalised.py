"""Prices that are controlled: of open gates, so that the budget is kept, and of entropy, so that a floor is."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from core.architecture import Architecture
from core.data import load, split
from core.parts.penalised import PenalisedStrategy
from core.parts.penalties import entropy
from core.seeding import SeedStreams
from core.strategy import Batch, Decision
from core.training.evaluate import evaluate
from core.training.settings import TrainingSettings
from core.training.train import train
from strategies import find
from tests.support.networks import FEATURES, batch_of, network_of, normal, seeded

TAU = 0.25
UNPENALISED = {"lambda_s": 0.0, "lambda_v": 0.0}
# The mean is 2.2 / 6.
P = torch.tensor([[0.4, 0.9, 0.2], [0.2, 0.5, 0.0]], dtype=torch.float64)
# One of six is open, two thirds of the target; and three of six, twice the target.
ONE = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
THREE = torch.tensor([[1.0, 0.3, 0.0], [0.0, -1.0, 0.0]], dtype=torch.float64)


def strategy_of(layers: str = "3x2", name: str = "gaussian_gates", **settings: Any) -> PenalisedStrategy:
    strategy = find(name)(Architecture.parse(layers, 4, 2), {**UNPENALISED, **settings}, seeded())
    assert isinstance(strategy, PenalisedStrategy)
    return strategy


def batch(progress: float = 1.0) -> Batch:
    return cast(Batch, SimpleNamespace(progress=progress, density=TAU))


def prices(strategy: PenalisedStrategy) -> list[float]:
    return [each.price.item() for each in strategy.density_prices]  # type: ignore[operator]


def test_a_price_follows_what_is_open_and_is_on_the_mean_probability_over_the_target():
    strategy = strategy_of(density_price_rate=0.5)
    assert strategy.price(batch(), [Decision(ONE, P)]).item() == 0
    assert prices(strategy) == [pytest.approx(-0.5 / 3)]
    found = strategy.price(batch(), [Decision(THREE, P)])
    assert found.item() == pytest.approx(-0.5 / 3 * (2.2 / 6 / TAU - 1))
    assert prices(strategy) == [pytest.approx(-0.5 / 3 + 0.5)]


def test_its_gradient_is_the_price_by_all_probabilities():
    strategy = strategy_of(density_price_rate=0.5)
    strategy.price(batch(), [Decision(THREE, P)])
    p = P.clone().requires_grad_()
    strategy.price(batch(), [Decision(ONE, p)]).backward()
    assert p.grad is not None
    torch.testing.assert_close(p.grad, torch.full_like(P, 0.5 / TAU / 6))


def test_each_layer_has_a_price_that_all_its_passes_move():
    strategy = strategy_of("3x2,3x2", density_price_rate=0.5)
    strategy.price(batch(), [Decision(gates, P) for gates in (ONE, ONE, THREE, ONE)])
    # Of the first layer four of twelve are open, of the second two.
    assert prices(strategy) == pytest.approx([0.5 * (4 / 12 / TAU - 1), 0.5 * (2 / 12 / TAU - 1)])


def test_the_target_is_that_of_the_share_and_of_the_layer():
    strategy = strategy_of(density_price_rate=0.5)
    strategy.price(batch(), [Decision(THREE, P)], share=0.5)
    assert prices(strategy) == pytest.approx([0.5 * (0.5 / (TAU / 2) - 1)])
    strategy = strategy_of("3x2,3x2", "reinforce", density_price_rate=0.5, layer_densities="0.5:0")
    strategy.price(batch(), [Decision(THREE, P), Decision(THREE, P)])
    assert prices(strategy) == pytest.approx([0.0, 0.5])


def test_relaxed_gates_are_open_where_the_hard_ones_are():
    strategy = strategy_of(density_price_rate=0.5)
    strategy.price(batch(), [Decision(torch.ones_like(P), P)], opened=[ONE])
    assert prices(strategy) == [pytest.approx(-0.5 / 3)]


@pytest.mark.parametrize(("progress", "moved"), [(0.0, False), (0.39, False), (0.41, True)])
def test_prices_wait_for_the_end_of_the_warm_up(progress, moved):
    strategy = strategy_of(density_price_rate=0.5, penalty_warmup=0.4)
    strategy.price(batch(progress), [Decision(THREE, P)])
    assert (prices(strategy) != [0.0]) == moved


def test_a_rate_of_zero_leaves_the_papers_penalties_alone():
    strategy = strategy_of(density_price_rate=0.0)
    for _ in range(3):
        assert strategy.price(batch(), [Decision(THREE, P)]).item() == 0
    assert prices(strategy) == [0.0]


def test_prices_are_off_where_an_estimator_is_measured():
    strategy = strategy_of(name="reinforce", gates="bernoulli", entropy=1.0, entropy_floor=0.1, lambda_s=2.0)
    off = strategy.unpriced_settings()
    assert {name: off[name] for name in ("lambda_s", "density_price_rate", "entropy", "entropy_floor")} == {
        "lambda_s": 0.0,
        "density_price_rate": 0.0,
        "entropy": 0.0,
        "entropy_floor": 0.0,
    }
    assert off["gates"] == "bernoulli"


def with_entropy(strategy: PenalisedStrategy, value: float) -> float:
    return strategy.with_entropy(torch.tensor(10.0), torch.tensor(value)).item()


def test_the_price_of_entropy_rises_below_the_floor_and_falls_above_it_to_zero():
    strategy = strategy_of(entropy_floor=0.2)
    assert strategy.entropy_price is not None
    # Half of it is missing, so that the price rises by half of its rate.
    assert with_entropy(strategy, 0.1) == 10
    assert strategy.entropy_price.price.item() == pytest.approx(0.05)
    assert with_entropy(strategy, 0.1) == pytest.approx(10 - 0.05 * 0.1)
    assert strategy.entropy_price.price.item() == pytest.approx(0.1)
    with_entropy(strategy, 0.3)
    assert strategy.entropy_price.price.item() == pytest.approx(0.05)
    for _ in range(3):
        with_entropy(strategy, 0.3)
    assert strategy.entropy_price.price.item() == 0


def test_a_floor_stands_beside_the_reward():
    strategy = strategy_of(entropy=2.0, entropy_floor=0.2)
    assert with_entropy(strategy, 0.1) == pytest.approx(10 - 2 * 0.1)
    assert with_entropy(strategy, 0.1) == pytest.approx(10 - (2 + 0.05) * 0.1)
    assert strategy_of(entropy=2.0).entropy_price is None


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("straight_through", {}),
        ("straight_through", {"gates": "exactly_k"}),
        ("reinforce", {"gates": "bernoulli"}),
        ("reinforce", {"gates": "tree"}),
        ("gaussian_gates", {}),
    ],
)
def test_every_strategy_that_has_a_floor_pays_for_it(name, settings):
    network = network_of("4x2")
    x, y = normal(6, FEATURES), torch.arange(6) % 3
    strategy = find(name)(network.architecture, {**settings, "entropy_floor": 0.6}, seeded())
    assert isinstance(strategy, PenalisedStrategy)
    found = []
    for price in (0.0, 1.0):
        assert strategy.entropy_price is not None
        strategy.entropy_price.price.fill_(price)
        for each in strategy.density_prices:
            each.price.zero_()  # type: ignore[operator]
        objective, done = strategy.objective(batch_of(network, x, y))
        found.append(objective)
    difference = (found[0] - found[1]).item()
    assert difference > 0.05
    if done.decisions[0].probability is not None:
        assert difference == pytest.approx(entropy(done.decisions).item())


@pytest.mark.parametrize(
    ("name", "settings", "floor", "most"),
    [
        ("gaussian_gates", {}, 0.6, "0.562"),
        ("straight_through", {}, 0.6, "0.562"),
        ("straight_through", {"gates": "exactly_k"}, 2.1, "2.08"),
        ("straight_through", {"gates": "tree"}, 1.4, "1.39"),
        # The mean of ln 2 and of that at 1/4.
        ("reinforce", {"gates": "bernoulli", "layer_densities": [0.5, 0.0]}, 0.7, "0.628"),
    ],
)
def test_a_floor_that_no_gates_of_the_density_can_have_is_refused(name, settings, floor, most):
    def refusal(floor: float) -> str | None:
        strategy_type = find(name)
        architecture = Architecture.parse("8x2,8x2", 4, 2)
        complete = strategy_type(architecture, {**settings, "entropy_floor": floor}, seeded()).settings
        return strategy_type.impossible(architecture, complete, TAU, 0.2)

    assert refusal(floor) == (
        f"entropy_floor {floor:g} is more than gates of density 0.25 have at the most: {most} nats"
    )
    assert refusal(float(most) - 0.01) is None
    assert refusal(0.0) is None


def trained(name: str, epochs: int, **settings: Any) -> tuple[float, float]:
    """Realised test density and gate entropy after a training on digits, at a density of 1/8."""
    streams = SeedStreams(15000, "evaluate", "digits", 0)
    data = split(load("digits"), streams, "resampled")
    done = train(
        find(name),
        settings,
        Architecture.parse("16x8", 64, 10),
        data,
        streams,
        TrainingSettings.of({"epochs": epochs, "selection": "last", "density_tolerance": 10}),
        density=1 / 8,
    )
    measured = evaluate(done.network, done.strategy, data.train, streams.torch("gates", "test"), density=1 / 8)
    assert measured is not None
    assert measured.gate_entropy is not None
    return measured.density, measured.gate_entropy


def close(density: float, tolerance: float = 0.05) -> bool:
    return abs(density * 8 - 1) < tolerance


@pytest.mark.parametrize("penalty", [0.0, 0.1])
def test_a_training_keeps_sampled_gates_to_the_budget(penalty):
    settings = {"lambda_s": penalty, "test_gates": "sampled"}
    assert close(trained("straight_through", 12, **settings)[0])
    assert not close(trained("straight_through", 12, **settings, density_price_rate=0.0)[0])


@pytest.mark.parametrize("name", ["straight_through", "gaussian_gates"])
def test_a_training_holds_the_floor(name):
    without = trained(name, 50)[1]
    density, held = trained(name, 50, entropy_floor=1.5 * without)
    assert held > 1.5 * without
    # Its threshold is set on 180 validation examples.
    assert close(density, 0.1)
