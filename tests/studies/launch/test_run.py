"""Studies run from Python are those that the command runs, and what is wrong is the same line."""

import inspect
import threading
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest

import studies
from core.errors import InputError, MachineError
from studies.cli.commands.run import command as run_command
from studies.design import Primary, Study, Sweep
from studies.launch.choices import Choices
from studies.launch.run import run
from studies.own import study as own_study
from tests.docs.markdown import file_of
from tests.support.driver import Driver
from tests.support.plugins import write_plugin

SMALL = {"dataset": "digits", "settings": {"network": "8x2", "epochs": 2}}
SWEEP = Sweep(seeds=2, strategies=("reinforce",), datasets=("digits",), networks=("8x2",), training={"epochs": 2})

pytestmark = pytest.mark.usefixtures("without_figures")


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch):
    monkeypatch.setattr(own_study, "_files", {})
    monkeypatch.setattr(own_study, "_modules", {})


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_it_takes_every_option_of_the_command_but_those_that_only_print():
    options = {parameter.name for parameter in run_command.params}
    names = {"names": "strategies", "assignments": "settings", "data_folder": "data", "plugin_files": "plugins"}
    expected = {names.get(str(name), name) for name in options - {"name", "dry_run", "every_run"}}
    taken = set(inspect.signature(run).parameters)
    assert taken == expected | {"study", "name", "quiet"}
    assert {entry.name for entry in fields(Choices)} == (
        taken - {"study", "name", "quiet", "results", "settings", "data"}
    ) | {
        "assignments",
        "data_folder",
    }


def test_it_runs_what_the_command_runs_and_the_command_has_nothing_left_to_run(command, scheduler, capsys):
    found = studies.run("quickstart", strategies=["dense", "reinforce"], seeds=2, **SMALL)
    assert isinstance(found, studies.FinishedStudy)
    assert len(scheduler.asked[0]) == len(found.runs) == 4
    out, err = capsys.readouterr()
    assert (len([line for line in out.splitlines() if line.startswith("[")]), err) == (4, "")
    before = files(command.results)
    done = command.study("--seeds", "2")
    assert done.code == 0
    assert "nothing to run" in done.out
    assert len(scheduler.asked) == 1
    assert files(command.results) == before
    pd.testing.assert_frame_equal(found.summary, studies.load("results/quickstart").summary)


def test_names_of_strategies_may_be_one_text(command, scheduler):
    found = studies.run("quickstart", strategies="dense, reinforce", seeds=2, quiet=True, **SMALL)
    assert found.summary["arm"].tolist() == ["dense", "reinforce"]


def test_quietly_it_prints_nothing(command, scheduler, capsys):
    capsys.readouterr()
    studies.run("quickstart", strategies="dense", seeds=2, quiet=True, **SMALL)
    assert capsys.readouterr() == ("", "")


def test_a_notebook_gets_lines_of_text(command, scheduler, capsys, monkeypatch):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    studies.run("quickstart", strategies="dense", seeds=2, **SMALL)
    out, _ = capsys.readouterr()
    assert out.startswith("quickstart (default): 2 runs, 0 already done, 2 to run\n[1/2] dense, digits 8x2 ")
    assert "\x1b" not in out


def test_choices_reach_the_scheduler(command, scheduler, tmp_path):
    plugin = write_plugin(tmp_path)
    studies.run(
        "quickstart",
        strategies=[plugin.stem],
        plugins=[plugin],
        seeds=2,
        cpus=1,
        time_limit=90,
        memory_limit=3,
        results=tmp_path / "elsewhere",
        quiet=True,
        **SMALL,
    )
    assert scheduler.resources is not None
    assert scheduler.resources.cpus == 1
    assert scheduler.resources.time_limit == 90
    assert scheduler.resources.memory_limit == 3_000_000_000
    assert (tmp_path / "elsewhere" / "quickstart" / "report.html").exists()


