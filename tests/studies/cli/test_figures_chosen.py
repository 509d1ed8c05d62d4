"""Figures of a study drawn for a paper: some of them, some arms, other names and colours, in another folder."""

import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb

from studies.report.drawing import figure as drawing
from studies.report.drawing.choice import Choice
from studies.report.drawing.choice import drawing as choosing
from studies.report.drawing.style import styles

ARMS = "dense;reinforce"


@pytest.fixture
def study(command, scheduler, monkeypatch):
    """A study's records, and figures that are files without a picture."""
    monkeypatch.setattr(drawing, "save", lambda drawn, picture: picture.write_text("picture", "utf-8") and picture)
    done = command.study("--seeds", "3", chosen="dense,reinforce,top_k")
    assert done.code == 0
    return command


def figures(command, *options: str):
    return command("figures", "quickstart", "--results", str(command.results), *options)


def test_only_the_figures_that_are_asked_for_in_their_order(study, tmp_path):
    done = figures(study, "--only", "seeds,error_against_macs", "--out", "paper", "--format", "svg")
    assert (done.code, done.err) == (0, "")
    assert done.out.split() == ["paper/seeds.svg", "paper/error_against_macs.svg"]
    assert sorted(file.name for file in (tmp_path / "paper").iterdir()) == [
        f"{name}.{kind}" for name in ("error_against_macs", "seeds") for kind in ("csv", "svg", "txt")
    ]


def test_some_arms_under_other_names_leave_the_studys_own_figures_alone(study, tmp_path):
    own = study.results / "quickstart" / "figures" / "seeds.csv"
    before = own.read_bytes()
    done = figures(
        study, "--only", "seeds", "--out", "paper", "--arms", ARMS, "--rename", "reinforce=REINFORCE", "--format", "svg"
    )
    assert (done.code, done.err) == (0, "")
    assert set(pd.read_csv(tmp_path / "paper" / "seeds.csv")["arm"]) == {"dense", "REINFORCE"}
    assert own.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--only", "sedes"), "unknown figure 'sedes': did you mean 'seeds'?"),
        (("--arms", "reinforc", "--out", "x"), "unknown arm 'reinforc': did you mean 'reinforce'?"),
        (("--rename", "reinforce", "--out", "x"), "--rename 'reinforce': expected ARM=NAME"),
        (("--rename", "nobody=A", "--out", "x"), "unknown arm 'nobody'"),
        (("--rename", "reinforce=dense", "--out", "x"), "two arms would be called 'dense'"),
        (("--palette", "nothing", "--out", "x"), "unknown palette 'nothing'"),
        (("--arms", ARMS), "name a folder with --out"),
        (("--palette", "viridis"), "name a folder with --out"),
    ],
)
def test_bad_choices_are_one_line_and_nothing_is_drawn(study, tmp_path, options, message):
    done = figures(study, *options)
    assert done.code == 2
    assert message in done.err
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "x").exists()


NUMBERS = pd.DataFrame(
    {"arm": ["reinforce", "top_k", "dense front"], "family": ["policy gradient", "routing", "control"]}
)


def test_a_renamed_arm_looks_as_before():
    usual = styles(NUMBERS)
    with choosing(Choice(names={"reinforce": "REINFORCE"})):
        renamed = styles(Choice(names={"reinforce": "REINFORCE"}).of(NUMBERS))
    assert renamed["REINFORCE"] == usual["reinforce"]
    assert renamed["top_k"] == usual["top_k"]


def test_colours_of_a_palette_follow_the_arms_and_not_what_a_figure_shows():
    choice = Choice(("top_k", "reinforce"), {"top_k": "top-k"}, "colorblind")
    with choosing(choice):
        both, one = styles(choice.of(NUMBERS)), styles(choice.of(NUMBERS[:1]))
    assert both["reinforce"].colour == one["reinforce"].colour
    assert both["reinforce"].colour != both["top-k"].colour
    assert to_hex(to_rgb(both["top-k"].colour)) == both["top-k"].colour


def test_the_dense_front_stands_beside_any_arms():
    assert Choice(("top_k",)).of(NUMBERS)["arm"].tolist() == ["top_k", "dense front"]


def test_no_arm_looks_like_a_failed_run():
    from studies.report.drawing.style import _MARKERS

    assert not set("xX+") & set(_MARKERS)
