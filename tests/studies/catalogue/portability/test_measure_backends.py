import json
from typing import Any

import pytest
import torch

from core.training.trained_network import TrainedNetwork
from kernels import use_backend
from studies.catalogue.portability import measure_backends as backends
from studies.catalogue.portability.inference import in_double, on_backend, one_by_one, other_gates, plainly
from tests.support.trained import STREAMS, subject_of


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "REPETITIONS", 1)
    monkeypatch.setattr(backends, "COMPILERS", ())


def by_way(trained: TrainedNetwork) -> dict[str, dict[str, Any]]:
    found = backends.measure(trained)
    json.dumps(found, allow_nan=False)
    return {entry["way"]: entry for entry in found["ways"]}


def noise() -> torch.Generator:
    return STREAMS.torch("gates", "tests")


@pytest.mark.parametrize("strategy", ["top_k", "reinforce", "tree_routing", "act_halting", "dense"])
def test_every_back_end_agrees_with_double_precision(strategy):
    found = by_way(subject_of(strategy, network="4x16,4x16"))
    assert list(found) == ["reference", "cpu", "triton", "fused call"]
    for way in ("reference", "cpu"):
        entry = found[way]
        assert entry["reason"] is None
        assert entry["other_gates"] == 0
        assert 0 < entry["difference"] < 1e-4
        assert entry["equal_predictions"] == 1
        assert entry["seconds"][0] > 0 < entry["reference_seconds"][0]
    assert found["triton"]["reason"]
    fused = found["fused call"]
    if strategy in ("top_k", "reinforce"):
        assert fused["other_gates"] == 0
        assert 0 < fused["difference"] < 1e-4
    else:
        assert fused["reason"] == f"{strategy} decides by more than a rule on the gater's scores: run infer instead"


def test_what_a_back_end_gets_wrong_is_seen(monkeypatch):
    trained = subject_of("top_k", network="4x16,4x16")

    def biased(name: str, classify: Any) -> Any:
        def broken(x: torch.Tensor, noise: torch.Generator) -> Any:
            logits, executed = on_backend(name, classify)(x, noise)
            # One gate more in the first example, and a shift of a logit in all.
            executed[0][0] = 1 - executed[0][0] if name == "cpu" else executed[0][0]
            return logits + (1.0 if name == "cpu" else 0.0), executed

        return broken

    monkeypatch.setattr(backends, "on_backend", biased)
    found = by_way(trained)
    assert (found["reference"]["other_gates"], found["cpu"]["other_gates"]) == (0, 1)
    assert found["cpu"]["difference"] == pytest.approx(1, abs=1e-3)


def test_double_precision_draws_the_gates_of_single_precision():
    trained = subject_of("reinforce", network="4x16,4x16", gates="bernoulli", test_gates="sampled")
    network, strategy, x = trained.network, trained.strategy, trained.test.x
    strategy.eval()
    single = plainly(network, strategy, trained.density)(x, noise())
    exact = in_double(network, strategy, trained.density)(x, noise())
    assert exact[0].dtype == torch.float64
    assert not other_gates(single, exact).any()
    assert other_gates(plainly(network, strategy, trained.density)(x, torch.Generator()), exact).any()
    assert next(network.parameters()).dtype == torch.float32


def test_examples_one_by_one_are_joined_to_a_batch():
    trained = subject_of("top_k", network="4x16,4x16")
    classify = plainly(trained.network, trained.strategy, trained.density)
    x = trained.test.x[:5]
    together, alone = classify(x, noise()), one_by_one(classify, x, noise())
    torch.testing.assert_close(alone[0], together[0])
    assert all(torch.equal(own, other) for own, other in zip(alone[1], together[1], strict=True))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_a_compiled_network_agrees_and_its_graphs_are_counted(monkeypatch):
    monkeypatch.setattr(backends, "COMPILERS", ("aot_eager",))
    entry = by_way(subject_of("top_k", network="4x16,4x16"))["torch.compile, aot_eager"]
    assert entry["reason"] is None
    assert entry["graphs"] == 1
    assert entry["compile_seconds"] > 0
    assert entry["equal_predictions"] == 1
    assert entry["difference"] < 1e-4


def test_a_compiler_that_is_missing_is_named_with_the_first_line_of_its_error(monkeypatch):
    def broken(*_: object) -> object:
        raise RuntimeError("no C++ compiler\nand a long trace")

    monkeypatch.setattr(backends, "COMPILERS", ("inductor",))
    monkeypatch.setattr(torch, "compile", lambda classify, backend: broken)
    found = by_way(subject_of("top_k"))["torch.compile, inductor"]
    assert found == {"way": "torch.compile, inductor", "reason": "no C++ compiler"}


def test_training_on_the_back_ends_ends_nearly_alike_and_no_back_end_stays_pinned():
    with use_backend("reference"):
        trainings = backends.measure(subject_of("top_k", network="4x16,4x16"))["training"]
    cpu, triton = trainings
    assert (cpu["way"], triton["way"]) == ("cpu", "triton")
    assert 0 < cpu["parameter_difference"] < 1e-2
    assert cpu["equal_predictions"] > 0.9
    assert triton["reason"]


@pytest.mark.usefixtures("without_fused_multiply_adds")
def test_a_processor_that_cannot_run_the_kernels_is_a_reason():
    found = by_way(subject_of("top_k", network="4x16,4x16"))
    for way in ("cpu", "fused call"):
        assert found[way]["reason"].startswith("the cpu back end needs fused multiply-adds")
    assert found["reference"]["reason"] is None
