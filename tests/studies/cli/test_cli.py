import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import strategies
from core import data
from core.training.settings import SPACE
from studies import catalogue
from studies.design.freezing import FrozenStudy
from studies.design.runs import most_runs
from studies.design.study import SCALES
from studies.records import environment
from tests.support.plugins import PLUGIN, write_plugin
from tests.support.records import design_of, finished

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("list", "show", "run", "report", "figures", "strategies", "datasets", "bench", "doctor")


def squeezed(text: str) -> str:
    """Text without the spaces and line ends of a table's layout."""
    return "".join(text.split())


def test_list_gives_question_source_and_runs_at_each_scale(command):
    done = command("list")
    assert (done.code, done.err) == (0, "")
    for name in catalogue.names():
        study = catalogue.find(name)
        (line,) = [line for line in done.out.splitlines() if line.startswith(f"{name} ")]
        assert study.source in line
        designs = [FrozenStudy.freeze(name, scale, study.scales[scale]) for scale in SCALES]
        words = [("up to " if design.sweep.search else "") + str(most_runs(design)) for design in designs]
        assert line.split()[-len(" ".join(words).split()) :] == " ".join(words).split()
        assert study.question[:30] in line


@pytest.mark.parametrize("name", catalogue.names())
def test_show_gives_every_scale_of_a_study(command, name):
    done = command("show", name)
    assert (done.code, done.err) == (0, "")
    study = catalogue.find(name)
    assert squeezed(study.question) in squeezed(done.out)
    assert study.source in done.out
    rows = {line.split()[0]: line.split()[1:] for line in done.out.splitlines() if line.strip()}
    assert rows["seeds"] == [str(study.scales[scale].seeds) for scale in SCALES]
    designs = [FrozenStudy.freeze(name, scale, study.scales[scale]) for scale in SCALES]
    assert [int(word) for word in rows["runs"] if word.isdecimal()] == [most_runs(design) for design in designs]
    assert rows["epochs"] == [str(design.sweep.training["epochs"]) for design in designs]
    for design in designs:
        search = design.sweep.search
        assert (f"{search.points} points" if search else "none") in done.out
    assert all(figure.name in done.out for figure in study.figures)


def test_strategies_lists_each_with_family_and_idea(command):
    done = command("strategies")
    assert (done.code, done.err) == (0, "")
    for name in strategies.built_in():
        found = strategies.find(name)
        (line,) = [line for line in done.out.splitlines() if line.startswith(f"{name} ")]
        assert found.family in line
        assert found.idea()[:25] in line


def test_strategies_lists_a_plugin_beside_them(command, tmp_path):
    done = command("strategies", "--plugin", str(write_plugin(tmp_path)))
    assert done.code == 0
    (line,) = [line for line in done.out.splitlines() if line.startswith("of_mine ")]
    assert "routing" in line


def test_strategies_check_accepts_one_that_keeps_the_protocol(command, tmp_path):
    done = command("strategies", "--plugin", str(write_plugin(tmp_path)), "--check", "of_mine,dense")
    assert (done.code, done.out, done.err) == (0, "of_mine: keeps the protocol\ndense: keeps the protocol\n", "")


def test_strategies_check_names_what_a_plugin_breaks(command, tmp_path):
    plugin = write_plugin(tmp_path, body="        raise RuntimeError('not yet')\n")
    done = command("strategies", "--plugin", str(plugin), "--check", "of_mine")
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0] == "of_mine: breaks the protocol"
    assert len(lines) > 1
    assert "not yet" in done.out
    assert "Traceback" not in done.out + done.err