def test_a_setting_may_be_one_for_each_layer(command, scheduler):
    settings = {"network": "8x2,8x2", "epochs": 2, "reinforce.lambda_v": [40, 20]}
    found = studies.run("quickstart", strategies="reinforce", seeds=2, dataset="digits", settings=settings, quiet=True)
    assert found.design.sweep.strategy_settings["reinforce"]["lambda_v"] == [40.0, 20.0]


@pytest.mark.parametrize("kind", ["study", "sweep", "file"])
def test_a_study_of_ones_own(command, scheduler, kind, tmp_path):
    if kind == "file":
        (tmp_path / "mine.py").write_text(
            '"""Mine."""\n\nfrom studies.design import Study, Sweep\n\n'
            f"STUDY = Study(question='Is it so?', source='me', scales={{'default': {SWEEP!r}}})\n",
            "utf-8",
        )
        found = studies.run(tmp_path / "mine.py", quiet=True)
    else:
        study = Study(question="Is it so?", source="me", scales={"default": SWEEP})
        found = studies.run(study if kind == "study" else SWEEP, name="mine", quiet=True)
    assert found.design.study == "mine"
    assert found.summary["arm"].tolist() == ["reinforce"]
    page = (command.results / "mine" / "report.html").read_text("utf-8")
    assert ("Is it so?" if kind != "sweep" else "What does mine find?") in page


def test_one_that_is_changed_is_run_as_it_is_now(command, scheduler):
    studies.run(SWEEP, name="mine", quiet=True)
    more = Sweep(**{**vars(SWEEP), "strategies": ("reinforce", "dense"), "primary": (Primary("reinforce"),)})
    assert studies.run(more, name="mine", quiet=True).summary["arm"].tolist() == ["reinforce", "dense"]
    assert {strategy for strategy, _ in scheduler.asked[-1]} == {"dense"}


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"study": "quikstart"}, "unknown study 'quikstart': did you mean 'quickstart'"),
        ({"study": "no.py"}, "study no.py: there is no such file"),
        ({"study": SWEEP}, "needs a name: studies.run(study, name='mine')"),
        ({"study": SWEEP, "name": "quickstart"}, "study quickstart: is a study of this package"),
        ({"study": SWEEP, "name": "my study"}, "'my study' cannot be a study's name"),
        ({"study": 3}, "study of type int: expected a name, a path, a Study or a Sweep"),
        ({"name": "mine"}, "name='mine': is for a study that is given itself, and 'quickstart' has a name"),
        ({"scale": "quik"}, "unknown scale 'quik': did you mean 'quick'"),
        ({"strategies": ["reinforc"]}, "unknown strategy 'reinforc': did you mean 'reinforce'"),
        ({"seeds": 2.5}, "--seeds: 2.5 is not a whole number"),
        ({"seeds": 0}, "seeds: 0 is not in 1.."),
        ({"seeds": "3"}, "--seeds: '3' is not a whole number"),
        ({"points": 3}, "--points, --tuning-seeds, --searches: quickstart runs every strategy at its settings"),
        ({"settings": {"epoch": 3}}, "unknown key of --set 'epoch': did you mean 'epochs'"),
        ({"settings": {"epochs": -1}}, "--set epochs: -1 is not"),
        ({"dataset": "digit"}, "unknown dataset 'digit'"),
        ({"dataset": "no.npz"}, "dataset no.npz: there is no such file"),
        ({"data": "nowhere"}, "data='nowhere': there is no such folder"),
        ({"plugins": ["no.py"]}, "plugin no.py"),
        ({"cpus": 0}, "--cpus: 0 is not a whole number in 1..100000"),
        ({"cpus": True}, "--cpus: True is not a whole number"),
        ({"gpus_per_trial": -1}, "--gpus-per-trial: -1 is not a number from 0"),
        ({"time_limit": 0}, "--time-limit: 0 is not a number above 0"),
        ({"memory_limit": float("nan")}, "--memory-limit: nan is not a number above 0"),
        ({"memory_limit": "2"}, "--memory-limit: '2' is not a number above 0"),
        ({"rerun_changed": True, "mixed": True}, "--rerun-changed and --mixed: choose one of them"),
        ({"until_decided": True, "seeds": 3}, "--until-decided and --seeds: the study's looks say how many seeds"),
        ({"address": "127.0.0.1:1"}, "--address 127.0.0.1:1: nothing answers there"),
    ],
)
def test_what_cannot_be_run_is_one_line_and_nothing_is_written(command, scheduler, choices, message):
    with pytest.raises(InputError) as raised:
        studies.run(**{"study": "quickstart", "quiet": True, **choices})
    said = str(raised.value)
    assert message in said
    assert "\n" not in said
    assert scheduler.asked == []
    assert not command.results.exists()


