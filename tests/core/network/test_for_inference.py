"""The compiled network decides and answers like the ordinary path, also when it has been trained."""

import copy
import pickle
from typing import Any

import pytest
import torch

from core.architecture import Architecture
from core.data import Splits, load, split
from core.errors import InputError
from core.network.fully_connected import FullyConnectedNetwork
from core.seeding import SeedStreams
from core.training.batch import CountedBatch
from core.training.settings import TrainingSettings
from core.training.train import Trained, train
from kernels import use_backend
from kernels.cpu import FusedLayer, FusedNetwork
from strategies import find

STREAMS = SeedStreams(0, "evaluate", "digits", 0)
DENSITY = 1 / 4
RULES = [
    ("top_k", {}),
    ("local_search", {}),
    ("greedy_structured", {}),
    ("reinforce", {}),
    ("reinforce", {"gates": "bernoulli", "test_gates": "sampled"}),
    ("reinforce", {"gates": "bernoulli"}),
    ("reinforce", {"gates": "bernoulli", "test_gates": "threshold"}),
    ("straight_through", {"last_slope": 3.0}),
    ("straight_through", {"test_gates": "threshold"}),
]


def splits() -> Splits:
    return split(load("digits"), STREAMS, "resampled")


def fit(name: str, settings: dict[str, object], network: str = "8x16,12x8", epochs: int = 2) -> Trained:
    architecture = Architecture.parse(network, 64, 10)
    training = TrainingSettings.of({"epochs": epochs})
    return train(find(name), settings, architecture, splits(), STREAMS, training, density=DENSITY)


@pytest.mark.parametrize(("name", "settings"), RULES)
def test_a_trained_network_decides_and_answers_as_it_does_otherwise(name, settings):
    trained = fit(name, settings)
    fused = trained.network.for_inference(trained.strategy, DENSITY)
    ours, theirs = (torch.Generator().manual_seed(3) for _ in range(2))
    trained.strategy.eval()
    opened = 0.0
    for x in splits().validation.x[:100]:
        logits = fused(x.contiguous(), ours)
        with torch.no_grad():
            done = trained.strategy.infer(CountedBatch(trained.network, x[None], None, theirs, density=DENSITY))
        for gates, decision in zip(fused.gates, done.decisions, strict=True):
            assert torch.equal(gates, decision.gates[0])
            opened += float(gates.sum())
        torch.testing.assert_close(logits, done.output[0], rtol=1e-4, atol=1e-5)
    assert 0 < opened < 100 * 20


@pytest.mark.parametrize(("name", "settings"), RULES)
def test_a_batch_is_answered_likewise(name, settings):
    trained = fit(name, settings)
    fused = trained.network.for_inference(trained.strategy, DENSITY)
    x = splits().validation.x[:150].contiguous()
    ours, theirs = (torch.Generator().manual_seed(3) for _ in range(2))
    with torch.no_grad():
        done = trained.strategy.infer(CountedBatch(trained.network, x, None, theirs, density=DENSITY))
    torch.testing.assert_close(fused(x, ours), done.output, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["top_k", "reinforce", "remoe", "act_halting"])
def test_every_back_end_gives_the_trained_network_the_same_results(name):
    trained = fit(name, {}, epochs=10)
    x, y = splits().validation.x, splits().validation.y
    outputs = []
    for backend in ("reference", "cpu"):
        with use_backend(backend), torch.no_grad():
            generator = torch.Generator().manual_seed(3)
            done = trained.strategy.infer(CountedBatch(trained.network, x, None, generator, density=DENSITY))
            outputs.append(done.output)
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-4, atol=1e-4)
    assert torch.equal(outputs[0].argmax(dim=1), outputs[1].argmax(dim=1))
    assert (outputs[0].argmax(dim=1) == y).double().mean() > 0.3


def test_later_training_does_not_show():
    trained = fit("top_k", {})
    fused = trained.network.for_inference(trained.strategy, DENSITY)
    x = splits().validation.x[0].contiguous()
    before = fused(x).clone()
    with torch.no_grad():
        for parameter in trained.network.parameters():
            parameter.add_(1.0)
    assert torch.equal(fused(x), before)


