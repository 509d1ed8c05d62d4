"""A terminal that misbehaves, and text that would have it misbehave: a study goes on, and lines stay lines."""

import shutil
import sys
from pathlib import Path

import pytest

from studies.formatting import printable
from tests.studies.faults.conftest import files
from tests.support.errors import fails_in_one_line
from tests.support.plugins import PLUGIN, write_plugin

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="forks"),
]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-16"])
@pytest.mark.parametrize(
    "arguments", [("power", "quickstart"), ("show", "quickstart"), ("strategies",), ("list",), ("--help",), ("doctor",)]
)
def test_a_terminal_that_lacks_a_letter_shows_another(forked, results, encoding, arguments):
    where = ("--results", str(results)) if arguments[0] == "power" else ()
    ended = forked(*arguments, *where, encoding=encoding)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_study_is_run_on_a_terminal_that_lacks_letters(forked, tmp_path, encoding):
    plugin = write_plugin(tmp_path, text=PLUGIN.replace("Every block open.", "Öffnet jeden – τ."))
    options = ("--seeds", "2", "--plugin", str(plugin))
    ended = forked.study(
        tmp_path / "τ", *options, encoding=encoding, failures={"small_dense 0": "error"}, reason="τ – 漢"
    )
    assert (ended.code, ended.err) == (1, "")
    assert ended.out.count("error: ") == 2
    assert (tmp_path / "τ" / "quickstart" / "report.html").exists()
    assert forked("strategies", "--plugin", str(plugin), encoding=encoding).code == 0


@pytest.mark.parametrize("reads", [0, 1, 3])
def test_a_study_goes_on_when_nobody_reads_any_more(forked, results, two_seeds, tmp_path, reads):
    elsewhere = Path(shutil.copytree(two_seeds, tmp_path / "elsewhere"))
    assert forked.study(elsewhere, "--seeds", "4").code == 0
    ended = forked.study(results, "--seeds", "4", reads=reads)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.count("\n") == reads
    assert files(results) == files(elsewhere)


@pytest.mark.parametrize("arguments", [("list",), ("strategies",), ("--help",), ("run", "--help")])
def test_a_list_that_nobody_reads_is_no_fault(forked, arguments):
    ended = forked(*arguments, reads=0)
    assert (ended.code, ended.out, ended.err) == (0, "", "")


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)], ids=str)
def test_a_study_needs_no_standard_streams(forked, results, two_seeds, tmp_path, closed):
    elsewhere = Path(shutil.copytree(two_seeds, tmp_path / "elsewhere"))
    assert forked.study(elsewhere, "--seeds", "3").code == 0
    assert forked.study(results, "--seeds", "3", closed=closed).code == 0
    assert files(results) == files(elsewhere)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is always full")
def test_a_study_goes_on_when_its_output_cannot_be_written_and_says_so_at_the_end(forked, results, two_seeds, tmp_path):
    elsewhere = Path(shutil.copytree(two_seeds, tmp_path / "elsewhere"))
    assert forked.study(elsewhere, "--seeds", "3").code == 0
    ended = forked.study(results, "--seeds", "3", output="/dev/full")
    fails_in_one_line(ended, 3, "standard output: No space left on device")
    assert files(results) == files(elsewhere)


MARKUP = "[/red][bold]x[link=file:///]"
ESCAPES = "\x1b[2J\x1b]0;owned\x07\r\x08\x9b2J\u202e"


def obeyed(text: str) -> list[str]:
    """What a terminal would obey rather than show."""
    return [letter for letter in text if not letter.isprintable() and letter != "\n"]


@pytest.mark.parametrize("reason", [MARKUP, ESCAPES, "=HYPERLINK(1)", "<script>alert(1)</script>\n\n", ":smile:"])
def test_a_reason_is_printed_as_it_is_and_obeyed_by_nobody(forked, tmp_path, reason):
    failed = {"failures": {"small_dense 0": "error", "reinforce 1": "nan"}, "reason": reason}
    ended = forked.study(tmp_path / "results", "--seeds", "2", **failed)
    assert (ended.code, ended.err) == (1, "")
    assert obeyed(ended.out) == []
    shown = printable(reason.split("\n")[0])
    assert sum(shown in line for line in ended.out.splitlines()) == 4
    page = (tmp_path / "results" / "quickstart" / "report.html").read_text("utf-8")
    assert "<script>alert" not in page


@pytest.mark.parametrize("text", [MARKUP, ESCAPES], ids=["markup", "escapes"])
def test_what_a_plugin_says_of_itself_is_printed_as_it_is(forked, tmp_path, text):
    source = PLUGIN.replace('"""Every block open."""', f"__doc__ = {text!r}").replace('"a test"', repr(text))
    ended = forked("strategies", "--plugin", str(write_plugin(tmp_path, text=source)))
    assert (ended.code, ended.err) == (0, "")
    assert obeyed(ended.out) == []
    broken = write_plugin(tmp_path, text=f"raise ValueError({text!r})\n")
    ended = forked("strategies", "--plugin", str(broken))
    fails_in_one_line(ended, 2, "fails to import: ValueError")
    assert obeyed(ended.err) == []


@pytest.mark.parametrize("name", ["[/red]x", "[bold]x", ":smile:", "\x1b[31m", "a\nb", "é漢", "{0}%s"])
def test_a_path_is_printed_as_it_is(forked, two_seeds, tmp_path, name):
    results = shutil.copytree(two_seeds, tmp_path / name)
    for arguments in (("report", "quickstart"), ("figures", "quickstart", "--format", "svg")):
        ended = forked(*arguments, "--results", str(results))
        assert (ended.code, ended.err) == (0, "")
        assert obeyed(ended.out) == []
        assert name in ended.out or not name.isprintable()
    (results / "quickstart" / "study.json").write_text("{", "utf-8")
    ended = forked("report", "quickstart", "--results", str(results))
    fails_in_one_line(ended, 2, "not a readable study")
    assert obeyed(ended.err.removesuffix("\n")) == []
    assert name in ended.err or not name.isprintable()


NO_NAMES = {"nul": "a\0b", "half a letter": "\ud800", "undecodable": "\udcff"}


@pytest.mark.parametrize("name", NO_NAMES)
@pytest.mark.parametrize("command", ["run", "report", "figures", "power", "dry run", "plugin", "data"])
def test_a_name_that_no_file_can_have_is_bad_input(forked, tmp_path, name, command):
    path = f"{tmp_path}/{NO_NAMES[name]}"
    arguments = {
        "dry run": ("run", "quickstart", "--dry-run", "--results", path),
        "plugin": ("strategies", "--plugin", f"{path}.py"),
        "data": ("run", "quickstart", "--dry-run", "--data", path),
    }.get(command, (command, "quickstart", "--results", path))
    fails_in_one_line(forked(*arguments), 2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x" * 300, "x/" * 3000], ids=["name", "path"])
@pytest.mark.parametrize("command", ["run", "report", "power", "dry run"])
def test_a_name_that_is_too_long_takes_one_line(forked, tmp_path, name, command):
    arguments = ("run", "quickstart", "--dry-run") if command == "dry run" else (command, "quickstart")
    ended = forked(*arguments, "--results", f"{tmp_path}/{name}")
    assert ended.code in (2, 3)
    fails_in_one_line(ended, ended.code)
    assert list(tmp_path.iterdir()) == []
