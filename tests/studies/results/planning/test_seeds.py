from typing import Any

import pytest

from core.errors import InputError
from studies.results.collecting import collect
from studies.results.planning.seeds import seeds_for
from studies.results.statistics.rule_power import probability_decided
from tests.support.records import design_of, finished


def test_as_many_seeds_as_the_pilots_variance_asks_for(tmp_path):
    design = design_of("small_dense", "reinforce", "top_k", seeds=6)
    results = collect(design, finished(tmp_path, design).ledger)
    table = seeds_for(results, 0.05, 0.8)
    assert table["arm"].tolist() == ["reinforce", "top_k"]
    for row in table.to_dict("records"):
        found = row["seeds_needed"]
        family: dict[str, Any] = {"alpha": 0.05, "contrasts": 2, "delta": 0.0}
        enough, too_few = (probability_decided(0.05, row["std"], looks=[n], **family) for n in (found, found - 1))
        assert enough["worse"] >= 0.8 > too_few["worse"]
    assert (seeds_for(results, 0.05, 0.95)["seeds_needed"] > table["seeds_needed"]).all()


def test_without_primary_contrasts_there_is_nothing_to_detect(tmp_path):
    design = design_of("dense", "reinforce")
    with pytest.raises(InputError, match="power: the study has no primary contrasts"):
        seeds_for(collect(design, finished(tmp_path, design).ledger), 0.01, 0.8)


def test_one_seed_shows_no_variance(tmp_path):
    design = design_of("small_dense", "reinforce", seeds=1)
    with pytest.raises(InputError, match="power: fewer than two seeds without failures"):
        seeds_for(collect(design, finished(tmp_path, design).ledger), 0.01, 0.8)
