from collections.abc import Callable

import pytest
import torch
from torch import nn

from core.network.uncharged import FREE_MULTIPLICATIONS, charged, deciding, found_out
from core.strategy import Decision, ProtocolError
from tests.support.networks import FEATURES, batch_of, network_of, normal

X = torch.ones(10, 8)


def multiply(times: int) -> None:
    """As many multiplications of the 10 x 4 gates as times."""
    with found_out("infer", 10, [4]):
        for _ in range(times):
            torch.ones(10 * 4) * 2


def work() -> None:
    X @ torch.ones(8, 3)


def found_in(call: Callable[[], object]) -> str:
    with pytest.raises(ProtocolError) as raised, found_out("infer", 10, [4]):
        call()
    return str(raised.value)


def test_a_product_is_named_with_its_amount_per_example_and_its_line():
    place = f"{__file__}:{work.__code__.co_firstlineno + 1}"
    expected = f"infer does work that is not charged: 24 multiply-adds per example, most of them by mm at {place};"
    assert found_in(work).startswith(expected)


def test_small_multiplications_are_free_up_to_the_allowance():
    multiply(FREE_MULTIPLICATIONS)
    with pytest.raises(ProtocolError, match="by mul at"):
        multiply(FREE_MULTIPLICATIONS + 1)


def test_a_product_over_no_more_than_the_blocks_counts_as_so_many_multiplications():
    gates = torch.ones(10, 4)
    with found_out("infer", 10, [4]):
        for _ in range(FREE_MULTIPLICATIONS // 4):
            gates @ torch.ones(4, 4)
    assert "by mm at" in found_in(lambda: [gates @ torch.ones(4, 4) for _ in range(FREE_MULTIPLICATIONS // 4 + 1)])
    assert "by mm at" in found_in(lambda: torch.ones(10, 5) @ torch.ones(5, 1))


def test_each_decision_has_an_allowance_of_its_own():
    with found_out("infer", 10, [4]), charged(), deciding(10, 4):
        for _ in range(2 * FREE_MULTIPLICATIONS):
            torch.ones(10, 4) * 2


def test_what_is_charged_is_not_looked_at_but_for_the_decision_inside():
    def in_a_decision() -> None:
        with charged(), deciding(10, 4):
            work()

    def after_a_decision() -> None:
        with charged(), deciding(10, 4):
            pass
        work()

    with found_out("infer", 10, [4]), charged():
        work()
    assert "by mm at" in found_in(in_a_decision)
    assert "by mm at" in found_in(after_a_decision)


def test_a_function_can_be_marked_as_charged():
    @charged()
    def twice(times: int) -> None:
        work()
        if times:
            twice(times - 1)

    with found_out("infer", 10, [4]):
        twice(1)

    def after_it() -> None:
        twice(1)
        work()

    assert "by mm at" in found_in(after_it)


def test_every_charged_call_is_let_pass():
    labels = torch.zeros(10, dtype=torch.long)
    x = normal(10, FEATURES)
    batch = batch_of(network_of("4x3,2x2", recurrent=True), x, labels)
    head, own = nn.Linear(4, 1).double(), nn.Linear(FEATURES + 4, 4).double()

    def decide(site):
        scores = site.scores + site.scores_detached
        site.scores_at(torch.zeros(10, 1, dtype=torch.long))
        if site.index == 0:
            site.map(own)
        return Decision(torch.ones_like(scores), scores.sigmoid())

    with found_out("objective", 10, [4, 2]):
        first = batch(decide)
        second = batch(decide, carry=first)
        batch.flips(second, 0)
        batch.project(second, head)
        batch.mix([first, second], torch.full((2, 10), 0.5, dtype=torch.float64))


def test_nothing_is_looked_at_outside():
    work()
    with charged(), deciding(10, 4):
        work()


def test_an_error_of_the_strategy_is_raised_as_it_is():
    def fail() -> None:
        work()
        raise KeyError("own")

    with pytest.raises(KeyError), found_out("infer", 10, [4]):
        fail()
