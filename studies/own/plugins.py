"""Strategy files of a user's own."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import strategies
from core.errors import InputError


def read_plugins(files: Sequence[Path]) -> tuple[strategies.Plugin, ...]:
    """Read plugin files and check that each defines a strategy.

    Raises:
        InputError: one does not, or two have the same name.
    """
    plugins = tuple(dict.fromkeys(strategies.read_plugin(path) for path in files))
    for plugin, other in itertools.combinations(plugins, 2):
        if plugin.name == other.name:
            raise InputError(f"plugin {other.path}: {plugin.path} has the same name; rename one of them")
    for plugin in plugins:
        strategies.find(plugin.name, plugins)
    return plugins
