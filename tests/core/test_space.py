import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.space import (
    Choice,
    Domain,
    Integer,
    PerLayer,
    Real,
    at_layer,
    check_conditions,
    check_layers,
    complete,
    matters,
    only_where,
)

REAL = Real(0.5, low=0.1, high=10.0)
SWITCHABLE = Real(0.0, low=0.1, high=10.0, log=True, or_zero=True)
INTEGER = Integer(3, low=2, high=6)
CHOICE = Choice("b", ("a", "b", "c"))
LAYERS = PerLayer(0.0, low=0.1, high=10.0, log=True, or_zero=True)


@pytest.mark.parametrize(
    ("domain", "value", "expected"),
    [
        (REAL, 0.1, 0.1),
        (REAL, 10, 10.0),
        (REAL, "1e-1", 0.1),
        (REAL, "2", 2.0),
        (SWITCHABLE, 0, 0.0),
        (SWITCHABLE, "0.0", 0.0),
        (SWITCHABLE, 0.1, 0.1),
        (INTEGER, 2, 2),
        (INTEGER, 6.0, 6),
        (INTEGER, "4", 4),
        (CHOICE, "c", "c"),
        (LAYERS, 2, 2.0),
        (LAYERS, "2", 2.0),
        (LAYERS, "2:0", [2.0, 0.0]),
        (LAYERS, " 2 : 4 : 1e-1", [2.0, 4.0, 0.1]),
        (LAYERS, (2, 4), [2.0, 4.0]),
        (LAYERS, [2, 4], [2.0, 4.0]),
        (LAYERS, [2], 2.0),
    ],
)
def test_check_returns_the_value_in_its_type(domain, value, expected):
    found = domain.check(value)
    assert found == expected
    assert type(found) is type(expected)


REFUSED: list[tuple[Domain, str, list[Any]]] = [
    (REAL, "a number in 0.1..10", [0.0999, 10.001, 0, -1]),
    (SWITCHABLE, "a number in 0.1..10 or 0", [0.0999, -1, 11]),
    (INTEGER, "an integer in 2..6", [1, 7, 2.5, "4.1", -3]),
    (CHOICE, "one of a, b, c", ["d", "A", 1]),
]
NEVER: list[Any] = [True, False, None, "x", "", math.nan, math.inf, -math.inf, "nan", "inf", [2], {}]


@pytest.mark.parametrize(
    ("domain", "expected", "value"),
    [(domain, expected, value) for domain, expected, values in REFUSED for value in [*values, *NEVER]],
    ids=str,
)
def test_check_refuses_what_is_not_in_the_domain_and_says_what_is(domain, expected, value):
    with pytest.raises(InputError) as caught:
        domain.check(value)
    assert str(caught.value) == f"{value} is not {expected}"


@pytest.mark.parametrize(
    ("domain", "quantile", "expected"),
    [
        (REAL, 0.0, 0.1),
        (REAL, 0.5, 5.05),
        (Real(1.0, low=0.01, high=100.0, log=True), 0.25, 0.1),
        (Real(1.0, low=0.01, high=100.0, log=True), 0.0, 0.01),
        (INTEGER, 0.0, 2),
        (INTEGER, 0.19, 2),
        (INTEGER, 0.21, 3),
        (INTEGER, 0.999999, 6),
        (CHOICE, 0.0, "a"),
        (CHOICE, 0.34, "b"),
        (CHOICE, 0.999999, "c"),
    ],
)
def test_at_spreads_quantiles_over_the_domain(domain, quantile, expected):
    found = domain.at(quantile)
    assert found == (pytest.approx(expected) if isinstance(expected, float) else expected)
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ([2, 11], 11),
        ("2:11", "11"),
        ("2:", ""),
        ([], []),
        ([2, [2]], [2]),
        ([2, True], True),
        ("0.05", "0.05"),
        ({}, {}),
    ],
)
def test_a_value_per_layer_is_refused_by_the_number_that_is_wrong(value, wrong):
    with pytest.raises(InputError) as caught:
        LAYERS.check(value)
    assert str(caught.value) == f"{wrong} is not a number in 0.1..10 or 0"


def test_a_search_proposes_one_number_for_all_layers_the_same_as_without_layers():
    plain = Real(**vars(LAYERS))
    assert [LAYERS.at(quantile) for quantile in (0.0, 0.3, 0.999)] == [plain.at(q) for q in (0.0, 0.3, 0.999)]


def test_values_per_layer_go_round_the_layers_in_each_pass():
    assert [at_layer([40.0, 20.0], number) for number in range(5)] == [40.0, 20.0, 40.0, 20.0, 40.0]
    assert at_layer(30.0, 7) == 30.0


def test_another_number_of_values_than_layers_is_refused_in_one_line():
    space = {"rate": REAL, "weights": LAYERS}
    for layers in (1, 2, 3):
        check_layers(space, complete(space, {"weights": 4}, "owner"), layers, "owner")
    given = complete(space, {"weights": "4:0.5"}, "owner")
    check_layers(space, given, 2, "owner")
    with pytest.raises(InputError, match=r"^owner\.weights: 4:0\.5 has 2 values, the network 3 gated layers$"):
        check_layers(space, given, 3, "owner")


