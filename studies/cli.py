"""The command line: exit codes 0 done, 1 some runs failed, 2 bad input, 130 interrupted."""

import itertools
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click
import torch
from rich.console import Console
from rich.table import Table

import strategies
from core import conformance, data
from core.errors import InputError, unknown
from kernels.choice import pinned
from studies import benchmark, catalogue, environment, estimate
from studies.aggregate import collect
from studies.benchmark.cases import KINDS
from studies.benchmark.table import print_head, print_row, print_verdict
from studies.figures import speedup
from studies.figures.figure import FORMATS
from studies.figures.venue import VENUES, find_venue
from studies.folder import ResultsFolder
from studies.formatting import duration, megabytes, points, share
from studies.ledger import write_atomically
from studies.override import named, only, override
from studies.plan import Plan, most_runs
from studies.power import seeds_for
from studies.report import write_figures, write_report
from studies.resources import Resources
from studies.runner import run_study
from studies.study import SCALES, Design, Scale, Sweep

BAD_INPUT, INTERRUPTED = 2, 130

console = Console()

_results = click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Folder of all results; a study's are in its subfolder NAME.",
)
_plugin = click.option(
    "--plugin",
    "plugin_files",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A strategy file of your own; may be given several times.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", is_flag=True, help="Log what is decided inside, on standard error.")
def app(verbose: bool) -> None:
    """Compare strategies that decide which blocks of a network to compute."""
    logging.basicConfig(level=logging.DEBUG if verbose else logging.WARNING, format="%(message)s")
    try:
        pinned()
    except ValueError as error:
        raise InputError(str(error)) from None


@app.command("list")
def list_studies() -> None:
    """List the studies: the question each asks, its source, and its number of runs at each scale."""
    table = _table("study", "question", "source", *(f"{scale} runs" for scale in SCALES))
    for name in catalogue.names():
        study = catalogue.find(name)
        designs = (Design.freeze(name, scale, study.scales[scale]) for scale in SCALES)
        table.add_row(name, study.question, study.source, *map(_size, designs))
    console.print(table)


@app.command()
@click.argument("name")
def show(name: str) -> None:
    """Show what a study runs at each scale, and which figures it draws."""
    study = catalogue.find(name)
    console.print(f"[bold]{name}[/bold]: {study.question}")
    console.print(f"source: {study.source}", highlight=False)
    table = _table("", *SCALES)
    designs = [Design.freeze(name, scale, study.scales[scale]) for scale in SCALES]
    rows: dict[str, Callable[[Design], str]] = {
        "runs": _size,
        "search": _search,
        "seeds": lambda design: str(design.sweep.seeds),
        "strategies": lambda design: ", ".join(arm.name for arm in design.arms),
        "datasets": lambda design: ", ".join(design.sweep.datasets),
        "networks": lambda design: " ; ".join(dict.fromkeys(cell.network for cell in design.cells())),
        "target densities": lambda design: ", ".join(
            dict.fromkeys(f"{cell.target_density:.4g}" for cell in design.cells())
        ),
        "epochs": lambda design: str(design.sweep.training["epochs"]),
        "contrasts": lambda design: str(len(design.contrasts)) + " per setting",
        "measurements": lambda design: ", ".join(design.sweep.measurements) or "none",
    }
    for label, cell in rows.items():
        table.add_row(label, *map(cell, designs))
    console.print(table)
    console.print(f"figures: {', '.join(figure.name for figure in study.figures)}", highlight=False)


def _size(design: Design) -> str:
    return f"{'up to ' if design.sweep.search else ''}{most_runs(design)}"


def _search(design: Design) -> str:
    search = design.sweep.search
    if search is None:
        return "none"
    return f"{search.points} points, {search.seeds} tuning seeds, {search.searches} searches"


@app.command()
@click.argument("name")
@click.option("--scale", type=click.Choice(SCALES), default="default", show_default=True, help="How much to run.")
@click.option("--strategies", "names", metavar="A,B", help="Only these strategies or arms, comma separated.")
@click.option("--seeds", type=int, metavar="N", help="Evaluation seeds; more seeds reuse the runs of fewer.")
@click.option(
    "--points", type=int, metavar="K", help="Configurations that a search tries; more reuse the runs of fewer."
)
@click.option("--tuning-seeds", type=int, metavar="S", help="Seeds per configuration in a search; likewise.")
@click.option("--searches", type=int, metavar="R", help="Independent repetitions of a search; likewise.")
@click.option(
    "--set",
    "assignments",
    metavar="KEY=VALUE",
    multiple=True,
    help="network, target_density, activation, a training setting, or STRATEGY.SETTING; may be given several times.",
)
@click.option("--dataset", metavar="NAME", help="Run on this dataset instead of the study's own.")
@click.option(
    "--data",
    "data_folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Take datasets that are not embedded from files in DIR or DIR/NAME, and download nothing.",
)
@_results
@_plugin
@click.option("--address", metavar="ADDR", help="Join this Ray cluster; code, data and plugins are sent along.")
@click.option("--cpus", type=click.IntRange(min=1), metavar="N", help="Runs at once on this machine [default: all].")
@click.option(
    "--gpus-per-trial", type=click.FloatRange(min=0), default=0.0, metavar="F", help="Share of a GPU per run."
)
@click.option("--retry-errors", is_flag=True, help="Run those again that ended in an error of the code or a timeout.")
@click.option("--dry-run", is_flag=True, help="Only print the runs, and an estimate of the time they take.")
def run(
    name: str,
    scale: Scale,
    names: str | None,
    seeds: int | None,
    points: int | None,
    tuning_seeds: int | None,
    searches: int | None,
    assignments: tuple[str, ...],
    dataset: str | None,
    data_folder: Path | None,
    results: Path,
    plugin_files: tuple[Path, ...],
    address: str | None,
    cpus: int | None,
    gpus_per_trial: float,
    retry_errors: bool,
    dry_run: bool,
) -> int:
    """Run what is missing of a study, and write its report."""
    plugins = _read(plugin_files)
    sweep = catalogue.find(name).scales[scale]
    sweep = _changed(sweep, names, seeds, dataset, plugins)
    sweep = _searched(name, sweep, {"points": points, "seeds": tuning_seeds, "searches": searches})
    design = Design.freeze(name, scale, override(sweep, assignments, plugins), plugins)
    resources = Resources(cpus, gpus_per_trial, address)
    resources.check()
    folder = ResultsFolder(results, name)
    if dry_run:
        _print_plan(design, folder, plugins, cpus, data_folder)
        return 0
    return run_study(design, folder, plugins, resources, console, retry_errors=retry_errors, data_folder=data_folder)


@app.command()
@click.argument("name")
@_results
def report(name: str, results: Path) -> None:
    """Write the tables, the figures and the page of a finished study again."""
    study = catalogue.find(name)
    _, page = write_report(ResultsFolder(results, name), study)
    console.print(f"report: {page}", highlight=False, soft_wrap=True)


@app.command()
@click.argument("name")
@_results
@click.option("--format", "formats", default="pdf,png", show_default=True, help="pdf, png, svg; comma separated.")
@click.option("--venue", default="default", show_default=True, help=f"Widths and fonts of: {', '.join(VENUES)}.")
def figures(name: str, results: Path, formats: str, venue: str) -> None:
    """Draw the figures of a finished study again; each has the numbers it shows beside it as CSV."""
    chosen = [part.strip() for part in formats.split(",")]
    for extension in chosen:
        if extension not in FORMATS:
            raise unknown("figure format", extension, FORMATS)
    look = find_venue(venue)
    study = catalogue.find(name)
    folder = ResultsFolder(results, name)
    for picture in write_figures(folder, study, collect(folder.frozen().design, folder.ledger), chosen, look):
        console.print(str(picture), highlight=False, soft_wrap=True)


@app.command()
@click.argument("name")
@_results
@click.option(
    "--difference",
    type=click.FloatRange(0, 100, min_open=True),
    help="Of test error to detect, in percentage points [default: the study's delta].",
)
@click.option(
    "--power",
    "probability",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.8,
    show_default=True,
    help="Probability of detecting it.",
)
def power(name: str, results: Path, difference: float | None, probability: float) -> None:
    """Say how many seeds a difference needs, from the variance in a finished study."""
    folder = ResultsFolder(results, name)
    catalogue.find(name)
    pilot = collect(folder.frozen().design, folder.ledger)
    wanted = pilot.protocol.delta if difference is None else difference / 100
    table = seeds_for(pilot, wanted, probability)
    shown = _table("dataset", "network", "τ", "strategy", "reference", "n", "std", "found", "needed")
    for row in table.to_dict("records"):
        shown.add_row(
            *(row["dataset"], row["network"], share(row["target_density"])),
            *(row["strategy"], row["reference"]),
            str(row["n"]),
            points(row["std"], 2, signed=False),
            points(row["minimum_detectable"], 2, signed=False),
            str(row["seeds_needed"]),
        )
    console.print(shown)
    console.print(
        "std: of the paired differences; found: what n seeds detect with probability 0.8; both in points\n"
        f"to detect {points(wanted, 2, signed=False)} points of test error with probability {probability:g} at alpha "
        f"{pilot.protocol.alpha:g} over {len(table)} contrasts: {table['seeds_needed'].max()} seeds for all, "
        f"{int(table['seeds_needed'].median())} for half of them",
        highlight=False,
        soft_wrap=True,
    )


@app.command("strategies")
@_plugin
@click.option("--check", metavar="A,B", help="Check that these strategies keep the protocol.")
def list_strategies(plugin_files: tuple[Path, ...], check: str | None) -> int:
    """List the strategies, or check that some keep the protocol."""
    plugins = _read(plugin_files)
    if check is not None:
        return _check([part.strip() for part in check.split(",")], plugins)
    table = _table("strategy", "family", "idea", "source", "needs")
    for name in [*strategies.names(), *(plugin.name for plugin in plugins)]:
        found = strategies.find(name, plugins)
        table.add_row(name, found.family, found.idea(), found.source, ", ".join(sorted(found.needs)) or "–")
    console.print(table)
    return 0


@app.command()
def datasets() -> None:
    """List the datasets, and which are embedded, downloaded already, or still to download."""
    table = _table("dataset", "holds", "from", "files", "examples", "features", "classes")
    for source in data.SOURCES.values():
        examples = f"{source.examples}, or any as {source.name}:N" if source.sized else str(source.examples)
        sizes = examples, str(source.features), str(source.classes)
        table.add_row(source.name, source.summary, source.origin, _place(source), *sizes)
    console.print(table)


def _place(source: data.Source) -> str:
    """Where a dataset's files are."""
    if not source.files:
        return "embedded"
    folder = data.cached(source)
    return f"to download, {megabytes(source.size)}" if folder is None else f"in {folder}"


@app.command()
def doctor() -> int:
    """Say what this machine has, and whether anything needed is missing."""
    found = environment.describe()
    packages = found.pop("packages")
    table = _table("", "")
    for key, value in found.items():
        table.add_row(key.replace("_", " "), str(value if value is not None else "none"))
    for package in environment.REQUIRED:
        table.add_row(package, packages[package] or "[red]missing[/red]")
    for package in environment.OPTIONAL:
        table.add_row(package, packages[package] or "not installed (optional)")
    console.print(table)
    missing = [package for package in environment.REQUIRED if packages[package] is None]
    console.print(f"missing: {', '.join(missing)}" if missing else "everything needed is installed")
    return 1 if missing else 0


@app.command()
@click.option("--only", metavar="A,B", help=f"Only these cases: {', '.join(KINDS)}.")
@click.option(
    "--device", type=click.Choice(("cpu", "cuda")), default="cpu", show_default=True, help="Where to measure."
)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Of both sides.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the rows here.")
@click.option("--figure", type=click.Path(dir_okay=False, path_type=Path), help="Draw speed-up against density here.")
def bench(only: str | None, device: str, threads: int, json_file: Path | None, figure: Path | None) -> None:
    """Measure what gating saves in time, side by side with dense layers."""
    kinds = KINDS if only is None else tuple(part.strip() for part in only.split(","))
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
    chosen = [case for case in benchmark.cases(device) if case.case in kinds]
    print_head(console)
    rows = benchmark.measure(chosen, device, threads, lambda row: print_row(console, row))
    print_verdict(console, rows)
    plain = [row.as_dict() for row in rows]
    if json_file is not None:
        write_atomically(json_file, json.dumps(plain, indent=1) + "\n")
    if figure is not None:
        speedup.write(plain, figure)


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; bad input is one line on standard error."""
    try:
        return int(app.main(list(arguments) or ["--help"], prog_name="python -m studies", standalone_mode=False) or 0)
    except (InputError, click.ClickException) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        click.echo(f"error: {' '.join(message.split())}", err=True)
        return BAD_INPUT
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in {"study", "strategy", "dataset", "reference"})
    return table


def _read(files: Sequence[Path]) -> tuple[strategies.Plugin, ...]:
    plugins = tuple(dict.fromkeys(strategies.Plugin.read(path) for path in files))
    for plugin, other in itertools.combinations(plugins, 2):
        if plugin.name == other.name:
            raise InputError(f"plugin {other.path}: {plugin.path} has the same name; rename one of them")
    for plugin in plugins:
        strategies.find(plugin.name, plugins)
    return plugins


def _changed(
    sweep: Sweep,
    names: str | None,
    seeds: int | None,
    dataset: str | None,
    plugins: tuple[strategies.Plugin, ...],
) -> Sweep:
    """Apply the options that have names of their own; a plugin joins the study's strategies unless some are chosen."""
    if names is not None:
        sweep = only(sweep, named(names, sweep))
    elif plugins:
        own = sweep.strategies or (() if sweep.arms else tuple(strategies.built_in()))
        sweep = replace(sweep, strategies=(*own, *(plugin.name for plugin in plugins)))
    if seeds is not None:
        sweep = replace(sweep, seeds=seeds)
    if dataset is not None:
        sweep = replace(sweep, datasets=(dataset,))
    return sweep


def _searched(name: str, sweep: Sweep, sizes: Mapping[str, int | None]) -> Sweep:
    """Change how large the study's search is."""
    given = {key: value for key, value in sizes.items() if value is not None}
    if not given:
        return sweep
    if sweep.search is None:
        raise InputError(
            f"--points, --tuning-seeds, --searches: {name} runs every strategy at its settings, unsearched"
        )
    return replace(sweep, search=replace(sweep.search, **given))  # type: ignore[arg-type]  # no tuple is among them


def _check(names: Sequence[str], plugins: tuple[strategies.Plugin, ...]) -> int:
    broken = 0
    for name in names:
        found = conformance.problems(strategies.find(name, plugins))
        broken += bool(found)
        console.print(f"{name}: {'keeps the protocol' if not found else 'breaks the protocol'}", highlight=False)
        for message in dict.fromkeys(problem.message for problem in found):
            checks = dict.fromkeys(problem.check for problem in found if problem.message == message)
            console.print(f"  {', '.join(checks)}: {message}", highlight=False, markup=False)
    return 1 if broken else 0


def _print_plan(
    design: Design,
    folder: ResultsFolder,
    plugins: tuple[strategies.Plugin, ...],
    cpus: int | None,
    data_folder: Path | None,
) -> None:
    plan = Plan.of(design, folder.ledger)
    configurations = list({run.configuration.run_id: run.configuration for run in plan.runs}.values())
    staged = ("stage",) if plan.search else ()
    table = _table("run", *staged, "strategy", "dataset", "network", "target density", "seed", "state")
    for configuration in configurations:
        table.add_row(
            configuration.run_id,
            *((configuration.stage,) if staged else ()),
            configuration.strategy,
            configuration.dataset,
            configuration.network,
            f"{configuration.target_density:.4g}",
            str(configuration.seed),
            "done" if configuration.run_id in folder.ledger else "to run",
        )
    console.print(table)
    total = f"{len(configurations)} runs"
    if plan.search and not plan.winners:
        # The winners' runs are not known yet, but how many there can be; the study's own settings stand in for them.
        cells = design.cells()
        unknown_runs = most_runs(design) - len(plan.search)
        seeds = range(unknown_runs // len(cells))
        configurations += [design.configuration(cell, "evaluate", seed) for seed in seeds for cell in cells]
        total = f"{len(plan.search)} runs of the search and up to {unknown_runs} of its winners"
    missing = len(folder.ledger.missing(configuration.run_id for configuration in configurations))
    at_once = cpus or os.cpu_count() or 1
    try:
        seconds = estimate.seconds(configurations, folder.ledger, plugins, at_once, data_folder)
        time = f": about {duration(seconds)} with {at_once} at once"
    except estimate.NoDataError as error:
        size = megabytes(data.find(str(error))[0].size)
        time = f"; the time cannot be estimated, since the data of {error} is not there yet: the run downloads {size}"
    console.print(f"{total}, {missing} to run{time}", highlight=False, soft_wrap=True)
