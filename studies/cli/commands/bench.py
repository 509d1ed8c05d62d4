"""Measure what gating saves in time, side by side with dense layers."""

import json
from pathlib import Path

import click
import torch

from core.errors import InputError, unknown
from studies import timing
from studies.cli import options, output
from studies.records.files import write_atomically
from studies.report.drawing.figure import FORMATS
from studies.report.figures import speedup
from studies.timing.cases import KINDS
from studies.timing.printing import print_head, print_row, print_verdict


@click.command()
@click.option("--only", metavar="A,B", help=f"Only these cases: {', '.join(KINDS)}.")
@click.option(
    "--device", type=click.Choice(("cpu", "cuda")), default="cpu", show_default=True, help="Where to measure."
)
@click.option("--threads", type=click.IntRange(1, 1024), default=1, show_default=True, help="Of both sides.")
@click.option("--json", "json_file", type=options.Place(dir_okay=False), help="Write the rows here.")
@click.option("--figure", type=options.Place(dir_okay=False), help="Draw speed-up against density here.")
def command(only: str | None, device: str, threads: int, json_file: Path | None, figure: Path | None) -> None:
    """Measure what gating saves in time, side by side with dense layers."""
    kinds = KINDS if only is None else tuple(options.listed(only))
    for kind in kinds:
        if kind not in KINDS:
            raise unknown("case", kind, KINDS)
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: this machine has no CUDA device")
    if figure is not None and figure.suffix.removeprefix(".") not in FORMATS:
        raise unknown("figure format", figure.suffix.removeprefix("."), FORMATS)
    if figure is not None and not {"gemv", "minibatch"} & {*kinds}:
        raise InputError(f"--figure {figure}: it shows the cases gemv and minibatch, and --only names neither")
    for file in (json_file, figure):
        if file is not None and not file.absolute().parent.is_dir():
            raise InputError(f"{file}: there is no folder {file.absolute().parent}")
        if file is not None and file.exists() and not file.is_file():
            raise InputError(f"{file}: is no file, and would be replaced by one")
    chosen = [case for case in timing.cases(device) if case.case in kinds]
    print_head(output.console)
    rows = timing.measure(chosen, device, threads, lambda row: print_row(output.console, row))
    print_verdict(output.console, rows)
    plain = [row.as_dict() for row in rows]
    if json_file is not None:
        write_atomically(json_file, json.dumps(plain, indent=1) + "\n")
    if figure is not None:
        speedup.write(plain, figure)
