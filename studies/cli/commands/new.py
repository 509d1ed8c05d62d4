"""Write a strategy, a study or a dataset of one's own to begin with, and its test."""

from pathlib import Path
from string import Template

import click

from core.errors import InputError
from studies.cli import output, scaffold
from studies.records.files import write_atomically

_FURTHER = {
    "strategy": (
        "python -m studies strategies --plugin {name}.py --check {name}",
        "python -m studies run quickstart --plugin {name}.py",
    ),
    "study": ("python -m studies show {name}.py", "python -m studies run {name}.py --scale quick"),
    "dataset": ("python -m studies run quickstart --dataset {name}:{name}",),
}


@click.command()
@click.argument("kind", type=click.Choice(tuple(_FURTHER)))
@click.argument("name")
def command(kind: str, name: str) -> None:
    """Write a strategy, a study or a dataset of one's own to begin with, and its test.

    They are written to the folder that you are in, as NAME.py and test_NAME.py.
    """
    if not name.isidentifier() or name != name.lower():
        raise InputError(f"{name!r}: expected a name of small letters, digits and _, such as my_{kind}")
    if kind != "dataset" and name in _taken(kind):
        raise InputError(f"{name!r}: this package has a {kind} of that name; choose another")
    files = {Path(f"{name}.py"): f"{kind}.py.txt", Path(f"test_{name}.py"): f"{kind}_test.py.txt"}
    for file in files:
        if file.exists():
            raise InputError(f"{file}: is there already, and is not written over")
    words = {"NAME": name, "CLASS": "".join(part.capitalize() for part in name.split("_"))}
    for file, template in files.items():
        text = (Path(scaffold.__path__[0]) / template).read_text(encoding="utf-8")
        write_atomically(file, Template(text).substitute(words))
        output.console.print(f"written: {file}", soft_wrap=True)
    for line in (*_FURTHER[kind], f"python -m pytest test_{name}.py"):
        output.console.print(f"next: {line.format(name=name)}", soft_wrap=True)


def _taken(kind: str) -> list[str]:
    """Names of this package's own."""
    # Not at the top: strategies take a second to load.
    if kind == "strategy":
        import strategies

        return strategies.built_in()
    from studies import catalogue

    return catalogue.built_in()
