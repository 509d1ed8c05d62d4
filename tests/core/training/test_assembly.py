"""Network and strategy before training, and training that goes on from a state."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

import strategies
from core.architecture import Architecture
from core.strategy import Batch, Pass, Strategy
from core.training.assembly import joined, untrained
from core.training.settings import TrainingSettings
from core.training.train import Trained, train
from strategies.reinforce import Reinforce
from tests.support.trained import STREAMS, digits, subject_of

ARCHITECTURE = Architecture.parse("4x4", features=64, classes=10)
# So slow that nothing moves by more than a rounding.
STILL = {"optimizer": "sgd", "learning_rate": 1e-6, "gater_learning_rate": 1e-6, "density_tolerance": 1.0}


def trained_on(strategy: type[Strategy], start: Mapping[str, Tensor] | None, **settings: Any) -> Trained:
    chosen = TrainingSettings.of({**STILL, "epochs": 1, **settings})
    return train(strategy, {}, ARCHITECTURE, digits(), STREAMS, chosen, density=0.5, start=start)


def test_what_is_untrained_is_where_training_starts():
    network, strategy = untrained(strategies.find("reinforce"), {}, ARCHITECTURE, STREAMS, density=0.5)
    found = trained_on(strategies.find("reinforce"), None)
    for name, value in joined(network, strategy).state_dict().items():
        torch.testing.assert_close(joined(found.network, found.strategy).state_dict()[name], value, rtol=0, atol=1e-3)


def test_training_goes_on_from_a_state_and_leaves_it_as_it_is():
    before = subject_of("reinforce", epochs=3)
    start = joined(before.network, before.strategy).state_dict()
    copies = {name: value.clone() for name, value in start.items()}
    found = trained_on(strategies.find("reinforce"), start)
    after = joined(found.network, found.strategy).state_dict()
    assert set(after) == set(start)
    for name, value in start.items():
        torch.testing.assert_close(after[name], value, rtol=0, atol=1e-3)
        assert torch.equal(value, copies[name])
    moved = trained_on(strategies.find("reinforce"), start, learning_rate=0.1).network.state_dict()
    bias = "readout.bias"
    assert not torch.allclose(moved[bias], start[f"network.{bias}"], atol=1e-2)
    assert all(torch.equal(start[name], value) for name, value in copies.items())


def test_what_is_annealed_stays_at_its_end():
    seen: list[float] = []

    class Watched(Reinforce):
        """Notes how far training is said to be."""

        def objective(self, batch: Batch) -> tuple[torch.Tensor, Pass]:
            seen.append(batch.progress)
            return super().objective(batch)

    before = subject_of("reinforce")
    trained_on(Watched, joined(before.network, before.strategy).state_dict())
    assert set(seen) == {1.0}
    seen.clear()
    trained_on(Watched, None)
    assert seen[0] == 0.0


def test_training_that_went_on_has_streams_of_its_own():
    drawn = {
        STREAMS.sequence("order").generate_state(1)[0],
        *(replace(STREAMS, continued=times).sequence("order").generate_state(1)[0] for times in (0, 1, 2)),
    }
    assert len(drawn) == 3


@pytest.mark.parametrize(
    ("strategy", "network", "settings", "centred"),
    [
        ("hard_concrete", "4x3,4x3", {}, True),
        ("hard_concrete", "4x3", {}, False),
        ("hard_concrete", "4x3", {"centred_scores": "always"}, True),
        ("hard_concrete", "4x3,4x3", {"centred_scores": "never"}, False),
        ("straight_through", "4x3,4x3", {}, True),
        ("straight_through", "4x3,4x3", {"gates": "exactly_k"}, False),
        ("straight_through", "4x3,4x3", {"gates": "tree"}, False),
        ("reinforce", "4x3,4x3", {"gates": "bernoulli"}, True),
        ("top_k", "4x3,4x3", {}, False),
    ],
)
def test_scores_are_centred_where_independent_gates_meet_depth(strategy, network, settings, centred):
    architecture = Architecture.parse(network, features=6, classes=3)
    built, _ = untrained(strategies.find(strategy), settings, architecture, STREAMS, density=1 / 2)
    assert [gater.centred for gater in built.gaters] == [centred] * len(architecture.layers)
