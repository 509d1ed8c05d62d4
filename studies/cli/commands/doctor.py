"""Say what this machine has, and whether anything needed is missing."""

import click
from rich.text import Text

from studies.cli import output
from studies.records import environment


@click.command()
def command() -> int:
    """Say what this machine has, and whether anything needed is missing."""
    found = environment.describe()
    packages = found.pop("packages")
    table = output.table("", "")
    for key, value in found.items():
        table.add_row(key.replace("_", " "), str(value if value is not None else "none"))
    table.add_row("cpu kernels", _cpu_kernels())
    for package in environment.REQUIRED:
        table.add_row(package, packages[package] or Text("missing", "red"))
    for package in environment.OPTIONAL:
        table.add_row(package, packages[package] or "not installed (optional)")
    output.console.print(table)
    missing = [package for package in environment.REQUIRED if packages[package] is None]
    output.console.print(f"missing: {', '.join(missing)}" if missing else "everything needed is installed")
    return 1 if missing else 0


def _cpu_kernels() -> str:
    """Return what the kernels are compiled for, or why they are not used; compile them, or load them, to know."""
    try:
        from kernels.cpu import prepare
        from kernels.cpu.compilation import PROCESSOR
    except ImportError as error:
        return f"not used: {error}"
    reason = prepare()
    return str(PROCESSOR) if reason is None else f"not used: {reason}"
