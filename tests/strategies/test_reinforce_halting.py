"""Multi-pass REINFORCE: its gradient over every combination of gates, and its price."""

import itertools
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

import strategies.reinforce_halting as module
from core.network.fully_connected import FullyConnectedNetwork
from core.parts.halting import stopping_distribution
from core.strategy import Decision, Site
from core.training.batch import CountedBatch
from strategies.reinforce_halting import ReinforceHalting, drawn_blocks
from tests.support.networks import FEATURES, network_of, normal, seeded

BLOCKS, MOST, SAMPLES, PRICE = 2, 2, 2, 0.3
# A budget of all blocks is one of BLOCKS passes of one.
DENSITY = 1.0
EXACT: dict[str, object] = {
    "lambda_s": 0,
    "lambda_v": 0,
    "density_price_rate": 0,
    "balance": 0,
    "most_passes": MOST,
    "expected_passes": 2,
    "samples": SAMPLES,
}
EXACT |= {"pass_price": PRICE, "price_rate": 0}
KINDS = ["exactly_k", "bernoulli"]


def strategy_of(network: FullyConnectedNetwork, **settings: object) -> ReinforceHalting:
    strategy = ReinforceHalting(network.architecture, {**EXACT, **settings}, seeded(1)).double()
    with torch.no_grad():
        # A halting unit that has something to say about the state.
        strategy.halting.weight.mul_(5)
    return strategy


def network() -> FullyConnectedNetwork:
    found = network_of(f"{BLOCKS}x2", recurrent=True, seed=1)
    with torch.no_grad():
        for parameter in found.parameters():
            parameter.mul_(3)
    return found


def a_batch(on: FullyConnectedNetwork) -> CountedBatch:
    return CountedBatch(on, normal(1, FEATURES), torch.tensor([1]), seeded(), density=DENSITY)


def choices(kind: str) -> list[Tensor]:
    """The gates ``[blocks]`` that one pass of one sample can have."""
    if kind == "exactly_k":
        return list(torch.eye(BLOCKS, dtype=torch.float64))
    return [torch.tensor(bits, dtype=torch.float64) for bits in itertools.product((0.0, 1.0), repeat=BLOCKS)]


def log_probability(kind: str, scores: Tensor, gates: Tensor) -> Tensor:
    """Of gates ``[rows, blocks]``: ``[rows]``."""
    if kind == "exactly_k":
        return (gates * scores.log_softmax(dim=1)).sum(dim=1)
    return torch.where(gates > 0, scores.sigmoid(), 1 - scores.sigmoid()).log().sum(dim=1)


def draws(
    monkeypatch: pytest.MonkeyPatch, strategy: ReinforceHalting, on: FullyConnectedNetwork
) -> Iterator[tuple[Tensor, Tensor]]:
    """The objective and the probability of every combination of gates, of all passes and samples."""
    kind = strategy.settings["gates"]
    for combination in itertools.product(choices(kind), repeat=MOST * SAMPLES):
        gates = iter(torch.stack(combination).view(MOST, SAMPLES, BLOCKS))
        found: list[Tensor] = []

        def independent(probability: Tensor, generator: object, gates=gates, found=found) -> Tensor:
            own: Tensor = next(gates)
            found.append(log_probability(kind, probability.logit(), own))
            return own

        def drawn(scores: Tensor, density: float, generator: object, gates=gates, found=found) -> tuple[Tensor, Tensor]:
            assert density * BLOCKS == 1
            own: Tensor = next(gates)
            found.append(log_probability(kind, scores, own))
            return own, found[-1]

        monkeypatch.setattr(module, "bernoulli", independent)
        monkeypatch.setattr(module, "drawn_blocks", drawn)
        objective, _ = strategy.objective(a_batch(on))
        yield objective, torch.stack(found).sum().exp()


def exact(strategy: ReinforceHalting, on: FullyConnectedNetwork) -> Tensor:
    """The expected cost of one sample, every combination of gates and every stop enumerated."""
    kind = strategy.settings["gates"]
    total = torch.zeros((), dtype=torch.float64)
    for combination in itertools.product(choices(kind), repeat=MOST):
        batch = a_batch(on)
        halting: list[Tensor] = []
        losses: list[Tensor] = []
        found: list[Tensor] = []
        done = None
        for own in combination:

            def decide(site: Site, own: Tensor = own, found: list[Tensor] = found) -> Decision:
                found.append(log_probability(kind, site.scores, own[None]))
                return Decision(own[None])

            done = batch(decide, carry=done)
            halting.append(batch.project(done, strategy.halting)[:, 0].sigmoid())
            assert done.loss is not None
            losses.append(done.loss[0])
        stop = stopping_distribution(halting)
        for number in range(MOST):
            total = total + torch.stack(found).sum().exp() * stop[number, 0] * (losses[number] + PRICE * (number + 1))
    return total


