"""One file per strategy, found by its file stem; others come from installed packages or from a plugin file."""

import importlib
import inspect
import pkgutil
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from core.errors import InputError, unknown
from core.plugins.loading import load
from core.plugins.plugin import Plugin
from core.plugins.protocol import complete, fault_of, only_strategy
from core.plugins.sources import hash_of, sources_beside
from core.strategy import Strategy

__all__ = ["ENTRY_POINT_GROUP", "Plugin", "built_in", "code_hash", "find", "names", "read_plugin", "source_hash"]

ENTRY_POINT_GROUP = "gating_studies.strategies"


def built_in() -> list[str]:
    """Names of the strategies of this package, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def names() -> list[str]:
    """Names of all strategies that can be used without a plugin file."""
    return [*built_in(), *sorted(_entry_points())]


def read_plugin(path: Path) -> Plugin:
    """Read a strategy file from outside this package, which names its strategy.

    Raises:
        InputError: it is not a readable Python file, or another strategy has its name.
    """
    return Plugin.read(path, names())


def find(name: str, plugins: tuple[Plugin, ...] = ()) -> type[Strategy]:
    """Return the strategy of that name: a plugin's, one of this package, or one of an installed package.

    Raises:
        InputError: there is none, it fails to import, or it does not follow the protocol.
    """
    for plugin in plugins:
        if plugin.name == name:
            return load(plugin)
    if name in built_in():
        return only_strategy(importlib.import_module(f"strategies.{name}"), f"strategies/{name}.py")
    entry = _entry_points().get(name)
    if entry is None:
        raise unknown("strategy", name, [*names(), *(plugin.name for plugin in plugins)])
    where = f"entry point {entry.group}:{name} ({entry.value})"
    if fault := fault_of(entry.load):
        raise InputError(f"{where}: fails to import: {fault}")
    loaded = entry.load()
    if isinstance(loaded, ModuleType):
        return only_strategy(loaded, where)
    if not (isinstance(loaded, type) and issubclass(loaded, Strategy)):
        raise InputError(f"{where}: is neither a module nor a subclass of core.strategy.Strategy")
    return complete(loaded, where)


def source_hash(name: str, plugins: tuple[Plugin, ...] = ()) -> str:
    """Return a hash of a foreign strategy's source, so that editing it makes new runs; empty for this package's own."""
    return "" if name in built_in() and all(plugin.name != name for plugin in plugins) else code_hash(name, plugins)


def code_hash(name: str, plugins: tuple[Plugin, ...] = ()) -> str:
    """Return a hash of a strategy's source: of its file, of a plugin and the modules beside it, or of its package.

    Raises:
        InputError: there is no such strategy.
    """
    for plugin in plugins:
        if plugin.name == name:
            return plugin.source_hash
    if name in built_in():
        files = (Path(place) / f"{name}.py" for place in __path__)
        return hash_of(file.read_text(encoding="utf-8") for file in files if file.is_file())
    module = inspect.getmodule(find(name))
    package = sys.modules.get((module.__name__ if module is not None else name).partition(".")[0])
    places = [Path(place) for place in getattr(package, "__path__", ())]
    if places:
        return hash_of([file.read_text("utf-8") for place in places for file in sorted(place.rglob("*.py"))])
    text = inspect.getsource(module or find(name))
    file = getattr(module, "__file__", None)
    return hash_of([text, *(sources_beside(Path(file).parent, text).values() if file else ())])


def _entry_points() -> dict[str, EntryPoint]:
    """Entry points by name; the strategies of this package cannot be replaced."""
    own = set(built_in())
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP) if entry.name not in own}
