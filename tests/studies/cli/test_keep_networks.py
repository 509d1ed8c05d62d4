"""``run --keep-networks``: which runs have a kept network, and what becomes of those that finished without one."""

import json
from typing import Any

import pytest

from studies import catalogue
from studies.design import Search, Sweep
from studies.records.folder import ResultsFolder
from tests.support import records

pytestmark = pytest.mark.usefixtures("without_figures")

KEEP = ("--keep-networks", "--seeds", "2")


@pytest.fixture
def folder(command) -> ResultsFolder:
    return ResultsFolder(command.results, "quickstart")


def kept(folder: ResultsFolder) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in folder.networks.folder.glob("*")}


def recorded(folder: ResultsFolder) -> dict[str, dict[str, Any]]:
    return {path.stem: folder.ledger.read(path.stem) for path in (folder.path / "runs").glob("*.json")}


def test_every_run_that_ended_well_has_its_network(command, scheduler, folder):
    scheduler.failures = {("reinforce", 1): "nan", ("dense", 0): "over_budget"}
    assert command.study(*KEEP).code == 1
    well = {run_id for run_id, record in recorded(folder).items() if record["status"] == "ok"}
    assert len(well) == 2
    assert set(kept(folder)) == well
    for run_id in well:
        found = folder.networks.read(folder.ledger.read(run_id)).description
        assert found.configuration.run_id == run_id
        assert found.test_error == folder.ledger.read(run_id)["test_error"]
        assert found.code == folder.ledger.read(run_id)["code"]


def test_without_the_option_there_is_none(command, scheduler, folder):
    assert command.study("--seeds", "2").code == 0
    assert not folder.networks.folder.exists()


def test_runs_of_a_search_have_none(command, scheduler, monkeypatch):
    sweep = Sweep(
        seeds=2,
        strategies=("reinforce",),
        datasets=("digits",),
        networks=("8x2",),
        references=(),
        test_split="fixed",
        search=Search(points=2, seeds=1, searches=1),
    )
    study = catalogue.find("strategies")
    found = type(study)(study.question, study.source, {"quick": sweep, "default": sweep, "paper": sweep})
    monkeypatch.setattr(catalogue, "find", lambda name: found)
    done = command("run", "strategies", "--keep-networks", "--results", str(command.results))
    assert done.code == 0, done.err
    folder = ResultsFolder(command.results, "strategies")
    stages = {run_id: record["config"]["stage"] for run_id, record in recorded(folder).items()}
    assert set(stages.values()) == {"search", "evaluate"}
    assert set(kept(folder)) == {run_id for run_id, stage in stages.items() if stage == "evaluate"}


def test_finished_runs_without_one_are_run_again_for_it_and_keep_their_records(command, scheduler, folder):
    assert command.study("--seeds", "2").code == 0
    before = {path.name: path.read_bytes() for path in (folder.path / "runs").glob("*")}
    asked = command.study(*KEEP, "--dry-run")
    said = "4 finished runs have no network kept: run again for it, which must come out as recorded to the last digit\n"
    assert said in asked.out
    assert "4 runs, 4 to run" in asked.out
    assert kept(folder) == {}
    done = command.study(*KEEP)
    assert (done.code, done.err) == (0, "")
    assert said in done.out
    assert {path.name: path.read_bytes() for path in (folder.path / "runs").glob("*")} == before
    assert len(kept(folder)) == 4
    assert len(scheduler.asked) == 2
    # And once more there is nothing to do, but where one was lost.
    assert "nothing to run" in command.study(*KEEP).out
    lost = next(iter(kept(folder)))
    folder.networks.put(lost, None)
    assert "1 finished run has no network kept" in command.study(*KEEP).out
    assert [len(runs) for runs in scheduler.asked] == [4, 4, 1]
    assert lost in kept(folder)


def test_a_run_that_comes_out_otherwise_keeps_its_record_has_no_network_and_is_named(
    command, scheduler, folder, monkeypatch
):
    assert command.study("--seeds", "2").code == 0
    before = {path.name: path.read_bytes() for path in (folder.path / "runs").glob("*")}
    invented = records.record_of

    def other(configuration, *rest):
        record = invented(configuration, *rest)
        return record | ({"test_loss": 9.0} if configuration.strategy == "dense" else {})

    monkeypatch.setattr("tests.studies.conftest.record_of", other)
    done = command.study(*KEEP)
    assert (done.code, done.err) == (1, "")
    named = [line for line in done.out.splitlines() if line.startswith("no network kept: ")]
    assert len(named) == 2
    assert all(" dense, digits 8x2 density 0.125 seed " in line and "differs: test_loss " in line for line in named)
    assert all("is 9" in line for line in named)
    assert {path.name: path.read_bytes() for path in (folder.path / "runs").glob("*")} == before
    strategies = {folder.ledger.read(run_id)["config"]["strategy"] for run_id in kept(folder)}
    assert strategies == {"reinforce"}


