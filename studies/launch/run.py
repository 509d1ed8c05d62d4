"""Studies run from Python."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from core.errors import InputError, MachineError
from studies import catalogue
from studies.design.study import Scale, Study
from studies.design.sweep import Sweep
from studies.finished import FinishedStudy
from studies.launch.choices import Choices, prepare
from studies.launch.whole_study import run_and_report
from studies.records.folder import ResultsFolder


def run(
    study: str | Path | Study | Sweep,
    *,
    name: str | None = None,
    scale: Scale = "default",
    strategies: str | Sequence[str] | None = None,
    seeds: int | None = None,
    points: int | None = None,
    tuning_seeds: int | None = None,
    searches: int | None = None,
    settings: Mapping[str, Any] | None = None,
    dataset: str | Path | None = None,
    data: str | Path | None = None,
    results: str | Path = "results",
    plugins: Sequence[str | Path] = (),
    address: str | None = None,
    cpus: int | None = None,
    gpus_per_trial: float = 0.0,
    retry_errors: bool = False,
    rerun_changed: bool = False,
    mixed: bool = False,
    time_limit: float | None = None,
    memory_limit: float | None = None,
    until_decided: bool = False,
    develop: bool = False,
    keep_networks: bool = False,
    quiet: bool = False,
) -> FinishedStudy:
    """Run what is missing of a study, write its report, and return what it has found, as the command ``run`` does.

    Runs that failed are among the results, and counted there. What is finished is kept, whatever happens later: the
    same call runs the rest.

    Args:
        study: its name, the path of its file or folder, or the study itself. Of a ``Sweep``, that is its only scale.
        name: of a study that is given itself: of its folder in ``results``.
        scale: ``quick``, ``default`` or ``paper``.
        strategies: only these strategies or arms.
        seeds: evaluation seeds; more reuse the runs of fewer.
        points: configurations that a search tries.
        tuning_seeds: seeds per configuration in a search.
        searches: independent repetitions of a search.
        settings: what ``--set`` takes: ``{"network": "16x16", "epochs": 8, "reinforce.lambda_v": 40}``.
        dataset: in place of the study's own: a name, an ``.npz`` or ``.txt`` file, or ``package.module:function``.
        data: folder of files of datasets that are not embedded; without one they are downloaded.
        results: folder of all results.
        plugins: strategy files of one's own.
        address: of a Ray cluster to join.
        cpus: runs at once on this machine; None for one per processor.
        gpus_per_trial: share of a GPU per run.
        retry_errors: run those again that ended in an error of the code or a timeout.
        rerun_changed: run those again that were made by other code than today's.
        mixed: keep runs of other code beside new ones.
        time_limit: seconds that a run may take.
        memory_limit: GB of memory that a run may take.
        until_decided: add seeds, or searches, from look to look until every primary contrast is decided, or none is
            likely to be.
        develop: test on examples and seeds that no study is evaluated on.
        keep_networks: keep each trained network in ``results/NAME/networks``.
        quiet: print no progress.

    Raises:
        InputError: what is asked for is not possible; the message is the command's, in one line.
        MachineError: a record cannot be written, Ray cannot be started, or runs lost their workers too often.
        KeyboardInterrupt: it was interrupted.
    """
    called = _called(study, name)
    choices = Choices(
        scale=scale,
        strategies=strategies,
        seeds=seeds,
        points=points,
        tuning_seeds=tuning_seeds,
        searches=searches,
        assignments=tuple(f"{key}={_written(value)}" for key, value in (settings or {}).items()),
        dataset=None if dataset is None else str(dataset),
        data_folder=_folder(data),
        plugins=tuple(map(Path, plugins)),
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
    launch = prepare(called, choices)
    folder = ResultsFolder(Path(results), called)
    outcome = run_and_report(launch, folder, _console(quiet=quiet))
    if outcome.ending.interrupted:
        raise KeyboardInterrupt
    if outcome.results is None:
        raise MachineError(f"{called}: some runs lost their workers too often; the same call runs them again")
    return FinishedStudy(folder.path, outcome.design, outcome.results, folder.networks)


def _called(study: str | Path | Study | Sweep, name: str | None) -> str:
    """Return the name of a study, which the catalogue knows from now on."""
    if isinstance(study, str | Path):
        if name is not None:
            raise InputError(f"name={name!r}: is for a study that is given itself, and {str(study)!r} has a name")
        return catalogue.named(str(study))
    if not isinstance(study, Study | Sweep):
        raise InputError(f"study of type {type(study).__name__}: expected a name, a path, a Study or a Sweep")
    if name is None:
        raise InputError("a study that is given itself needs a name: studies.run(study, name='mine')")
    if isinstance(study, Sweep):
        study = Study(f"What does {name} find?", "run from Python", {"default": study})
    return catalogue.given(name, study)


def _console(*, quiet: bool) -> Console:
    """Return a console that prints lines of text in a notebook: neither a picture of each, nor one that is renewed."""
    terminal = False if Console().is_jupyter else None
    return Console(
        quiet=quiet, markup=False, highlight=False, emoji=False, force_jupyter=False, force_terminal=terminal
    )


def _folder(data: str | Path | None) -> Path | None:
    if data is not None and not Path(data).is_dir():
        raise InputError(f"data={str(data)!r}: there is no such folder")
    return None if data is None else Path(data)


def _written(value: Any) -> str:
    """Write a setting as ``--set`` takes it: of one for each layer, with colons between them."""
    return ":".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
