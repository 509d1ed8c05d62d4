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
    for package in environment.REQUIRED:
        table.add_row(package, packages[package] or Text("missing", "red"))
    for package in environment.OPTIONAL:
        table.add_row(package, packages[package] or "not installed (optional)")
    output.console.print(table)
    missing = [package for package in environment.REQUIRED if packages[package] is None]
    output.console.print(f"missing: {', '.join(missing)}" if missing else "everything needed is installed")
    return 1 if missing else 0
