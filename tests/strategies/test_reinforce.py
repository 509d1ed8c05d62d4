import itertools
from functools import cache
from typing import Any, cast

import pytest
import torch
from scipy.stats import norm
from torch import Tensor
from torch.autograd import grad
from torch.nn.functional import cross_entropy

from core.network.fully_connected import FullyConnectedNetwork
from core.parts import penalties
from core.strategy import Batch, Pass
from core.training.probe import Probe, probe
from strategies.reinforce import Reinforce
from strategies.straight_through import StraightThrough
from tests.support.networks import FEATURES, batch_of, masked_dense, network_of, normal, seeded

# The paper's gates, without a price.
BERNOULLI = {"gates": "bernoulli", "lambda_s": 0, "lambda_v": 0, "density_price_rate": 0}
BLOCKS, EXAMPLES = 6, 4
# The share of true claims that may be rejected over all tests here, by chance once and for all: seeds are fixed.
LEVEL = 1e-3


def beyond_chance(z_scores: Tensor, tests: int = 10) -> bool:
    """Whether some two-sided z-score is too large, among all those of so many tests (Bonferroni)."""
    return bool(z_scores.abs().max() > norm.isf(LEVEL / tests / z_scores.numel() / 2))


def sensitive_network() -> FullyConnectedNetwork:
    """One whose gates matter: with initial weights, the estimators drown in noise."""
    network = network_of(f"{BLOCKS}x2", seed=1)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name in ("layers.0.weight", "readout.weight"):
                parameter.mul_(4)
    return network


@cache
def probed(strategy_type: type[Reinforce | StraightThrough], **settings: str) -> Probe:
    network = sensitive_network()
    strategy = strategy_type(network.architecture, {**BERNOULLI, **settings}, seeded())
    x, y = normal(EXAMPLES, FEATURES), torch.arange(EXAMPLES) % 3
    return probe(strategy, network, x, y, seeded(5), draws=2000, density=0.5)


class Scaled(Reinforce):
    """Its policy gradient is a fifth too small."""

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        total, done = super().objective(batch)
        return done.mean_loss() + 0.8 * (total - done.mean_loss()), done


@pytest.mark.parametrize("baseline", ["none", "batch_mean", "samples"])
def test_the_gradient_is_unbiased(baseline):
    assert not beyond_chance(probed(Reinforce, baseline=baseline).z_scores)


@pytest.mark.parametrize("baseline", ["none", "batch_mean", "samples"])
def test_a_planted_bias_is_found(baseline):
    assert beyond_chance(probed(Scaled, baseline=baseline).z_scores)


def test_the_batch_minimum_is_biased_in_small_batches():
    assert beyond_chance(probed(Reinforce, baseline="batch_minimum").z_scores)


def test_straight_through_is_biased_but_of_lower_variance():
    found = probed(StraightThrough)
    assert beyond_chance(found.z_scores)
    assert found.relative_variance < 0.2 * probed(Reinforce, baseline="samples").relative_variance


def test_baselines_reduce_the_variance():
    variances = [
        probed(Reinforce, baseline=baseline).relative_variance for baseline in ("samples", "batch_mean", "none")
    ]
    assert variances == sorted(variances)
    assert variances[1] < 0.5 * variances[2]


ROWS = 5
X, Y = normal(ROWS, FEATURES, seed=7), torch.arange(ROWS) % 3


def objective_of(layers: str, rows: int = ROWS, **settings: Any) -> tuple[FullyConnectedNetwork, Tensor, Pass]:
    network = network_of(layers)
    strategy = Reinforce(network.architecture, {**BERNOULLI, **settings}, seeded())
    return network, *strategy.objective(batch_of(network, X[:rows], Y[:rows]))


def baseline_by_hand(kind: str, cost: list[list[float]], sample: int, example: int) -> float:
    """``cost`` is [samples][examples]."""
    others_of_batch = [cost[0][other] for other in range(len(cost[0])) if other != example]
    others_of_example = [cost[other][example] for other in range(len(cost)) if other != sample]
    match kind:
        case "batch_minimum":
            return min(cost[0])
        case "batch_mean" if others_of_batch:
            return sum(others_of_batch) / len(others_of_batch)
        case "samples":
            return sum(others_of_example) / len(others_of_example)
        case _:
            return 0.0


