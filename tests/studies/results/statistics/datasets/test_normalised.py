import math

import numpy as np
import pytest

from core.errors import InputError
from studies.results.statistics.datasets.normalised import regrets, share_of_gap


def test_the_two_networks_are_at_the_ends():
    assert share_of_gap([0.1, 0.06], narrow=0.1, wide=0.06) == pytest.approx([0.0, 1.0])


def test_the_scale_does_not_depend_on_how_hard_a_dataset_is():
    errors, narrow, wide = np.array([0.08, 0.05]), np.array([0.1, 0.07]), np.array([0.06, 0.04])
    shares = share_of_gap(errors, narrow=narrow, wide=wide)
    assert share_of_gap(0.3 + 5 * errors, narrow=0.3 + 5 * narrow, wide=0.3 + 5 * wide) == pytest.approx(shares)


@pytest.mark.parametrize("wide", [0.1, 0.2, math.nan])
def test_without_a_gap_there_is_no_share(wide):
    assert math.isnan(share_of_gap(0.05, narrow=0.1, wide=wide))


def test_the_best_of_each_setting_has_no_regret():
    scores = np.random.default_rng(340).normal(size=(6, 4))
    found = regrets(scores)
    assert (found.min(axis=1) == 0).all()
    assert (found.argmin(axis=1) == scores.argmax(axis=1)).all()
    assert found.mean(axis=0).argmin() == scores.mean(axis=0).argmax()


@pytest.mark.parametrize("table", [[], [0.1], [[0.1, math.nan]], [[math.inf]]])
def test_scores_that_are_not_there_are_refused(table):
    with pytest.raises(InputError):
        regrets(table)