def test_a_network_that_was_damaged_is_one_line_before_anything_is_run(command, scheduler, folder):
    assert command.study(*KEEP).code == 0
    run_id, content = next(iter(kept(folder).items()))
    path = folder.networks.path(run_id)
    path.write_bytes(content[:-1])
    for option in ((), ("--dry-run",), ("--seeds", "3")):
        done = command.study(*KEEP, *option)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"error: {path}: is damaged, or holds no trained network (")
        assert done.err.endswith("; delete it, and run with --keep-networks makes it again\n")
        assert len(done.err.splitlines()) == 1
    path.unlink()
    assert command.study(*KEEP).code == 0
    assert kept(folder)[run_id] == content


def test_a_run_that_is_made_anew_without_the_option_loses_the_network_of_the_old_one(command, scheduler, folder):
    assert command.study(*KEEP).code == 0
    for record in recorded(folder).values():
        folder.ledger.add({**record, "code": {**record["code"], "suite": "0123456789abcdef"}})
    assert command.study("--seeds", "2", "--rerun-changed").code == 0
    assert kept(folder) == {}


def test_a_network_is_there_before_its_record(command, scheduler, folder, monkeypatch):
    seen = []
    add = type(folder.ledger).add

    def note(self, record):
        seen.append(record["run_id"] in folder.networks)
        add(self, record)

    monkeypatch.setattr("studies.records.ledger.Ledger.add", note)
    assert command.study(*KEEP).code == 0
    assert seen == [True] * 4


def test_a_network_that_does_not_come_back_leaves_no_finished_run(command, scheduler, folder, monkeypatch):
    monkeypatch.setattr("tests.studies.conftest.network_of", lambda record: None)
    done = command.study(*KEEP)
    assert done.code == 3
    assert "its network did not come back; the same command runs it again" in done.err
    assert recorded(folder) == {}


def test_a_folder_of_networks_that_is_a_file_is_one_line(command, scheduler, folder):
    assert command.study("--seeds", "2").code == 0
    folder.networks.folder.write_text("mine")
    done = command.study(*KEEP)
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "networks: is no folder, in which the networks of runs are kept" in done.err


def test_how_much_disk_they_take_is_said_before(command, scheduler, folder):
    asked = command.study(*KEEP, "--dry-run")
    (said,) = (line for line in asked.out.splitlines() if line.startswith("kept networks: about "))
    assert said.endswith(f" MB in {folder.networks.folder}")
    assert command.study(*KEEP).code == 0
    taken = sum(len(content) for content in kept(folder).values()) / 1e6
    assert float(said.split()[3]) == pytest.approx(taken, rel=0.25)
    assert "kept networks" not in command.study("--seeds", "2", "--dry-run").out


def test_merging_takes_kept_networks_along(command, scheduler, folder, tmp_path):
    assert command.study(*KEEP).code == 0
    own = kept(folder)
    (tmp_path / "two").mkdir()
    done = command("merge", "two/quickstart", "results/quickstart")
    assert (done.code, done.err) == (0, "")
    assert "4 runs and 4 networks taken over, 0 were there" in done.out
    two = ResultsFolder(tmp_path / "two", "quickstart")
    assert kept(two) == own
    # A run that is there gets the network that it lacks.
    lost = next(iter(own))
    two.networks.put(lost, None)
    assert (
        "0 runs and 1 network taken over, 4 were there" in command("merge", "two/quickstart", "results/quickstart").out
    )
    assert kept(two) == own
    # But not that of another record.
    record = two.ledger.read(lost)
    two.ledger.add({**record, "test_loss": 9.0})
    two.networks.put(lost, None)
    done = command("merge", "two/quickstart", "results/quickstart")
    assert done.code == 1
    assert "is not the network of that record" in done.out
    assert lost not in kept(two)


def test_merging_leaves_a_damaged_network_out_and_names_it(command, scheduler, folder):
    assert command.study(*KEEP).code == 0
    lost = next(iter(kept(folder)))
    folder.networks.path(lost).write_bytes(b"")
    done = command("merge", "two/quickstart", "results/quickstart")
    assert done.code == 1
    assert "4 runs and 3 networks taken over" in done.out
    (said,) = (line for line in done.out.splitlines() if line.startswith("left out: "))
    assert f"{lost}.safetensors: is damaged" in said


def test_reports_are_the_same_with_and_without_networks(command, scheduler, folder):
    assert command.study("--seeds", "2").code == 0
    stamp = json.loads((folder.path / "derived.json").read_text())
    assert command.study(*KEEP).code == 0
    again = json.loads((folder.path / "derived.json").read_text())
    assert again["files"]["runs.csv"] == stamp["files"]["runs.csv"]
    assert command("report", "quickstart", "--results", str(command.results)).code == 0
    assert len(kept(folder)) == 4
