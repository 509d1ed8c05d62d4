"""No code of a page is left out: every fenced block is run, parsed, or named here with the reason why not."""

import re
import shlex
import subprocess
import tomllib

import click
import pytest

from studies.cli.group import app
from tests.docs.markdown import PAGES, Block, blocks

yaml = pytest.importorskip("yaml")

# A command keeps the names of its help option from the first context that it is in.
CONTEXT = click.Context(app, **app.context_settings)
ALL = [block for page in PAGES for block in blocks(page)]
# How blocks of a language are tested.
TESTED = {
    "python": "tests/docs/test_guides.py runs each",
    "sh": "below",
    "bash": "below, and tests/docs/test_cluster.py runs it",
    "toml": "below",
    "csv": "tests/studies/cli/test_beside.py",
    "yaml": "below, and tests/docs/test_cluster.py",
}
# Why others are not.
UNTESTED = {
    "": "output, trees of folders and formulas",
    "dockerfile": "there is no Docker where tests run",
    "latex": "there is no LaTeX where tests run",
}


def of(*languages: str) -> list[Block]:
    return [block for block in ALL if block.language in languages]


def test_no_language_is_left_out():
    assert {block.language for block in ALL} == {*TESTED, *UNTESTED}


def test_what_is_called_output_is_no_command():
    assert [block for block in of("") if re.search(r"^(\$ )?(python|pip|make|git) ", block.text, re.MULTILINE)] == []


@pytest.mark.parametrize("block", of("sh", "bash"), ids=str)
def test_a_shell_can_read_every_block(block):
    done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("block", of("toml"), ids=str)
def test_every_block_of_toml_is_read(block):
    assert tomllib.loads(block.text)


@pytest.mark.parametrize("block", of("yaml"), ids=str)
def test_every_block_of_yaml_is_read(block):
    assert all(yaml.safe_load_all(block.text))


def commands() -> list[str]:
    lines = [line for block in of("sh", "bash") for line in block.text.replace("\\\n", " ").splitlines()]
    found = (re.search(r"python -m studies (\w.*)", line) for line in lines)
    return sorted({match[1].rstrip(" &") for match in found if match})


@pytest.mark.parametrize("line", commands())
def test_every_command_of_a_block_is_one_that_the_command_line_can_read(line):
    name, *words = shlex.split(line, comments=True)
    command = app.get_command(CONTEXT, name)
    assert command is not None
    context = click.Context(command, parent=CONTEXT, info_name=name)
    _, left, _ = command.make_parser(context).parse_args(words)
    assert left == []


def test_a_command_that_cannot_be_read_is_seen():
    command = app.get_command(CONTEXT, "figures")
    assert command is not None
    with pytest.raises(click.UsageError):
        command.make_parser(click.Context(command, parent=CONTEXT)).parse_args(["quickstart", "--onyl", "forest"])
