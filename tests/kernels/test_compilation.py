"""The notice that kernels are being compiled, and where they are kept."""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from kernels.cpu.compilation import folder as compilation

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(compilation, "FOLDER", tmp_path)
    return tmp_path


def test_only_what_is_missing_is_announced(folder, caplog):
    (folder / "cpu_1").mkdir()
    (folder / "cpu_1" / "forward.forward-18.py311.nbi").touch()
    with caplog.at_level(logging.WARNING):
        compilation.announce(("forward.forward", "gemv.gemv"))
    assert caplog.messages == [f"compiling 1 CPU kernels once for this machine, about 4 seconds; kept in {folder}"]


def test_nothing_is_announced_when_all_is_there(folder, caplog):
    (folder / "gemv.gemv-12.py311.nbi").touch()
    compilation.announce(("gemv.gemv",))
    assert caplog.messages == []


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_second_process_finds_the_kernels_compiled(tmp_path):
    code = (
        "import torch, kernels\n"
        "x, w = torch.ones(1, 2), torch.ones(1, 1, 2, 3)\n"
        "print(kernels.block_linear(x, w, backend='cpu').tolist())\n"
        "from kernels.cpu.gemv import gemv\n"
        "print(sum(gemv.stats.cache_hits.values()))"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        for _ in range(2)
    ]
    assert [run.stdout.split() for run in runs] == [["[[2.0,", "2.0,", "2.0]]", "0"], ["[[2.0,", "2.0,", "2.0]]", "1"]]
    assert any(tmp_path.rglob("gemv.gemv-*.nbi"))
    assert "compiling 4 CPU kernels" in runs[0].stderr
    assert runs[1].stderr == ""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home to keep kernels in, and a folder for temporary files."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / "home"


def kept(caplog) -> tuple[Path | None, list[str]]:
    """Where kernels are kept, and what is logged of it."""
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        folder = compilation._folder()
    return folder, caplog.messages


def test_kernels_are_kept_in_the_home_or_in_the_folder_that_is_given(home, tmp_path, monkeypatch, caplog):
    folder, messages = kept(caplog)
    assert folder is not None
    assert (folder.is_relative_to(home), messages) == (True, [])
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "given"))
    assert kept(caplog) == (tmp_path / "given" / folder.name, [])


def test_each_processor_has_a_folder_of_its_own(home, monkeypatch, caplog):
    first, _ = kept(caplog)
    monkeypatch.setattr(compilation, "TARGET", ("x86_64-unknown-linux-gnu", "haswell", ""))
    second, _ = kept(caplog)
    assert first is not None
    assert second is not None
    assert (first == second, first.parent == second.parent) == (False, True)


@pytest.mark.parametrize("variable", ["HOME", "NUMBA_CACHE_DIR"])
def test_without_a_home_kernels_are_kept_among_temporary_files(home, tmp_path, monkeypatch, caplog, variable):
    monkeypatch.setenv(variable, "/proc/nowhere")
    folder, (message,) = kept(caplog)
    assert folder is not None
    assert folder.parent.parent == tmp_path
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert message.startswith(f"compiled CPU kernels are kept in {folder}: /proc/nowhere")
    assert "\n" not in message


def test_a_user_whose_home_is_not_known_has_none(home, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: Path("~/.cache") / name)
    monkeypatch.chdir(tmp_path)
    folder, (message,) = kept(caplog)
    assert folder is not None
    assert "this user has no home" in message
    assert not (tmp_path / "~").exists()


def test_a_home_on_a_full_disk_is_used_as_long_as_all_kernels_are_there(home, monkeypatch, caplog):
    first, _ = kept(caplog)
    assert first is not None
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=0))
    assert kept(caplog)[0] is None
    for kernel in compilation.LAYER + compilation.NETWORK:
        (first / f"{kernel}-18.py311.nbi").touch()
    assert kept(caplog) == (first, [])


@pytest.mark.parametrize("others", ["write there", "have made it", "lead elsewhere"])
def test_nothing_that_others_could_have_put_there_is_run(home, tmp_path, monkeypatch, caplog, others):
    own = compilation._own()
    own.mkdir()
    if others == "write there":
        own.chmod(0o777)
    elif others == "have made it":
        monkeypatch.setattr("os.getuid", lambda: own.stat().st_uid + 1)
        own.rename(compilation._own())
    else:
        own.rename(tmp_path / "elsewhere")
        own.symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("HOME", "/proc/nowhere")
    folder, (message,) = kept(caplog)
    assert folder is None
    assert message.startswith("compiled CPU kernels are not kept, each process compiles them: /proc/nowhere")


def run_kernel(environment: dict[str, str], folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    code = (
        "import torch, kernels\n"
        "x, w = torch.ones(1, 2), torch.ones(1, 1, 2, 300)\n"
        "print(kernels.block_linear(x, w, backend='cpu').sum().item())"
    )
    variables = {**os.environ, **environment, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=variables, cwd=folder
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kernels_are_compiled_where_they_cannot_be_kept(tmp_path):
    # In the place of the folder that would be made.
    (tmp_path / compilation._own().name).touch()
    done = run_kernel({"NUMBA_CACHE_DIR": "/proc/nowhere", "TMPDIR": str(tmp_path)})
    assert done.stdout.split() == ["600.0"]
    first, second = done.stderr.splitlines()
    assert first.startswith("compiled CPU kernels are not kept, each process compiles them: /proc/nowhere")
    assert second.startswith("compiling 4 CPU kernels for this process")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_kernel_is_compiled_again_when_one_that_it_calls_has_changed(tmp_path):
    shutil.copytree(ROOT / "kernels", tmp_path / "kernels")
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "kept")}
    assert run_kernel(environment, tmp_path).stdout.split() == ["600.0"]
    product = tmp_path / "kernels" / "cpu" / "product.py"
    source = product.read_text("utf-8")
    assert source.count("done = 0\n") == 1
    product.write_text(source.replace("done = 0\n", "done = columns\n"), "utf-8")
    assert run_kernel(environment, tmp_path).stdout.split() != ["600.0"]
