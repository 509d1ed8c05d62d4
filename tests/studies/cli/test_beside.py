"""Results of others beside a study's own, from the command line and in Python."""

from pathlib import Path

import pandas as pd
import pytest

import studies
from studies.report.drawing import figure as drawing
from tests.docs.markdown import file_of


@pytest.fixture
def study(command, scheduler, without_drawing):
    """A study's records, and the file of the guide, of the study's dataset."""
    assert command.study("--seeds", "3", chosen="dense,reinforce").code == 0
    Path("theirs.csv").write_text(file_of("theirs.csv").replace("mnist_5k", "digits"), "utf-8")
    return command


@pytest.fixture
def without_drawing(monkeypatch):
    monkeypatch.setattr(drawing, "save", lambda drawn, picture: picture.write_text("picture", "utf-8") and picture)


def figures(command, *options: str):
    only = ("--only", "seeds,error_against_macs", "--format", "svg")
    return command("figures", "quickstart", "--results", str(command.results), *only, *options)


def test_figures_and_summary_have_them_in_a_folder_of_their_own(study, tmp_path):
    before = {path: path.read_bytes() for path in (study.results / "quickstart").rglob("*") if path.is_file()}
    done = figures(study, "--beside", "theirs.csv", "--out", "paper")
    assert (done.code, done.err) == (0, "")
    assert done.out.split() == [
        f"paper/{name}" for name in ("seeds.svg", "error_against_macs.svg", "summary.csv", "summary.tex")
    ]
    for name in ("seeds", "error_against_macs"):
        assert {"Their router*", "Early exit*"} <= set(pd.read_csv(f"paper/{name}.csv")["arm"])
        assert "from theirs.csv. They were not run here" in (tmp_path / "paper" / f"{name}.txt").read_text("utf-8")
    assert pd.read_csv("paper/summary.csv")["arm"].tolist() == ["dense", "reinforce", "Their router*", "Early exit*"]
    assert "Early exit* & 3 & 6.4" in (tmp_path / "paper" / "summary.tex").read_text("utf-8")
    assert {path: path.read_bytes() for path in before} == before


def test_they_stand_beside_any_arms_that_are_chosen_and_keep_their_names(study):
    chosen = ("--arms", "reinforce", "--rename", "reinforce=REINFORCE", "--palette", "viridis")
    assert figures(study, "--beside", "theirs.csv", "--out", "paper", *chosen).code == 0
    expected = {"REINFORCE", "Their router*", "Early exit*"}
    for name in ("seeds", "error_against_macs", "summary"):
        assert set(pd.read_csv(f"paper/{name}.csv")["arm"]) == expected


def test_compare_prints_both_and_where_theirs_are_from(study):
    done = study("compare", "results/quickstart", "theirs.csv", "--csv", "both.csv")
    assert (done.code, done.err) == (0, "")
    assert "Their router*" in done.out
    assert "6.6 – 7.6 %" in done.out
    assert "Arms marked * are from theirs.csv." in done.out
    assert pd.read_csv("both.csv")["arm"].tolist() == ["dense", "reinforce", "Their router*", "Early exit*"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("figures", "--beside", "theirs.csv"), "name a folder with --out"),
        (("figures", "--beside", "no.csv", "--out", "x"), "no.csv: cannot be read: No such file"),
        (
            ("figures", "--beside", "theirs.csv", "--beside", "theirs.csv", "--out", "x"),
            "theirs.csv, line 2: Their router is an arm of the study too",
        ),
        (("compare", "results/quickstart", "no.csv"), "no.csv: cannot be read: No such file"),
        (("compare", "results/nothing", "theirs.csv"), "holds no study"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(study, tmp_path, words, message):
    name, *options = words
    done = figures(study, *options) if name == "figures" else study(name, *options)
    assert done.code == 2
    assert message in done.err
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "x").exists()


def test_in_python_the_study_itself_stays_as_it_is(study):
    found = studies.load("results/quickstart")
    both = found.beside("theirs.csv")
    assert len(both.summary) == len(found.summary) + 2 == 4
    pd.testing.assert_frame_equal(both.contrasts, found.contrasts)
    assert both.verdicts == found.verdicts
    assert "theirs.csv" in both.caption("seeds")
    assert "theirs.csv" not in found.caption("seeds")
    # Two studies are compared by what was run for them.
    assert set(studies.compare(both, both)["arm"]) == {"dense", "reinforce"}
