import pytest
import torch

from core.training.evaluate import evaluate
from studies.catalogue.teachers import measure_label_leakage as label_leakage
from tests.support.trained import subject_of


@pytest.mark.parametrize("strategy", ["local_search", "greedy_structured"])
def test_a_network_trained_on_the_teachers_gates_is_better_with_labels_than_without(strategy):
    trained = subject_of(strategy, network="8x8", epochs=6, density=0.25, network_gates="teacher")
    before = {name: value.clone() for name, value in trained.network.state_dict().items()}
    found = label_leakage.measure(trained)
    honest = evaluate(trained.network, trained.strategy, trained.test, torch.Generator(), density=trained.density)
    assert honest is not None
    assert found["error_with_labels"] < 0.5 * honest.error
    assert 0.0 < found["agreement"] < 1.0
    assert all(torch.equal(before[name], value) for name, value in trained.network.state_dict().items())
    assert label_leakage.measure(trained) == found


def test_it_is_measured_in_the_same_way_whatever_the_network_was_trained_on():
    student = subject_of("local_search", network="8x8", epochs=2, density=0.25)
    found = label_leakage.measure(student)
    assert 0.0 <= found["error_with_labels"] < 1.0


def test_without_a_teacher_there_is_nothing_to_measure():
    assert label_leakage.measure(subject_of("top_k")) == {"error_with_labels": None, "agreement": None}
