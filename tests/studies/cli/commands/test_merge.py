"""Runs of another folder are taken over; those that are there stay, and damaged ones are left out and named."""

import json

import pytest

pytestmark = pytest.mark.usefixtures("scheduler", "without_figures")


def study(command, results: str, *options: str):
    small = ("--dataset", "digits", "--set", "network=8x2", "--set", "epochs=2", "--strategies", "dense,reinforce")
    done = command("run", "quickstart", *small, "--results", results, *options)
    assert (done.code, done.err) == (0, "")
    return done


def runs(tmp_path, results: str) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (tmp_path / results / "quickstart" / "runs").glob("*.json")}


def test_runs_made_elsewhere_need_not_be_made_again(command, tmp_path):
    study(command, "one", "--seeds", "2")
    study(command, "two", "--seeds", "4")
    first, second = runs(tmp_path, "one"), runs(tmp_path, "two")
    done = command("merge", "one/quickstart", "two/quickstart")
    assert (done.code, done.err) == (0, "")
    assert "two/quickstart: 4 runs taken over, 4 were there" in done.out
    assert runs(tmp_path, "one") == second | first
    assert runs(tmp_path, "two") == second
    assert "nothing to run" in study(command, "one", "--seeds", "4").out


def test_a_folder_that_is_not_there_gets_the_design_too(command, tmp_path):
    study(command, "one", "--seeds", "2")
    done = command("merge", "new/quickstart", "one/quickstart")
    assert (done.code, done.err) == (0, "")
    assert runs(tmp_path, "new") == runs(tmp_path, "one")
    again = command("report", "quickstart", "--results", "new")
    assert (again.code, again.err) == (0, "")


def test_runs_that_are_there_stay_as_they_are(command, tmp_path):
    study(command, "one", "--seeds", "2")
    study(command, "two", "--seeds", "2")
    (file,) = list((tmp_path / "two" / "quickstart" / "runs").glob("*.json"))[:1]
    record = json.loads(file.read_text())
    file.write_text(json.dumps({**record, "test_loss": 9.0}))
    before = runs(tmp_path, "one")
    assert "0 runs taken over, 4 were there" in command("merge", "one/quickstart", "two/quickstart").out
    assert runs(tmp_path, "one") == before


def test_damaged_records_are_left_out_and_named(command, tmp_path):
    study(command, "one", "--seeds", "2")
    study(command, "two", "--seeds", "3")
    new = sorted(set(runs(tmp_path, "two")) - set(runs(tmp_path, "one")))
    (tmp_path / "two" / "quickstart" / "runs" / new[0]).write_text("{")
    done = command("merge", "one/quickstart", "two/quickstart")
    assert done.code == 1
    assert "1 run taken over, 4 were there" in done.out
    assert "left out: " in done.out
    assert new[0] in done.out
    assert set(runs(tmp_path, "two")) - set(runs(tmp_path, "one")) == {new[0]}


@pytest.mark.parametrize("command_line", [("merge", "loop", "one/quickstart"), ("compare", "loop", "one/quickstart")])
def test_a_loop_of_links_is_one_line(command, tmp_path, command_line):
    study(command, "one", "--seeds", "2")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    done = command(*command_line)
    assert done.code in (2, 3)
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("into", "source", "message"),
    [
        ("one/quickstart", "nowhere/quickstart", "study.json: not there"),
        ("one/sanity", "one/quickstart", "one/sanity: runs of quickstart go to a folder of that name"),
        ("one/quickstart", "one/quickstart", "one/quickstart: is the folder itself"),
    ],
)
def test_folders_that_do_not_go_together_are_named(command, tmp_path, into, source, message):
    study(command, "one", "--seeds", "2")
    done = command("merge", into, source)
    assert done.code == 2
    assert message in done.err
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "one" / "sanity").exists()