@pytest.mark.parametrize("rows", [1, ROWS])
@pytest.mark.parametrize(
    ("baseline", "samples"), [("none", 1), ("batch_minimum", 1), ("batch_mean", 1), ("samples", 2), ("samples", 3)]
)
def test_the_objective_is_the_loss_and_the_log_probability_weighed_by_cost_above_baseline(baseline, samples, rows):
    _, objective, done = objective_of("3x2,2x2", rows, baseline=baseline, samples=max(samples, 2))
    assert done.samples == samples
    assert done.loss is not None
    cost = done.loss.unflatten(0, (samples, -1)).tolist()
    expected = done.loss.mean().item()
    for sample, example in itertools.product(range(samples), range(rows)):
        row = sample * rows + example
        log_probability = 0.0
        for decision in done.decisions:
            assert decision.probability is not None
            for p, gate in zip(decision.probability[row], decision.gates[row], strict=True):
                log_probability += float(torch.log(p.detach() if gate == 1 else 1 - p.detach()))
        above = cost[sample][example] - baseline_by_hand(baseline, cost, sample, example)
        expected += above * log_probability / (samples * rows)
    assert objective.item() == pytest.approx(expected)


@pytest.mark.parametrize("baseline", ["none", "batch_minimum", "batch_mean", "samples"])
def test_the_network_learns_from_the_loss_alone(baseline):
    network, objective, done = objective_of("3x2,2x2", baseline=baseline, samples=2)
    gates = [decision.gates for decision in done.decisions]
    x, y = X.repeat(done.samples, 1), Y.repeat(done.samples)
    parameters = [*network.layers.parameters(), *network.readout.parameters()]
    found = grad(objective, parameters)
    expected = grad(cross_entropy(masked_dense(network, x, gates)[1], y), parameters)
    torch.testing.assert_close(found, expected)


def lower_weight_gradient(value: Tensor, network: FullyConnectedNetwork) -> Tensor:
    return grad(value, cast(Tensor, network.layers[0].weight))[0]


def test_penalties_reach_the_layers_below_the_gater_only_if_they_are_asked_to():
    def lower_gradient(lambda_s: float, lambda_v: float, score_gradient: str = "all") -> Tensor:
        network, objective, _ = objective_of(
            "3x2,2x2", lambda_s=lambda_s, lambda_v=lambda_v, score_gradient=score_gradient
        )
        return lower_weight_gradient(objective, network)

    torch.testing.assert_close(lower_gradient(3.0, 2.0, "gater"), lower_gradient(0.0, 0.0, "gater"))
    network, _, done = objective_of("3x2,2x2", score_gradient="all")
    expected = lower_weight_gradient(penalties.penalty(done.decisions, 0.5, 3.0, 2.0), network)
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(lower_gradient(3.0, 2.0) - lower_gradient(0.0, 0.0), expected)


def inferred(test_gates: str, seed: int = 0) -> Pass:
    network = network_of("3x2,2x2")
    strategy = Reinforce(network.architecture, {"gates": "bernoulli", "test_gates": test_gates}, seeded())
    with torch.no_grad():
        return strategy.infer(batch_of(network, normal(3000, FEATURES), seed=seed))


def test_sampled_test_gates_are_open_as_often_as_their_probability():
    done = inferred("sampled")
    for decision in done.decisions:
        assert decision.probability is not None
        assert set(decision.gates.unique().tolist()) == {0.0, 1.0}
        error = (decision.gates - decision.probability).mean(dim=0).abs()
        assert (error < 5 * 0.5 / 3000**0.5).all()
    again, other = inferred("sampled"), inferred("sampled", seed=1)
    assert torch.equal(done.decisions[0].gates, again.decisions[0].gates)
    assert not torch.equal(done.decisions[0].gates, other.decisions[0].gates)


def test_threshold_test_gates_are_open_where_that_is_more_likely():
    for decision in inferred("threshold").decisions:
        assert decision.probability is not None
        assert torch.equal(decision.gates == 1, decision.probability > 0.5)
        assert set(decision.gates.unique().tolist()) == {0.0, 1.0}
