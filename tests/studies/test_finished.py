"""Finished studies in Python: what they hold is what the files hold."""

from pathlib import Path

import matplotlib.figure
import pandas as pd
import pytest

import studies
from core.errors import InputError
from tests.docs.markdown import file_of

RESULTS = "results/quickstart"


@pytest.fixture
def finished(command, scheduler, without_figures, tmp_path):
    assert command.study("--seeds", "3", chosen="dense,reinforce,small_dense").code == 0
    return studies.load(tmp_path / RESULTS)


@pytest.mark.parametrize("name", ["runs", "summary", "contrasts"])
def test_tables_are_those_of_the_files(finished, tmp_path, name):
    table, file = finished.table(name), pd.read_csv(tmp_path / RESULTS / f"{name}.csv")
    assert list(table) == list(file)
    assert len(table) == len(file) > 0
    numbers = set(file.select_dtypes("number")) & set(table.select_dtypes("number"))
    assert len(numbers) > 10
    for column in numbers:
        pd.testing.assert_series_equal(table[column].reset_index(drop=True), file[column], check_dtype=False)


def test_it_says_what_it_is_and_what_it_has(finished):
    assert repr(finished).startswith("<study quickstart: 3 arms, 9 runs, in ")
    assert {"runs", "summary", "contrasts"} <= set(finished.tables)
    assert finished.design.study == "quickstart"
    assert finished.runs.equals(finished.table("runs"))


def test_a_name_that_is_none_is_answered_with_the_nearest(finished):
    with pytest.raises(InputError, match="unknown table 'sumary': did you mean 'summary'"):
        finished.table("sumary")
    with pytest.raises(InputError, match="unknown figure 'forrest'"):
        finished.figure("forrest")


@pytest.mark.parametrize("folder", ["nowhere", "results"])
def test_a_folder_without_a_study_is_named(finished, tmp_path, folder):
    with pytest.raises(InputError, match="holds no study, expected a folder such as results/quickstart"):
        studies.load(tmp_path / folder)


def test_two_studies_stand_side_by_side(finished, command, tmp_path):
    more = tmp_path / "more"
    small = ("--dataset", "digits", "--set", "network=8x2", "--set", "epochs=2", "--strategies", "dense,reinforce")
    assert command("run", "quickstart", *small, "--seeds", "4", "--results", str(more)).code == 0
    found = studies.compare(finished, studies.load(more / "quickstart")).set_index("arm")
    assert set(found.index) == {"dense", "reinforce"}
    assert found["n_1"].tolist() == [3, 3]
    assert found["n_2"].tolist() == [4, 4]
    assert found["same_runs"].tolist() == [3, 3]
    assert (found["mean_2"] - found["mean_1"] - found["difference"]).abs().max() < 1e-12
    done = command("compare", RESULTS, str(more / "quickstart"), "--csv", "both.csv")
    assert (done.code, done.err) == (0, "")
    assert "reinforce" in done.out
    assert pd.read_csv("both.csv")["same_runs"].tolist() == [3, 3]


def test_studies_without_an_arm_in_common_cannot_be_compared(finished, command, tmp_path):
    other = tmp_path / "other"
    options = ("--dataset", "digits", "--set", "network=4x4", "--set", "epochs=2", "--strategies", "dense")
    assert command("run", "quickstart", *options, "--seeds", "2", "--results", str(other)).code == 0
    done = command("compare", RESULTS, str(other / "quickstart"))
    assert done.code == 2
    assert "have no arm in one setting in common" in done.err


@pytest.mark.usefixtures("scheduler")
def test_the_page_is_followed_word_by_word(command):
    assert command.study("--seeds", "3", chosen="dense,reinforce,random_blocks").code == 0
    exec(compile(file_of("read_results.py"), "read_results.py", "exec"), {})
    assert Path("verdicts.txt").exists()
    assert set(pd.read_csv("errors.csv")["arm"]) == {"dense", "reinforce", "random_blocks"}
    assert Path("quickstart.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.usefixtures("scheduler")
def test_a_figure_is_matplotlibs_and_one_without_numbers_is_named(command, tmp_path):
    assert command.study("--seeds", "2", chosen="dense,reinforce").code == 0
    found = studies.load(tmp_path / RESULTS)
    assert isinstance(found.figure("seeds", arms=["reinforce"]), matplotlib.figure.Figure)
    with pytest.raises(InputError, match="figure failures: quickstart has nothing to draw there"):
        found.figure("failures")
    with pytest.raises(InputError, match="unknown arm 'top_k'"):
        found.figure("seeds", arms=["top_k"])


def test_what_is_public_is_listed_and_nothing_else_is_there():
    assert {"FinishedStudy", "compare", "load"} <= set(dir(studies))
    with pytest.raises(AttributeError, match="module 'studies' has no attribute 'laod'"):
        studies.laod  # noqa: B018
