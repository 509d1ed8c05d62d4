"""Run what is missing of a study, and write its report."""

from dataclasses import replace
from pathlib import Path

import click

from core.errors import InputError
from studies import catalogue
from studies.cli import options, sweeps
from studies.cli.dry_run import print_plan
from studies.cli.whole_study import at_looks, run_and_report
from studies.design.freezing import FrozenStudy
from studies.design.override import override
from studies.design.study import SCALES, Scale
from studies.records.folder import ResultsFolder
from studies.running.resources import Resources
from studies.running.runner import Old


@click.command()
@click.argument("name", type=options.StudyName())
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
@options.dataset
@options.data
@options.results
@options.plugin
@click.option("--address", metavar="ADDR", help="Join this Ray cluster; code, data and plugins are sent along.")
@click.option(
    "--cpus", type=click.IntRange(1, 100_000), metavar="N", help="Runs at once on this machine [default: all]."
)
@click.option("--gpus-per-trial", type=options.Number(min=0), default=0.0, metavar="F", help="Share of a GPU per run.")
@click.option("--retry-errors", is_flag=True, help="Run those again that ended in an error of the code or a timeout.")
@click.option("--rerun-changed", is_flag=True, help="Run those again that were made by other code than today's.")
@click.option("--mixed", is_flag=True, help="Keep runs of other code beside new ones; tables and report say so.")
@click.option(
    "--time-limit",
    type=options.Number(min=0, min_open=True),
    metavar="SECONDS",
    help="End a run that takes longer [default: only one that finishes no epoch for ten minutes].",
)
@click.option(
    "--memory-limit",
    type=options.Number(min=0, max=1e9, min_open=True),
    metavar="GB",
    help="End a run that takes more memory [default: 90 % of this machine's, divided by the runs at once, at least 2].",
)
@click.option(
    "--until-decided",
    is_flag=True,
    help="Add seeds from look to look until every primary contrast is decided, or none is likely to be.",
)
@click.option(
    "--develop",
    is_flag=True,
    help="Test on examples and seeds that no study is evaluated on, to choose defaults; there are no verdicts.",
)
@click.option(
    "--keep-networks",
    is_flag=True,
    help="Keep each trained network in RESULTS/NAME/networks; finished runs without one are run again for it.",
)
@click.option("--dry-run", is_flag=True, help="Only print what would be run, and an estimate of the time it takes.")
@click.option("--every-run", is_flag=True, help="With --dry-run, print every single run.")
def command(
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
    rerun_changed: bool,
    mixed: bool,
    time_limit: float | None,
    memory_limit: float | None,
    until_decided: bool,
    develop: bool,
    keep_networks: bool,
    dry_run: bool,
    every_run: bool,
) -> int:
    """Run what is missing of a study, and write its report."""
    plugins = options.read_plugins(plugin_files)
    sweep = sweeps.changed(catalogue.find(name).at(scale), names, seeds, dataset, plugins)
    sweep = sweeps.searched(name, sweep, {"points": points, "seeds": tuning_seeds, "searches": searches})
    if develop:
        sweep = replace(sweep, test_split="development")
    frozen = FrozenStudy.freeze(name, scale, override(sweep, assignments, plugins), plugins)
    if rerun_changed and mixed:
        raise InputError("--rerun-changed and --mixed: choose one of them")
    most = None if memory_limit is None else int(memory_limit * 1e9)
    resources = Resources(cpus, gpus_per_trial, address, time_limit, most)
    resources.check()
    folder = ResultsFolder(results, name)
    if until_decided and seeds is not None:
        raise InputError("--until-decided and --seeds: the study's looks say how many seeds; choose one of them")
    if until_decided and develop:
        raise InputError(
            "--until-decided and --develop: runs on development examples decide nothing; choose one of them"
        )
    if until_decided and not frozen.protocol.contrasts:
        raise InputError(f"--until-decided: {name} has no primary contrasts here, so there is nothing to decide")
    designs = at_looks(frozen) if until_decided else (frozen,)
    old: Old = "rerun" if rerun_changed else "keep" if mixed else "refuse"
    if dry_run:
        print_plan(
            designs[-1],
            folder,
            plugins,
            cpus,
            data_folder,
            every_run=every_run,
            retry_errors=retry_errors,
            old=old,
            keep_networks=keep_networks,
        )
        return 0
    return run_and_report(
        designs,
        folder,
        plugins,
        resources,
        retry_errors=retry_errors,
        old=old,
        data_folder=data_folder,
        keep_networks=keep_networks,
    )
