from typing import Any

import pytest
import torch
from torch import nn

from core.network.fully_connected import FullyConnectedNetwork
from core.parts.gates import open_all
from core.strategy import ProtocolError
from core.training.batch import CountedBatch
from studies.timing.unaccounted import UnaccountedBatch, plain_classifier
from tests.support.trained import STREAMS, subject_of

STRATEGIES: list[tuple[str, dict[str, Any]]] = [
    ("top_k", {}),
    ("top_k", {"gates": "weighted"}),
    ("reinforce", {"test_gates": "sampled"}),
    ("reinforce", {"test_gates": "threshold"}),
    ("gaussian_gates", {}),
    ("random_blocks", {}),
    ("tree_routing", {}),
]


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("network", ["8x2", "8x2,4x5"])
@pytest.mark.parametrize(("strategy", "settings"), STRATEGIES)
def test_it_infers_what_the_run_with_accounting_infers(strategy, settings, network, masked):
    trained = subject_of(strategy, network=network, **settings)
    gated, own = trained.network, trained.strategy
    x = trained.test.x
    with torch.inference_mode():
        batch = CountedBatch(gated, x, None, STREAMS.torch("gates", "test"), density=trained.density)
        expected = own.infer(batch).output
    classify = plain_classifier(gated, own, trained.density, STREAMS.torch("gates", "test"), masked=masked)
    found = classify(x)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1e-4


def test_what_it_cannot_do_it_refuses():
    trained = subject_of("top_k")
    assert isinstance(trained.network, FullyConnectedNetwork)
    batch = UnaccountedBatch(trained.network, trained.test.x, STREAMS.torch("gates"), trained.density, [])
    done = batch(open_all)
    for call in (
        lambda: batch.flips(done, 0),
        lambda: batch.project(done, nn.Linear(1, 1)),
        lambda: batch.mix([done], torch.ones(1, len(trained.test.y))),
    ):
        with pytest.raises(ProtocolError):
            call()
