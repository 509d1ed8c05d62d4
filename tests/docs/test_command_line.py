"""The page of the command line has every command, every option and every exit code."""

import re

import click
import pytest

from studies import catalogue, cli
from studies.cli import ending
from studies.cli.group import app
from studies.design.freezing import FrozenStudy
from tests.docs.markdown import DOCS

PAGE = (DOCS / "reference" / "command_line.md").read_text(encoding="utf-8")
CONTEXT = click.Context(app)
NAMES = app.list_commands(CONTEXT)


def sections() -> dict[str, tuple[list[str], str]]:
    """Of every heading its first word, with the others and the text below it."""
    parts = re.split(r"^## (.+)\n", PAGE, flags=re.MULTILINE)[1:]
    headed = zip((head.split() for head in parts[::2]), parts[1::2], strict=True)
    return {words[0]: (words[1:], text) for words, text in headed}


def command(name: str) -> click.Command:
    found = app.get_command(CONTEXT, name)
    assert found is not None
    return found


def options_of(parameters: list[click.Parameter]) -> set[str]:
    return {
        name for entry in parameters if isinstance(entry, click.Option) for name in (*entry.opts, *entry.secondary_opts)
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_command_has_its_arguments_and_all_its_options(name):
    arguments, text = sections()[name]
    parameters = command(name).params
    assert arguments == [entry.name.upper() for entry in parameters if isinstance(entry, click.Argument) and entry.name]
    described = re.findall(r"^\| `(--[\w-]+)", text, re.MULTILINE)
    assert sorted(described) == sorted(options_of(parameters))
    assert bool(described) != ("It has no options." in text)


@pytest.mark.parametrize("name", NAMES)
def test_the_choices_of_an_option_are_named(name):
    _, text = sections()[name]
    for parameter in command(name).params:
        if isinstance(parameter.type, click.Choice):
            assert [choice for choice in parameter.type.choices if f"`{choice}`" not in text] == []


def test_no_command_is_on_the_page_that_there_is_not():
    others = {"Exit", "Environment"}
    assert set(sections()) - others == set(NAMES)


def test_the_options_before_a_command_are_on_the_page():
    assert [option for option in options_of(app.params) if f"`{option}`" not in PAGE] == []
    assert [option for option in CONTEXT.help_option_names if f"`{option}`" not in PAGE] == []


def test_every_exit_code_is_on_the_page():
    codes = {cli.BAD_INPUT, cli.MACHINE, cli.INTERRUPTED, cli.TERMINATED, ending.DONE, ending.FAILED}
    listed = re.findall(r"^\| (\d+) \|", sections()["Exit"][1], re.MULTILINE)
    assert sorted(map(int, listed)) == sorted(codes)


def test_the_designs_that_are_simulated_are_those_of_the_studies():
    _, text = sections()["simulate"]
    rows = [line.split() for line in text.split("```")[1].splitlines()[2:]]
    designs = [FrozenStudy.freeze(name, "default", catalogue.find(name).at("default")) for name in catalogue.built_in()]
    assert [row[:3] for row in rows] == [
        [design.study, ",".join(map(str, design.sweep.looks)), str(design.protocol.contrasts)]
        for design in designs
        if design.protocol.contrasts
    ]
