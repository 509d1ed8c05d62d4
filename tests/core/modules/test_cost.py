"""What a gated module saves, against counts by hand and by PyTorch's own counter."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import strategies
from core.modules import gate
from core.parts.gates import open_all
from core.strategy import Batch, Decision, Pass, Site
from tests.core.modules.models import (
    MODELS,
    encoder_layer,
    examples_of,
    fixed,
    model_of,
    random_gates,
    rows_of,
    scripted,
)

every_model = pytest.mark.parametrize("name", MODELS)


def counted(model: nn.Module, x: Tensor) -> float:
    """Multiply-adds of a dense model per example, by PyTorch's counter."""
    # In training mode there is no fast path.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model.train()(x)
    return float(counter.get_total_flops() / 2 / len(x))


def by_hand(name: str, gates: list[Tensor], examples: int) -> float:
    """``(features + outputs) * open units`` of every row, without a gater."""
    total = 0.0
    for (firsts, second), each in zip(MODELS[name][1].items(), gates, strict=True):
        model = model_of(name)
        ups = [model.get_submodule(first) for first in ((firsts,) if isinstance(firsts, str) else firsts)]
        down = model.get_submodule(second)
        assert isinstance(down, nn.Linear)
        features = sum(up.in_features for up in ups if isinstance(up, nn.Linear)) + down.out_features
        total += features * down.in_features // each.shape[1] * int((each != 0).sum())
    return total / examples


@every_model
def test_all_blocks_open_and_the_rest_cost_what_the_dense_model_does(name):
    x = examples_of(name)
    cost = scripted(name, open_all).cost(x)
    assert cost.pairs == cost.pairs_dense
    assert cost.rest + cost.pairs_dense == cost.dense == cost.gated == counted(model_of(name), x)
    assert cost.share == 1.0


@every_model
def test_open_blocks_cost_what_is_counted_by_hand(name):
    x, gates = examples_of(name), random_gates(rows_of(name, 4))
    cost = scripted(name, fixed(gates)).cost(x)
    assert cost.pairs == by_hand(name, gates, 4)
    assert cost.pairs_dense + cost.rest == counted(model_of(name), x)
    shares = [float((each != 0).double().mean()) for each in gates]
    assert list(cost.densities.values()) == pytest.approx(shares)
    assert list(cost.densities) == [firsts if isinstance(firsts, str) else firsts[0] for firsts in MODELS[name][1]]


@every_model
def test_a_gater_costs_its_scores(name):
    x, gates = examples_of(name), random_gates(rows_of(name, 4))

    def decide(site: Site) -> Decision:
        _ = site.scores
        return Decision(gates[site.index])

    gated = scripted(name, decide)
    scores = sum(
        rows / 4 * pair.features * pair.blocks
        for rows, pair in zip(rows_of(name, 4), gated.architecture.pairs, strict=True)
    )
    assert gated.cost(x).pairs == by_hand(name, gates, 4) + scores


def test_a_strategy_pays_for_what_it_decides_by():
    x = examples_of("encoder_layer")
    gated = gate(
        model_of("encoder_layer"),
        {"linear1": "linear2"},
        strategy=strategies.find("hashed_blocks"),
        blocks=4,
        density=0.5,
        settings={"clusters": 3},
    )
    gated.objective(lambda model, x: model(x).mean((1, 2)), x, progress=0.0)
    # Five positions find the nearest of three centroids of eight features; two of four blocks of four are open.
    assert gated.cost(x).pairs == 5 * (8 * 3 + (8 + 8) * 8)


def test_a_projection_is_charged():
    gated = scripted("encoder_layer", open_all)
    linear = nn.Linear(8, 3).double()

    def infer(batch: Batch) -> Pass:
        done = batch(open_all)
        batch.project(done, linear, layer=0)
        return done

    x = examples_of("encoder_layer")
    before = gated.cost(x)
    gated.strategy.infer = infer  # type: ignore[method-assign]
    assert gated.cost(x).pairs == before.pairs + 5 * 8 * 3


def test_a_strategy_that_runs_the_model_twice_pays_for_it_twice():
    gated = scripted("encoder_layer", open_all)

    def infer(batch: Batch) -> Pass:
        batch(open_all)
        return batch(open_all)

    x = examples_of("encoder_layer")
    once = gated.cost(x)
    gated.strategy.infer = infer  # type: ignore[method-assign]
    twice = gated.cost(x)
    assert (twice.gated, twice.dense, twice.rest, twice.passes) == (2 * once.gated, once.dense, once.rest, 2)


def test_ungated_encoder_layers_are_counted_in_evaluation_too():
    torch.manual_seed(0)
    encoder = nn.TransformerEncoder(encoder_layer(), 2).double().eval()
    x = examples_of("encoder_layer")
    expected = counted(encoder, x)
    encoder.eval()
    pair = {"layers.1.linear1": "layers.1.linear2"}
    cost = gate(encoder, pair, strategy=strategies.find("dense"), blocks=4, density=1.0).cost(x)
    assert cost.dense == expected
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize("gate_grad", ["open", "exact"])
def test_training_is_charged_for_its_backward_too(gate_grad):
    x, gates = examples_of("mlp"), [each.requires_grad_() for each in random_gates([4, 4])]
    passes: list[Pass] = []
    gated = scripted("mlp", fixed(gates, gate_grad))

    def objective(batch: Batch) -> tuple[Tensor, Pass]:
        done = batch(gated.strategy.script)  # type: ignore[arg-type]
        passes.append(done)
        return done.mean_loss(), done

    gated.strategy.objective = objective  # type: ignore[method-assign]
    gated.objective(lambda model, x: model(x).mean(1), x, progress=0.0)
    first, second = ((each != 0).double().sum(dim=1) for each in gates)
    # Layers of 6, 4 x 4, 8, 4 x 3 and 3 units. The data needs no gradient; the second pair's input does, in full.
    first, second = 4 * first, 3 * second
    torch.testing.assert_close(passes[0].macs, 14 * first + 11 * second)
    if gate_grad == "open":
        expected = 6 * 2 * first + 8 * 3 * first + 8 * 3 * second + 3 * 3 * second
    else:
        computed = 6 * (16 + first) + 8 * (12 + 2 * second)
        expected = computed + 8 * (2 * first + 16) + 3 * (2 * second + 12)
    torch.testing.assert_close(passes[0].training_macs, expected)
