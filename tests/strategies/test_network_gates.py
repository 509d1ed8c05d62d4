"""Networks trained on the gates of a teacher that sees labels."""

import pytest
import torch
from torch import Tensor

import strategies
from core.strategy import Pass
from core.training.batch import CountedBatch
from tests.support.networks import FEATURES, network_of, normal, seeded

ROWS = 12
Y = torch.arange(ROWS) % 3
NAMES = ["local_search", "greedy_structured"]


def logged(name: str, labels: Tensor, shape: str = "6x3", *, seed: int = 0, **settings: object) -> Pass:
    network = network_of(shape)
    batch = CountedBatch(network, normal(ROWS, FEATURES), labels, seeded(seed), density=0.5)
    strategy = strategies.find(name)(network.architecture, {"noise": 0, **settings}, seeded())
    objective, done = strategy.objective(batch)
    objective.backward()
    assert all(part.grad is not None for part in network.parameters())
    return done


@pytest.mark.parametrize("shape", ["6x3", "6x3,4x2"])
@pytest.mark.parametrize("name", NAMES)
def test_the_teachers_gates_follow_the_labels_and_keep_the_budget(name, shape):
    one, other = (logged(name, labels, shape, network_gates="teacher") for labels in (Y, Y.flip(0)))
    assert not torch.equal(one.decisions[0].gates, other.decisions[0].gates)
    for decision in one.decisions:
        assert decision.gates.sum(dim=1).unique().tolist() == [decision.gates.shape[1] // 2]


@pytest.mark.parametrize("name", NAMES)
def test_the_teacher_has_the_lower_loss(name):
    student, teacher = (logged(name, Y, network_gates=whose) for whose in ("student", "teacher"))
    assert student.loss is not None
    assert teacher.loss is not None
    assert teacher.loss.mean() < student.loss.mean()


def test_a_local_search_never_raises_any_examples_loss():
    student, teacher = (logged("local_search", Y, network_gates=whose) for whose in ("student", "teacher"))
    assert student.loss is not None
    assert teacher.loss is not None
    assert (teacher.loss <= student.loss + 1e-12).all()


def test_every_roll_in_is_the_teachers_whatever_the_mix_and_the_seed():
    gates = [
        logged("greedy_structured", Y, network_gates="teacher", first_mix=mix, seed=seed).decisions[0].gates
        for mix, seed in ((0.0, 0), (1.0, 1))
    ]
    assert torch.equal(*gates)


@pytest.mark.parametrize("name", NAMES)
def test_by_default_the_network_has_the_students_gates(name):
    assert strategies.find(name).space["network_gates"].default == "student"
    assert not strategies.find(name).space["network_gates"].searched
    one, other = (logged(name, labels) for labels in (Y, Y.flip(0)))
    assert torch.equal(one.decisions[0].gates, other.decisions[0].gates)
