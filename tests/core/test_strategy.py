from collections.abc import Mapping
from typing import ClassVar

import pytest

from core.architecture import Architecture
from core.errors import InputError
from core.space import Domain, Integer, Real
from core.strategy import Strategy
from strategies.dense import Dense
from tests.support.networks import seeded

ARCHITECTURE = Architecture.parse("3x2", 5, 3)


class Tuned(Dense):
    """One idea.

    And more about it.
    """

    space: ClassVar[Mapping[str, Domain]] = {
        "rate": Real(0.5, low=0.0, high=1.0),
        "samples": Integer(2, low=1, high=8),
    }


class Undocumented(Dense):
    pass


def test_settings_are_checked_and_completed():
    assert Tuned(ARCHITECTURE, {"samples": "4"}, seeded()).settings == {"rate": 0.5, "samples": 4}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sample": 4}, r"^unknown setting of test_strategy 'sample': did you mean 'samples'\?"),
        ({"samples": 9}, r"^test_strategy\.samples: 9 is not an integer in 1\.\.8$"),
    ],
)
def test_bad_settings_name_the_strategy(settings, message):
    with pytest.raises(InputError, match=message):
        Tuned(ARCHITECTURE, settings, seeded())


def test_a_strategy_without_a_space_takes_no_settings():
    with pytest.raises(InputError, match="unknown setting of dense 'samples'"):
        Dense(ARCHITECTURE, {"samples": 1}, seeded())


def test_name_is_the_files_stem_and_idea_the_first_line_of_the_docstring():
    assert (Tuned.name(), Tuned.idea()) == ("test_strategy", "One idea.")
    assert Undocumented.idea() == ""


def test_the_protocol_cannot_be_used_by_itself():
    with pytest.raises(TypeError, match="abstract"):
        Strategy(ARCHITECTURE, {}, seeded())  # type: ignore[abstract]
