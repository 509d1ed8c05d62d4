import pytest

from core.conformance import problems
from strategies import find, names


@pytest.mark.parametrize("name", names())
def test_every_strategy_keeps_the_protocol(name):
    assert [str(problem) for problem in problems(find(name))] == []
