import json
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from studies.records import stamp
from tests.support.records import design_of, finished

Content = dict[str, bytes]


def content(folder: Path) -> Content:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def flatter(folder: Path) -> None:
    """Lower the demands of a frozen study."""
    path = folder / "study.json"
    frozen = json.loads(path.read_text("utf-8"))
    frozen["design"]["sweep"]["delta"] = 0.2
    path.write_text(json.dumps(frozen), "utf-8")


def write(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text, "utf-8")


def delete(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def test_report_writes_the_page_of_a_finished_study_again(command):
    folder = finished(command.results, design_of("dense", seeds=2))
    done = command("report", "quickstart", "--results", str(command.results))
    assert (done.code, done.err) == (0, "")
    assert done.out == f"report: {folder.path / 'report.html'}\n"
    assert {path.name for path in folder.path.iterdir()} == {
        ".lock", "study.json", "runs", "runs.csv", "summary.csv", "tables", "figures", "report.html", "derived.json"
    }  # fmt: skip


def test_figures_are_drawn_again_in_the_formats_asked_for(command):
    folder = finished(command.results, design_of("dense", seeds=2))
    done = command("figures", "quickstart", "--results", str(command.results), "--format", "svg, pdf")
    assert (done.code, done.err) == (0, "")
    names = ("error_against_macs", "seeds", "learning_curves")
    assert done.out.splitlines() == [
        str(folder.path / "figures" / f"{name}.{extension}") for name in names for extension in ("svg", "pdf")
    ]
    assert {path.name for path in (folder.path / "figures").iterdir()} == {
        f"{name}.{extension}" for name in names for extension in ("csv", "txt", "svg", "pdf")
    }


SPOILT: dict[str, Callable[[Path], object]] = {
    "a table was edited": write("summary.csv", "arm,mean\ndense,0.0\n"),
    "a table for papers was deleted": delete("tables/summary.tex"),
    "the page was emptied": write("report.html", ""),
    "the page was deleted": delete("report.html"),
    "the stamp was deleted": delete("derived.json"),
    "the stamp is damaged": write("derived.json", "{"),
    "the study was edited": flatter,
    "the study was deleted": delete("study.json"),
    "the study is damaged": write("study.json", "{"),
}


@pytest.mark.usefixtures("without_figures")
@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_what_was_spoilt_is_made_again_by_the_command_that_made_it(command, scheduler, spoil):
    assert command.study("--seeds", "2").code == 0
    folder = command.results / "quickstart"
    before = content(folder)
    spoil(folder)
    assert content(folder) != before
    done = command.study("--seeds", "2")
    assert (done.code, done.err) == (0, "")
    assert "nothing to run" in done.out
    assert content(folder) == before
    assert len(scheduler.asked) == 1


@pytest.mark.usefixtures("without_figures")
def test_a_record_that_was_edited_is_reported_as_it_is(command, scheduler):
    command.study("--seeds", "2")
    folder = command.results / "quickstart"
    path = sorted((folder / "runs").glob("*.json"))[0]
    record = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**record, "test_error": 0.015625, "test_hits": None}), "utf-8")
    assert command.study("--seeds", "2").code == 0
    assert "0.015625" in (folder / "runs.csv").read_text("utf-8")


@pytest.mark.usefixtures("without_figures")
def test_derived_files_of_other_code_are_made_again(command, scheduler, monkeypatch):
    command.study("--seeds", "2")
    page = command.results / "quickstart" / "report.html"
    before = page.stat().st_mtime_ns
    command.study("--seeds", "2")
    assert page.stat().st_mtime_ns == before
    monkeypatch.setattr(stamp, "code_hash", lambda: "0" * 16)
    command.study("--seeds", "2")
    assert page.stat().st_mtime_ns != before


@pytest.mark.usefixtures("without_figures", "scheduler")
def test_files_of_the_user_stay(command):
    command.study("--seeds", "2")
    folder = command.results / "quickstart"
    (folder / "tables" / "mine").mkdir()
    mine = ["tables/mine.tex", "tables/mine/draft.tex", "tables/reinforce.csv", "notes.txt", "runs/notes.md"]
    for name in mine:
        write(name, "mine")(folder)
    for arguments in (("run", "--seeds", "3"), ("run", "--seeds", "2"), ("report",)):
        done = (
            command.study(*arguments[1:])
            if arguments[0] == "run"
            else command("report", "quickstart", "--results", str(command.results))
        )
        assert done.code == 0
        assert {name: content(folder)[name] for name in mine} == dict.fromkeys(mine, b"mine")


@pytest.mark.parametrize("name", ["report", "figures"])
def test_a_study_that_was_changed_is_refused_in_one_line(command, name):
    folder = finished(command.results, design_of("dense", seeds=2))
    flatter(folder.path)
    before = content(folder.path)
    done = command(name, "quickstart", "--results", str(command.results))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "study.json: was changed: its design has the hash" in done.err
    assert content(folder.path) == before


@pytest.mark.parametrize("name", ["report", "figures"])
def test_the_folder_of_another_study_is_refused_in_one_line(command, name):
    folder = finished(command.results, design_of("dense", seeds=2))
    folder.path.rename(command.results / "sanity")
    done = command(name, "sanity", "--results", str(command.results))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "is of the study 'quickstart', expected 'sanity'" in done.err


@pytest.mark.parametrize("name", ["report", "figures"])
def test_nothing_is_written_while_another_driver_is(command, name):
    folder = finished(command.results, design_of("dense", seeds=2))
    before = content(folder.path)
    with FileLock(folder.path / ".lock"):
        done = command(name, "quickstart", "--results", str(command.results))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "another run is writing there" in done.err
    assert content(folder.path) == before


def test_figures_for_a_paper_do_not_make_the_report_stale(command, scheduler):
    command.study("--seeds", "2", chosen="dense")
    folder = command.results / "quickstart"
    done = command("figures", "quickstart", "--results", str(command.results), "--format", "svg", "--venue", "icml")
    assert done.code == 0
    drawn = content(folder)
    assert command.study("--seeds", "2", chosen="dense").code == 0
    assert content(folder) == drawn
