"""Estimators in modules, where one loss of an example belongs to the gates at all of its positions, in all pairs."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import grad

import strategies
from core.modules import GatedModule, gate
from core.modules.batch import ModuleBatch
from core.parts.drawn import DrawnStrategy
from core.strategy import SinglePass
from tests.core.modules.models import MODELS, examples_of, model_of, rows_of, scripted, squares
from tests.support.enumeration import Odometer, all_forced, expectation, relative_error

ROUNDING = 1e-10
# Two positions in the first pair; two, or one, in the second. One of two blocks is open.
TOYS = ("mixed", "pooled")


def parameters(gated: GatedModule) -> list[Tensor]:
    return list(gated.gaters.parameters())


def toy(name: str, strategy: str, blocks: int, **settings: Any) -> GatedModule:
    strategy_type = strategies.find(strategy)
    none = {key: 0.0 for key in ("lambda_s", "lambda_v", "density_price_rate", "balance") if key in strategy_type.space}
    chosen = {**none, "centred_scores": "never", **settings}
    chosen = {key: value for key, value in chosen.items() if key in strategy_type.space}
    gated = gate(
        model_of(name), MODELS[name][1], strategy=strategy_type, blocks=blocks, density=0.5, settings=chosen, seed=3
    )
    with torch.no_grad():
        for name, parameter in gated.gaters.named_parameters():
            if name.endswith("weight"):
                parameter.mul_(3)
    return gated


def exact_gradient(name: str, kind: str, blocks: int, gated: GatedModule, x: Tensor) -> Tensor:
    """The gradient in the gaters' parameters of the mean expected loss, by every set of gates of every example."""
    total = torch.zeros((), dtype=torch.float64)
    for example in x.split(1):
        for decide in all_forced(kind, blocks, rows_of(name, 1)):
            other = scripted(name, decide, blocks)
            other.gaters = gated.gaters
            loss = other.objective(squares, example, progress=1.0)
            total = total + decide.probability * loss.detach() / len(x)
    return torch.cat([each.flatten() for each in grad(total, parameters(gated))])


def error_of(
    name: str,
    strategy: str,
    kind: str,
    examples: int,
    odometer: Odometer | None = None,
    blocks: int = 2,
    **settings: Any,
) -> float:
    gated, x = toy(name, strategy, blocks, gates=kind, **settings), examples_of(name, examples)
    assert isinstance(gated.strategy, DrawnStrategy)
    found = expectation(gated.strategy, lambda: gated.objective(squares, x, progress=1.0), parameters(gated), odometer)
    return relative_error(found, exact_gradient(name, kind, blocks, gated, x))


@pytest.mark.parametrize("name", TOYS)
@pytest.mark.parametrize(
    ("kind", "examples", "settings"),
    [
        ("exactly_k", 1, {"baseline": "none"}),
        ("exactly_k", 1, {"baseline": "learned"}),
        ("exactly_k", 1, {"baseline": "samples", "samples": 2}),
        ("exactly_k", 2, {"baseline": "batch_mean"}),
        ("bernoulli", 1, {"baseline": "none"}),
    ],
)
def test_the_score_function_is_unbiased(name, kind, examples, settings):
    assert error_of(name, "reinforce", kind, examples, **settings) < ROUNDING


@pytest.mark.parametrize("name", TOYS)
def test_antithetic_pairs_are_unbiased(name, monkeypatch):
    odometer = Odometer()
    monkeypatch.setattr("core.parts.estimators.antithetic.uniform_like", odometer.uniform)
    # One gate at each position in each pair, so that the uniforms can be enumerated.
    assert error_of(name, "disarm", "bernoulli", 1, odometer, blocks=1) < ROUNDING


@pytest.mark.parametrize("name", TOYS)
def test_a_loss_that_is_not_multiplied_by_its_positions_is_biased(name, monkeypatch):
    def unscaled(self: ModuleBatch, done: SinglePass) -> tuple[Tensor, ...]:
        assert done.loss is not None
        loss = done.loss.detach().unflatten(0, (done.samples, -1))[:, :, None]
        rows = [decision.gates.shape[0] // len(done.loss) for decision in done.decisions]
        return tuple(loss.expand(-1, -1, positions) for positions in rows)

    monkeypatch.setattr(ModuleBatch, "cost_to_go", unscaled)
    assert error_of(name, "reinforce", "exactly_k", 1, baseline="none") > 0.1


def test_a_position_that_counts_for_one_pair_alone_is_biased(monkeypatch):
    own = ModuleBatch.cost_to_go

    def last_alone(self: ModuleBatch, done: SinglePass) -> tuple[Tensor, ...]:
        first, last = own(self, done)
        return torch.zeros_like(first), last

    monkeypatch.setattr(ModuleBatch, "cost_to_go", last_alone)
    assert error_of("mixed", "reinforce", "exactly_k", 1, baseline="none") > 0.1


def test_pairs_of_as_many_positions_share_a_cost():
    x, found = examples_of("mixed"), []
    for name in TOYS:
        gated = toy(name, "reinforce", 2)
        own = gated.strategy.objective

        def objective(batch: Any, own: Any = own) -> Any:
            total, done = own(batch)
            found.append((batch.cost_to_go(done), done.loss))
            return total, done

        gated.strategy.objective = objective  # type: ignore[method-assign]
        gated.objective(squares, x, progress=1.0)
    (mixed, _), (pooled, loss) = found
    assert mixed[0] is mixed[1]
    assert [cost.shape for cost in pooled] == [(4, 4, 2), (4, 4, 1)]
    torch.testing.assert_close(pooled[0][:, :, 1], 2 * loss.detach().view(4, 4))
    torch.testing.assert_close(pooled[1][:, :, 0], loss.detach().view(4, 4))


def test_a_learned_baseline_teaches_the_model_nothing():
    gated = toy("encoder_layer", "reinforce", 4, gates="bernoulli", baseline="learned")
    x = examples_of("encoder_layer")
    prediction = gated.strategy.get_parameter("predicted_cost.weight")
    nn.init.ones_(prediction)
    own, losses = gated.strategy.objective, []

    def objective(batch: Any) -> Any:
        total, done = own(batch)
        losses.append(done.mean_loss())
        return total, done

    gated.strategy.objective = objective  # type: ignore[method-assign]
    total = gated.objective(squares, x, progress=1.0)
    for parameter in gated.model.parameters():
        (found,) = grad(total, parameter, retain_graph=True)
        (expected,) = grad(losses[0], parameter, retain_graph=True)
        torch.testing.assert_close(found, expected)
    assert bool((grad(total, prediction)[0] != 0).any())
