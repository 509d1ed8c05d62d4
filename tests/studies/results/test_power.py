import pytest

from core.errors import InputError
from studies.results.collecting import collect
from studies.results.power import seeds_for
from studies.results.statistics.power import detectable_at
from tests.support.records import design_of, finished


def test_as_many_seeds_as_the_pilots_variance_asks_for(tmp_path):
    design = design_of("small_dense", "reinforce", "top_k", seeds=6)
    results = collect(design, finished(tmp_path, design).ledger)
    table = seeds_for(results, 0.05, 0.8)
    assert table["arm"].tolist() == ["reinforce", "top_k"]
    for row in table.to_dict("records"):
        found = row["seeds_needed"]
        assert detectable_at(row["std"], found, alpha=0.05 / 2) <= 0.05
        assert detectable_at(row["std"], found - 1, alpha=0.05 / 2) > 0.05
    assert (seeds_for(results, 0.05, 0.95)["seeds_needed"] > table["seeds_needed"]).all()


def test_without_contrasts_there_is_nothing_to_detect(tmp_path):
    design = design_of("dense", "reinforce")
    with pytest.raises(InputError, match="power: the study has no contrasts"):
        seeds_for(collect(design, finished(tmp_path, design).ledger), 0.01, 0.8)


def test_one_seed_shows_no_variance(tmp_path):
    design = design_of("small_dense", "reinforce", seeds=1)
    with pytest.raises(InputError, match="power: the study has one seed"):
        seeds_for(collect(design, finished(tmp_path, design).ledger), 0.01, 0.8)
