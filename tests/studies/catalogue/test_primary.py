"""What studies name before they run can be decided: contrasts of arms that there are, at seeds at which they look."""

import math

import pytest

from studies import catalogue
from studies.design.freezing import FrozenStudy
from studies.design.protocol import FEWEST_SEARCHES
from studies.results.statistics.rule_power import detectable

# About times, equal results and optimism, which are measured; of errors they compare nothing.
DESCRIPTIVE = {"batch_size", "optimism", "portability"}
# Per setting.
MOST = 5

deciding = pytest.mark.parametrize("name", sorted(set(catalogue.names()) - DESCRIPTIVE))
scales = pytest.mark.parametrize("scale", ["default", "paper"])


def freeze(name: str, scale: str) -> FrozenStudy:
    return FrozenStudy.freeze(name, scale, catalogue.find(name).scales[scale])  # type: ignore[index]


@pytest.mark.parametrize("name", sorted(DESCRIPTIVE))
def test_a_descriptive_study_names_none(name):
    assert freeze(name, "default").protocol.contrasts == 0


@scales
@deciding
def test_a_study_names_a_few_contrasts_of_arms_that_it_runs(name, scale):
    frozen = freeze(name, scale)
    assert 1 <= len(frozen.sweep.primary) <= MOST
    assert frozen.protocol.contrasts >= 1
    assert {(entry.arm, entry.reference) for entry in frozen.sweep.primary} <= set(frozen.contrasts)


@scales
@deciding
def test_it_looks_at_its_seeds_and_can_decide_a_difference_of_a_few_standard_deviations(name, scale):
    protocol = freeze(name, scale).protocol
    assert protocol.look is not None
    if protocol.search is not None:
        assert protocol.units >= FEWEST_SEARCHES
    smallest = detectable(1.0, looks=(protocol.units,), alpha=protocol.alpha, contrasts=protocol.contrasts)
    assert math.isfinite(smallest)
    assert smallest < 5
