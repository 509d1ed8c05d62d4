"""What is written to begin with works as it is: its test passes, it is checked, shown and run."""

import subprocess
import sys

import pytest

from core.data import own
from studies.own import study as own_study
from tests.support.driver import ROOT, python

KINDS = ("strategy", "study", "dataset")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
def test_its_own_test_passes(command, tmp_path, kind):
    done = command("new", kind, "my_own")
    assert (done.code, done.err) == (0, "")
    assert sorted(file.name for file in tmp_path.glob("*.py")) == ["my_own.py", "test_my_own.py"]
    tested = python(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "test_my_own.py")
    assert tested.returncode == 0, tested.stdout
    assert "passed" in tested.stdout


@pytest.mark.usefixtures("scheduler", "without_figures")
def test_what_it_says_to_do_next_can_be_done(command, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(own_study, "_files", {})
    monkeypatch.setattr(own, "_given", {})
    for kind in KINDS:
        said = command("new", kind, f"my_{kind}").out
        lines = [line.removeprefix("next: python -m studies ") for line in said.splitlines() if "-m studies" in line]
        assert lines
        for line in lines:
            done = command(*line.split(), *(["--results", "results"] if line.startswith("run") else []))
            assert (done.code, done.err) == (0, ""), line


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("check", [["check"], ["format", "--check"]], ids=" ".join)
def test_nothing_in_it_is_found_by_the_linter(command, tmp_path, kind, check):
    command("new", kind, "my_own")
    for name, place in (("my_own.py", "strategies"), ("test_my_own.py", "tests")):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *check, "--no-cache", "--stdin-filename", f"{place}/{name}", "-"],
            cwd=ROOT,
            input=(tmp_path / name).read_text("utf-8"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("strategy", "MyGater"), "'MyGater': expected a name of small letters, digits and _, such as my_strategy"),
        (("study", "my-study"), "'my-study': expected a name of small letters"),
        (("strategy", "reinforce"), "'reinforce': this package has a strategy of that name"),
        (("study", "quickstart"), "'quickstart': this package has a study of that name"),
        (("figure", "mine"), "'figure' is not one of 'strategy', 'study', 'dataset'"),
    ],
)
def test_a_name_that_cannot_be_is_answered_and_nothing_is_written(command, tmp_path, arguments, message):
    done = command("new", *arguments)
    assert done.code == 2
    assert message in done.err
    assert list(tmp_path.glob("*.py")) == []


def test_nothing_is_written_over(command, tmp_path):
    (tmp_path / "test_my_own.py").write_text("mine")
    done = command("new", "study", "my_own")
    assert (done.code, done.err) == (2, "error: test_my_own.py: is there already, and is not written over\n")
    assert sorted(file.name for file in tmp_path.glob("*.py")) == ["test_my_own.py"]
