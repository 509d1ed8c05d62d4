from typing import Any

import pytest
import torch
from torch import nn

from core.architecture import Architecture
from core.network.cost import equal_macs_dense
from studies.catalogue.batch_size import measure_batch_latency as batch_latency
from studies.timing.clock import Timed
from studies.timing.dense_twin import dense_twin
from studies.timing.measure_pass_time import classifier
from tests.support.trained import subject_of


def test_calls_are_timed_beside_both_dense_networks_at_every_batch_size(monkeypatch):
    monkeypatch.setattr(batch_latency, "BATCHES", (1, 4))
    monkeypatch.setattr(batch_latency, "REPETITIONS", 2)
    calls = batch_latency.measure(subject_of("reinforce"))["calls"]
    assert [(call["batch"], call["baseline"]) for call in calls] == [
        (size, baseline) for size in (1, 4) for baseline in ("dense", "dense of equal MACs")
    ]
    for call in calls:
        for side in ("own", "baseline"):
            for clock in ("seconds", "processor_seconds"):
                assert len(call[f"{side}_{clock}"]) == 2
                assert all(seconds > 0 for seconds in call[f"{side}_{clock}"])


def test_a_network_without_gates_is_not_timed():
    assert batch_latency.measure(subject_of("small_dense")) == {"calls": []}


@pytest.mark.parametrize("strategy", ["top_k", "tree_routing"])
def test_what_is_timed_are_single_examples_and_whole_batches_of_the_test_split(monkeypatch, strategy):
    answers: dict[tuple[int, int], Any] = {}

    def spy(baseline: Any, ours: Any, device: str, repetitions: int) -> list[tuple[Timed, Timed]]:
        answers[len(answers), repetitions] = (baseline(5), ours(5))
        return [(Timed(1.0, 1.0), Timed(1.0, 1.0))]

    monkeypatch.setattr(batch_latency, "interleaved", spy)
    monkeypatch.setattr(batch_latency, "BATCHES", (1, 50))
    trained = subject_of(strategy)
    batch_latency.measure(trained)
    own = [getattr(ours, "output", ours) for _, ours in answers.values()]
    # One compiled call takes an example, infer takes a batch of one.
    assert [tuple(logits.shape) for logits in own[::2]] == [(10,) if strategy == "top_k" else (1, 10), (50, 10)]
    # The fifth batch of 50 begins with example 250.
    trained.strategy.eval()
    expected = subject_of(strategy)
    found = classifier(expected)(trained.test.x[250:300].contiguous())
    torch.testing.assert_close(own[2], getattr(found, "output", found))
    assert {repetitions for _, repetitions in answers} == {batch_latency.REPETITIONS}


def test_the_dense_networks_have_the_widths_and_the_multiply_adds(monkeypatch):
    built: list[nn.Sequential] = []

    def spy(shape: Architecture) -> nn.Module:
        built.append(dense_twin(shape))
        return built[-1]

    monkeypatch.setattr(batch_latency, "dense_twin", spy)
    monkeypatch.setattr(batch_latency, "interleaved", lambda *_: [])
    trained = subject_of("top_k", network="8x4", density=0.25)
    batch_latency.measure(trained)
    narrow = equal_macs_dense(trained.network.architecture, 0.25).layers[0].units
    widths = [module[0].out_features for module in built]
    assert widths == [32, narrow]
    assert narrow < 32
