"""Faults that generated input has found, one test for each kind."""

import json
import stat
from pathlib import Path

import pytest

from studies.cli.output import PlainConsole
from studies.design.configuration import content_hash
from studies.records.folder import ResultsFolder
from tests.support.errors import fails_in_one_line
from tests.support.plugins import PLUGIN, write_plugin
from tests.support.records import design_of, finished

pytestmark = pytest.mark.usefixtures("scheduler", "without_figures")

REPORT = ("report", "quickstart")
RUN = ("run", "quickstart", "--dry-run")


@pytest.fixture
def folder(command) -> ResultsFolder:
    """A finished study, with its report."""
    folder = finished(command.results, design_of("small_dense", "reinforce", seeds=2))
    assert command(*REPORT, "--results", str(command.results)).code == 0
    return folder


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("power", "quickstart", "--difference", "nan"), ("--difference", "not a finite number")),
        (("power", "quickstart", "--power", "nan"), ("--power", "not a finite number")),
        ((*RUN, "--gpus-per-trial", "inf"), ("--gpus-per-trial", "not a finite number")),
        ((*RUN, "--time-limit", "nan"), ("--time-limit", "not a finite number")),
        ((*RUN, "--memory-limit", "1e300"), ("--memory-limit", "1e+300")),
        (("strategies", "--plugin", "a\0b"), ("--plugin", "cannot be the name of a path")),
        ((*RUN, "--data", "a\0b"), ("--data", "cannot be the name of a directory")),
        (("bench", "--json", "a\ud800b"), ("--json", "cannot be the name of a file")),
        (("bench", "--json", "/dev/null"), ("/dev/null: is no file",)),
        (("bench", "--figure", "/dev/null"), ("unknown figure format ''",)),
        ((*RUN, "--dataset", "mnist1d:" + "9" * 5000), ("is not a multiple of 10 in 200..10000000",)),
        ((*RUN, "--dataset", "mnist1d:1000000000"), ("is not a multiple of 10 in 200..10000000",)),
        ((*RUN, "--strategies", "\x1b[31mred"), ("unknown strategy '\\x1b[31mred'",)),
    ],
    ids=lambda value: " ".join(map(ascii, value))[:60] if isinstance(value, tuple) else None,
)
def test_a_value_that_no_option_can_take_is_named_in_one_line(command, arguments, words):
    fails_in_one_line(command(*arguments), 2, *words)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{PLUGIN}\nraise type('Own', (BaseException,), {{}})('mine')\n", ("fails to import: Own: mine",)),
        (f"{PLUGIN}\nx = {'(' * 5000}{')' * 5000}\n", ("fails to import: ",)),
        (f"{PLUGIN}\nx = {'-' * 100_000}1\n", ("fails to import: ",)),
        (f"{PLUGIN}\nx = {'+'.join(['1'] * 20_000)}\n", ("fails to import: RecursionError",)),
        (f"{PLUGIN}    space = {{3: None}}\n", ("space has 3",)),
        (f"{PLUGIN}    space = type('M', (dict,), {{'items': lambda self: 1 / 0}})(a=1)\n", ("ZeroDivisionError",)),
        (
            f"{PLUGIN}\nfrom core.space import Real\nOfMine.space = {{'a': Real(9.0, low=0.0, high=1.0)}}\n",
            ("space['a']",),
        ),
        (
            f"{PLUGIN}\nfrom core.space import Real\nOfMine.space = {{'a': Real(1, low=None, high=1.0)}}\n",
            ("space['a']",),
        ),
        (
            f"{PLUGIN}\n    @classmethod\n    def idea(cls):\n        raise SystemExit(7)\n",
            ("idea() fails: SystemExit: 7",),
        ),
    ],
    ids=range(9),
)
def test_a_plugin_that_cannot_be_looked_at_is_named_in_one_line(command, tmp_path, text, words):
    fails_in_one_line(command("strategies", "--plugin", str(write_plugin(tmp_path, text=text))), 2, "plugin ", *words)


@pytest.mark.parametrize("path", ["pipe.py", "folder.py", "zeros.py"])
def test_a_plugin_that_is_no_file_is_not_waited_for(command, tmp_path, path):
    import os

    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "zeros.py").symlink_to("/dev/zero")
    fails_in_one_line(command("strategies", "--plugin", str(tmp_path / path)), 2, f"{path}: is no file")


@pytest.mark.parametrize("raised", ["SystemExit(7)", "GeneratorExit()", "type('Own', (BaseException,), {})()"])
def test_a_plugin_that_ends_training_does_not_end_a_dry_run(command, tmp_path, raised):
    plugin = write_plugin(tmp_path, body=f"        raise {raised}\n")
    done = command.study("--dry-run", "--plugin", str(plugin), "--seeds", "1", chosen="of_mine")
    assert (done.code, done.err) == (0, "")


def test_what_a_plugin_says_of_itself_is_no_order_to_the_terminal(command, tmp_path):
    text = PLUGIN.replace("Every block open.", "\x1b[31mEvery [/red] block\x07 open.")
    done = command("strategies", "--plugin", str(write_plugin(tmp_path, text=text)))
    assert done.code == 0
    assert "?[31mEvery [/red] block? open." in " ".join(done.out.split())
    assert not {"\x1b", "\x07"} & {*done.out}