def gradients(monkeypatch, **settings: object) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """By parameter: the estimate's gradient in the mean over all draws, and that of the expected cost."""
    on = network()
    strategy = strategy_of(on, **settings)
    named = {**dict(on.named_parameters()), **dict(strategy.named_parameters())}
    mean = {name: torch.zeros_like(parameter) for name, parameter in named.items()}
    for objective, probability in draws(monkeypatch, strategy, on):
        for name, part in zip(mean, torch.autograd.grad(objective, list(named.values())), strict=True):
            mean[name] += probability.detach() * part
    expected = torch.autograd.grad(exact(strategy, on), list(named.values()))
    return mean, dict(zip(named, expected, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_of_every_parameter_is_unbiased(monkeypatch, kind):
    found, expected = gradients(monkeypatch, gates=kind)
    for name, gradient in expected.items():
        assert bool((gradient != 0).any()), name
        torch.testing.assert_close(found[name], gradient, msg=name)


def test_without_a_gradient_through_the_scores_earlier_passes_are_not_taught_and_the_gater_still_is(monkeypatch):
    found, expected = gradients(monkeypatch, score_gradient="gater")
    torch.testing.assert_close(found["gaters.0.weight"], expected["gaters.0.weight"])
    assert not torch.allclose(found["layers.0.weight"], expected["layers.0.weight"], rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_bias_is_found(monkeypatch, kind):
    monkeypatch.setattr(module, "baseline", lambda cost, kind: cost.amin(dim=0, keepdim=True))
    found, expected = gradients(monkeypatch, gates=kind)
    assert not torch.allclose(found["gaters.0.weight"], expected["gaters.0.weight"], rtol=1e-3)


@pytest.mark.parametrize("density", [1 / 4, 1 / 2])
def test_as_many_passes_as_there_are_blocks_in_the_budget_are_expected(density):
    on = network_of("4x2", recurrent=True)
    strategy = strategies_of_defaults(on)
    batch = CountedBatch(on, normal(3, FEATURES), torch.tensor([0, 1, 2]), seeded(), density=density)
    _, done = strategy.objective(batch)
    assert len(done.decisions) == (1 if density == 1 / 4 else 4)


def strategies_of_defaults(on: FullyConnectedNetwork) -> ReinforceHalting:
    return ReinforceHalting(on.architecture, {}, seeded(1)).double()


def test_drawn_blocks_come_as_often_as_their_probability_says():
    scores = torch.tensor([[0.0, 1.0, -1.0]], dtype=torch.float64)
    rows = 20_000
    gates, log_probability = drawn_blocks(scores.expand(rows, -1), 2 / 3, seeded(3))
    assert gates.sum(dim=1).unique().tolist() == [2]
    # The order is not returned: a set has one of two probabilities, by the order in which it was drawn.
    chances = scores.softmax(dim=1)[0].tolist()
    total = 0.0
    for first, second in itertools.permutations(range(3), 2):
        expected = chances[first] * chances[second] / (1 - chances[first])
        share = ((log_probability.exp() - expected).abs() < 1e-9).double().mean().item()
        assert share == pytest.approx(expected, abs=4 * (expected * (1 - expected) / rows) ** 0.5)
        total += share
    assert total == pytest.approx(1)


@pytest.mark.parametrize("kind", KINDS)
def test_every_pass_opens_its_share_of_the_budget(kind):
    on = network_of("16x2", recurrent=True)
    strategy = ReinforceHalting(on.architecture, {"gates": kind}, seeded(1)).double()
    batch = CountedBatch(on, normal(50, FEATURES), torch.arange(50) % 3, seeded(), density=1 / 4)
    _, done = strategy.objective(batch)
    opened = torch.stack([decision.gates.sum(dim=1) for decision in done.decisions])
    assert (opened == 2).all() if kind == "exactly_k" else opened.unique().numel() > 2
