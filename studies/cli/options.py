"""Options that several commands take."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import click

import strategies
from core.errors import InputError

results = click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Folder of all results; a study's are in its subfolder NAME.",
)
plugin = click.option(
    "--plugin",
    "plugin_files",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A strategy file of your own; may be given several times.",
)


def listed(text: str) -> list[str]:
    """Return the parts of a comma separated text."""
    return [part.strip() for part in text.split(",")]


def read_plugins(files: Sequence[Path]) -> tuple[strategies.Plugin, ...]:
    """Read plugin files and check that each defines a strategy.

    Raises:
        InputError: one does not, or two have the same name.
    """
    plugins = tuple(dict.fromkeys(strategies.Plugin.read(path) for path in files))
    for plugin, other in itertools.combinations(plugins, 2):
        if plugin.name == other.name:
            raise InputError(f"plugin {other.path}: {plugin.path} has the same name; rename one of them")
    for plugin in plugins:
        strategies.find(plugin.name, plugins)
    return plugins
