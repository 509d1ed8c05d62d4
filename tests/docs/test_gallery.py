"""The gallery has every figure that the suite draws, each with its picture and a command that draws it."""

import re
import shlex
from functools import cache
from typing import Any

import pytest

from studies import catalogue, cli
from tests.docs.hooks import hook
from tests.docs.markdown import DOCS

PAGE = DOCS / "guides" / "figures.md"
# The figure of the benchmark, which is of no study.
OF_NO_STUDY = ("speedup", "Speed-up against density")
_SECTION = re.compile(r"^### (.+?) \{ #(\w+) \}\n(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)


GALLERY = hook("gallery")
COMMON = {(name, title): text for title, name, text in _SECTION.findall(PAGE.read_text("utf-8"))}


@cache
def drawn() -> dict[tuple[str, str], list[str]]:
    """Name and title of every figure, with the studies that draw it."""
    found: dict[tuple[str, str], list[str]] = {}
    for study in catalogue.names():
        searched = catalogue.find(study).at("default").search is not None
        for figure in catalogue.presentation(study, searched=searched).figures:
            found.setdefault((figure.name, figure.title), []).append(study)
    return found


def test_the_page_has_the_figures_that_are_of_no_single_study():
    assert set(COMMON) - {OF_NO_STUDY} <= set(drawn())
    assert OF_NO_STUDY in COMMON
    assert GALLERY.MARK in PAGE.read_text("utf-8")


@pytest.mark.parametrize("study", catalogue.names())
def test_the_page_of_a_study_has_its_other_figures_and_no_more(study):
    own = {figure for figure, studies in drawn().items() if study in studies and figure not in COMMON}
    listed = GALLERY.entries(DOCS / "studies" / f"{study}.md")
    assert sorted((entry.name, entry.title) for entry in listed) == sorted(own)


def entries() -> list[Any]:
    return [entry for study in catalogue.names() for entry in GALLERY.entries(DOCS / "studies" / f"{study}.md")]


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: f"{entry.study}-{entry.name}")
def test_a_figure_of_a_study_has_its_picture_and_a_command_that_draws_it(entry):
    assert (DOCS / "studies" / entry.picture).is_file()
    assert entry.shows.endswith(".")
    assert draws(entry.command) == (entry.study, entry.name)


@pytest.mark.parametrize("figure", sorted(set(COMMON) - {OF_NO_STUDY}), ids="".join)
def test_a_common_figure_has_its_picture_and_a_command_that_draws_it(figure):
    text = COMMON[figure]
    (picture,) = re.findall(r"!\[.+\]\((.+?)\)", text)
    assert (PAGE.parent / picture).resolve().is_file()
    assert "*What it cannot\nshow*" in text or "*What it cannot show*" in text
    (command,) = re.findall(r"```sh\n(.+)\n```", text)
    study, name = draws(command)
    assert name == figure[0]
    assert study in drawn()[figure]


def draws(command: str) -> tuple[str, str]:
    """The study and the figure of a command of the gallery, which are checked to be there."""
    words = shlex.split(command)
    assert words[:4] == ["python", "-m", "studies", "figures"]
    study, (only,) = words[4], [words[place + 1] for place, word in enumerate(words) if word == "--only"]
    assert words[words.index("--venue") + 1] == "icml"
    return study, only


@pytest.mark.parametrize(
    "picture", sorted((DOCS / "guides" / "figures").glob("*.svg")), ids=lambda picture: picture.stem
)
def test_a_picture_of_the_gallery_is_used_and_has_its_numbers(picture):
    assert f"(figures/{picture.name})" in PAGE.read_text("utf-8")
    assert picture.with_suffix(".csv").is_file()
    assert picture.with_suffix(".txt").is_file()


def test_a_command_of_the_gallery_is_understood_as_far_as_results_that_are_not_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for entry in entries()[:3]:
        assert cli.main(shlex.split(entry.command)[3:]) == 2
        assert "results" in capsys.readouterr().err