def test_indents_and_wide_spaces_are_printed_as_they_are(capsys):
    PlainConsole(width=80).print("  a\u00a0b\n   c")
    assert capsys.readouterr().out == "  a\u00a0b\n   c\n"


def change(path: Path, **design: object) -> None:
    """Change the design, as somebody would who knows how it is checked."""
    content = json.loads(path.read_text("utf-8"))
    sweep = {key: value for key, value in design.items() if key in content["design"]["sweep"]}
    content["design"] |= {key: value for key, value in design.items() if key not in sweep}
    content["design"]["sweep"] |= sweep
    content["design_hash"] = content_hash(content["design"])
    path.write_text(json.dumps(content), "utf-8")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"seeds": 10**9}, ("seeds: 1000000000 is not in",)),
        ({"alpha": 2}, ("alpha 2",)),
        ({"datasets": ["nowhere"]}, ("unknown dataset 'nowhere'",)),
        ({"datasets": []}, ("it has no runs",)),
        ({"networks": ["4*4"]}, ("network '4*4'",)),
        ({"densities": [3.0]}, ("target_density: 3.0",)),
        ({"training": {}}, ("sweep.training lacks epochs",)),
        ({"training": {"epochs": -1}}, ("training.epochs: -1",)),
        ({"strategies": ["reinforce", "reinforce"]}, ("two arms of the study are named 'reinforce'",)),
        ({"strategy_settings": {}}, ("sweep.strategy_settings lacks reinforce, small_dense",)),
        ({"contrasts": [["reinforce", "nobody"]]}, ("contrasts: reinforce and nobody are not both arms",)),
        ({"test_split": "fixed", "search": {"points": 2}}, ("proposals are not of the arms",)),
    ],
    ids=str,
)
def test_a_design_that_does_not_fit_together_is_refused_though_its_hash_is_right(command, folder, changed, words):
    change(folder.path / "study.json", **changed)
    for name in ("report", "power", "figures"):
        done = command(name, "quickstart", "--results", str(command.results))
        fails_in_one_line(done, 2, "study.json: not a readable study: InputError: ", *words)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--power", "1e-9"), ("a probability of 1e-09 is not above 0.05",)),
    ],
    ids=str,
)
def test_a_power_that_nobody_can_have_is_named_in_one_line(command, folder, option, words):
    fails_in_one_line(command("power", "quickstart", "--results", str(command.results), *option), 2, *words)


def test_a_difference_that_no_number_of_seeds_finds_is_answered(command, folder):
    done = command("power", "quickstart", "--results", str(command.results), "--difference", "1e-9")
    assert (done.code, done.err) == (0, "")
    assert "to decide 1e-09 points" in done.out
    assert "more than 1,000 seeds for all" in done.out


@pytest.mark.parametrize("name", ["../../mine.csv", "runs/ab.json", "runs", "figures/a\0.svg", "mine.txt"])
def test_an_edited_stamp_deletes_nothing_but_derived_files(command, folder, name):
    outside = command.results.parent / "mine.csv"
    stamp = folder.path / "derived.json"
    for path in (outside, folder.path / "mine.txt", folder.path / "runs" / "ab.json"):
        path.write_text("{}", "utf-8")
    content = json.loads(stamp.read_text("utf-8"))
    content["files"] |= {name: "0", str(outside): "0", "tables/old.tex": "0"}
    stamp.write_text(json.dumps(content), "utf-8")
    (folder.path / "tables" / "old.tex").write_text("ours", "utf-8")
    before = {path for path in command.results.parent.rglob("*") if path.name != "old.tex"}
    assert command(*REPORT, "--results", str(command.results)).code == 0
    assert {*command.results.parent.rglob("*")} == before
    assert name not in json.loads(stamp.read_text("utf-8"))["files"]


def test_half_a_letter_in_a_record_or_a_study_is_named(command, folder):
    record = next((folder.path / "runs").iterdir())
    for path, found in ((record, '"reason": ""'), (folder.path / "study.json", '"scale": "default"')):
        text = path.read_text("utf-8")
        path.write_text(text.replace(found, found[:-1] + '\\ud800"'), "utf-8")
        fails_in_one_line(
            command(*REPORT, "--results", str(command.results)), 2, f"{path}: not a readable", "surrogates"
        )
        path.write_text(text, "utf-8")
    assert command(*REPORT, "--results", str(command.results)).code == 0


def test_a_study_that_does_not_say_where_it_was_frozen_is_reported(command, folder):
    content = json.loads((folder.path / "study.json").read_text("utf-8"))
    (folder.path / "study.json").write_text(json.dumps({**content, "environment": {}}), "utf-8")
    assert command(*REPORT, "--results", str(command.results)).code == 0


def test_a_folder_in_place_of_a_derived_file_is_named(command, folder):
    (folder.path / "derived.json").unlink()
    (folder.path / "derived.json").mkdir()
    done = command(*REPORT, "--results", str(command.results))
    assert (done.code, done.err) == (3, f"error: {folder.path / 'derived.json'}: Is a directory\n")
