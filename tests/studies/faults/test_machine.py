"""A machine that misbehaves: one line, an exit code of its own, nothing half-written, and the same command goes on."""

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from studies.records.schema import problem
from tests.studies.faults.conftest import files
from tests.support.errors import fails_in_one_line
from tests.support.forked import Ended, Fault, Forked

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="forks"),
]

BAD_INPUT, MACHINE = 2, 3
WRITERS = {"run": ("--seeds", "3"), "report": ("report", "quickstart"), "figures": ("figures", "quickstart")}
each_writer = pytest.mark.parametrize("writer", WRITERS)


def write(forked: Forked, writer: str, results: Path, **how: Any) -> Ended:
    """Give the command that writes into results."""
    arguments = WRITERS[writer]
    if writer == "run":
        return forked.study(results, *arguments, **how)
    return forked(*arguments, "--results", str(results), **how)


def whole(results: Path) -> bool:
    """Whether every record can be read, and nothing half-written is there."""
    records = [json.loads(path.read_text("utf-8")) for path in results.glob("*/runs/*.json")]
    return not any(map(problem, records)) and not [name for name in files(results) if ".part" in name]


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """Mount a small file system that is in memory."""
    folder.mkdir(exist_ok=True)
    mount(",".join(options), folder)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def mount(options: str, folder: Path) -> None:
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("cannot mount a file system here")


@each_writer
def test_a_disk_that_is_full_is_said_in_one_line_and_with_room_the_same_command_goes_on(
    forked, two_seeds, tmp_path, writer
):
    elsewhere = Path(shutil.copytree(two_seeds, tmp_path / "elsewhere"))
    assert write(forked, writer, elsewhere).code == 0
    disk = tmp_path / "disk"
    with mounted(disk, "size=1m"):
        shutil.copytree(two_seeds, disk / "results")
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize
        (disk / "filler").write_bytes(b"x" * free)
        fails_in_one_line(write(forked, writer, disk / "results"), MACHINE, "No space left on device", str(disk))
        assert whole(disk / "results")
        (disk / "filler").unlink()
        assert write(forked, writer, disk / "results").code == 0
        assert files(disk / "results") == files(elsewhere)


@each_writer
@pytest.mark.parametrize(
    ("error", "moment", "number"),
    [("ENOSPC", "made", 0), ("EIO", "before", 1), ("EDQUOT", "made", 4), ("EROFS", "before", -1)],
)
def test_whichever_write_fails_the_same_command_goes_on(
    forked, two_seeds, results, tmp_path, writer, error, moment, number
):
    elsewhere = Path(shutil.copytree(two_seeds, tmp_path / "elsewhere"))
    moments = write(forked, writer, elsewhere).moments
    fault = Fault(moment, number % moments[moment], error=error)
    fails_in_one_line(write(forked, writer, results, fault=fault), MACHINE, os.strerror(getattr(errno, error)))
    assert whole(results)
    assert write(forked, writer, results).code == 0
    assert files(results) == files(elsewhere)


def test_a_limit_on_the_size_of_files_is_a_full_disk(forked, results):
    ended = forked.study(results, "--seeds", "3", limits={"RLIMIT_FSIZE": 2500})
    fails_in_one_line(ended, MACHINE, "File too large")
    assert whole(results)
    assert forked.study(results, "--seeds", "3").code == 0


def test_a_limit_on_open_files_is_said_in_one_line(forked, results):
    fails_in_one_line(
        forked.study(results, "--seeds", "3", limits={"RLIMIT_NOFILE": 5}), MACHINE, "Too many open files"
    )
    assert forked.study(results, "--seeds", "3").code == 0


@each_writer
def test_a_file_system_that_is_read_only_is_said_in_one_line(forked, two_seeds, tmp_path, writer):
    disk = tmp_path / "disk"
    with mounted(disk, "size=8m"):
        shutil.copytree(two_seeds, disk / "results")
        before = files(disk / "results")
        mount("remount,ro", disk)
        fails_in_one_line(write(forked, writer, disk / "results"), MACHINE, "Read-only file system", str(disk))
        for reading in (("power", "quickstart"), ("run", "quickstart", "--dry-run")):
            assert forked(*reading, "--results", str(disk / "results")).code == 0
        assert files(disk / "results") == before
        mount("remount,rw", disk)
        assert write(forked, writer, disk / "results").code == 0


