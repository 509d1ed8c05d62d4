import re
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from core import data
from core.data import catalogue

RUN = ("run", "quickstart", "--seeds", "1", "--strategies", "dense,reinforce", "--set", "network=8x2")


def study_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]


@pytest.fixture
def unreachable(publisher):
    """The publisher's addresses, where nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        publisher.address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    publisher.publish_all()
    return publisher


@pytest.mark.usefixtures("scheduler", "without_figures")
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "svhn"])
@pytest.mark.parametrize("place", ["", "NAME"])
def test_a_study_runs_on_files_of_the_users(command, publisher, scheduler, tmp_path, name, place):
    publisher.write(name, tmp_path / "data" / place.replace("NAME", name))
    done = command(*RUN, "--dataset", name, "--data", "data", "--results", str(command.results))
    assert (done.code, done.err) == (0, "")
    assert scheduler.datasets == {name}
    assert not publisher.asked


@pytest.mark.usefixtures("scheduler", "without_figures")
def test_without_the_option_files_are_downloaded_once(command, publisher, scheduler):
    arguments = (*RUN, "--dataset", "mnist", "--results", str(command.results))
    assert command(*arguments).code == 0
    catalogue._load.cache_clear()
    assert command(*arguments, "--seeds", "2").code == 0
    assert len(scheduler.asked) == 2
    assert len(publisher.asked) == 4


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_folder_that_does_not_exist_is_named(command, dry):
    done = command(*RUN, "--dataset", "mnist", "--data", "nowhere", "--results", str(command.results), *dry)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "--data" in done.err
    assert "nowhere" in done.err
    assert not command.results.exists()


@pytest.mark.usefixtures("scheduler")
def test_a_file_that_is_missing_there_is_named_and_nothing_is_written(command, publisher, scheduler, tmp_path):
    done = command(*RUN, "--dataset", "svhn", "--data", str(tmp_path), "--results", str(command.results))
    assert done.code == 2
    assert done.err.startswith("error: dataset 'svhn': neither ")
    assert "train_32x32.mat" in done.err
    assert done.err.count("\n") == 1
    assert not study_files(command.results)
    assert not scheduler.asked
    assert not publisher.asked


def test_without_a_network_the_way_out_is_one_line_and_nothing_is_written(command, unreachable, monkeypatch):
    def refuse(*_):
        raise AssertionError("Ray was started without data")

    monkeypatch.setitem(sys.modules, "studies.running.schedule", SimpleNamespace(execute_all=refuse))
    done = command("run", "quickstart", "--dataset", "mnist", "--results", str(command.results))
    assert done.code == 2
    assert done.err.count("\n") == 1
    file = unreachable.sources["mnist"].files[0]
    for words in (f"cannot download {file.url}: Connection refused", file.md5, "--data DIR", "--dataset mnist_5k"):
        assert words in done.err
    assert not study_files(command.results)


def test_a_dry_run_downloads_nothing_and_says_why_it_cannot_tell_the_time(command, publisher):
    done = command(*RUN, "--dataset", "mnist", "--results", str(command.results), "--dry-run")
    assert (done.code, done.err) == (0, "")
    _, counts, _ = done.out.splitlines()
    assert counts.split() == ["evaluate", "mnist", "8x2", "1/8", "2", "0", "2"]
    assert done.out.splitlines()[-1] == (
        "2 runs, 2 to run; the time cannot be estimated, since the data of mnist is not there yet: "
        "the run downloads 0 MB"
    )
    assert not publisher.asked
    assert not command.results.exists()


@pytest.mark.parametrize("given", [True, False], ids=["given", "cached"])
def test_a_dry_run_estimates_the_time_where_the_data_is_there(command, publisher, tmp_path, given):
    if given:
        publisher.write("mnist", tmp_path)
    else:
        data.load("mnist")
        publisher.asked.clear()
    option = ("--data", str(tmp_path)) if given else ()
    done = command(*RUN, "--dataset", "mnist", *option, "--results", str(command.results), "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(r"2 runs, 2 to run: about [\d:]+ with \d+ at once", done.out.splitlines()[-1])
    assert not publisher.asked


@pytest.mark.usefixtures("scheduler", "without_figures")
def test_a_finished_study_needs_no_data(command, publisher, tmp_path):
    arguments = (*RUN, "--dataset", "mnist", "--results", str(command.results))
    publisher.write("mnist", tmp_path)
    assert command(*arguments, "--data", str(tmp_path)).code == 0
    assert "2 runs, 0 to run: about 0:00" in command(*arguments, "--dry-run").out
    assert "nothing to run" in command(*arguments).out
    assert not publisher.asked
