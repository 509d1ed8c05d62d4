"""Makes the strategy of a plugin importable, with the modules beside it, and without replacing anybody else's."""

import builtins
import importlib.abc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from core.errors import InputError
from core.plugins.plugin import Plugin
from core.plugins.protocol import fault_of, only_strategy
from core.strategy import Strategy


def load(plugin: Plugin) -> type[Strategy]:
    """Return the strategy that a plugin defines; the same class as long as its source is the same.

    Raises:
        InputError: it fails to import, defines not exactly one strategy, or that lacks something.
    """
    # Prefixed, so that a plugin named like an installed module does not replace it.
    name = f"gating_studies_plugin.{plugin.name}"
    module = sys.modules.get(name)
    if module is None or vars(module).get("__plugin__") != plugin:
        module = _Beside(plugin).module(name, plugin.path)
        vars(module)["__plugin__"] = plugin
        sys.modules[name] = module
        if fault := fault_of(_execute, plugin, vars(module)):
            sys.modules.pop(name, None)
            raise InputError(f"plugin {plugin.path}: fails to import: {fault}")
    return only_strategy(module, f"plugin {plugin.path}")


class _Beside(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Lets a plugin import the modules beside it, from the sources that came with it, and nobody else.

    Raises:
        InputError: one of them has the name of a module that is loaded already.
    """

    def __init__(self, plugin: Plugin) -> None:
        self._path = plugin.path
        self._sources = dict(plugin.beside)
        self._names = {name.removesuffix(".__init__") for name in self._sources}
        self._loaded: dict[str, ModuleType] = {}
        self._visible = False
        for name in sorted(self._names):
            if name in sys.modules:
                raise InputError(f"plugin {plugin.path}: {name} beside it has the name of a module in use; rename it")

    def module(self, name: str, file: str) -> ModuleType:
        """Return an empty module, whose import statements find those beside the plugin, whenever they are reached."""
        module = ModuleType(name)
        module.__file__ = file
        if self._names:
            vars(module)["__builtins__"] = {**vars(builtins), "__import__": self._import}
        return module

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        if fullname not in self._names:
            return None
        return ModuleSpec(fullname, self, is_package=f"{fullname}.__init__" in self._sources)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module(spec.name, f"{spec.name} beside {self._path}")

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        source = self._sources[name if name in self._sources else f"{name}.__init__"]
        exec(compile(source, str(module.__file__), "exec"), vars(module))

    def _import(self, *arguments: Any, **named: Any) -> Any:
        with self._importable():
            return builtins.__import__(*arguments, **named)

    @contextmanager
    def _importable(self) -> Iterator[None]:
        if self._visible:
            yield
            return
        others = self._taken_out()
        sys.modules.update(self._loaded)
        sys.meta_path.insert(0, self)
        self._visible = True
        try:
            yield
        finally:
            self._visible = False
            sys.meta_path.remove(self)
            self._loaded = self._taken_out()
            sys.modules.update(others)

    def _taken_out(self) -> dict[str, ModuleType]:
        """Take the modules of these names out of those that everybody imports."""
        return {name: sys.modules.pop(name) for name in self._names if name in sys.modules}


def _execute(plugin: Plugin, namespace: dict[str, Any]) -> None:
    exec(compile(plugin.text, plugin.path, "exec"), namespace)