@each_writer
@pytest.mark.parametrize("place", [".", "runs", "figures", "tables"])
def test_a_folder_without_permission_to_write_is_named(forked, results, writer, place):
    folder = results / "quickstart" / place
    folder.chmod(0o555)
    ended = write(forked, writer, results, powerless=True)
    if ended.code == 0:
        # Nothing is written there.
        assert (writer, place) in {("report", "runs"), ("figures", "runs"), ("figures", "tables")}
    else:
        fails_in_one_line(ended, MACHINE, "Permission denied", str(folder if place != "." else results))
    assert whole(results)
    folder.chmod(0o755)
    assert write(forked, writer, results, powerless=True).code == 0


def test_a_folder_that_may_not_be_made_is_named(forked, tmp_path):
    tmp_path.chmod(0o555)
    fails_in_one_line(forked.study(tmp_path / "results", powerless=True), MACHINE, "Permission denied", str(tmp_path))
    tmp_path.chmod(0o755)
    assert forked.study(tmp_path / "results", powerless=True).code == 0


@pytest.mark.parametrize("name", ["study.json", "a record"])
@each_writer
def test_a_file_that_may_not_be_read_is_not_called_damaged(forked, results, writer, name):
    folder = results / "quickstart"
    file = folder / name if name != "a record" else next((folder / "runs").iterdir())
    file.chmod(0)
    ended = write(forked, writer, results, powerless=True)
    if (writer, name) == ("run", "study.json"):
        # It is written, and not read.
        assert ended.code == 0
        return
    fails_in_one_line(ended, MACHINE, "Permission denied", str(file))
    assert "delete" not in ended.err
    file.chmod(0o644)
    assert write(forked, writer, results, powerless=True).code == 0


def test_results_have_the_permissions_that_the_user_gives_new_files(forked, tmp_path):
    assert forked.study(tmp_path / "results", "--seeds", "1", umask=0o027).code == 0
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "results").rglob("*") if path.is_file()}
    assert modes == {0o640}


FILES = ("study.json", "report.html", "runs.csv", "derived.json", ".lock")
FOLDERS = ("runs", "figures", "tables")


@each_writer
@pytest.mark.parametrize("name", [*FILES, *FOLDERS, "figures/seeds.svg", "tables/summary.tex"])
def test_a_file_for_a_folder_and_a_folder_for_a_file_are_named(forked, results, writer, name):
    path = results / "quickstart" / name
    kept = path.with_name("kept")
    path.rename(kept)
    if name in FOLDERS:
        path.write_text("mine", "utf-8")
    else:
        path.mkdir()
        (path / "mine").write_text("mine", "utf-8")
    ended = write(forked, writer, results)
    if ended.code != 0:
        assert ended.code in (BAD_INPUT, MACHINE)
        fails_in_one_line(ended, ended.code, str(path))
    assert (path if name in FOLDERS else path / "mine").read_text("utf-8") == "mine"
    assert whole(results)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    kept.rename(path)
    assert write(forked, writer, results).code == 0


@pytest.mark.parametrize("name", [*FILES, *FOLDERS])
def test_links_that_lead_nowhere_are_named_or_replaced(forked, results, tmp_path, name):
    path = results / "quickstart" / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.symlink_to(tmp_path / "nowhere" / "at all")
    ended = forked.study(results, "--seeds", "3")
    if ended.code != 0:
        fails_in_one_line(ended, MACHINE, str(path))
        path.unlink()
        assert forked.study(results, "--seeds", "3").code == 0
    assert not (tmp_path / "nowhere").exists()


@each_writer
@pytest.mark.parametrize("linked", [False, True])
def test_one_driver_at_a_time_writes_to_a_study(forked, results, tmp_path, writer, linked):
    before = files(results)
    through = results
    if linked:
        through = tmp_path / "link"
        through.symlink_to(results)
    with FileLock(results / "quickstart" / ".lock"):
        fails_in_one_line(write(forked, writer, through), BAD_INPUT, "another run is writing there")
        for reading in (("power", "quickstart"), ("run", "quickstart", "--dry-run")):
            assert forked(*reading, "--results", str(through)).code == 0
    assert files(results) == before
    assert write(forked, writer, through).code == 0
