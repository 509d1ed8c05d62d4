"""Gradients of the gate logits against the enumeration of all gates of a small layer."""

import pytest
import torch

import strategies
from core.architecture import Architecture
from core.network.fully_connected import FullyConnectedNetwork
from core.seeding import SeedStreams
from core.training.probe import Probe, probe
from tests.support.networks import FEATURES, batch_of, network_of, normal, seeded

ARCHITECTURE = Architecture.parse("6x4", features=20, classes=5)
STREAMS = SeedStreams(0, "evaluate", "estimators", 0)
DENSITY = 0.3
NO_PENALTY = {"lambda_s": 0, "lambda_v": 0, "density_price_rate": 0}


def probed(name: str, draws: int, **settings: object) -> Probe:
    network = FullyConnectedNetwork(ARCHITECTURE).double()
    network.reset(lambda part: STREAMS.torch("initialisation", part), DENSITY)
    generator = STREAMS.torch("data")
    x = torch.randn(4, 20, generator=generator).double()
    strategy = strategies.find(name)(ARCHITECTURE, {**NO_PENALTY, **settings}, generator).double()
    return probe(strategy, network, x, torch.arange(4), STREAMS.torch("gates"), draws=draws, density=DENSITY)


def looks_unbiased(found: Probe) -> bool:
    """Whether no coordinate's mean is further off than chance explains once in a thousand tests."""
    threshold = torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor(1 - 0.0005 / found.exact.numel()))
    return bool(found.z_scores.abs().max() < threshold)


LEARNED = {"gates": "bernoulli", "baseline": "learned"}
SAMPLED = {**LEARNED, "baseline": "none"}
UNBIASED = [("local_expectation", {}), ("disarm", {}), ("reinforce", LEARNED)]


@pytest.mark.parametrize(("name", "settings"), UNBIASED)
def test_the_estimator_is_unbiased(name, settings):
    assert looks_unbiased(probed(name, draws=2000, **settings))


@pytest.mark.parametrize("name", ["local_expectation", "disarm"])
def test_a_planted_bias_is_found(name):
    found = probed(name, draws=2000)
    assert not looks_unbiased(Probe(0.8 * found.draws, found.exact))


def test_flipping_every_gate_has_less_variance_than_any_sampled_estimator():
    flips, antithetic, sampled = (
        probed(name, draws=500, **settings).relative_variance
        for name, settings in (
            ("local_expectation", {}),
            ("disarm", {}),
            ("reinforce", SAMPLED),
        )
    )
    assert flips < 0.5 * antithetic
    assert antithetic < 0.5 * sampled


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_the_relaxations_bias_falls_and_its_variance_rises_as_the_temperature_falls(mode):
    found = [
        probed("gumbel_softmax", draws=3000, mode=mode, first_temperature=temperature)
        for temperature in (2.0, 0.7, 0.2)
    ]
    biases = [each.relative_bias for each in found]
    variances = [each.relative_variance for each in found]
    assert variances == sorted(variances)
    if mode == "soft":
        assert biases == sorted(biases, reverse=True)
        assert biases[0] > 3 * biases[-1]


@pytest.mark.slow
def test_the_temperature_ends_where_it_is_told_to():
    network = FullyConnectedNetwork(ARCHITECTURE).double()
    network.reset(lambda part: STREAMS.torch("initialisation", part), 0.3)
    x = torch.randn(4, 20, generator=STREAMS.torch("data")).double()

    def bias(progress: float) -> float:
        strategy = strategies.find("gumbel_softmax")(
            ARCHITECTURE, {**NO_PENALTY, "mode": "soft", "first_temperature": 2.0, "last_temperature": 0.2},
            torch.Generator(),
        )  # fmt: skip
        return probe(
            strategy, network, x, torch.arange(4), STREAMS.torch("gates"), draws=2000, density=0.3, progress=progress
        ).relative_bias

    assert bias(1.0) < 0.5 * bias(0.0)


@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_a_relaxed_top_k_trains_on_real_gates_and_tests_on_exactly_k(mode):
    network = network_of("8x2,4x2")
    strategy = strategies.find("gumbel_softmax")(
        network.architecture, {"gates": "exactly_k", "mode": mode}, seeded()
    ).double()
    x, y = normal(300, FEATURES), torch.arange(300) % 3
    objective, logged = strategy.objective(batch_of(network, x, y))
    objective.backward()
    assert all(part.grad is not None and part.grad.abs().sum() > 0 for part in network.gaters.parameters())
    inferred = strategy.infer(batch_of(network, x))
    for trained, tested, count in zip(logged.decisions, inferred.decisions, (4, 2), strict=True):
        assert torch.allclose(trained.gates.sum(dim=1), torch.full((300,), float(count)).double())
        assert (trained.gates.frac() != 0).any() == (mode == "soft")
        assert set(tested.gates.unique().tolist()) == {0.0, 1.0}
        assert (tested.gates.sum(dim=1) == count).all()
