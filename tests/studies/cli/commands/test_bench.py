import json

import pytest
import torch

from studies.timing import rows as measuring
from studies.timing.clock import Timed


@pytest.fixture(autouse=True)
def instant(monkeypatch):
    monkeypatch.setattr(measuring, "interleaved", lambda *_: [(Timed(6.0, 6.0), Timed(1.0, 1.0))] * 3)
    monkeypatch.setattr(measuring, "contenders", lambda *_: ({"eager": None}, None))


def test_rows_are_written_as_agreed(command, tmp_path):
    done = command("bench", "--only", "gemv", "--json", str(tmp_path / "b.json"), "--figure", str(tmp_path / "b.svg"))
    assert (done.code, done.err) == (0, "")
    rows = json.loads((tmp_path / "b.json").read_text("utf-8"))
    assert len(rows) == 18
    keys = ("case", "batch", "d_in", "d_out", "block", "density", "gated", "baseline", "target", "ideal", "device")
    times = (
        "threads",
        "library",
        "speedup",
        "speedup_p10",
        "speedup_p90",
        "processor_speedup",
        "baseline_microseconds",
    )
    by_processor = ("baseline_processor_microseconds", "processor_microseconds")
    of_peak = ("macs", "peak_macs", "share_of_peak", "baseline_share_of_peak")
    of_reading = ("peak_bytes", "share_of_reading", "baseline_share_of_reading")
    shown = [
        *keys[:8],
        "target",
        "launch",
        "ideal",
        "device",
        *times,
        "microseconds",
        *by_processor,
        *of_peak,
        *of_reading,
    ]
    assert list(rows[0]) == shown
    assert rows[0]["speedup"] == 6.0
    assert (tmp_path / "b.svg").exists()
    assert done.out.count("missed") == sum(each["target"] is not None and each["target"] > 6 for each in rows)
    assert "targets met" in done.out.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--only", "gem"), "unknown case 'gem': did you mean 'gemv'?"),
        (("--figure", "x.gif"), "unknown figure format 'gif'"),
        (("--json", "nowhere/b.json"), "nowhere/b.json: there is no folder"),
        (("--threads", "0"), "--threads"),
        (("--only", "training", "--figure", "b.png"), "it shows the cases gemv and minibatch"),
    ],
)
def test_bad_input_is_one_line_and_measures_nothing(command, arguments, message, monkeypatch):
    monkeypatch.setattr(measuring, "interleaved", lambda *_: pytest.fail("measured"))
    done = command("bench", *arguments)
    assert done.code == 2
    assert message in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_gpu_that_is_not_there_is_named(command):
    done = command("bench", "--device", "cuda")
    assert (done.code, done.err) == (2, "error: --device cuda: this machine has no CUDA device\n")


@pytest.mark.usefixtures("without_fused_multiply_adds")
def test_a_processor_that_cannot_run_the_kernels_is_named(command):
    done = command("bench", "--only", "gemv")
    assert (done.code, len(done.err.splitlines())) == (3, 1)
    assert "there is nothing to measure on the CPU: the cpu back end needs fused multiply-adds" in done.err
