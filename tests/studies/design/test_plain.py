import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import pytest

from studies.design import Arm, Search
from studies.design.plain import structured


@dataclass(frozen=True)
class Part:
    name: str
    share: float = 0.5


@dataclass(frozen=True)
class Whole:
    kind: Literal["search", "evaluate"]
    number: int
    parts: tuple[Part, ...] = ()
    pairs: tuple[tuple[str, float], ...] = ()
    main: Part | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


WHOLE = Whole(
    "search",
    3,
    parts=(Part("a", 0.1 + 0.2), Part("b")),
    pairs=(("8x2", 0.5), ("8x4", 0.25)),
    main=Part("c", 1e-300),
    values={"whole": 1, "decimal": 1.0, "listed": [1, 2.0], "nested": {"none": None, "yes": True}},
)


def through_json(content: Any) -> Any:
    return json.loads(json.dumps(content))


@pytest.mark.parametrize("whole", [WHOLE, Whole("evaluate", 0)])
def test_a_dataclass_comes_back_with_its_parts_and_tuples(whole):
    assert structured(Whole, through_json(asdict(whole))) == whole


def test_numbers_stay_whole_or_decimal():
    again = structured(Whole, through_json(asdict(WHOLE)))
    assert repr(again) == repr(WHOLE)
    assert json.dumps(asdict(again)) == json.dumps(asdict(WHOLE))


@pytest.mark.parametrize("level", [3, 3.0, 0.1, "3", "fast"])
def test_what_an_arm_stands_for_keeps_its_type(level):
    arm = Arm("narrow", "dense", network="1x8", levels={"of": level}, search={"learning_rate": (0.001, 0.1)})
    again = structured(Arm, through_json(asdict(arm)))
    assert again == arm
    assert repr(again) == repr(arm)


def test_what_has_a_default_may_be_missing():
    assert structured(Search, {"points": 4}) == Search(points=4)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"kind": "tune"}, "kind: "),
        ({"number": "many"}, "number: "),
        ({"number": 2.5}, "number: "),
        ({"number": None}, "number: "),
        ({"parts": [{"name": "a"}, {"share": 0.5}]}, "parts.1.name: "),
        ({"parts": [{"name": "a", "share": "half"}]}, "parts.0.share: "),
        ({"pairs": [["8x2", 0.5], ["8x2"]]}, "pairs.1.1: "),
        ({"main": 3}, "main: "),
        ({"values": []}, "values: "),
    ],
)
def test_an_entry_of_another_type_is_named(changes, named):
    with pytest.raises(ValueError, match=r"\S") as caught:
        structured(Whole, {**through_json(asdict(WHOLE)), **changes})
    assert str(caught.value).startswith(named)
    assert "\n" not in str(caught.value)


def test_every_missing_entry_is_named():
    with pytest.raises(ValueError, match=r"^kind: .*; number: "):
        structured(Whole, {})


@pytest.mark.parametrize("content", [None, 3, [], "text"])
def test_what_is_no_mapping_is_refused(content):
    with pytest.raises(ValueError, match=r"\S"):
        structured(Whole, content)


def test_the_content_is_left_as_it_was():
    content = through_json(asdict(WHOLE))
    before = json.dumps(content)
    structured(Whole, content)
    assert json.dumps(content) == before
