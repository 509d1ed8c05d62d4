"""A study's line in the list: the first of its docstring, read without importing it."""

import sys
from pathlib import Path

import pytest

from core.errors import InputError
from studies import catalogue

# Whoever imports it is told.
STUDY = '"""What {} asks, in one line.\n\nAnd more of it.\n"""\n\nraise AssertionError("imported")\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose studies are in the catalogue too."""
    monkeypatch.setattr(catalogue, "__path__", [*catalogue.__path__, str(tmp_path)])
    return tmp_path


@pytest.mark.parametrize("name", catalogue.names())
def test_every_study_has_a_line_that_is_a_sentence(name):
    line = catalogue.line(name)
    assert line.endswith(".")
    assert line == line.strip()
    assert 20 < len(line) <= 120


def test_no_two_studies_have_the_same_line():
    assert len({catalogue.line(name) for name in catalogue.names()}) == len(catalogue.names())


def test_it_is_the_first_line_of_the_docstring_and_nothing_is_imported(folder):
    (folder / "of_mine.py").write_text(STUDY.format("a file"), "utf-8")
    (folder / "of_ours").mkdir()
    (folder / "of_ours" / "__init__.py").write_text(STUDY.format("a folder"), "utf-8")
    assert catalogue.line("of_mine") == "What a file asks, in one line."
    assert catalogue.line("of_ours") == "What a folder asks, in one line."
    assert not {"studies.catalogue.of_mine", "studies.catalogue.of_ours"} & sys.modules.keys()


def test_a_docstring_of_one_line_is_that_line(folder):
    (folder / "of_mine.py").write_text('"""Ünlike others."""\n', "utf-8")
    assert catalogue.line("of_mine") == "Ünlike others."


def test_without_a_docstring_the_line_is_empty(folder):
    (folder / "of_mine.py").write_text("STUDY = 3\n", "utf-8")
    assert catalogue.line("of_mine") == ""


@pytest.mark.parametrize("text", [b"def broken(:\n", b'"""\xff"""\n', b"x = '\0'\n"], ids=repr)
@pytest.mark.parametrize("place", ["of_mine.py", "of_mine/__init__.py"])
def test_a_file_that_is_not_python_is_named_in_one_line(folder, place, text):
    path = folder / place
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text)
    with pytest.raises(InputError) as caught:
        catalogue.line("of_mine")
    assert str(caught.value).startswith(f"{path}: cannot be read: ")
    assert "\n" not in str(caught.value)


def test_the_list_says_of_a_broken_file_what_is_wrong_and_has_the_others(folder, command):
    (folder / "of_mine.py").write_text("def broken(:\n", "utf-8")
    (folder / "of_ours.py").write_text('"""What another file asks."""\n', "utf-8")
    done = command("list")
    assert (done.code, done.err) == (0, "")
    words = "".join(done.out.split())
    assert f"{folder / 'of_mine.py'}:cannotberead:" in words
    assert "Whatanotherfileasks." in words


def test_an_unknown_study_is_named_with_the_nearest():
    with pytest.raises(InputError, match="unknown study 'quikstart': did you mean 'quickstart'"):
        catalogue.line("quikstart")
