import math
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from scipy import stats

from studies.results.statistics.medians import median_interval


@hypothesis.given(st.lists(st.floats(-1, 1), min_size=1, max_size=60), st.sampled_from([0.9, 0.95, 0.99]))
def test_the_interval_is_scipys_for_finite_values(values, confidence):
    expected: Any = stats.quantile_test(values, p=0.5).confidence_interval(confidence)
    assert median_interval(values, confidence) == pytest.approx((expected.low, expected.high), nan_ok=True)


def test_infinite_values_are_ends_like_any_other():
    assert median_interval([math.inf] * 4 + [1.0, 2.0]) == (1.0, math.inf)
    assert median_interval([math.inf] * 6) == (math.inf, math.inf)


def test_it_covers_the_median_as_often_as_it_says():
    rng = np.random.default_rng(0)
    intervals = [median_interval(rng.exponential(size=9).tolist()) for _ in range(4000)]
    covered = np.mean([low <= math.log(2) <= high for low, high in intervals])
    # The second lowest and the second highest of nine: 1 - 2 * 10 / 512.
    assert covered == pytest.approx(1 - 20 / 512, abs=0.01)
