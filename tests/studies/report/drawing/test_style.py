from typing import get_args

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

import strategies
from core.strategy import Family
from studies.report.drawing.style import Style, styles

BUILT_IN = [(name, strategies.find(name).family) for name in strategies.built_in()]


def looks_of(*rows: tuple[str, str]) -> dict[str, Style]:
    """The styles of strategies given as name and family, in a table with a row per run."""
    return styles(pd.DataFrame([row for row in rows for _ in range(2)], columns=["arm", "family"]))


def test_every_strategy_of_the_package_looks_like_no_other():
    looks = looks_of(*BUILT_IN)
    assert sorted(looks) == strategies.built_in()
    assert len(set(looks.values())) == len(BUILT_IN)


@pytest.mark.parametrize("shown", BUILT_IN, ids=lambda row: row[0])
def test_a_strategy_looks_the_same_whatever_else_is_shown(shown):
    everything = looks_of(*BUILT_IN)
    assert looks_of(shown) == {shown[0]: everything[shown[0]]}
    plugins = [(f"plugin_{number}", family) for number, family in enumerate(get_args(Family))]
    with_plugins = looks_of(*plugins, *reversed(BUILT_IN))
    assert with_plugins[shown[0]] == everything[shown[0]]


def test_a_plugin_looks_the_same_whichever_strategies_of_the_package_are_shown():
    plugin = ("of_mine", "routing")
    assert looks_of(plugin)["of_mine"] == looks_of(*BUILT_IN, plugin)["of_mine"]


def test_many_plugins_of_every_family_still_look_different():
    plugins = [(f"{family}_{number}", family) for family in get_args(Family) for number in range(9)]
    looks = looks_of(*BUILT_IN, *plugins)
    assert len(set(looks.values())) == len(BUILT_IN) + len(plugins)


def luminance(colour: str) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


def test_every_strategy_of_the_package_stands_out_from_white():
    for name, look in looks_of(*BUILT_IN).items():
        assert 1.05 / (luminance(look.colour) + 0.05) > 2, name


def test_families_are_together_whatever_the_order_of_rows():
    looks = looks_of(
        ("top_k", "routing"), ("dense", "control"), ("tree_routing", "routing"), ("small_dense", "control")
    )
    assert list(looks) == ["dense", "small_dense", "top_k", "tree_routing"]


def test_families_are_told_apart_by_hue():
    first = looks_of(*((f"only_{family}", family) for family in get_args(Family)))
    assert len({look.colour for look in first.values()}) == len(get_args(Family))
