from types import SimpleNamespace

import pytest
import torch

from core.parts.thresholds import Thresholds, threshold_of
from tests.support.networks import normal


@pytest.mark.parametrize("share", [0.0, 0.125, 0.3, 0.5, 0.999, 1.0])
def test_that_share_of_the_values_is_above(share):
    values = normal(1000)
    assert int((values > threshold_of(values, share)).sum()) == round(1000 * share)


def test_what_is_compared_is_seen_and_what_is_open_is_above_the_layer_s_threshold():
    thresholds = Thresholds(2, start=0.5)
    thresholds.values[1] = -1.0
    values = torch.tensor([[0.4, 0.6], [-2.0, -0.5]])
    site = [SimpleNamespace(index=index) for index in (0, 1)]
    with thresholds.watched() as seen:
        assert thresholds.exceeded(site[0], values).tolist() == [[False, True], [False, False]]
        assert thresholds.exceeded(site[1], values).tolist() == [[True, True], [False, True]]
    assert torch.equal(seen[0], values.flatten())
    assert torch.equal(seen[1], values.flatten())
    thresholds.exceeded(site[0], values)
    assert len(seen[0]) == 4


def test_thresholds_are_kept_with_the_parameters():
    thresholds = Thresholds(2, start=0.0)
    thresholds.values[0] = 3.0
    other = Thresholds(2, start=0.0)
    other.load_state_dict(thresholds.state_dict())
    assert other.values.tolist() == [3.0, 0.0]
    assert list(other.parameters()) == []