def test_datasets_lists_each_with_its_size(command):
    done = command("datasets")
    assert (done.code, done.err) == (0, "")
    for source in data.SOURCES.values():
        (line,) = [line for line in done.out.splitlines() if line.startswith(f"{source.name} ")]
        assert f" {source.examples}" in line
        assert line.split()[-2:] == [str(source.features), str(source.classes)]


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


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(command, name):
    done = command(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"Usage: python -m studies {name}" in done.out
    assert command(name, "-h").out == done.out


def test_help_lists_every_command(command):
    done = command("--help")
    assert done.code == 0
    listed = {line.split()[0] for line in done.out.partition("Commands:")[2].splitlines() if line.strip()}
    assert set(COMMANDS) <= listed


def test_no_command_at_all_is_answered_with_the_list_of_commands(command):
    done = command()
    assert done.code in {0, 2}
    assert len((done.out + done.err).splitlines()) >= len(COMMANDS)
    assert "Traceback" not in done.err


def test_help_of_run_names_every_option_of_the_contract(command):
    out = command("run", "--help").out
    for option in (
        "--scale", "--strategies", "--seeds", "--set", "--dataset", "--results", "--plugin", "--address", "--cpus",
        "--gpus-per-trial", "--dry-run",
    ):  # fmt: skip
        assert option in out
    assert "quick|default|paper" in out


def test_report_writes_the_page_of_a_finished_study_again(command):
    folder = finished(command.results, design_of("dense", seeds=2))
    done = command("report", "quickstart", "--results", str(command.results))
    assert (done.code, done.err) == (0, "")
    assert done.out == f"report: {folder.path / 'report.html'}\n"
    assert {path.name for path in folder.path.iterdir()} == {
        "study.json", "runs", "runs.csv", "summary.csv", "contrasts.csv", "tables", "figures", "report.html"
    }  # fmt: skip


def test_figures_are_drawn_again_in_the_formats_asked_for(command):
    folder = finished(command.results, design_of("dense", seeds=2))
    done = command("figures", "quickstart", "--results", str(command.results), "--format", "svg, pdf")
    assert (done.code, done.err) == (0, "")
    names = ("error_against_macs", "seeds", "learning_curves")
    assert done.out.splitlines() == [
        str(folder.path / "figures" / f"{name}.{extension}") for name in names for extension in ("svg", "pdf")
    ]
    assert {path.name for path in (folder.path / "figures").iterdir()} == {
        f"{name}.{extension}" for name in names for extension in ("csv", "svg", "pdf")
    }


def test_the_plan_of_a_changed_study_shows_the_changes(command):
    done = command.study("--seeds", "2", "--set", "target_density=.25", "--set", "network=2x8", "--dry-run")
    assert done.code == 0
    lines = [line for line in done.out.splitlines() if " digits " in line]
    assert len(lines) == 4
    assert all(line.split()[3:5] == ["2x8", "0.25"] for line in lines)


def test_settings_change_the_runs(command):
    def ids(*options: str) -> dict[str, str]:
        out = command.study("--seeds", "1", "--dry-run", *options).out
        return {line.split()[1]: line.split()[0] for line in out.splitlines() if " digits " in line}

    plain = ids()
    assert ids("--set", "epochs=2") == plain
    assert set(ids("--set", "epochs=3").values()).isdisjoint(plain.values())
    narrow = ids("--set", "reinforce.baseline=none")
    assert (narrow["dense"] == plain["dense"], narrow["reinforce"] == plain["reinforce"]) == (True, False)


def test_strategies_are_run_once_in_the_order_given(command):
    out = command.study("--seeds", "1", "--dry-run", chosen="reinforce, dense,reinforce").out
    assert [line.split()[1] for line in out.splitlines() if " digits " in line] == ["reinforce", "dense"]


@pytest.mark.parametrize(
    ("arguments", "code"), [(["list"], 0), (["run", "quikstart"], 2), (["--help"], 0)], ids=lambda value: str(value)
)
def test_the_module_runs_and_gives_its_code_to_the_shell(arguments, code, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-m", "studies", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert (done.stdout == "") == (code == 2)
    assert len(done.stderr.splitlines()) == (code == 2)


def test_names_are_whole_words_in_tables_of_eighty_columns(command, monkeypatch):
    monkeypatch.setattr("studies.cli.output.console", Console(width=80))
    words = command.study("--seeds", "1", "--dry-run", chosen="straight_through,random_blocks").out.split()
    assert {"straight_through", "random_blocks"} <= set(words)
    assert set(strategies.built_in()) <= set(command("strategies").out.split())
    assert set(catalogue.names()) <= set(command("list").out.split())


def test_settings_of_training_are_all_settable(command):
    for key, domain in SPACE.items():
        done = command.study("--seeds", "1", "--dry-run", "--set", f"{key}={domain.default}", chosen="dense")
        assert done.code == 0, key


def test_a_plugin_is_shown_in_the_plan(command, tmp_path):
    plugin = write_plugin(tmp_path, text=PLUGIN)
    out = command.study("--seeds", "1", "--dry-run", "--plugin", str(plugin), chosen="").out
    assert [line.split()[1] for line in out.splitlines() if " digits " in line][-1] == "of_mine"
