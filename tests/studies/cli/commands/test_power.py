import pytest

from studies.design import Search
from studies.results.collecting import collect
from tests.support.records import design_of, finished


def test_the_command_prints_the_seeds(command):
    finished(command.results, design_of("small_dense", "reinforce", seeds=5))
    done = command("power", "quickstart", "--results", str(command.results), "--difference", "2")
    assert (done.code, done.err) == (0, "")
    (line,) = [line for line in done.out.splitlines() if line.startswith("reinforce ")]
    assert line.split()[:3] == ["reinforce", "small_dense", "5"]
    assert f"{line.split()[-1]} seeds for all" in done.out.replace("more than ", "")
    assert "to decide 2 points of test error with probability 0.8" in done.out


def test_searches_are_what_a_searched_study_needs(command):
    search = Search(points=1, searches=4)
    finished(command.results, design_of("small_dense", "reinforce", seeds=2, search=search, test_split="fixed"))
    done = command("power", "quickstart", "--results", str(command.results), "--difference", "2")
    assert (done.code, done.err) == (0, "")
    (line,) = [line for line in done.out.splitlines() if line.startswith("reinforce ")]
    assert line.split()[:3] == ["reinforce", "small_dense", "4"]
    assert " searches for all, " in done.out


def test_settings_are_named_where_there_are_several(command):
    finished(command.results, design_of("small_dense", "reinforce", seeds=5, densities=(1 / 8, 1 / 4)))
    done = command("power", "quickstart", "--results", str(command.results), "--difference", "2")
    lines = [line.split() for line in done.out.splitlines() if line.startswith("reinforce ")]
    assert [line[:4] for line in lines] == [["reinforce", "small_dense", tau, "5"] for tau in ("1/8", "1/4")]


def test_the_studys_delta_is_the_default(command):
    design = design_of("small_dense", "reinforce", seeds=5, delta=0.5)
    made = finished(command.results, design)
    reference = collect(design, made.ledger).contrasts["reference_error"].item()
    out = command("power", "quickstart", "--results", str(command.results)).out
    assert f"to decide {50 * reference:.3g} points" in out


def test_a_delta_of_zero_is_no_difference_to_detect(command):
    finished(command.results, design_of("small_dense", "reinforce", seeds=5, delta=0.0))
    done = command("power", "quickstart", "--results", str(command.results))
    assert done.code == 2
    assert done.err == "error: power: the study's delta is 0, which no number of seeds detects; give --difference\n"


@pytest.mark.parametrize("options", [("--difference", "0"), ("--power", "1"), ("--power", "x")])
def test_bad_numbers_are_refused(command, options):
    done = command("power", "quickstart", *options)
    assert (done.code, done.err.count("\n")) == (2, 1)
