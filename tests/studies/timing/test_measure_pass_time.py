import pytest
import torch

from studies.timing import measure_pass_time as pass_time
from studies.timing.clock import Contender, Timed
from studies.timing.dense_twin import dense_twin, ways_of
from studies.timing.one_dnn import available
from tests.support.trained import subject_of


@pytest.fixture(autouse=True)
def turns(monkeypatch):
    """A clock of its own: what is measured first takes 0, 1 and 5 seconds, what is second 10, 11 and 15."""
    turns: list[tuple[Contender, Contender]] = []

    def interleaved(baseline: Contender, ours: Contender, device: str) -> list[tuple[Timed, Timed]]:
        baseline(0), ours(0)
        begin = 10.0 * len(turns)
        turns.append((baseline, ours))
        # Other programs on the machine stretch only the wall clock's time.
        return [(Timed(99.0, 2.0 + seconds), Timed(99.0, begin + seconds)) for seconds in (5.0, 0.0, 1.0)]

    monkeypatch.setattr(pass_time, "interleaved", interleaved)
    return turns


@pytest.mark.parametrize("strategy", ["top_k", "reinforce", "tree_routing", "act_halting"])
def test_a_gated_network_is_timed_with_and_without_kernels_and_beside_its_dense_twin(strategy, turns):
    found = pass_time.measure(subject_of(strategy))
    assert found["examples"] == 360
    assert (found["seconds"], found["masked_seconds"], found["dense_seconds"]) == (1.0, 11.0, 3.0)
    assert found["library"] in ("eager", "oneDNN")
    (dense, _), (again, _) = turns
    assert dense is again


def test_a_dense_network_has_no_masked_time(turns):
    found = pass_time.measure(subject_of("dense"))
    assert found["seconds"] == found["dense_seconds"] == 1.0
    assert found["masked_seconds"] is None
    ((dense, same),) = turns
    assert dense is same


def test_what_is_timed_classifies_like_the_network_itself(monkeypatch):
    trained = subject_of("top_k")
    x = trained.test.x
    fused = pass_time.classifier(trained)(x)
    monkeypatch.setattr(type(trained.strategy), "gate_rule", lambda self: None)
    inferred = pass_time.classifier(trained)(x)
    assert isinstance(fused, torch.Tensor)
    assert isinstance(inferred, torch.Tensor)
    assert (fused - inferred).abs().max() < 1e-4


@pytest.mark.usefixtures("without_fused_multiply_adds")
def test_where_kernels_cannot_be_run_the_strategys_own_inference_is_timed():
    trained = subject_of("top_k")
    assert pass_time.compiled(trained) is None
    assert pass_time.measure(trained)["seconds"] == 1.0


def test_both_libraries_infer_the_same_with_a_dense_network():
    trained = subject_of("dense")
    x = trained.test.x[:7]
    twin = dense_twin(trained.network.architecture)
    ways = ways_of(twin, 7, "cpu")
    with torch.inference_mode():
        found = {name: way(x) for name, way in ways.items()}
    for logits in found.values():
        torch.testing.assert_close(logits, twin(x).detach(), rtol=1e-4, atol=1e-5)
    assert set(found) == ({"eager", "oneDNN"} if available() else {"eager"})
    assert set(ways_of(twin, 7, "cuda")) == {"eager"}
