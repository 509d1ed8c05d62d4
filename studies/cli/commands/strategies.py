"""List the strategies, or check that some keep the protocol."""

from collections.abc import Sequence
from pathlib import Path

import click

import strategies
from core import conformance
from studies.cli import options, output


@click.command("strategies")
@options.plugin
@click.option("--check", metavar="A,B", help="Check that these strategies keep the protocol.")
def command(plugin_files: tuple[Path, ...], check: str | None) -> int:
    """List the strategies, or check that some keep the protocol."""
    plugins = options.read_plugins(plugin_files)
    if check is not None:
        return _check(options.listed(check), plugins)
    table = output.table("strategy", "family", "idea", "source", "needs", whole=frozenset({"strategy"}))
    for name in [*strategies.names(), *(plugin.name for plugin in plugins)]:
        found = strategies.find(name, plugins)
        table.add_row(name, found.family, found.idea(), found.source, ", ".join(sorted(found.needs)) or "–")
    output.console.print(table)
    return 0


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
