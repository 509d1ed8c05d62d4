import pytest

from kernels import prepare
from kernels.cpu.compilation import PROCESSOR
from studies.records import environment


@pytest.fixture(autouse=True)
def compiled():
    prepare()


def test_doctor_says_that_everything_is_there(command):
    done = command("doctor")
    assert (done.code, done.err) == (0, "")
    assert "everything needed is installed" in done.out
    rows = dict(line.split() for line in done.out.splitlines() if len(line.split()) == 2)
    for package in ("torch", "ray", "pandas", "matplotlib"):
        assert rows[package] == environment.installed(package)


def test_doctor_names_what_is_missing(command, monkeypatch):
    there = environment.installed
    monkeypatch.setattr(environment, "installed", lambda package: None if package == "scipy" else there(package))
    done = command("doctor")
    assert done.code == 1
    assert "missing: scipy" in done.out


def test_doctor_says_what_the_cpu_kernels_are_compiled_for(command):
    assert f"{32 * PROCESSOR.lanes}-bit vectors, for {PROCESSOR.name}" in command("doctor").out


@pytest.mark.usefixtures("without_fused_multiply_adds")
def test_doctor_says_why_the_cpu_kernels_are_not_used(command):
    done = command("doctor")
    assert done.code == 0
    said = " ".join(done.out.split())
    assert "not used: the cpu back end needs fused multiply-adds, which the processor (nehalem) does not have" in said
