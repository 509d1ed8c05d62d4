from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise, product
from typing import Any

import pytest

from core.space import Choice, Domain, Integer, Real
from studies.design import Search
from studies.design.proposals import DIMENSIONS, OWN_SETTINGS, Proposal, SearchSpace, propose

RATE: dict[str, Domain] = {"learning_rate": Real(2e-3, low=1e-6, high=1.0, log=True, search=(1e-3, 1e-1))}
SPACE: dict[str, Domain] = {
    "noise": Real(1.0, low=0.0, high=2.0),
    "samples": Integer(2, low=1, high=8),
    "mode": Choice("a", ("a", "b")),
}
SEARCH = Search(points=8, searches=3)
Found = tuple[tuple[Proposal, ...], ...]


def varied(space: Mapping[str, Domain], own: Mapping[str, Any] | None = None) -> SearchSpace:
    """All of a space that is searched, at its defaults but for ``own``."""
    defaults = {name: domain.default for name, domain in space.items()}
    return SearchSpace(space, {**defaults, **(own or {})}, [name for name in space if space[name].searched])


def points(
    search: Search = SEARCH,
    root_seed: int = 0,
    space: Mapping[str, Domain] = SPACE,
    training: Mapping[str, Domain] = RATE,
    own: Mapping[str, Any] | None = None,
) -> Found:
    return propose(varied(training), varied(space, own), search, root_seed)


def test_there_are_as_many_as_asked_for_and_the_first_changes_nothing():
    found = points()
    assert [len(of_search) for of_search in found] == [8, 8, 8]
    assert all(of_search[0] == OWN_SETTINGS for of_search in found)


def test_every_value_is_within_what_the_space_says_a_search_covers():
    for of_search in points():
        for point in of_search[1:]:
            assert set(point["strategy_settings"]) == set(SPACE)
            assert 1e-3 <= point["training"]["learning_rate"] <= 1e-1
            for name, domain in SPACE.items():
                assert domain.check(point["strategy_settings"][name]) == point["strategy_settings"][name]


def test_strategies_share_the_coordinates_of_the_settings_they_share():
    ours, theirs = points(), points(space={"other": Real(0.5, low=0.0, high=1.0)})
    assert [[point["training"] for point in each] for each in ours] == [
        [point["training"] for point in each] for each in theirs
    ]
    halves = [[point["strategy_settings"].get("other") for point in each] for each in theirs]
    assert halves == [[noise / 2 if noise else noise for noise in each] for each in noises(ours)]


def noises(found: Found) -> list[list[float | None]]:
    return [[point["strategy_settings"].get("noise") for point in each] for each in found]


def test_more_points_and_more_searches_keep_the_earlier_ones():
    small, large = points(), points(replace(SEARCH, points=16, searches=4))
    assert [each[:8] for each in large[:3]] == list(small)


def test_searches_are_independent_scrambles():
    rates = [[point["training"]["learning_rate"] for point in each[1:]] for each in points()]
    assert len({rate for each in rates for rate in each}) == 3 * 7


def test_points_spread_over_the_whole_range():
    (found,) = points(Search(points=17, searches=1))
    noise = sorted(point["strategy_settings"]["noise"] for point in found[1:])
    # A Halton sequence's first coordinate puts one point into each sixteenth.
    assert max(high - low for low, high in pairwise(noise)) < 2 * 2.0 / 9


def test_the_root_seed_decides():
    assert points() == points()
    assert points(root_seed=1) != points()


def test_more_settings_than_coordinates_are_refused():
    space: dict[str, Domain] = {f"setting_{number}": Real(0.5, low=0.0, high=1.0) for number in range(DIMENSIONS)}
    with pytest.raises(ValueError, match=f"{DIMENSIONS + 1} settings to search, at most {DIMENSIONS}"):
        points(space=space)


CONDITIONAL: dict[str, Domain] = {
    "mode": Choice("hard", ("hard", "soft")),
    "baseline": Choice("samples", ("none", "samples"), searched=False),
    "temperature": Real(1.0, low=0.1, high=5.0, when={"mode": ("soft",)}),
    "falling": Choice("no", ("no", "yes"), when={"mode": ("soft",)}),
    "rate": Real(0.5, low=0.0, high=1.0, when={"falling": ("yes",)}),
    "samples": Integer(2, low=2, high=8, when={"baseline": ("samples",)}),
}


def test_a_setting_is_proposed_where_it_matters_and_only_there():
    (found,) = points(Search(points=64, searches=1), space=CONDITIONAL)
    seen = set()
    for point in found[1:]:
        settings = point["strategy_settings"]
        soft = settings["mode"] == "soft"
        falls = soft and settings["falling"] == "yes"
        assert set(settings) == {"mode", "samples", *(("temperature", "falling") if soft else ())} | (
            {"rate"} if falls else set()
        )
        seen.add((soft, falls))
    assert seen == {(False, False), (True, False), (True, True)}


def test_conditions_are_about_the_studys_own_values_too():
    (found,) = points(Search(points=16, searches=1), space=CONDITIONAL, own={"baseline": "none"})
    assert not any("samples" in point["strategy_settings"] for point in found)


def test_a_setting_that_can_never_matter_takes_no_coordinate():
    never = Real(0.5, low=0.0, high=1.0, when={"baseline": ("none",)})
    space = {"baseline": CONDITIONAL["baseline"], "never": never, **SPACE}
    assert points(space=space) == points()


def test_points_that_would_train_the_same_network_are_one_point():
    of_mode = {name: CONDITIONAL[name] for name in ("mode", "temperature")}
    (found,) = points(Search(points=8, searches=1), space=of_mode, training={})
    settings = [point["strategy_settings"] for point in found]
    # The study's own is hard already: all others differ from it, so that they are soft.
    assert settings[0] == {}
    assert [each["mode"] for each in settings[1:]] == ["soft"] * 7
    assert len({each["temperature"] for each in settings[1:]}) == 7


def test_every_point_of_a_small_space_is_tried_before_any_is_again():
    small = {"mode": Choice("a", ("a", "b")), "number": Integer(1, low=1, high=3)}
    for found in points(Search(points=8, searches=5), space=small, training={}):
        tried = [(each.get("mode", "a"), each.get("number", 1)) for each in (p["strategy_settings"] for p in found)]
        assert set(tried[:6]) == set(product("ab", (1, 2, 3)))
        assert len(tried) == 8


def test_fewer_points_of_a_space_with_enough_are_the_first_of_more():
    few, many = (points(Search(points=count, searches=2), space=SPACE, training={}) for count in (5, 9))
    assert [each[:5] for each in many] == list(few)
