import pytest
import torch

from core.parts.gates import open_all
from core.plugins.places import calling_place, place_of
from core.strategy import Decision
from tests.support.networks import FEATURES, batch_of, network_of, normal


def decide(site):
    return Decision(torch.ones(2, 3) @ torch.ones(2, 3))


def line_in(function, offset: int) -> str:
    return f"{__file__}:{function.__code__.co_firstlineno + offset}"


def test_an_error_of_torch_is_placed_where_the_strategy_called_it():
    with pytest.raises(RuntimeError) as raised:
        batch_of(network_of("4x3"), normal(2, FEATURES))(decide)
    assert place_of(raised.value) == line_in(decide, 1)


def test_an_error_that_no_line_of_a_strategy_took_part_in_has_no_place():
    with pytest.raises(ValueError, match="x has shape") as raised:
        batch_of(network_of("4x3"), normal(2, FEATURES + 1))(open_all)
    assert place_of(raised.value) is None


def test_an_error_outside_of_core_is_no_strategys():
    with pytest.raises(ZeroDivisionError) as raised:
        1 / 0  # noqa: B018
    assert place_of(raised.value) is None


def test_the_calling_place_is_the_innermost_line_that_is_not_of_core_or_torch():
    def ask(site):
        places.append(calling_place())
        return open_all(site)

    places: list[str] = []
    batch_of(network_of("4x3"), normal(2, FEATURES))(ask)
    assert places == [line_in(ask, 1)]