def test_failed_runs_are_among_the_results(command, scheduler):
    scheduler.failures = {("reinforce", 0): "nan"}
    found = studies.run("quickstart", strategies="dense,reinforce", seeds=2, quiet=True, **SMALL)
    assert found.summary.set_index("arm")["failures"].to_dict() == {"dense": 0, "reinforce": 1}


def test_an_interruption_is_one_and_the_same_call_goes_on(command, scheduler):
    scheduler.stop_after = 1
    with pytest.raises(KeyboardInterrupt):
        studies.run("quickstart", strategies="dense", seeds=3, quiet=True, **SMALL)
    scheduler.stop_after = None
    assert len(studies.run("quickstart", strategies="dense", seeds=3, quiet=True, **SMALL).runs) == 3
    assert [len(asked) for asked in scheduler.asked] == [3, 2]


def test_runs_without_a_record_are_an_error_of_the_machine(command, scheduler):
    scheduler.lost = ("dense",)
    with pytest.raises(MachineError, match="quickstart: some runs lost their workers too often; the same call"):
        studies.run("quickstart", strategies="dense", seeds=2, quiet=True, **SMALL)


def test_it_runs_outside_the_main_thread_too(command, scheduler):
    found = []
    thread = threading.Thread(
        target=lambda: found.append(studies.run("quickstart", strategies="dense", quiet=True, **SMALL))
    )
    thread.start()
    thread.join()
    assert len(found) == 1


ALREADY = """
import ray, studies
ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
try:
    studies.run("quickstart", scale="quick", strategies="dense", seeds=4, dataset="digits", results="elsewhere")
except ValueError as error:
    print("said:", error)
print("still there:", ray.is_initialized())
"""
THREAD = """
import threading, studies
found = []
def work():
    found.append(studies.run("quickstart", scale="quick", strategies="dense", seeds=2, dataset="digits", quiet=True))
thread = threading.Thread(target=work)
thread.start()
thread.join()
print("runs:", len(found[0].runs))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_guide_is_followed_word_by_word_in_ray_and_outside_the_main_thread(tmp_path):
    driver = Driver(tmp_path)
    try:
        (tmp_path / "run_mine.py").write_text(file_of("run_mine.py"), "utf-8")
        done = driver.run(program=("run_mine.py",))
        assert done.returncode == 0, done.stderr
        assert "quickstart (quick): " in done.stdout
        assert (tmp_path / "said.txt").read_text("utf-8")
        assert set(pd.read_csv(tmp_path / "mine.csv")["arm"]) == {"top_k", "random_blocks"}
        assert sorted(path.name for path in driver.results.iterdir()) == ["mine", "quickstart"]
        again = driver.run(program=("run_mine.py",))
        assert again.stdout.count("nothing to run") == 2
        assert "runs: 2" in driver.run(program=("-c", THREAD)).stdout
        ended = driver.run(program=("-c", ALREADY)).stdout
        assert "said: Ray runs in this process already, and a study starts its own" in ended
        assert "still there: True" in ended
        assert driver.processes() == {}
    finally:
        driver.end()
