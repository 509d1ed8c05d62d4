from typing import Any

import pytest
import torch

from core.architecture import Architecture
from core.data import Split
from core.network.fully_connected import FullyConnectedNetwork
from core.seeding import SeedStreams
from core.training.calibration import calibrate
from core.training.evaluate import evaluate
from strategies import find
from tests.support.networks import seeded

CALIBRATED = ("gaussian_gates", "hard_concrete", "straight_through")


def untrained(name: str, **settings: str) -> tuple[FullyConnectedNetwork, Any, Split]:
    """A network of two layers whose gates open nearly everything, and 400 examples."""
    architecture = Architecture.parse("8x4,6x4", 5, 3)
    network = FullyConnectedNetwork(architecture)
    streams = SeedStreams(0, "evaluate", "digits", 0)
    network.reset(lambda part: streams.torch("initialisation", part), 0.9)
    strategy = find(name)(architecture, settings, streams.torch("initialisation", "strategy"))
    x = torch.randn(400, 5, generator=seeded())
    return network, strategy, Split(x, torch.arange(400) % 3)


def shares(network, strategy, split, density) -> list[float]:
    measured = evaluate(network, strategy, split, seeded(), density=density)
    assert measured is not None
    return [torch.tensor(layer).mean().item() for layer in measured.gates_by_class]


@pytest.mark.parametrize("name", CALIBRATED)
@pytest.mark.parametrize("density", [1 / 8, 0.3, 0.75])
def test_every_layer_is_open_to_its_target_on_the_examples(name, density):
    network, strategy, split = untrained(name)
    before = shares(network, strategy, split, density)
    calibrate(network, strategy, split, seeded(), density=density)
    found = shares(network, strategy, split, density)
    # The mean over classes of unequal size is not quite that over examples.
    assert found == pytest.approx([density, density], abs=0.01)
    assert before != pytest.approx([density, density], abs=0.05)


def test_a_layer_s_own_target_is_met_and_another_s_is_that_of_the_run():
    network, strategy, split = untrained("reinforce", gates="bernoulli", layer_densities="0.5:0")
    calibrate(network, strategy, split, seeded(), density=0.25)
    assert shares(network, strategy, split, 0.25) == pytest.approx([0.5, 0.25], abs=0.01)


@pytest.mark.parametrize("name", ["gaussian_gates", "hard_concrete"])
def test_published_gates_are_left_alone(name):
    network, strategy, split = untrained(name, test_gates="published")
    before = shares(network, strategy, split, 0.25)
    calibrate(network, strategy, split, seeded(), density=0.25)
    assert shares(network, strategy, split, 0.25) == before


def test_a_strategy_without_thresholds_draws_nothing():
    network, strategy, split = untrained("top_k")
    generator = seeded()
    before = generator.get_state()
    calibrate(network, strategy, split, generator, density=0.25)
    assert torch.equal(generator.get_state(), before)


def test_labels_are_not_looked_at():
    network, strategy, split = untrained("hard_concrete")
    calibrate(network, strategy, split, seeded(), density=0.25)
    found = strategy.thresholds.values.clone()
    calibrate(network, strategy, Split(split.x, 2 - split.y), seeded(), density=0.25)
    assert torch.equal(strategy.thresholds.values, found)
