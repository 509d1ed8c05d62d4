"""Whether a class has everything that a strategy must have, in one line if not."""

import inspect
import json
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import get_args

from core.errors import InputError, one_line, unknown
from core.space import Domain, check_conditions
from core.strategy import Family, Need, Strategy


def only_strategy(module: ModuleType, where: str) -> type[Strategy]:
    """Return the one strategy that a module defines.

    Args:
        module: which has been imported.
        where: of it, for messages.

    Raises:
        InputError: it defines none or several, or the one lacks something.
    """
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Strategy) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise InputError(f"{where}: defines {len(found)} subclasses of core.strategy.Strategy, expected exactly 1")
    return complete(found[0], where)


def complete(strategy: type[Strategy], where: str) -> type[Strategy]:
    """Return the strategy if it has everything that the protocol asks for.

    Raises:
        InputError: it has not, or fails when it is looked at.
    """
    found: list[str | None] = []
    if fault := fault_of(lambda: found.append(_wrong(strategy))):
        raise InputError(f"{where}: it cannot be looked at: {fault}")
    if found != [None]:
        raise InputError(f"{where}: {found[0]}")
    return strategy


def _wrong(strategy: type[Strategy]) -> str | None:
    """Return what a strategy lacks of what the protocol asks for, or has of another type; None if it has everything."""
    if inspect.isabstract(strategy):
        return f"{strategy.__name__} lacks {', '.join(sorted(strategy.__abstractmethods__))}"
    for attribute in ("source", "family"):
        if not isinstance(getattr(strategy, attribute, None), str):
            return f"{strategy.__name__} lacks the class attribute {attribute!r}, a string"
    if strategy.family not in get_args(Family):
        return str(unknown("family", strategy.family, get_args(Family)))
    if not isinstance(strategy.space, Mapping):
        return f"space is {strategy.space!r}, expected a mapping of names to core.space domains"
    for name, domain in strategy.space.items():
        if not (isinstance(name, str) and name.isidentifier()):
            return f"space has {name!r}, expected the name of a setting, such as learning_rate"
        if not isinstance(domain, Domain):
            return f"space[{name!r}] is {domain!r}, expected a domain of core.space"
        if fault := fault_of(_default_as_json, domain):
            return f"space[{name!r}]: its default does not hold: {fault}"
    if fault := fault_of(check_conditions, strategy.space):
        return f"space: {fault}"
    if not isinstance(strategy.needs, frozenset | set | tuple | list):
        return f"needs is {strategy.needs!r}, expected a frozenset of {', '.join(get_args(Need))}"
    for need in strategy.needs:
        if need not in get_args(Need):
            return str(unknown("need", str(need), get_args(Need)))
    if not isinstance(strategy.gated, bool):
        return f"gated is {strategy.gated!r}, expected True or False"
    if fault := fault_of(strategy.idea):
        return f"idea() fails: {fault}"
    idea = strategy.idea()
    if not isinstance(idea, str):
        return f"idea() returned {type(idea).__name__}, expected a string"
    return None if idea else f"{strategy.__name__} lacks a docstring, whose first line is its idea"


def _default_as_json(domain: Domain) -> str:
    return json.dumps(domain.check(domain.default), allow_nan=False)


def fault_of(call: Callable[..., object], *arguments: object) -> str | None:
    """Call foreign code, and return in one line what it raises, but what the user stops; None if it raises nothing."""
    try:
        call(*arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return one_line(error)
    return None
