"""The group of all commands: one file each in ``commands``, found by its stem and imported when it is called."""

import ast
import importlib
import logging
import os
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from core.errors import InputError, unknown
from studies.cli import commands


class CommandFolder(click.Group):
    """Commands that are files: each defines ``command``; the first line of its docstring is its line in the help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        files = Path(commands.__path__[0]).iterdir()
        return sorted(file.stem for file in files if file.suffix == ".py" and file.stem != "__init__")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{commands.__name__}.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called; one that does not exist is answered with the nearest name."""
        names = self.list_commands(ctx)
        if args[0] not in names and not args[0].startswith("-"):
            raise unknown("command", args[0], names)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands without importing any: what some of them need takes seconds to load."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _line(name)) for name in self.list_commands(ctx)])


def _line(name: str) -> str:
    source = (Path(commands.__path__[0]) / f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def _print_version(context: click.Context, option: click.Parameter, asked: bool) -> None:
    if not asked or context.resilient_parsing:
        return
    try:
        said = f"gating-studies {version('gating-studies')}"
    except PackageNotFoundError:
        said = f"gating-studies, not installed, from {Path(__file__).resolve().parents[2]}"
    click.echo(said)
    context.exit()


@click.group(cls=CommandFolder, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Say which.")
@click.option("-v", "--verbose", is_flag=True, help="Log what is decided inside, on standard error.")
def app(verbose: bool) -> None:
    """Compare strategies that decide which blocks of a network to compute."""
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING, format="%(message)s")
    _check_environment(os.environ)


def _check_environment(variables: Mapping[str, str]) -> None:
    if "GATING_BACKEND" not in variables:
        return
    # Imported only then, since the kernels take a second to load.
    from kernels.choice import pinned

    try:
        pinned()
    except ValueError as error:
        raise InputError(str(error)) from None