def test_a_search_does_not_propose_to_switch_off():
    assert SWITCHABLE.at(0.0) == pytest.approx(0.1)


@given(
    quantile=st.floats(0, 1, exclude_max=True),
    low=st.floats(1e-6, 1e3),
    factor=st.floats(1.001, 1e6),
    log=st.booleans(),
)
def test_every_real_quantile_is_in_the_domain(quantile, low, factor, log):
    domain = Real(low, low=low, high=low * factor, log=log)
    assert domain.check(domain.at(quantile)) == domain.at(quantile)


@given(quantile=st.floats(0, 1, exclude_max=True), low=st.integers(-5, 100), width=st.integers(0, 10_000))
def test_every_integer_quantile_is_in_the_domain(quantile, low, width):
    domain = Integer(low, low=low, high=low + width)
    assert domain.check(domain.at(quantile)) == domain.at(quantile)


SPACE = {"rate": REAL, "samples": INTEGER}


def test_complete_fills_in_defaults_and_checks_the_rest():
    assert complete(SPACE, {"samples": "4"}, "owner") == {"rate": 0.5, "samples": 4}


def test_complete_names_the_nearest_setting():
    with pytest.raises(
        InputError, match=r"^unknown setting of owner 'sample': did you mean 'samples'\? \(known: rate, s"
    ):
        complete(SPACE, {"sample": 4}, "owner")


def test_complete_names_owner_and_setting_of_a_bad_value():
    with pytest.raises(InputError, match=r"^owner\.samples: 9 is not an integer in 2\.\.6$"):
        complete(SPACE, {"samples": 9}, "owner")


def test_complete_checks_defaults_too():
    with pytest.raises(InputError, match=r"^owner\.rate: 5\.0 is not a number in 0\.\.1$"):
        complete({"rate": Real(5.0, low=0.0, high=1.0)}, {}, "owner")


MODE = Choice("hard", ("hard", "soft", "mixed"))
CONDITIONAL: dict[str, Domain] = {
    "mode": MODE,
    "passes": Integer(1, low=1, high=4, when={"mode": ("soft", "mixed")}),
    "price": Real(0.5, low=0.0, high=1.0, when={"passes": (2, 3, 4), "mode": ("soft",)}),
}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ["mode"]),
        ({"mode": "soft"}, ["mode", "passes"]),
        ({"mode": "soft", "passes": 2}, ["mode", "passes", "price"]),
        ({"mode": "mixed", "passes": 2}, ["mode", "passes"]),
        # That passes are 2 does nothing where mode is hard, and nothing depends on it.
        ({"mode": "hard", "passes": 2}, ["mode"]),
    ],
)
def test_a_setting_matters_where_all_of_its_conditions_do_and_hold(values, expected):
    settings = complete(CONDITIONAL, values, "owner")
    assert [name for name in CONDITIONAL if matters(name, CONDITIONAL, settings)] == expected


def test_a_setting_can_matter_if_what_varies_can_have_the_values():
    settings = complete(CONDITIONAL, {}, "owner")
    assert not matters("price", CONDITIONAL, settings, varied={"mode"})
    assert not matters("price", CONDITIONAL, settings, varied={"passes"})
    assert matters("price", CONDITIONAL, settings, varied={"mode", "passes"})


def test_conditions_add_up():
    found = only_where({"price": CONDITIONAL["price"]}, {"gates": ("tree",)})["price"]
    assert found.when == {"passes": (2, 3, 4), "mode": ("soft",), "gates": ("tree",)}
    assert found.default == 0.5
    assert CONDITIONAL["price"].when == {"passes": (2, 3, 4), "mode": ("soft",)}


def test_domains_with_conditions_are_values():
    assert hash(CONDITIONAL["price"]) == hash(only_where({"price": CONDITIONAL["price"]}, {})["price"])


def depending(**of: dict[str, Any]) -> dict[str, Domain]:
    return {"mode": MODE, **{name: Real(0.5, low=0.0, high=1.0, when=when) for name, when in of.items()}}


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (depending(rate={"mod": ("soft",)}), "unknown setting on which rate depends 'mod': did you mean 'mode'?"),
        (depending(rate={"mode": ("loud",)}), "rate depends on mode: loud is not one of hard, soft, mixed"),
        (depending(rate={"mode": ()}), "rate depends on mode being (), expected a tuple of its values"),
        (depending(rate={"mode": "soft"}), "rate depends on mode being 'soft', expected a tuple of its values"),
        (depending(rate={"rate": (0.5,)}), "settings depend on one another in a circle: rate, rate"),
        (depending(a={"b": (0.5,)}, b={"a": (0.5,)}), "settings depend on one another in a circle: "),
    ],
)
def test_a_wrong_condition_is_named_in_one_line(space, message):
    with pytest.raises(InputError) as caught:
        check_conditions(space)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_right_conditions_pass():
    check_conditions(CONDITIONAL)
