import pytest

from core.errors import InputError
from studies.results.collecting import collect
from studies.results.power import seeds_for
from studies.results.statistics import detectable_at
from tests.support.records import design_of, finished


def test_as_many_seeds_as_the_pilots_variance_asks_for(tmp_path):
    design = design_of("small_dense", "reinforce", "top_k", seeds=6)
    results = collect(design, finished(tmp_path, design).ledger)
    table = seeds_for(results, 0.05, 0.8)
    assert table["strategy"].tolist() == ["reinforce", "top_k"]
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


def test_the_command_prints_the_seeds(command):
    finished(command.results, design_of("small_dense", "reinforce", seeds=5))
    done = command("power", "quickstart", "--results", str(command.results), "--difference", "2")
    assert (done.code, done.err) == (0, "")
    (line,) = [line for line in done.out.splitlines() if line.startswith("digits ")]
    assert line.split()[2:6] == ["1/8", "reinforce", "small_dense", "5"]
    assert f"{line.split()[-1]} seeds for all" in done.out
    assert "to detect 2.00 points of test error with probability 0.8" in done.out


def test_the_studys_delta_is_the_default(command):
    finished(command.results, design_of("small_dense", "reinforce", seeds=5, delta=0.03))
    assert "to detect 3.00 points" in command("power", "quickstart", "--results", str(command.results)).out


def test_a_delta_of_zero_is_no_difference_to_detect(command):
    finished(command.results, design_of("small_dense", "reinforce", seeds=5, delta=0.0))
    done = command("power", "quickstart", "--results", str(command.results))
    assert done.code == 2
    assert done.err == "error: power: the study's delta is 0, which no number of seeds detects; give --difference\n"


@pytest.mark.parametrize("options", [("--difference", "0"), ("--power", "1"), ("--power", "x")])
def test_bad_numbers_are_refused(command, options):
    done = command("power", "quickstart", *options)
    assert (done.code, done.err.count("\n")) == (2, 1)
