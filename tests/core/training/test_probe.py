import itertools
import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from core.architecture import Architecture
from core.parts.distributions.discrete import DISCRETE
from core.training.probe import Probe, combinations, exact_gradient, probe
from strategies import find
from tests.core.network.small_transformers import letters, transformer_of
from tests.support import enumeration
from tests.support.enumeration import sensitive_network
from tests.support.networks import FEATURES, masked_dense, network_of, normal, seeded

X = normal(2, FEATURES)
Y = torch.tensor([2, 0])


def expected_loss(network, logits: Tensor) -> float:
    """``mean_i E[loss_i]``, weighing the masked dense formula under every combination of gates, example by example."""
    probability = logits.sigmoid().tolist()
    total = 0.0
    for row in range(len(X)):
        for combination in itertools.product((0, 1), repeat=logits.shape[1]):
            gates = torch.tensor([combination], dtype=torch.float64)
            _, output = masked_dense(network, X[row : row + 1], [gates])
            weight = math.prod(p if gate else 1 - p for p, gate in zip(probability[row], combination, strict=True))
            total += weight * cross_entropy(output, Y[row : row + 1]).item()
    return total / len(X)


def test_exact_gradient_is_the_finite_difference_of_the_enumerated_expectation():
    network = network_of("3x2")
    found = exact_gradient(network, X, Y)
    with torch.no_grad():
        logits = network.gaters[0](X)
        for row, block in itertools.product(range(2), range(3)):
            step = torch.zeros_like(logits)
            step[row, block] = 1e-5
            difference = (expected_loss(network, logits + step) - expected_loss(network, logits - step)) / 2e-5
            assert abs(difference) > 1e-4
            assert found[row, block].item() == pytest.approx(difference, rel=1e-5, abs=1e-9)


def test_bias_and_variance_are_relative_to_the_exact_gradient():
    found = Probe(draws=torch.tensor([[[1.0, 5.0]], [[3.0, 5.0]], [[2.0, 8.0]]]), exact=torch.tensor([[2.0, 4.0]]))
    assert found.relative_variance == pytest.approx((1 + 3) / (4 + 16))
    assert found.relative_bias == pytest.approx(2 / math.sqrt(4 + 16))
    assert found.z_scores[0].tolist() == pytest.approx([0.0, 2.0])


def test_a_draw_that_never_varies_has_an_infinite_z_score_unless_it_is_exact():
    found = Probe(draws=torch.tensor([[[1.0, 2.0]]] * 2), exact=torch.tensor([[1.0, 3.0]]))
    assert found.z_scores[0].tolist() == [0.0, -math.inf]


def draws(seed: int, samples: int = 2) -> Tensor:
    network = network_of("3x2")
    settings = {
        "gates": "bernoulli",
        "lambda_s": 0,
        "lambda_v": 0,
        "density_price_rate": 0,
        "baseline": "samples",
        "samples": samples,
    }
    strategy = find("reinforce")(network.architecture, settings, seeded())
    return probe(strategy, network, X, Y, seeded(seed), draws=5, density=0.5).draws


def test_draws_are_one_gradient_per_example_and_block_and_depend_on_the_generator_alone():
    assert draws(1).shape == draws(1, samples=4).shape == (5, 2, 3)
    assert torch.equal(draws(1), draws(1))
    assert not torch.equal(draws(1), draws(2))
    assert not torch.equal(draws(1)[0], draws(1)[1])


@pytest.mark.parametrize("scale", [1.0, 0.8])
@pytest.mark.parametrize("gates", ["bernoulli", "exactly_k", "tree"])
def test_draws_in_two_layers_agree_with_the_exact_gradient_of_their_own_distribution(gates, scale):
    network = sensitive_network("4x2,2x2")
    settings = {"gates": gates, "balance": 0, "lambda_s": 0, "lambda_v": 0, "density_price_rate": 0, "samples": 32}
    strategy = find("reinforce")(network.architecture, settings, seeded())
    found = probe(strategy, network, X, Y, seeded(3), draws=200, density=0.5)
    assert found.exact.shape == (2, 6)
    by_chance = (found.relative_variance / 200) ** 0.5
    assert (Probe(scale * found.draws, found.exact).relative_bias > 2 * by_chance) == (scale != 1)


def test_the_exact_gradient_by_a_last_layers_logits_is_that_by_its_gaters_biases():
    network = sensitive_network("4x2,2x2")
    for kind in ("bernoulli", "exactly_k"):
        found = exact_gradient(network, X, Y, DISCRETE[kind](0.5))[:, 4:].sum(dim=0)
        by_parameters = enumeration.exact_gradient(kind, network, X, Y, 0.5)
        torch.testing.assert_close(found, by_parameters[-2:])


def test_as_many_passes_are_enumerated_as_there_are_joint_draws():
    architecture = Architecture.parse("4x1,2x1", 2, 2)
    found = {name: combinations(kind(0.5), architecture) for name, kind in DISCRETE.items()}
    # Two of 4 in order and one of 2; two leaves, twice.
    assert found == {"bernoulli": 2**6, "exactly_k": 12 * 2, "tree": 2 * 2}


def test_rows_that_change_each_others_losses_are_not_enumerated_side_by_side():
    network = transformer_of("transformer:layers=1,width=4,heads=2,context=2,blocks=2x2")
    with pytest.raises(ValueError, match="gates of one row change the losses of others"):
        exact_gradient(network, letters(1, 2), letters(1, 2, seed=1))
