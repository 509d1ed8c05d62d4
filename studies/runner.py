"""Runs what is missing of a study, and reports."""

from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console
from rich.table import Table

from core import data
from core.errors import InputError
from kernels import prepare
from strategies import Plugin
from studies import environment
from studies.aggregate import collect
from studies.catalogue import find
from studies.configuration import Stage
from studies.folder import Frozen, ResultsFolder
from studies.formatting import interval, percent
from studies.plan import Plan, PlannedRun
from studies.progress import RunProgress, describe
from studies.report import write_report
from studies.resources import Resources
from studies.results import GROUP, Results
from studies.study import Design

DONE, FAILED, INTERRUPTED = 0, 1, 130
# What --retry-errors runs again: faults of the code or of the machine, never a result such as a diverged training.
RETRIED = frozenset({"error", "timeout"})


def run_study(
    design: Design,
    folder: ResultsFolder,
    plugins: tuple[Plugin, ...],
    resources: Resources,
    console: Console,
    *,
    retry_errors: bool = False,
    data_folder: Path | None = None,
) -> int:
    """Run what is missing, write the report, print the table, and return the exit code.

    Raises:
        InputError: another driver is writing to the folder, the data is missing, or the cluster cannot be joined.
    """
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder.path}: cannot be made a folder: {error.strerror}") from None
    try:
        with FileLock(folder.path / ".lock", timeout=0):
            return _run_locked(design, folder, plugins, resources, console, retry_errors, data_folder)
    except Timeout:
        raise InputError(
            f"{folder.path}: another run is writing there; wait for it or choose another --results"
        ) from None


def _run_locked(
    design: Design,
    folder: ResultsFolder,
    plugins: tuple[Plugin, ...],
    resources: Resources,
    console: Console,
    retry_errors: bool,
    data_folder: Path | None,
) -> int:
    ledger = folder.ledger
    stages: tuple[Stage, ...] = ("search", "evaluate")
    ran = False
    plan = Plan.of(design, ledger)
    for stage in stages:
        # Two arms may have a run in common.
        planned = {run.configuration.run_id: run for run in plan.runs if run.configuration.stage == stage}
        # A record that is retried stays until its successor replaces it.
        wanted = [
            run
            for run_id, run in planned.items()
            if run_id not in ledger or (retry_errors and ledger.read(run_id)["status"] in RETRIED)
        ]
        if not wanted:
            continue
        ran = True
        kept = len(planned) - len(wanted)
        what = f"{design.study} ({design.scale}{', search' if stage == 'search' else ''})"
        console.print(f"{what}: {len(planned)} runs, {kept} already done, {len(wanted)} to run", highlight=False)
        code = _run(design, folder, plugins, resources, console, wanted, kept, data_folder)
        if code != DONE:
            return code
        # The search's winners decide what is evaluated.
        plan = Plan.of(design, ledger)
    if not ran:
        console.print(f"{design.study}: nothing to run, all {len(plan.runs)} runs are done", highlight=False)
    return _finish(design, folder, console, changed=ran or _changed(design, folder))


def _run(
    design: Design,
    folder: ResultsFolder,
    plugins: tuple[Plugin, ...],
    resources: Resources,
    console: Console,
    wanted: Sequence[PlannedRun],
    kept: int,
    data_folder: Path | None,
) -> int:
    """Run what is missing of one stage of a study, of which ``kept`` runs are there."""
    ledger = folder.ledger
    configurations = [run.configuration for run in wanted]
    names = {configuration.dataset for configuration in configurations}
    datasets = {name: data.load(name, data_folder) for name in names}
    # Imported here, since it takes a second that nothing else needs.
    from studies.schedule import execute_all

    # Here rather than in every worker at once.
    prepare()

    arms = {run.configuration.run_id: run.cell.arm for run in wanted}
    with RunProgress(console, design.study, arms) as progress:

        def keep(record: dict[str, object]) -> None:
            # Not before the first record: a cluster that cannot be joined leaves nothing behind.
            if progress.done == 0:
                _freeze(design, folder)
            ledger.add({**record, "design_hash": design.design_hash})
            progress.update(record)

        outcome = execute_all(configurations, datasets, plugins, resources, keep)
    if outcome.interrupted:
        total = kept + len(wanted)
        done = total - len(ledger.missing(arms))
        console.print(f"interrupted: {done} of {total} runs are kept, the same command runs the rest")
        return INTERRUPTED
    if outcome.lost:
        for run_id, reason in outcome.lost.items():
            console.print(f"lost: run {run_id}: {reason}", highlight=False, markup=False, soft_wrap=True)
        console.print("lost runs have no record; the same command runs them again")
        return FAILED
    return DONE


def _changed(design: Design, folder: ResultsFolder) -> bool:
    """Whether what was derived before is of another design, or was never written; if so, freeze this design."""
    try:
        if folder.frozen().design == design and (folder.path / "report.html").exists():
            return False
    except InputError:
        pass
    _freeze(design, folder)
    return True


def _freeze(design: Design, folder: ResultsFolder) -> None:
    folder.freeze(Frozen(design, environment.describe()))


def _finish(design: Design, folder: ResultsFolder, console: Console, *, changed: bool) -> int:
    """Report on a finished study."""
    if changed:
        results, _ = write_report(folder, find(design.study))
    else:
        results = collect(design, folder.ledger)
    console.print(summary_table(results))
    arms = results.runs["strategy"]
    failed = [(record, arm) for record, arm in zip(results.records, arms, strict=True) if record["status"] != "ok"]
    searched = sum(record["config"]["stage"] == "search" for record, _ in failed)
    if searched:
        console.print(f"in the search {searched} runs failed; they count at the chance floor there", highlight=False)
    failed = [(record, arm) for record, arm in failed if record["config"]["stage"] == "evaluate"]
    for record, arm in failed:
        console.print(f"failed: {describe(record, arm)}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"report: {folder.path / 'report.html'}", highlight=False, markup=False, soft_wrap=True)
    return FAILED if failed else DONE


def summary_table(results: Results) -> Table:
    """The table that ends a run: per strategy error, interval, density, share of the dense multiply-adds, failures."""
    table = Table(box=None, pad_edge=False)
    settings = [column for column in GROUP[:-1] if results.summary[column].nunique() > 1]
    for column in ("strategy", *settings):
        table.add_column(column.replace("_", " "), no_wrap=True)
    for column in ("n", "test error", "95 % interval", "density", "MACs / dense", "failed"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in results.summary.to_dict("records"):
        table.add_row(
            row["strategy"],
            *(f"{row[column]:.3g}" if isinstance(row[column], float) else str(row[column]) for column in settings),
            str(row["n"]),
            percent(row["mean"]),
            interval(row["ci_low"], row["ci_high"]),
            percent(row["test_density"]),
            percent(row["test_macs"] / row["dense_macs"]),
            str(row["failures"]),
        )
    return table
