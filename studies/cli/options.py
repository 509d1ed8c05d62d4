"""Options that several commands take."""

import math
import os
from pathlib import Path
from typing import Any

import click


class Place(click.Path):
    """A file or folder of a name that a file system can have."""

    def __init__(self, **options: Any) -> None:
        super().__init__(path_type=Path, **options)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = os.fspath(value)
        if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            self.fail(f"{text!r} cannot be the name of a {self.name}", param, ctx)
        return super().convert(value, param, ctx)


class Number(click.FloatRange):
    """A finite number in a range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


class StudyName(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.2 on only
    """The name of a study, or the file or folder of one of the user's own."""

    name = "study"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        # Not at the top: nothing else here needs the studies.
        from studies import catalogue

        return catalogue.named(str(value))


results = click.option(
    "--results",
    type=Place(file_okay=False),
    default=Path("results"),
    show_default=True,
    help="Folder of all results; a study's are in its subfolder NAME.",
)
data = click.option(
    "--data",
    "data_folder",
    type=Place(exists=True, file_okay=False),
    metavar="DIR",
    help="Take datasets that are not embedded from files in DIR or DIR/NAME, and download nothing.",
)
dataset = click.option(
    "--dataset",
    metavar="NAME",
    help="Run on this dataset instead of the study's own; an .npz file or package.module:function is one of your own.",
)
plugin = click.option(
    "--plugin",
    "plugin_files",
    type=Place(),
    multiple=True,
    help="A strategy file of your own; may be given several times.",
)


def listed(text: str) -> list[str]:
    """Return the parts of a comma separated text."""
    return [part.strip() for part in text.split(",")]
