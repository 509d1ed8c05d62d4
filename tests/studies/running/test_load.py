import re
import subprocess
import sys
from dataclasses import replace

import pytest

from studies.design import Search
from studies.design.runs import RunList
from studies.records.folder import ResultsFolder
from studies.records.schema import problem
from studies.results.collecting import collect
from studies.running import load
from tests.support.driver import Driver


@pytest.fixture
def small(monkeypatch):
    """Two strategies in one setting in place of all of them in three."""
    sweep = replace(load.REPORTED, strategies=("small_dense", "reinforce"), densities=(1 / 4,), seeds=2)
    search = Search(points=2, searches=2)
    sweep = replace(sweep, training={"epochs": 1}, search=search, references=("small_dense",))
    monkeypatch.setattr(load, "REPORTED", sweep)


def test_the_studies_have_as_many_runs_as_asked(small, tmp_path):
    for runs in (10, 11, 100):
        ledger = ResultsFolder(tmp_path, "nothing").ledger
        assert runs <= len(RunList.of(load.tiny(runs), ledger).runs) <= runs + 1
    frozen = load.reported(100)
    folder = ResultsFolder(tmp_path, load.STUDY)
    assert 100 <= load.finish(frozen, folder) == len(collect(frozen, folder.ledger).runs) <= 110


def test_invented_runs_hold_and_differ_in_nothing_but_errors(small, tmp_path):
    frozen = load.reported(30)
    folder = ResultsFolder(tmp_path, load.STUDY)
    load.finish(frozen, folder)
    records = [folder.ledger.read(run.configuration.run_id) for run in RunList.of(frozen, folder.ledger).runs]
    assert {problem(record) for record in records} == {None}
    assert len({record["validation_error"] for record in records}) > len(records) / 2
    assert len({str(record["history"]) for record in records}) == 4
    load.forget_one(frozen, folder)
    assert len(folder.ledger.missing(run.configuration.run_id for run in RunList.of(frozen, folder.ledger).runs)) == 1


def test_shares_are_of_the_time_inside_the_runs():
    found = load.Scheduling(runs=10, wall=9.0, start=2.0, total=15.0, inside=10.0, bytes_per_run=0.0)
    assert found.share == pytest.approx(0.5)
    assert found.share_after_start == pytest.approx(0.3)


def test_processor_time_is_that_of_all_processes_together_and_of_those_that_ended():
    busy = "import time\nwhile time.process_time() < 1: pass\nprint(flush=True)\ninput()"
    with load.ProcessorTime() as spent:
        with subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            during = spent.seconds()
            assert during > 0.9
            process.communicate(b"\n")
        assert spent.seconds() >= during


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_the_command_prints_what_a_study_costs_besides_its_runs(tmp_path):
    driver = Driver(tmp_path)
    try:
        done = driver.run("load", "--runs", "20", "--reported", "100", "--cpus", "2")
        assert (done.returncode, done.stderr) == (0, "")
        number = r"[\d.]+"
        patterns = (
            # On a busy machine few runs do not show what scheduling takes: a difference of two times may be below 0.
            rf"scheduling: -?{number} % of the processor time inside the runs, "
            rf"-?{number} ms for each run of {number} ms; -?{number} % with the start of {number} s",
            rf"time: 20 runs in {number}:{number}; the driver's memory grew by -?{number} kB for each",
            rf"start: the first record is there after {number} s of processor time for 100 runs, {number} s for 100, "
            rf"and {number} s where [\d,]+ are finished",
            rf"report: {number} s of processor time for [\d,]+ runs",
        )
        lines = done.stdout.splitlines()
        assert len(lines) == len(patterns)
        for line, pattern in zip(lines, patterns, strict=True):
            assert re.fullmatch(pattern, line), line
        assert not driver.temporary()
        assert not driver.results.exists()
    finally:
        driver.end()
