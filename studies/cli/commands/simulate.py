"""Simulate designs: how often their verdicts would be wrong, and what they would find."""

from pathlib import Path

import click

from core.errors import InputError
from studies import catalogue
from studies.cli import options, output
from studies.design.freezing import FrozenStudy
from studies.design.study import SCALES, Scale
from studies.formatting import number
from studies.records.folder import ResultsFolder
from studies.results.collecting import collect
from studies.results.planning.designs import Observed, simulate_design
from studies.results.planning.simulation import DISTRIBUTIONS


@click.command()
@click.argument("names", nargs=-1, type=options.StudyName())
@click.option("--scale", type=click.Choice(SCALES), default="default", show_default=True, help="Of the studies.")
@options.results
@click.option(
    "--distribution",
    type=click.Choice(sorted(DISTRIBUTIONS)),
    metavar="NAME",
    default="normal",
    show_default=True,
    help=f"Of the differences of studies that have not been run: {', '.join(sorted(DISTRIBUTIONS))}.",
)
@click.option(
    "--replications",
    type=click.IntRange(100, 1_000_000),
    metavar="N",
    default=10_000,
    show_default=True,
    help="Studies to simulate of each design.",
)
def command(names: tuple[str, ...], scale: Scale, results: Path, distribution: str, replications: int) -> None:
    """Simulate designs: how often their verdicts would be wrong, and what they would find."""
    heads = ("study", "looks", "m", "δ", "err 0", "err δ", "cover", "found", "power", "n")
    table = output.table(*heads, whole=frozenset(heads) - {"study"})
    for name in names or tuple(catalogue.built_in()):
        frozen = FrozenStudy.freeze(name, scale, catalogue.find(name).at(scale))
        observed = _observed(ResultsFolder(results, name))
        found = simulate_design(frozen, observed, distribution=distribution, replications=replications)
        if found is None:
            continue
        table.add_row(
            f"{found.study} (own)" if found.own else found.study,
            ",".join(map(str, found.looks)),
            str(found.contrasts),
            number(found.delta, 2),
            number(found.error_if_none, 3),
            number(found.error_at_delta, 3),
            number(found.coverage, 3),
            number(found.detectable, 2),
            number(found.power, 2),
            number(found.units, 1),
        )
    if not table.row_count:
        raise InputError(
            f"simulate: {', '.join(names) or 'no study'}: no primary contrasts, so no verdicts to simulate"
        )
    output.console.print(table)
    output.console.print(
        "m: primary contrasts. δ and found: in standard deviations of the paired differences, drawn from a "
        "distribution or, “own”, from those of the study. err 0, err δ: share of studies that say anything false "
        "where nothing differs, and where everything differs by δ. cover: share of studies of which all intervals "
        "hold. power: of finding that difference; n: seeds, or searches, that it takes in the mean.",
        highlight=False,
        soft_wrap=True,
    )


def _observed(folder: ResultsFolder) -> Observed | None:
    """What the study has shown in this folder; None if it has not been run there."""
    if not (folder.path / "study.json").exists():
        return None
    return Observed.of(collect(folder.frozen().design, folder.ledger))
