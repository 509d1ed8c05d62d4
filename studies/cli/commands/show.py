"""Show what a study asks, what it runs at each scale, and which figures it draws."""

from collections.abc import Callable

import click
from rich.text import Text

from studies import catalogue
from studies.cli import options, output
from studies.design.freezing import FrozenStudy
from studies.design.runs import most_runs
from studies.design.setting import Setting
from studies.design.study import SCALES


@click.command()
@click.argument("name", type=options.StudyName())
def command(name: str) -> None:
    """Show what a study asks, what it runs at each scale, and which figures it draws."""
    study = catalogue.find(name)
    output.console.print(Text.assemble((name, "bold"), f": {study.question}"))
    output.console.print(f"source: {study.source}")
    scales = [scale for scale in SCALES if scale in study.scales]
    table = output.table("", *scales)
    studies = [FrozenStudy.freeze(name, scale, study.at(scale)) for scale in scales]
    rows: dict[str, Callable[[FrozenStudy], str]] = {
        "runs": lambda frozen: f"{'up to ' if frozen.sweep.search else ''}{most_runs(frozen)}",
        "search": _search,
        "seeds": lambda frozen: str(frozen.sweep.seeds),
        "arms": lambda frozen: ", ".join(arm.name for arm in frozen.arms if not arm.front_of),
        "dense front": lambda frozen: f"{len(frozen.front)} networks" if frozen.front else "none",
        "datasets": lambda frozen: ", ".join(frozen.sweep.datasets),
        "networks": lambda frozen: " ; ".join(dict.fromkeys(setting.network for setting in _settings(frozen))),
        "target densities": lambda frozen: ", ".join(
            dict.fromkeys(f"{setting.target_density:.4g}" for setting in _settings(frozen))
        ),
        "epochs": _epochs,
        "looks at": lambda frozen: f"{', '.join(map(str, frozen.sweep.looks))} {frozen.protocol.unit_name}",
        "primary contrasts": lambda frozen: str(frozen.protocol.contrasts),
        "all contrasts": lambda frozen: f"{len(frozen.contrasts)} per setting",
        "measurements": lambda frozen: ", ".join(frozen.sweep.measurements) or "none",
    }
    for label, cell in rows.items():
        table.add_row(label, *map(cell, studies))
    output.console.print(table)
    default = studies[scales.index("default")]
    if len({*default.epochs.values()}) > 1:
        said = ", ".join(f"{epochs} on {name}" for name, epochs in default.epochs.items())
        output.console.print(f"epochs: {said}", highlight=False)
    for entry in default.sweep.primary:
        where = [str(part) for part in (entry.dataset, entry.network, entry.density) if part is not None]
        within = f" (on {', '.join(where)})" if where else ""
        output.console.print(f"primary: {entry.arm} against {entry.reference}{within}", highlight=False)
    searched = any(frozen.sweep.search is not None for frozen in studies)
    figures = catalogue.presentation(name, searched=searched).figures
    output.console.print(f"figures: {', '.join(figure.name for figure in figures)}")


def _settings(frozen: FrozenStudy) -> list[Setting]:
    """The settings of arms, without those of the dense front."""
    return [setting for setting, arm in frozen.combinations() if not frozen.arm(arm).front_of]


def _epochs(frozen: FrozenStudy) -> str:
    epochs = {*frozen.epochs.values()}
    return f"{min(epochs)} to {max(epochs)}" if len(epochs) > 1 else f"{epochs.pop()}"


def _search(frozen: FrozenStudy) -> str:
    search = frozen.sweep.search
    if search is None:
        return "none"
    return f"{search.points} points, {search.seeds} tuning seeds, {search.searches} searches"
