"""A study on data of one's own: run, resumed, reported without it, and verified with it."""

import numpy as np
import pytest

from core.data import own


@pytest.fixture
def sensors(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 200)
    np.savez(tmp_path / "sensors.npz", x=rng.normal(size=(200, 6)) + 2 * np.eye(6)[y], y=y)
    return str(tmp_path / "sensors.npz")


def run(command, *options: str):
    fixed = ("--seeds", "1", "--strategies", "dense,reinforce", "--set", "network=8x2", "--set", "epochs=2")
    return command("run", "quickstart", "--results", str(command.results), *fixed, *options)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_is_run_and_its_runs_are_made_again_alike(command, without_figures, sensors, monkeypatch):
    done = run(command, "--dataset", sensors, "--cpus", "1")
    assert (done.code, done.err) == (0, "")
    assert "sensors@" in done.out
    assert "nothing to run" in run(command, "--dataset", sensors).out
    monkeypatch.setattr(own, "_given", {})
    arguments = ("verify", "quickstart", "--results", str(command.results), "--runs", "1")
    assert command(*arguments).err.endswith("name where it is again: --dataset FILE\n")
    verified = command(*arguments, "--dataset", sensors)
    assert (verified.code, verified.err) == (0, "")
    assert "all are identical" in verified.out


@pytest.mark.usefixtures("scheduler", "without_figures")
def test_results_are_read_without_the_data(command, sensors, monkeypatch):
    assert run(command, "--dataset", sensors).code == 0
    monkeypatch.setattr(own, "_given", {})
    for name in ("report", "figures"):
        done = command(name, "quickstart", "--results", str(command.results))
        assert (done.code, done.err) == (0, ""), name


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("missing.npz", "dataset missing.npz: there is no such file"),
        ("no_lab:data", "dataset no_lab:data: cannot be imported"),
        ("sensors@0123456789ab", "is data of your own"),
    ],
)
def test_data_that_cannot_be_had_is_one_line_and_nothing_is_run(command, scheduler, reference, message):
    done = run(command, "--dataset", reference)
    assert done.code == 2
    assert message in done.err
    assert len(done.err.splitlines()) == 1
    assert scheduler.asked == []
