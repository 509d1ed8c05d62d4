"""List the strategies, show the settings of some, or check that they keep the protocol."""

from collections.abc import Sequence
from pathlib import Path

import click

import strategies
from core import conformance
from core.space import Domain
from core.strategy import Strategy
from studies.cli import options, output
from studies.own.plugins import read_plugins


@click.command("strategies")
@options.plugin
@click.option("--settings", metavar="A,B", help="Show the settings of these strategies, and what a search varies.")
@click.option("--check", metavar="A,B", help="Check that these strategies keep the protocol.")
def command(plugin_files: tuple[Path, ...], settings: str | None, check: str | None) -> int:
    """List the strategies, show the settings of some, or check that they keep the protocol."""
    plugins = read_plugins(plugin_files)
    if settings is not None:
        for name in options.listed(settings):
            _show(strategies.find(name, plugins))
    if check is not None:
        return _check(options.listed(check), plugins)
    if settings is not None:
        return 0
    table = output.table("strategy", "family", "idea", "source", "needs", whole=frozenset({"strategy"}))
    for name in [*strategies.names(), *(plugin.name for plugin in plugins)]:
        found = strategies.find(name, plugins)
        table.add_row(name, found.family, found.idea(), found.source, ", ".join(sorted(found.needs)) or "–")
    output.console.print(table)
    return 0


def _show(strategy: type[Strategy]) -> None:
    output.console.print(f"{strategy.name()}: {strategy.idea()}")
    if not strategy.space:
        output.console.print("It has no settings.")
        return
    table = output.table(
        "setting", "default", "values", "a search covers", "matters where", whole=frozenset({"setting"})
    )
    for name, domain in strategy.space.items():
        table.add_row(
            name,
            f"{domain.default:.6g}" if isinstance(domain.default, float) else str(domain.default),
            str(domain),
            _covered(domain),
            _conditions(domain),
        )
    output.console.print(table)


def _covered(domain: Domain) -> str:
    if not domain.searched:
        return "–"
    first, last = domain.at(0.0), domain.at(1 - 1e-9)
    return "all" if isinstance(first, str) else f"{first:.3g}..{last:.3g}"


def _conditions(domain: Domain) -> str:
    return "; ".join(f"{other} is {' or '.join(map(str, values))}" for other, values in domain.when.items()) or "always"


def _check(names: Sequence[str], plugins: tuple[strategies.Plugin, ...]) -> int:
    broken = 0
    for name in names:
        strategy = strategies.find(name, plugins)
        found = conformance.problems(strategy)
        broken += bool(found)
        output.console.print(f"{name}: {'breaks' if found else 'keeps'} the protocol")
        for line in _by_message(found):
            output.console.print(f"  {line}")
        if not found:
            for line in _by_message(conformance.warnings(strategy)):
                output.console.print(f"  warning: {line}")
            estimate = conformance.estimate(strategy)
            if estimate is not None:
                output.console.print(f"  {estimate}")
    return 1 if broken else 0


def _by_message(found: Sequence[conformance.Problem]) -> list[str]:
    """Say each message once, after the checks that it is from."""
    messages = dict.fromkeys(problem.message for problem in found)
    checks = {
        message: dict.fromkeys(problem.check for problem in found if problem.message == message) for message in messages
    }
    return [f"{', '.join(checks[message])}: {message}" for message in messages]
