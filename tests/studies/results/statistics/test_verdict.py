import math

import numpy as np
import pytest

from studies.results.statistics.intervals import t_interval
from studies.results.statistics.paired import holm, sign_flip_p
from studies.results.statistics.verdict import Verdict, verdict

CENTRED = [-0.02, -0.01, 0.0, 0.01, 0.02]
LOW, HIGH = t_interval(CENTRED)
INNER_LOW, INNER_HIGH = t_interval(CENTRED, 0.9)


def shifted(mean: float) -> list[float]:
    return [value + mean for value in CENTRED]


@pytest.mark.parametrize(
    ("mean", "p", "delta", "expected"),
    [
        (-0.10, 0.01, 0.10 - HIGH - 1e-6, "better"),
        (-0.10, 0.01, 0.10 - HIGH + 1e-6, "detectable but small"),
        (0.10, 0.01, 0.10 - HIGH - 1e-6, "worse"),
        (0.10, 0.01, 0.10 - HIGH + 1e-6, "detectable but small"),
        (0.10, 0.01, 0.5, "detectable but small"),
        (0.0, 0.01, 0.0, "detectable but small"),
        (-0.10, 0.05, 0.01, "inconclusive"),
        (-0.10, 0.0499, 0.01, "better"),
        (0.0, 1.0, INNER_HIGH + 1e-6, "equivalent"),
        (0.0, 1.0, INNER_HIGH - 1e-6, "inconclusive"),
        (0.01, 1.0, INNER_HIGH + 0.01 + 1e-6, "equivalent"),
        (0.01, 1.0, INNER_HIGH + 0.01 - 1e-6, "inconclusive"),
        (-0.01, 1.0, INNER_HIGH + 0.01 - 1e-6, "inconclusive"),
        (-0.5, 1.0, 0.1, "inconclusive"),
    ],
)
def test_the_verdict_turns_where_an_end_of_the_interval_meets_delta(mean, p, delta, expected):
    assert verdict(shifted(mean), p, delta=delta) == expected


@pytest.mark.parametrize("difference", [-0.1, 0.1])
def test_a_difference_of_exactly_delta_is_neither_more_than_it_nor_less(difference):
    assert verdict([difference] * 5, 0.01, delta=0.1) == "detectable but small"
    assert verdict([difference] * 5, 1.0, delta=0.1) == "inconclusive"


def test_the_level_moves_both_intervals():
    assert verdict(shifted(-0.1), 0.001, delta=0.1 - HIGH - 1e-6, alpha=0.01) == "detectable but small"
    assert verdict(shifted(-0.1), 0.03, delta=0.01, alpha=0.01) == "inconclusive"
    assert verdict(CENTRED, 1.0, delta=INNER_HIGH + 1e-6, alpha=0.01) == "inconclusive"


def test_exchanging_the_two_strategies_mirrors_the_verdict():
    mirror: dict[Verdict, Verdict] = {"better": "worse", "worse": "better"}
    rng = np.random.default_rng(0)
    seen = set()
    for mean in np.linspace(-0.3, 0.3, 61):
        differences = rng.normal(mean, 0.1, size=8)
        p = sign_flip_p(differences)
        one, other = verdict(differences, p, delta=0.1), verdict(-differences, p, delta=0.1)
        assert other == mirror.get(one, one)
        seen.add(one)
    assert seen == {"better", "worse", "detectable but small", "equivalent", "inconclusive"}


@pytest.mark.parametrize("differences", [[], [-0.5]])
def test_fewer_than_two_differences_conclude_nothing(differences):
    assert verdict(differences, 0.0, delta=0.1) == "inconclusive"


def test_strategies_that_never_differ_are_equivalent_unless_no_difference_is_too_small():
    assert verdict([0.0] * 5, 1.0, delta=0.01) == "equivalent"
    assert verdict([0.0] * 5, 1.0, delta=0.0) == "inconclusive"


@pytest.mark.parametrize("delta", [-0.1, math.nan])
def test_a_negative_difference_of_interest_is_refused(delta):
    with pytest.raises(ValueError, match="at least 0"):
        verdict(CENTRED, 0.5, delta=delta)


def told_apart(differences: np.ndarray) -> float:
    """The share of studies that find a difference, by one contrast over all of their seeds."""
    verdicts = [verdict(study, holm([sign_flip_p(study)])[0], delta=0.2) for study in differences]
    return float(np.mean([found not in ("equivalent", "inconclusive") for found in verdicts]))


@pytest.mark.slow
def test_aliases_of_one_strategy_on_different_seeds_are_told_apart_in_a_twentieth_of_studies_at_most():
    studies, seeds = 1000, 10
    one, other = np.random.default_rng(40).normal(loc=0.3, size=(2, studies, seeds))
    assert 0 < told_apart(one - other) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / studies)
    assert told_apart(one[:100] - other[:100] - 2.0) > 0.9
