"""One file per strategy, found by its file stem; others come from installed packages or from a plugin file."""

import hashlib
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import get_args

from core.errors import InputError, unknown
from core.space import Domain
from core.strategy import Family, Need, Strategy

ENTRY_POINT_GROUP = "gating_studies.strategies"


@dataclass(frozen=True)
class Plugin:
    """A strategy file from outside this package, as text, so that it can be sent to other machines.

    Attributes:
        name: the file's stem, which names the strategy.
        path: where it was read, for messages.
        text: its source.
    """

    name: str
    path: str
    text: str

    @classmethod
    def read(cls, path: Path) -> "Plugin":
        """Read a plugin file.

        Raises:
            InputError: it is not a readable Python file, or its stem is not free to name a strategy.
        """
        if path.suffix != ".py" or not path.stem.isidentifier():
            raise InputError(
                f"plugin {path}: expected a Python file whose stem can name a strategy, such as my_gater.py"
            )
        if path.stem in names():
            raise InputError(f"plugin {path}: the name {path.stem!r} belongs to another strategy; rename the file")
        try:
            return cls(path.stem, str(path), path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"plugin {path}: cannot be read: {error}") from None


def built_in() -> list[str]:
    """Names of the strategies of this package, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def names() -> list[str]:
    """Names of all strategies that can be used without a plugin file."""
    return [*built_in(), *sorted(_entry_points())]


def find(name: str, plugins: tuple[Plugin, ...] = ()) -> type[Strategy]:
    """Return the strategy of that name: a plugin's, one of this package, or one of an installed package.

    Raises:
        InputError: there is none, it fails to import, or it does not follow the protocol.
    """
    for plugin in plugins:
        if plugin.name == name:
            return _load_plugin(plugin)
    if name in built_in():
        return _only_strategy(importlib.import_module(f"strategies.{name}"), f"strategies/{name}.py")
    entry = _entry_points().get(name)
    if entry is None:
        raise unknown("strategy", name, [*names(), *(plugin.name for plugin in plugins)])
    where = f"entry point {entry.group}:{name} ({entry.value})"
    try:
        loaded = entry.load()
    except (Exception, SystemExit) as error:
        raise InputError(f"{where}: fails to import: {_one_line(error)}") from None
    if isinstance(loaded, ModuleType):
        return _only_strategy(loaded, where)
    if not (isinstance(loaded, type) and issubclass(loaded, Strategy)):
        raise InputError(f"{where}: is neither a module nor a subclass of core.strategy.Strategy")
    return _complete(loaded, where)


def source_hash(name: str, plugins: tuple[Plugin, ...] = ()) -> str:
    """Return a hash of a foreign strategy's source, so that editing it makes new runs; empty for this package's own."""
    for plugin in plugins:
        if plugin.name == name:
            return hashlib.sha256(plugin.text.encode()).hexdigest()[:16]
    if name in built_in():
        return ""
    return hashlib.sha256(inspect.getsource(inspect.getmodule(find(name)) or find(name)).encode()).hexdigest()[:16]


def _entry_points() -> dict[str, EntryPoint]:
    """Entry points by name; the strategies of this package cannot be replaced."""
    own = set(built_in())
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP) if entry.name not in own}


def _load_plugin(plugin: Plugin) -> type[Strategy]:
    # Prefixed, so that a plugin named like an installed module does not replace it.
    name = f"gating_studies_plugin.{plugin.name}"
    module = sys.modules.get(name)
    if module is None or vars(module).get("__plugin__") != plugin:
        module = ModuleType(name)
        module.__file__ = plugin.path
        vars(module)["__plugin__"] = plugin
        sys.modules[name] = module
        try:
            exec(compile(plugin.text, plugin.path, "exec"), vars(module))
        except (Exception, SystemExit) as error:
            del sys.modules[name]
            raise InputError(f"plugin {plugin.path}: fails to import: {_one_line(error)}") from None
    return _only_strategy(module, f"plugin {plugin.path}")


def _only_strategy(module: ModuleType, where: str) -> type[Strategy]:
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Strategy) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise InputError(f"{where}: defines {len(found)} subclasses of core.strategy.Strategy, expected exactly 1")
    return _complete(found[0], where)


def _complete(strategy: type[Strategy], where: str) -> type[Strategy]:
    """Return the strategy if it has everything that the protocol asks for."""
    if inspect.isabstract(strategy):
        missing = ", ".join(sorted(strategy.__abstractmethods__))
        raise InputError(f"{where}: {strategy.__name__} lacks {missing}")
    for attribute in ("source", "family"):
        if not isinstance(getattr(strategy, attribute, None), str):
            raise InputError(f"{where}: {strategy.__name__} lacks the class attribute {attribute!r}, a string")
    if strategy.family not in get_args(Family):
        raise InputError(f"{where}: {unknown('family', strategy.family, get_args(Family))}")
    if not isinstance(strategy.space, Mapping):
        raise InputError(f"{where}: space is {strategy.space!r}, expected a mapping of names to core.space domains")
    for name, domain in strategy.space.items():
        if not isinstance(domain, Domain):
            raise InputError(f"{where}: space[{name!r}] is {domain!r}, expected a domain of core.space")
    for need in strategy.needs:
        if need not in get_args(Need):
            raise InputError(f"{where}: {unknown('need', need, get_args(Need))}")
    if not strategy.idea():
        raise InputError(f"{where}: {strategy.__name__} lacks a docstring, whose first line is its idea")
    return strategy


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
