"""The amount and kind of noise that gates are trained with, and the reward or price of their entropy."""

import pytest
import torch

import strategies
from core.parts.penalties import entropy
from core.space import Choice
from core.strategy import Pass
from tests.support.networks import FEATURES, batch_of, network_of, normal, seeded

X, Y = normal(6, FEATURES), torch.arange(6) % 3


def objective_of(name: str, *, seed: int = 0, **settings: object) -> tuple[torch.Tensor, Pass]:
    network = network_of("4x2,3x2")
    bernoulli = {"gates": "bernoulli"} if name == "reinforce" else {}
    strategy = strategies.find(name)(network.architecture, {**bernoulli, **settings}, seeded())
    return strategy.objective(batch_of(network, X, Y, seed=seed))


@pytest.mark.parametrize("reward", [-10.0, -0.5, 1e-6, 2.0])
@pytest.mark.parametrize("name", ["reinforce", "straight_through", "gaussian_gates"])
def test_entropy_is_rewarded_or_charged_per_nat(name, reward):
    plain, done = objective_of(name)
    changed, _ = objective_of(name, entropy=reward)
    expected = entropy(done.decisions)
    assert expected > 0.1
    torch.testing.assert_close(plain - changed, reward * expected)


@pytest.mark.parametrize("name", ["reinforce", "straight_through", "gaussian_gates"])
def test_without_a_price_of_entropy_the_objective_is_the_same_to_the_last_bit(name):
    plain, _ = objective_of(name)
    zero, _ = objective_of(name, entropy=0)
    assert torch.equal(plain, zero)


def test_a_search_varies_what_it_did_before():
    def searched(name: str) -> list[str]:
        return [key for key, domain in strategies.find(name).space.items() if domain.searched]

    assert searched("straight_through")[-1] == "last_slope"
    assert searched("gaussian_gates")[-1] == "sigma"
    assert searched("reinforce")[-1] == "entropy"
    assert strategies.find("reinforce").space["entropy"].at(0.0) == 1e-4


def test_gates_without_noise_in_training_are_open_where_that_is_likely_whatever_the_seed():
    one, other = (objective_of("straight_through", seed=seed, train_gates="threshold") for seed in (0, 1))
    assert torch.equal(one[0], other[0])
    for decision in one[1].decisions:
        assert decision.probability is not None
        assert torch.equal(decision.gates.detach().round() == 1, decision.probability > 0.5)
    sampled = [objective_of("straight_through", seed=seed)[0] for seed in (0, 1)]
    assert not torch.equal(*sampled)


def test_gates_without_noise_get_the_gradient_of_their_probability():
    network = network_of("4x2")
    strategy = strategies.find("straight_through")(network.architecture, {"train_gates": "threshold"}, seeded())
    strategy.objective(batch_of(network, X, Y))[0].backward()
    gradient = network.gaters[0].bias.grad
    assert isinstance(gradient, torch.Tensor)
    assert (gradient != 0).all()


def test_gaussian_gates_have_as_much_noise_as_is_set_at_the_same_mean():
    first = [objective_of("gaussian_gates", noise=noise)[1].decisions[0].gates for noise in (0.0, 0.5, 1.0, 10.0)]
    without = objective_of("gaussian_gates", noise=0.0, seed=1)[1].decisions[0].gates
    assert torch.equal(first[0], without)
    assert torch.equal(first[2], objective_of("gaussian_gates")[1].decisions[0].gates)
    inside = (first[0] > 0) & (first[0] < 1) & (first[1] > 0) & (first[1] < 1) & (first[2] > 0) & (first[2] < 1)
    assert inside.any()
    torch.testing.assert_close((first[2] - first[0])[inside], 2 * (first[1] - first[0])[inside])


def test_kinds_of_training_gates_are_named():
    domain = strategies.find("straight_through").space["train_gates"]
    assert isinstance(domain, Choice)
    assert (domain.default, domain.options) == ("sampled", ("sampled", "threshold"))