@pytest.mark.parametrize(("name", "settings"), [RULES[0], RULES[4]])
def test_copies_have_memory_of_their_own(name, settings):
    trained = fit(name, settings)
    fused = trained.network.for_inference(trained.strategy, DENSITY)
    x = splits().validation.x[:3].contiguous()
    expected = [fused(each, torch.Generator().manual_seed(3)).clone() for each in (x[0], x)]
    copies = [copy.deepcopy(fused), pickle.loads(pickle.dumps(fused))]
    kept = fused(x[0], torch.Generator().manual_seed(3))
    for one in copies:
        found = [one(each, torch.Generator().manual_seed(3)).clone() for each in (x[0], x)]
        assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))
        one(x[1], torch.Generator().manual_seed(3))
    # The copies' calls have not overwritten its result.
    assert torch.equal(kept, expected[0])


def test_parameters_that_do_not_fit_together_are_refused():
    layer = FusedLayer(torch.ones(2, 1, 3, 4), torch.ones(8), torch.ones(2, 3), torch.ones(2))
    readout = torch.ones(1, 2, 4, 5), torch.ones(5)
    options: Any = {"activation": "relu", "rule": "threshold"}
    assert FusedNetwork([layer], *readout, **options)(torch.ones(3)).shape == (5,)
    for wrong, reason in (
        (layer._replace(bias=torch.ones(7)), r"^bias has shape \[7\], expected \[8\]"),
        (layer._replace(gater_weight=torch.ones(2, 4)), r"^gater_weight has shape \[2, 4\], expected \[2, 3\]"),
        (layer._replace(gater_bias=torch.ones(3)), r"^bias has shape \[3\], expected \[2\]"),
        (layer._replace(weight=torch.ones(3, 1, 3, 4), bias=torch.ones(12)), "cannot read 3 blocks of 4 units"),
    ):
        with pytest.raises(ValueError, match=reason):
            FusedNetwork([wrong], *readout, **options)
    with pytest.raises(ValueError, match="expected one block of classes"):
        FusedNetwork([layer], torch.ones(2, 2, 4, 5), torch.ones(10), **options)


@pytest.mark.parametrize(
    ("name", "settings"), [("dense", {}), ("top_k", {"gates": "weighted"}), ("hard_concrete", {}), ("act_halting", {})]
)
def test_strategies_without_a_rule_are_refused(name, settings):
    strategy = find(name)(Architecture.parse("8x16", 64, 10), settings, torch.Generator())
    network = FullyConnectedNetwork(strategy.architecture, recurrent="passes" in strategy.needs)
    with pytest.raises(
        InputError, match=f"{name} decides by more than a rule on the gater's scores: run infer instead"
    ):
        network.for_inference(strategy, DENSITY)


def test_the_multi_pass_heir_of_a_rule_is_refused():
    strategy = find("reinforce_halting")(Architecture.parse("8x16", 64, 10), {}, torch.Generator())
    with pytest.raises(InputError, match="reinforce_halting decides by more"):
        FullyConnectedNetwork(strategy.architecture, recurrent=True).for_inference(strategy, DENSITY)


def test_what_does_not_fit_is_refused():
    trained = fit("reinforce", {"gates": "bernoulli", "test_gates": "sampled"})
    fused = trained.network.for_inference(trained.strategy, DENSITY)
    with pytest.raises(ValueError, match="gates are sampled: a generator is needed"):
        fused(torch.ones(64))
    for wrong in (torch.ones(63), torch.ones(64, dtype=torch.float64), torch.ones(2, 65), torch.ones(128)[::2]):
        with pytest.raises(ValueError, match=r"expected contiguous float32 \[64\] on cpu, or a batch of these"):
            fused(wrong, torch.Generator())
    with pytest.raises(ValueError, match="computes in float32"):
        trained.network.double().for_inference(trained.strategy, DENSITY)
