import math

import pytest
import torch

from core.parts.controller import DualPrice


def test_it_finds_the_price_at_which_the_target_is_spent():
    """What is spent falls with the price as 3 - 2 price, so that a target of 2 has the price 1/2."""
    price = DualPrice(rate=0.1)
    for _ in range(300):
        price.update(3 - 2 * price.value, target=2.0)
    assert price.value.item() == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize(("lowest", "expected"), [(0.0, 0.0), (-math.inf, -0.5)])
def test_a_budget_that_is_not_spent_has_no_price_or_is_paid_for(lowest, expected):
    price = DualPrice(rate=0.1, lowest=lowest)
    for _ in range(300):
        price.update(1 - 2 * price.value, target=2.0)
    assert price.value.item() == pytest.approx(expected, abs=1e-3)


def test_it_stays_in_evaluation_and_at_rate_0():
    for price in (DualPrice(rate=0.1, start=0.25).eval(), DualPrice(rate=0.0, start=0.25)):
        price.update(torch.tensor(9.0), target=1.0)
        assert price.value.item() == 0.25


def test_it_is_saved_with_its_module_and_learned_by_no_optimiser():
    price = DualPrice(rate=0.1, start=0.25)
    price.update(torch.tensor(2.0), target=1.0)
    again = DualPrice(rate=0.1)
    again.load_state_dict(price.state_dict())
    assert again.value.item() == price.value.item() == pytest.approx(0.35)
    assert list(price.parameters()) == []


def test_a_value_in_use_is_not_changed_by_an_update():
    price = DualPrice(rate=0.1, start=1.0)
    weight = torch.tensor(2.0, requires_grad=True)
    objective = price.value * weight
    price.update(torch.tensor(2.0), target=1.0)
    objective.backward()
    assert weight.grad is not None
    assert weight.grad.item() == 1.0


def test_what_is_not_finite_leaves_it_alone():
    price = DualPrice(rate=0.1, start=0.25)
    price.update(torch.tensor(torch.nan), target=1.0)
    assert price.value.item() == 0.25
