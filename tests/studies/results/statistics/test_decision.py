import math

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from core.errors import InputError
from studies.results.statistics.decision import WORDS, below_delta, decide, decide_all, futile
from studies.results.statistics.looks import look_levels, repeated_interval, repeated_intervals

ENDS = st.floats(-2, 2).filter(lambda end: abs(end) > 1e-9)


@hypothesis.given(ENDS, ENDS, st.floats(0, 1))
def test_a_word_is_true_of_every_difference_in_the_interval(one, other, delta):
    low, high = min(one, other), max(one, other)
    inside = np.linspace(low, high, 50)
    word = decide(low, high, delta)
    if word == "better":
        assert (inside < 0).all()
    if word == "worse":
        assert (inside > 0).all()
    if word == "equivalent":
        assert (np.abs(inside) < delta).all()
    if word == "undecided":
        assert low == high or (low <= 0 <= high and max(-low, high) >= delta)


@hypothesis.given(ENDS, ENDS, st.floats(0, 1))
def test_swapping_the_sides_swaps_better_and_worse(one, other, delta):
    low, high = min(one, other), max(one, other)
    swapped = {"better": "worse", "worse": "better", "equivalent": "equivalent", "undecided": "undecided"}
    assert decide(-high, -low, delta) == swapped[decide(low, high, delta)]


def test_a_small_difference_that_is_there_is_named_and_said_to_be_small():
    assert decide(-0.4, -0.1, 0.5) == "better"
    assert below_delta(-0.4, -0.1, 0.5)
    assert not below_delta(-0.6, -0.1, 0.5)


@pytest.mark.parametrize(("low", "high"), [(math.nan, math.nan), (0.0, 0.0), (-1.0, -1.0), (-math.inf, math.inf)])
def test_what_shows_no_spread_or_has_no_end_is_undecided(low, high):
    assert decide(low, high, 0.5) == "undecided"


def test_equal_differences_decide_nothing():
    assert decide(*repeated_interval([-0.1] * 20, 0.05), 0.5) == "undecided"


def test_without_a_smallest_difference_of_interest_nothing_is_equivalent():
    assert decide(-1e-9, 1e-9, 0.0) == "undecided"


def test_many_intervals_have_the_words_of_each():
    low, high = np.sort(np.random.default_rng(0).normal(size=(2, 200)), axis=0)
    assert [WORDS[place] for place in decide_all(low, high, 1.0)] == [
        decide(*ends, 1.0) for ends in zip(low, high, strict=True)
    ]


@pytest.mark.parametrize("delta", [-0.1, math.nan])
def test_a_negative_smallest_difference_is_refused(delta):
    with pytest.raises(InputError, match="at least 0"):
        decide(-1.0, 1.0, delta)
    with pytest.raises(InputError, match="at least 0"):
        futile([0.1, 0.2], looks=[4], level_at_end=0.05, delta=delta)


def test_an_interval_upside_down_is_refused():
    with pytest.raises(InputError, match="above its upper"):
        decide(1.0, -1.0, 0.5)


def test_what_is_given_up_is_seldom_decided_at_the_end():
    rng = np.random.default_rng(5)
    looks, delta = (6, 24), 0.5
    level = look_levels(looks, 0.05)[-1]
    # Over means as a flat prior has them, and of those given up.
    samples = rng.normal(size=(1500, 24)) + rng.uniform(-2, 2, size=(1500, 1))
    given_up = np.array(
        [futile(sample[:6].tolist(), looks=looks, level_at_end=level, delta=delta, chance=0.3) for sample in samples]
    )
    low, high = repeated_intervals(samples, level)
    words = decide_all(low, high, delta)
    assert 0.02 < given_up.mean() < 0.9
    assert max(np.mean(words[given_up] == place) for place in range(3)) < 0.3
    assert np.mean(words[~given_up] != 3) > np.mean(words[given_up] != 3) + 0.3


def test_a_difference_that_is_plain_already_is_not_futile():
    assert not futile([-1.0, -1.1, -0.9, -1.2, -1.0], looks=[5, 10], level_at_end=0.02, delta=0.01)


def test_at_the_last_look_futile_is_undecided():
    rng = np.random.default_rng(6)
    for shift in (-2.0, -0.5, 0.0, 0.5, 2.0):
        values = (rng.normal(size=12) + shift).tolist()
        for delta in (0.1, 1.0, 3.0):
            word = decide(*repeated_interval(values, 0.05), delta)
            assert futile(values, looks=[12], level_at_end=0.05, delta=delta) == (word == "undecided")


@pytest.mark.parametrize("values", [[], [0.1], [0.2, 0.2, 0.2]])
def test_nothing_is_given_up_before_there_is_any_spread(values):
    assert not futile(values, looks=[6], level_at_end=0.05, delta=0.1)


def test_more_differences_than_planned_are_refused():
    with pytest.raises(InputError, match="last look"):
        futile([0.1, 0.2, 0.4], looks=[2], level_at_end=0.05, delta=0.1)


def test_a_failed_run_predicts_nothing():
    with pytest.raises(InputError, match="hurdle"):
        futile([0.1, math.inf, 0.4], looks=[5], level_at_end=0.05, delta=0.1)
