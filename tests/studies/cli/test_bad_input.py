import pytest
import torch

from kernels import choice
from tests.support.errors import fails_in_one_line
from tests.support.plugins import PLUGIN, write_plugin
from tests.support.records import configurations_of, design_of, finished, forget

pytestmark = pytest.mark.usefixtures("scheduler", "without_figures")

RUN = ("run", "quickstart")
NO_OBJECTIVE = PLUGIN.replace("def objective", "def objectives")
WITHOUT_CLASS = "from core.strategy import Strategy\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "quikstart"), ("unknown study 'quikstart'", "did you mean 'quickstart'")),
        (("run", "zzz"), ("unknown study 'zzz'", "known: axes, ")),
        (("show", "sanitie"), ("did you mean 'sanity'",)),
        (("report", "quickstar"), ("did you mean 'quickstart'",)),
        (("figures", "quickstar"), ("did you mean 'quickstart'",)),
        ((*RUN, "--strategies", "reinforc"), ("unknown strategy 'reinforc'", "did you mean 'reinforce'")),
        ((*RUN, "--strategies", "dense,"), ("unknown strategy ''",)),
        ((*RUN, "--strategies", ""), ("unknown strategy ''",)),
        (("strategies", "--check", "dens"), ("did you mean 'dense'",)),
        ((*RUN, "--dataset", "mnist5k"), ("unknown dataset 'mnist5k'", "did you mean 'mnist_5k'")),
        ((*RUN, "--dataset", "digits:50"), ("digits:50",)),
        ((*RUN, "--dataset", "mnist1d:7"), ("mnist1d:7",)),
        ((*RUN, "--set", "epoch=3"), ("unknown key of --set 'epoch'", "did you mean 'epochs'")),
        ((*RUN, "--set", "epochs"), ("expected KEY=VALUE",)),
        ((*RUN, "--set", "epochs=0"), ("--set epochs: 0 is not an integer in 1..10000",)),
        ((*RUN, "--set", "learning_rate=7"), ("--set learning_rate: 7 is not a number in 1e-06..1",)),
        ((*RUN, "--set", "reinforce.baselin=none"), ("did you mean 'reinforce.baseline'",)),
        ((*RUN, "--set", "baseline=mean"), ("mean is not one of none, batch_minimum",)),
        ((*RUN, "--set", "network=16*16"), ("network '16*16'", "16x16")),
        ((*RUN, "--set", "target_density=0"), ("target_density: 0 is not a number",)),
        ((*RUN, "--scale", "quik"), ("--scale", "'quik'", "quick")),
        ((*RUN, "--seeds", "0"), ("seeds: 0 is not in 1..",)),
        ((*RUN, "--seeds", "-2"), ("-2",)),
        ((*RUN, "--seeds", "many"), ("--seeds", "'many'")),
        ((*RUN, "--seeds", "1000000"), ("seeds: 1000000 is not in 1..",)),
        ((*RUN, "--cpus", "0"), ("--cpus", "0")),
        ((*RUN, "--gpus-per-trial", "-1"), ("--gpus-per-trial", "-1")),
        ((*RUN, "--sed", "3"), ("--sed", "--seeds")),
        ((*RUN, "surplus"), ("surplus",)),
        (("run",), ("NAME",)),
        (("rn", "quickstart"), ("rn", "did you mean 'run'")),
        (("lst",), ("lst", "did you mean 'list'")),
        (("--verbos", "list"), ("--verbos", "--verbose")),
        ((*RUN, "--address", "127.0.0.1:1"), ("--address 127.0.0.1:1",)),
        (("figures", "quickstart", "--format", "jpg"), ("unknown figure format 'jpg'", "did you mean 'png'")),
        (("figures", "quickstart", "--format", ""), ("unknown figure format ''",)),
        ((*RUN, "--plugin", "missing.py"), ("plugin missing.py: cannot be read",)),
        ((*RUN, "--plugin", "plugin.txt"), ("plugin plugin.txt: expected a Python file",)),
        ((*RUN, "--plugin", "dense.py"), ("plugin dense.py: the name 'dense' belongs to another strategy",)),
    ],
    ids=lambda value: " ".join(value) if value and isinstance(value[0], str) and "error" not in value[0] else None,
)
def test_bad_input_is_named_in_one_line_and_leaves_nothing(command, arguments, words):
    takes_results = arguments[0] in {"run", "report", "figures"}
    done = command(*arguments, *(("--results", str(command.results)) if takes_results else ()))
    fails_in_one_line(done, 2, *words)
    assert done.out == ""
    assert not command.results.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import no_such_module\n", ("fails to import: ModuleNotFoundError", "no_such_module")),
        ("def broken(:\n", ("fails to import: SyntaxError",)),
        ("raise ValueError('first\\nsecond')\n", ("fails to import: ValueError: first",)),
        ("raise SystemExit(3)\n", ("fails to import: SystemExit",)),
        (WITHOUT_CLASS, ("defines 0 subclasses of core.strategy.Strategy, expected exactly 1",)),
        (f"{PLUGIN}\n\nclass Another(Strategy):\n    pass\n", ("defines 2 subclasses",)),
        (NO_OBJECTIVE, ("OfMine lacks objective",)),
        (PLUGIN.replace('    source = "a test"\n', ""), ("OfMine lacks the class attribute 'source'",)),
        (PLUGIN.replace('"routing"', "3"), ("'family'",)),
        (PLUGIN.replace('"routing"', '"rooting"'), ("'rooting'", "routing")),
        (PLUGIN.replace('    """Every block open."""\n', ""), ("OfMine lacks a docstring",)),
        (f"{PLUGIN}    space = 3\n", ("space",)),
        (f"{PLUGIN}    space = {{'heat': 3}}\n", ("heat",)),
        (f"{PLUGIN}    needs = frozenset({{'labels'}})\n", ("labels",)),
    ],
)
def test_a_broken_plugin_is_named_in_one_line_and_leaves_nothing(command, tmp_path, text, words):
    plugin = write_plugin(tmp_path, text=text)
    done = command(*RUN, "--results", str(command.results), "--plugin", str(plugin))
    fails_in_one_line(done, 2, f"plugin {plugin}", *words)
    assert done.out == ""
    assert not command.results.exists()


