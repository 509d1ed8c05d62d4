import json
import os
from pathlib import Path

import pytest

from core.errors import InputError
from studies.records.files import write_atomically
from studies.records.ledger import MOST_SAID, Ledger
from tests.support.records import configurations_of, design_of, record_of

CONFIGURATION = configurations_of(design_of("dense", seeds=1))[0]
RUN_ID = CONFIGURATION.run_id
RECORD = {**record_of(CONFIGURATION, "over_budget", 'é\n"<b>'), "test_error": 0.1 + 0.2, "test_hits": None}


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_record_comes_back_as_it_was(tmp_path):
    ledger = Ledger(tmp_path / "runs")
    ledger.add(RECORD)
    assert ledger.read(RUN_ID) == RECORD
    assert everything(tmp_path / "runs").keys() == {f"{RUN_ID}.json"}


@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_nothing_new_and_the_old_as_it_was(tmp_path, monkeypatch, step, failure):
    path = tmp_path / "file.txt"
    write_atomically(path, "old\n")
    before = everything(tmp_path)

    def fail(*_):
        assert everything(tmp_path)["file.txt"] == b"old\n"
        raise failure

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), fail)
    with pytest.raises(type(failure)):
        write_atomically(path, "new\n")
    with pytest.raises(type(failure)):
        write_atomically(tmp_path / "other.txt", "new\n")
    assert everything(tmp_path) == before


def test_text_is_on_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync

    def watch(handle):
        synced.append([path.read_text("utf-8") for path in tmp_path.iterdir()])
        assert not (tmp_path / "file.txt").exists()
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watch)
    write_atomically(tmp_path / "file.txt", "new\n")
    assert synced == [["new\n"]]
    assert (tmp_path / "file.txt").read_text("utf-8") == "new\n"


def test_a_record_that_json_cannot_hold_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match=f"record {RUN_ID}: test_error"):
        Ledger(tmp_path).add({**RECORD, "test_error": object()})
    assert not everything(tmp_path)


def test_a_record_that_does_not_fit_leaves_the_one_that_is_there(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.add(RECORD)
    with pytest.raises(ValueError, match="test_error"):
        ledger.add({**RECORD, "test_error": 1.5})
    assert ledger.read(RUN_ID) == RECORD


def test_files_are_the_same_on_every_system(tmp_path):
    write_atomically(tmp_path / "file.txt", "é\n")
    assert (tmp_path / "file.txt").read_bytes() == b"\xc3\xa9\n"


def test_missing_runs_keep_their_order(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.add(RECORD)
    assert ledger.missing(["c", RUN_ID, "a", "b"]) == ["c", "a", "b"]
    assert RUN_ID in ledger
    assert "c" not in ledger


def test_what_a_killed_write_left_behind_is_no_run(tmp_path):
    (tmp_path / f".{RUN_ID}.x7z.part.json").write_text('{"run_id"', "utf-8")
    assert Ledger(tmp_path).missing([RUN_ID]) == [RUN_ID]


def test_a_run_whose_file_is_deleted_is_missing(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.add(RECORD)
    (tmp_path / f"{RUN_ID}.json").unlink()
    assert ledger.missing([RUN_ID]) == [RUN_ID]


@pytest.mark.parametrize("damaged", [json.dumps(RECORD).encode()[:-9], b"", b"\xff\xfe\x00", b"[]", b"null"], ids=repr)
def test_a_damaged_record_is_named_with_what_to_do_about_it(tmp_path, damaged):
    path = tmp_path / f"{RUN_ID}.json"
    path.write_bytes(damaged)
    with pytest.raises(InputError, match="delete it to run it again") as caught:
        Ledger(tmp_path).read(RUN_ID)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_a_damaged_record_holds_reaches_no_terminal(tmp_path):
    content = {**RECORD, "\x1b[31mred": 1, "family": "\x1b[2J", "status": "x" * 10_000}
    (tmp_path / f"{RUN_ID}.json").write_text(json.dumps(content), "utf-8")
    with pytest.raises(InputError) as caught:
        Ledger(tmp_path).read(RUN_ID)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < MOST_SAID + 200


def test_a_run_that_is_not_finished_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=RUN_ID):
        Ledger(tmp_path).read(RUN_ID)
