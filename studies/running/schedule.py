"""Runs configurations in Ray Tune; the only module that imports ray."""

import logging
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray import tune

import strategies
from core.data import Dataset
from core.errors import InputError
from studies.design.configuration import Configuration
from studies.running.resources import Resources
from studies.running.trial import execute

# No usage reports; no output of Tune's own; no per-trial log files, since the ledger is the record; Ctrl-C stops at
# once, since it loses nothing that is finished; no new meaning of CUDA_VISIBLE_DEVICES for workers without a GPU.
_RAY_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}

# A trial that dies with its worker or node starts again; one that keeps dying is given up and reported.
RETRIES_OF_LOST_TRIALS = 3


@dataclass(frozen=True)
class Outcome:
    """What became of the runs that were asked for.

    Attributes:
        lost: ids of runs that died with their worker too often, and why; they have no record.
        interrupted: whether the user stopped it.
    """

    lost: Mapping[str, str]
    interrupted: bool


class _Trial(tune.Trainable):  # type: ignore[misc]
    """Executes one configuration in one step; actors are reused for the next."""

    def setup(
        self,
        config: dict[str, Any],
        datasets: Mapping[str, Dataset] | None = None,
        plugins: tuple[strategies.Plugin, ...] = (),
        device: str = "cpu",
    ) -> None:
        self._config = config
        self._datasets = datasets or {}
        self._plugins = plugins
        self._device = device

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._config = new_config
        return True

    def step(self) -> dict[str, Any]:
        configuration = Configuration.from_dict(self._config["configuration"])
        strategy = strategies.find(configuration.strategy, self._plugins)
        record = execute(configuration, strategy, self._datasets[configuration.dataset], self._device)
        return {"record": record, "done": True}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing to save: a trial is one step, and the ledger holds what is finished."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Nothing to load."""


class _Report(tune.Callback):  # type: ignore[misc]
    """Hands each record to the driver as soon as it comes back."""

    def __init__(self, on_record: Callable[[dict[str, Any]], None]) -> None:
        self._on_record = on_record
        self.lost: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its callbacks for a restore that is not used here, and a live progress line cannot be pickled.
        return {}

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        self._on_record(result["record"])

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        run_id = Configuration.from_dict(trial.config["configuration"]).run_id
        self.lost[run_id] = str(trial.get_pickled_error() or "its worker died").strip().splitlines()[-1]


def execute_all(
    configurations: Sequence[Configuration],
    datasets: Mapping[str, Dataset],
    plugins: tuple[strategies.Plugin, ...],
    resources: Resources,
    on_record: Callable[[dict[str, Any]], None],
) -> Outcome:
    """Execute every configuration, one thread per run, and hand over each record as it comes back.

    Args:
        configurations: what to run.
        datasets: by name; sent to the workers, which need no shared file system.
        plugins: strategy files; sent along.
        resources: where to run.
        on_record: called in the driver, once per finished run.

    Raises:
        InputError: the cluster cannot be joined.
    """
    report = _Report(on_record)
    _start(resources)
    try:
        with tempfile.TemporaryDirectory(prefix="gating-studies-") as storage:
            trainable = tune.with_parameters(
                _Trial,
                datasets=dict(datasets),
                plugins=plugins,
                device="cuda" if resources.gpus_per_trial else "cpu",
            )
            tuner = tune.Tuner(
                tune.with_resources(trainable, {"cpu": 1, "gpu": resources.gpus_per_trial}),
                param_space={"configuration": tune.grid_search([entry.as_dict() for entry in configurations])},
                tune_config=tune.TuneConfig(reuse_actors=True),
                run_config=tune.RunConfig(
                    storage_path=storage,
                    verbose=0,
                    callbacks=[report],
                    failure_config=tune.FailureConfig(max_failures=RETRIES_OF_LOST_TRIALS),
                    checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                ),
            )
            results = tuner.fit()
    except KeyboardInterrupt:
        return Outcome(report.lost, interrupted=True)
    finally:
        ray.shutdown()
    finished = sum(result.metrics is not None and "record" in result.metrics for result in results)
    return Outcome(report.lost, interrupted=finished + len(report.lost) < len(configurations))


def _start(resources: Resources) -> None:
    for name, value in _RAY_SETTINGS.items():
        os.environ.setdefault(name, value)
    if resources.address is None:
        ray.init(
            # Not whatever cluster this machine may be part of: only --address joins one.
            address="local",
            num_cpus=resources.cpus or os.cpu_count(),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
        return
    root = Path(__file__).resolve().parent.parent.parent
    packages = [str(root / name) for name in ("kernels", "core", "strategies", "studies")]
    try:
        ray.init(
            address=resources.address,
            runtime_env={"py_modules": packages},
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"--address {resources.address}: cannot join the Ray cluster: {reason}; is it running there, and has this "
            "shell its token (RAY_AUTH_MODE=token and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH)?"
        ) from None