def test_a_strategy_of_a_plugin_is_among_the_nearest_names(command, tmp_path):
    plugin = write_plugin(tmp_path)
    done = command(*RUN, "--results", str(command.results), "--plugin", str(plugin), "--strategies", "of_min")
    fails_in_one_line(done, 2, "did you mean 'of_mine'")
    assert done.out == ""


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_is_not_asked_of_a_machine_without(command):
    done = command(*RUN, "--results", str(command.results), "--gpus-per-trial", "0.5")
    fails_in_one_line(done, 2, "--gpus-per-trial 0.5", "no GPU")
    assert done.out == ""
    assert not command.results.exists()


@pytest.mark.parametrize("name", ["report", "figures"])
def test_a_study_never_run_says_how_to_run_it(command, name):
    done = command(name, "quickstart", "--results", str(command.results))
    fails_in_one_line(done, 2, "python -m studies run quickstart")
    assert done.out == ""
    assert not command.results.exists()


@pytest.mark.parametrize("name", ["report", "figures"])
def test_a_study_half_run_says_how_to_run_the_rest(command, name):
    folder = finished(command.results, design_of("dense", seeds=2))
    forget(folder, configurations_of(folder.frozen().design)[0].run_id)
    before = sorted(command.results.rglob("*"))
    done = command(name, "quickstart", "--results", str(command.results))
    fails_in_one_line(done, 2, "1 of 2 runs", "python -m studies run quickstart")
    assert done.out == ""
    assert sorted(path for path in command.results.rglob("*") if path.name != ".lock") == before


@pytest.mark.parametrize("name", ["run", "report", "figures"])
@pytest.mark.parametrize("place", ["results", "results/quickstart"])
def test_a_file_where_a_folder_should_be_is_named(command, tmp_path, name, place):
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine", "utf-8")
    done = command(name, "quickstart", "--results", str(command.results))
    fails_in_one_line(done, 2, place)
    assert done.out == ""
    assert path.read_text("utf-8") == "mine"


def test_a_results_folder_that_cannot_be_made_is_named(command):
    fails_in_one_line(command(*RUN, "--results", "/proc/nowhere"), 2, "/proc/nowhere")


def test_ctrl_c_ends_with_130_and_one_word(command, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("studies.running.estimate.seconds", interrupt)
    done = command.study("--seeds", "1", "--dry-run")
    assert (done.code, done.err.split()) == (130, ["interrupted"])


def test_a_backend_that_does_not_exist_is_refused_before_anything_runs(command, monkeypatch):
    monkeypatch.setenv("GATING_BACKEND", "cpus")
    choice._from_environment.cache_clear()
    try:
        done = command("list")
    finally:
        choice._from_environment.cache_clear()
    assert done.code == 2
    assert done.err == ("error: GATING_BACKEND: unknown backend 'cpus': choose one of auto, reference, cpu, triton\n")
