"""Records hold core's own numbers, and writing to a pass is found."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from core.strategy import ProtocolError
from core.training.batch import CountedBatch
from core.training.evaluate import evaluate
from tests.support.networks import FEATURES, batch_of, fixed, network_of, normal, random_gates

ROWS = 4
Y = torch.tensor([0, 2, 1, 2])


@pytest.fixture
def batch() -> CountedBatch:
    return batch_of(network_of("3x2,2x3"), normal(ROWS, FEATURES), Y)


@pytest.fixture
def done(batch):
    return batch(fixed(random_gates(network_of("3x2,2x3"), ROWS)))


TENSORS: dict[str, Callable[[Any], Tensor]] = {
    "the output": lambda done: done.output,
    "the hidden state": lambda done: done.hidden,
    "macs": lambda done: done.macs,
    "training_macs": lambda done: done.training_macs,
    "executed": lambda done: done.executed[1],
    "the loss": lambda done: done.loss,
    "gates": lambda done: done.decisions[0].gates,
    "a layer's input": lambda done: done.inputs[0],
    "read": lambda done: done.read[1],
}


@pytest.mark.parametrize("name", TENSORS)
def test_a_write_in_place_is_found_whatever_is_asked_of_the_batch(batch, done, name):
    with torch.no_grad():
        TENSORS[name](done).add_(0)
    asked: tuple[Callable[[], object], ...] = (
        lambda: batch.owned(done),
        lambda: batch.flips(done, 0),
        lambda: batch.project(done, torch.nn.Linear(6, 1).double()),
        lambda: batch.mix([done], torch.ones(1, ROWS, dtype=torch.float64)),
    )
    for ask in asked:
        with pytest.raises(ProtocolError, match=f"{name} of a pass was written to in place"):
            ask()


@pytest.mark.parametrize("name", ["the output", "macs", "training_macs", "executed", "the loss", "read"])
def test_a_write_around_the_version_is_found_where_a_record_is_made_of_it(batch, done, name):
    TENSORS[name](done).data.add_(1)
    with pytest.raises(ProtocolError, match=f"{name} of a pass was written to through .data"):
        batch.owned(done)


@pytest.mark.parametrize("name", ["computed", "opened"])
def test_what_the_next_pass_is_charged_by_is_watched(name):
    network = network_of("3x2,2x3", recurrent=True)
    batch, decide = batch_of(network, normal(ROWS, FEATURES), Y), fixed(random_gates(network, ROWS))
    done: Any = batch(decide)
    with torch.no_grad():
        getattr(done.products, name).add_(0)
    with pytest.raises(ProtocolError, match=f"products.{name} of a pass was written to in place"):
        batch(decide, carry=done)


@pytest.mark.parametrize("name", ["computed", "opened"])
def test_what_the_next_pass_is_charged_by_is_watched_around_the_version_too(name):
    network = network_of("3x2,2x3", recurrent=True)
    batch, decide = batch_of(network, normal(ROWS, FEATURES), Y), fixed(random_gates(network, ROWS))
    done: Any = batch(decide)
    getattr(done.products, name).data.add_(1)
    with pytest.raises(ProtocolError, match=f"products.{name} of a pass was written to through .data"):
        batch(decide, carry=done)


def test_core_keeps_its_numbers_when_a_pass_is_written_to(batch, done):
    expected = batch.macs(done), batch.executed(done), batch.training_macs()
    done.macs.data.zero_()
    done.training_macs.data.zero_()
    done.executed[0].data.zero_()
    assert batch.training_macs() == expected[2]
    with pytest.raises(ProtocolError):
        batch.macs(done)


def test_a_mix_is_watched_too(batch, done):
    mixed = batch.mix([done], torch.ones(1, ROWS, dtype=torch.float64))
    assert torch.equal(batch.owned(mixed).output, done.output)
    mixed.macs.zero_()
    with pytest.raises(ProtocolError, match="macs of a pass was written to in place"):
        batch.owned(mixed)


def test_what_is_not_a_number_is_itself(batch):
    gates = random_gates(network_of("3x2,2x3"), ROWS)
    gates[0][0] = float("nan")
    done = batch(fixed(gates))
    assert batch.owned(done).output.isnan().any()


def test_a_cost_below_that_of_the_open_blocks_is_no_record(monkeypatch):
    from core.data import Split

    class Cheap:
        def eval(self):
            pass

        def infer(self, batch):
            return batch(fixed(random_gates(network, ROWS)))

    network = network_of("3x2,2x3")
    split = Split(normal(ROWS, FEATURES), Y)
    assert evaluate(network, Cheap(), split, torch.Generator(), density=0.5) is not None  # type: ignore[arg-type]
    monkeypatch.setattr(CountedBatch, "macs", lambda self, answer: answer.macs - 1)
    with pytest.raises(ProtocolError, match="below those of its open blocks"):
        evaluate(network, Cheap(), split, torch.Generator(), density=0.5)  # type: ignore[arg-type]
