import pytest
import torch

from studies.timing import measure_pass_time as pass_time
from tests.support.trained import subject_of


@pytest.mark.parametrize("strategy", ["top_k", "reinforce", "tree_routing", "act_halting"])
def test_a_gated_network_is_timed_with_and_without_kernels_and_beside_its_dense_twin(strategy):
    found = pass_time.measure(subject_of(strategy))
    assert found["examples"] == 360
    assert all(0 < found[key] < 10 for key in ("seconds", "masked_seconds", "dense_seconds"))


def test_a_dense_network_has_no_masked_time():
    found = pass_time.measure(subject_of("dense"))
    assert found["seconds"] == found["dense_seconds"] > 0
    assert found["masked_seconds"] is None


def test_what_is_timed_classifies_like_the_network_itself(monkeypatch):
    trained = subject_of("top_k")
    x = trained.test.x
    fused = pass_time.classifier(trained)(x)
    monkeypatch.setattr(type(trained.strategy), "gate_rule", lambda self: None)
    inferred = pass_time.classifier(trained)(x)
    assert isinstance(fused, torch.Tensor)
    assert isinstance(inferred, torch.Tensor)
    assert (fused - inferred).abs().max() < 1e-4
