"""What the program says of itself, what that loads, and which codes it gives to the shell."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, entry_points, version

import pytest

from studies import cli
from tests.support.driver import ROOT

COMMANDS = (
    *("bench", "compare", "datasets", "doctor", "figures", "list", "load", "merge", "new"),
    *("power", "report", "run", "show", "simulate", "strategies", "verify"),
)
# What takes seconds to load.
HEAVY = {"torch", "numpy", "pandas", "matplotlib", "ray"}


def loaded_by(*arguments: str) -> tuple[str, set[str]]:
    """What ``python -m studies`` prints, and the modules that it has loaded when it ends."""
    program = (
        "import runpy, sys\n"
        "try:\n"
        "    runpy.run_module('studies', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, set(done.stderr.split())


def test_the_version_is_said_and_nothing_heavy_is_loaded():
    out, loaded = loaded_by("--version")
    assert out == f"gating-studies {version('gating-studies')}\n"
    assert not loaded & HEAVY


def test_without_an_installation_the_version_says_where_it_lies(monkeypatch, capsys):
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("studies.cli.group.version", missing)
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"gating-studies, not installed, from {ROOT}\n"


def test_the_installed_command_is_the_same_program(monkeypatch, capsys):
    (script,) = entry_points(group="console_scripts", name="gating-studies")
    monkeypatch.setattr(sys, "argv", ["gating-studies", "nonsense"])
    with pytest.raises(SystemExit) as ended:
        script.load()()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: unknown command 'nonsense'")


def listed(text: str) -> list[str]:
    """The commands that a help text lists."""
    lines = text.partition("Commands:")[2].splitlines()
    return [line.split()[0] for line in lines if line.startswith("  ") and line[2:3].strip()]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(command, name):
    done = command(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"Usage: python -m studies {name}" in done.out
    assert command(name, "-h").out == done.out


def test_help_lists_every_command_with_its_line(command):
    done = command("--help")
    assert (done.code, done.err) == (0, "")
    assert tuple(listed(done.out)) == COMMANDS
    for name in COMMANDS:
        about = " ".join(command(name, "--help").out.split("\n\n")[1].split())
        assert about.partition(";")[0].rstrip(".") in " ".join(done.out.split())


def test_no_line_of_a_help_text_is_longer_than_eighty_columns(command):
    for arguments in ([], *([name] for name in COMMANDS)):
        assert all(len(line) <= 80 for line in command(*arguments, "--help").out.splitlines())


def test_no_command_at_all_is_answered_with_the_list_of_commands(command):
    done = command()
    assert done.code in {0, 2}
    assert len((done.out + done.err).splitlines()) >= len(COMMANDS)
    assert "Traceback" not in done.err


def test_help_of_run_names_every_option_of_the_contract(command):
    out = command("run", "--help").out
    for option in (
        "--scale", "--strategies", "--seeds", "--set", "--dataset", "--results", "--plugin", "--address", "--cpus",
        "--gpus-per-trial", "--dry-run", "--every-run",
    ):  # fmt: skip
        assert option in out
    assert "quick|default|paper" in out


@pytest.mark.parametrize(
    ("arguments", "code"), [(["list"], 0), (["run", "quikstart"], 2), (["--help"], 0)], ids=lambda value: str(value)
)
def test_the_module_runs_and_gives_its_code_to_the_shell(arguments, code):
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


def test_help_lists_the_commands_without_loading_what_they_need():
    out, modules = loaded_by("--help")
    assert tuple(listed(out)) == COMMANDS
    assert not modules & HEAVY
    assert not {name for name in modules if name.startswith("studies.cli.commands.")}


def test_list_names_the_studies_without_loading_what_they_need():
    out, modules = loaded_by("list")
    assert "quickstart" in out.split()
    assert not modules & HEAVY
    assert not {name for name in modules if name.startswith("studies.catalogue.")}
