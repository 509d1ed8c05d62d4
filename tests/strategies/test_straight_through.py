import pytest
import torch
from torch.autograd import grad
from torch.nn.functional import cross_entropy

from core.parts import penalties
from strategies.straight_through import StraightThrough
from tests.support.networks import FEATURES, batch_of, masked_dense, network_of, normal, seeded

ROWS = 6
X, Y = normal(ROWS, FEATURES), torch.arange(ROWS) % 3


@pytest.mark.parametrize("layers", ["3x2", "3x2,2x2"])
def test_logits_get_the_true_gradient_of_the_gates_closed_ones_too_times_the_sigmoids_slope(layers):
    network = network_of(layers)
    strategy = StraightThrough(network.architecture, {"lambda_s": 0, "lambda_v": 0, "density_price_rate": 0}, seeded())
    objective, done = strategy.objective(batch_of(network, X, Y))
    biases = [gater.bias for gater in network.gaters]
    found = grad(objective, biases[-1])[0]  # type: ignore[arg-type]

    gates = [decision.gates.detach().round().requires_grad_() for decision in done.decisions]
    of_gates = grad(cross_entropy(masked_dense(network, X, gates)[1], Y), gates[-1])[0]
    probability = done.decisions[-1].probability
    assert probability is not None
    assert (gates[-1] == 0).any()
    torch.testing.assert_close(found, (of_gates * probability * (1 - probability)).sum(dim=0))


def test_gates_are_sampled_and_hard_in_training():
    network = network_of("3x2", density=0.25)
    strategy = StraightThrough(network.architecture, {}, seeded())
    x = normal(3000, FEATURES)
    _, done = strategy.objective(batch_of(network, x, torch.arange(3000) % 3))
    decision = done.decisions[0]
    assert decision.probability is not None
    rounded = decision.gates.detach().round()
    assert torch.equal(decision.gates.detach(), rounded)
    assert set(rounded.unique().tolist()) == {0.0, 1.0}
    assert ((rounded - decision.probability).mean(dim=0).abs() < 5 * 0.5 / 3000**0.5).all()


def test_the_objective_is_the_loss_and_the_penalties():
    network = network_of("3x2,2x2")
    strategy = StraightThrough(
        network.architecture, {"lambda_s": 3.0, "lambda_v": 2.0, "density_price_rate": 0}, seeded()
    )
    objective, done = strategy.objective(batch_of(network, X, Y))
    price = penalties.penalty(done.decisions, 0.5, 3.0, 2.0)
    assert price.abs() > 0.1
    torch.testing.assert_close(objective, done.mean_loss() + price)


@pytest.mark.parametrize("test_gates", ["sampled", "threshold"])
def test_test_gates_are_hard_and_follow_the_setting(test_gates):
    network = network_of("3x2")
    strategy = StraightThrough(network.architecture, {"test_gates": test_gates}, seeded())
    with torch.no_grad():
        decision = strategy.infer(batch_of(network, normal(300, FEATURES))).decisions[0]
    assert decision.probability is not None
    assert set(decision.gates.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(decision.gates == 1, decision.probability > 0.5) == (test_gates == "threshold")
