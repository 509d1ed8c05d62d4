"""Run what is missing of a study, and write its report."""

from pathlib import Path

import click

from studies.cli import options, output
from studies.cli.dry_run import print_plan
from studies.cli.ending import print_ending
from studies.design.study import SCALES, Scale
from studies.launch.choices import Choices, prepare
from studies.launch.whole_study import run_and_report
from studies.records.folder import ResultsFolder


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
    help="Add seeds, or searches, from look to look until every primary contrast is decided, or none is likely to be.",
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
    choices = Choices(
        scale=scale,
        strategies=names,
        seeds=seeds,
        points=points,
        tuning_seeds=tuning_seeds,
        searches=searches,
        assignments=assignments,
        dataset=dataset,
        data_folder=data_folder,
        plugins=plugin_files,
        address=address,
        cpus=cpus,
        gpus_per_trial=gpus_per_trial,
        retry_errors=retry_errors,
        rerun_changed=rerun_changed,
        mixed=mixed,
        time_limit=time_limit,
        memory_limit=memory_limit,
        until_decided=until_decided,
        develop=develop,
        keep_networks=keep_networks,
    )
    launch = prepare(name, choices)
    folder = ResultsFolder(results, name)
    if dry_run:
        print_plan(launch, folder, every_run=every_run)
        return 0
    return print_ending(run_and_report(launch, folder, output.console), folder)
