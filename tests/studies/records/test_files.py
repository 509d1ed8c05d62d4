"""Files that are complete or not there, whoever else may read them, and whatever ends their writer."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from studies.records.files import remove_unfinished, write_atomically, written_whole
from tests.support.driver import ROOT

KILLED = """
import os, signal, sys
from pathlib import Path
from studies.records.files import write_atomically, written_whole

place, when = Path(sys.argv[1]), sys.argv[2]

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if when == "while it is written":
    with written_whole(place) as temporary:
        temporary.write_text("ha")
        kill()
if when == "before it is on disk":
    os.fsync = kill
if when == "before it gets its name":
    Path.replace = kill
write_atomically(place, "half")
"""


def permissions(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture(params=[0o022, 0o002, 0o077, 0o000], ids=oct)
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_a_file_has_the_permissions_that_the_user_gives_to_new_files(tmp_path, umask):
    write_atomically(tmp_path / "by_us.txt", "x")
    (tmp_path / "by_others.txt").write_text("x", "utf-8")
    assert permissions(tmp_path / "by_us.txt") == permissions(tmp_path / "by_others.txt") == 0o666 & ~umask
    assert os.umask(umask) == umask


def test_a_temporary_file_is_nobody_elses(tmp_path):
    with written_whole(tmp_path / "secret.txt") as temporary:
        assert permissions(temporary) == 0o600


def test_folders_above_a_file_are_made(tmp_path):
    write_atomically(tmp_path / "a" / "b" / "file.txt", "x")
    assert (tmp_path / "a" / "b" / "file.txt").read_text("utf-8") == "x"


def test_a_temporary_file_has_the_ending_that_says_its_format(tmp_path):
    with written_whole(tmp_path / "picture.svg") as temporary:
        assert temporary.suffix == ".svg"
        assert temporary.parent == tmp_path
        assert not (tmp_path / "picture.svg").exists()
        temporary.write_text("<svg/>", "utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.svg"]


@pytest.mark.parametrize("fault", [RuntimeError("cannot draw"), KeyboardInterrupt(), SystemExit(1)], ids=repr)
def test_a_writer_that_fails_leaves_the_old_file_and_no_other(tmp_path, fault):
    write_atomically(tmp_path / "picture.svg", "old")

    def write() -> None:
        with written_whole(tmp_path / "picture.svg") as temporary:
            temporary.write_text("half", "utf-8")
            raise fault

    with pytest.raises(type(fault)):
        write()
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == {"picture.svg": "old"}


@pytest.mark.parametrize("when", ["while it is written", "before it is on disk", "before it gets its name"])
@pytest.mark.parametrize("old", ["old", None])
def test_a_writer_that_is_killed_leaves_the_old_file_and_what_is_cleared_up(tmp_path, when, old):
    path = tmp_path / "runs" / "record.json"
    path.parent.mkdir()
    if old is not None:
        path.write_text(old, "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), when], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    left = [other for other in path.parent.iterdir() if other != path]
    # Neither a run, nor anything that a pattern for records finds.
    assert [other.name[0] for other in left] == ["."]
    assert list(path.parent.glob("[!.]*.json")) == ([path] if old is not None else [])
    remove_unfinished(tmp_path)
    assert list(path.parent.iterdir()) == ([path] if old is not None else [])
    assert old is None or path.read_text("utf-8") == old


def test_only_what_writers_leave_is_cleared_up(tmp_path):
    kept = [".lock", ".hidden", "notes.part", "my.part.csv", "figures/mine.svg", ".my.partition.csv", ".a.b.part.csv"]
    left = [".study.x7z_a1b2.part.json", "figures/.seeds.abc_1234.part.svg", "runs/.0123abcd.a.q1234567.part.json"]
    left += [".lists.12345678.part"]
    for name in (*kept, *left):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", "utf-8")
    remove_unfinished(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(kept)


def test_a_folder_of_the_name_of_a_temporary_file_is_left_alone(tmp_path):
    folder = tmp_path / ".mine.12345678.part"
    folder.mkdir()
    (folder / "file.txt").write_text("x", "utf-8")
    remove_unfinished(tmp_path)
    assert (folder / "file.txt").exists()
