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
        found = conformance.problems(strategies.find(name, plugins))
        broken += bool(found)
        verdict = "keeps the protocol" if not found else "breaks the protocol"
        output.console.print(f"{name}: {verdict}")
        for message in dict.fromkeys(problem.message for problem in found):
            checks = dict.fromkeys(problem.check for problem in found if problem.message == message)
            output.console.print(f"  {', '.join(checks)}: {message}")
    return 1 if broken else 0
