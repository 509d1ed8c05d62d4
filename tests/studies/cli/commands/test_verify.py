import json
import shutil
from pathlib import Path

import pytest

from core import data
from strategies import Plugin
from studies.design.freezing import FrozenStudy
from studies.design.runs import RunList
from studies.records.folder import ResultsFolder
from studies.running.child import Child, Limits
from tests.support.plugins import PLUGIN, read_plugin, write_plugin
from tests.support.records import design_of, finished, forget


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    return read_plugin(tmp_path_factory.mktemp("plugin"))


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory, plugin: Plugin) -> Path:
    """Results of a study whose four runs were really executed."""
    design = design_of("dense", "of_mine", seeds=2, plugins=(plugin,), training={"epochs": 1})
    folder = finished(tmp_path_factory.mktemp("results"), design, plugins=(plugin,))
    child = Child({"digits": data.load("digits")}, (plugin,), "cpu", Limits())
    for run in RunList.of(design, folder.ledger).runs:
        folder.ledger.add({**child.execute(run.configuration), "design_hash": design.design_hash})
    child.close()
    return folder.path


@pytest.fixture
def study(command, executed: Path) -> ResultsFolder:
    shutil.copytree(executed, command.results / "quickstart")
    return ResultsFolder(command.results, "quickstart")


def changed(study: ResultsFolder, strategy: str, seed: int, **fields: object) -> None:
    design: FrozenStudy = study.frozen().design
    for run in RunList.of(design, study.ledger).runs:
        if (run.arm, run.configuration.seed) == (strategy, seed):
            study.ledger.add({**study.ledger.read(run.configuration.run_id), **fields})


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_runs_that_were_made_here_come_out_again_to_the_last_bit(command, study, plugin):
    before = files(study.path)
    done = command("verify", "quickstart", "--all", "--plugin", plugin.path, "--results", str(command.results))
    *lines, last = done.out.splitlines()
    assert [line.split(maxsplit=1)[1] for line in lines] == [
        f"{arm}, digits 8x2 density 0.125 seed {seed}: identical" for seed in (0, 1) for arm in ("dense", "of_mine")
    ]
    assert last == "4 of 4 finished runs of quickstart were run again: all are identical"
    assert (done.code, done.err) == (0, "")
    assert files(study.path) == before


def test_a_record_that_says_something_else_is_named_and_exits_with_1(command, study, plugin):
    changed(study, "dense", 1, test_error=0.5, test_hits=None)
    done = command("verify", "quickstart", "--all", "--plugin", plugin.path, "--results", str(command.results))
    (line,) = [line for line in done.out.splitlines() if "differs" in line]
    assert "dense, digits 8x2 density 0.125 seed 1: differs: test_error 0.5 is " in line
    assert done.out.splitlines()[-1].endswith(": 1 differ, 3 agree")
    assert (done.code, done.err) == (1, "")


def test_records_of_another_machine_and_other_code_need_only_be_near(command, study, plugin):
    for strategy in ("dense", "of_mine"):
        record = {"versions": None, "host": None, "code": {"suite": "old", "strategy": "old"}}
        changed(study, strategy, 0, **record)
    (path,) = [path for path in (study.path / "runs").glob("*.json") if is_run(path, "dense", 0)]
    changed(study, "dense", 0, test_loss=json.loads(path.read_text("utf-8"))["test_loss"] * 1.0005)
    done = command("verify", "quickstart", "--all", "--plugin", plugin.path, "--results", str(command.results))
    lines = done.out.splitlines()
    assert sum("made with other kernels, core or trial, another source of its strategy" in line for line in lines) == 2
    assert sum("every number within 0.1 %" in line for line in lines) == 1
    assert lines[-1].endswith(": all agree, 3 of them to the last bit")
    assert done.code == 0


def is_run(path: Path, strategy: str, seed: int) -> bool:
    configuration = json.loads(path.read_text("utf-8"))["config"]
    return (configuration["strategy"], configuration["seed"]) == (strategy, seed)


def test_a_sample_is_as_large_as_asked(command, study, plugin):
    arguments = ("verify", "quickstart", "--runs", "1", "--plugin", plugin.path, "--results", str(command.results))
    done = command(*arguments)
    assert len(done.out.splitlines()) == 2
    assert done.out.splitlines()[-1].startswith("1 of 4 finished runs ")
    assert command(*arguments).out == done.out


def test_an_unfinished_study_is_verified_as_far_as_it_is_finished(command, study):
    for path in (study.path / "runs").glob("*.json"):
        if not is_run(path, "dense", 1):
            forget(study, path.stem)
    done = command("verify", "quickstart", "--results", str(command.results))
    assert done.out.splitlines()[-1] == "1 of 1 finished runs of quickstart were run again: all are identical"
    assert done.code == 0


def test_a_changed_plugin_is_said_to_be_so(command, study, tmp_path):
    edited = write_plugin(tmp_path, text=PLUGIN + "# edited\n")
    done = command("verify", "quickstart", "--all", "--plugin", str(edited), "--results", str(command.results))
    lines = [line for line in done.out.splitlines() if "of_mine" in line]
    assert len(lines) == 2
    assert all(line.endswith("identical (made with another source of its strategy)") for line in lines)
    assert done.code == 0


def error_of(command, *arguments: str) -> str:
    done = command("verify", *arguments, "--results", str(command.results))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    return str(done.err)


def test_bad_input_is_one_line(command, study):
    assert "unknown study 'quickstar'" in error_of(command, "quickstar")
    assert "not there" in error_of(command, "sanity")
    assert "unknown strategy 'of_mine'" in error_of(command, "quickstart", "--all")
    assert "--runs" in error_of(command, "quickstart", "--runs", "0")


def test_a_study_without_a_finished_run_is_bad_input(command, study):
    for path in (study.path / "runs").glob("*.json"):
        forget(study, path.stem)
    assert "no run is finished yet" in error_of(command, "quickstart")


def test_nothing_is_downloaded(command, publisher):
    finished(command.results, design_of("dense", seeds=1, datasets=("cifar10",)))
    error = error_of(command, "quickstart")
    assert "dataset cifar10: it would have to be downloaded; give its files with --data DIR" in error
    assert "cifar10" in error_of(command, "quickstart", "--data", str(command.results))
