"""The notice that kernels are being compiled, and where they are kept."""

import logging
import os
import subprocess
import sys

import pytest

from kernels.cpu import compilation


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(compilation, "FOLDER", tmp_path)
    compilation.announce.cache_clear()
    yield tmp_path
    compilation.announce.cache_clear()


def test_only_what_is_missing_is_announced_and_only_once(folder, caplog):
    (folder / "cpu_1").mkdir()
    (folder / "cpu_1" / "forward.forward-18.py311.nbi").touch()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
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
    assert "compiling" in runs[0].stderr
