"""Runs configurations in Ray Tune; the only module that imports ray."""

import json
import logging
import os
import queue
import signal
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import ray
from ray import tune
from ray.tune.search import Searcher

import strategies
from core.data import Dataset
from core.errors import InputError, MachineError
from studies.design.configuration import Configuration
from studies.records import provenance
from studies.running.child import Child, EndedError, Limits
from studies.running.resources import Resources
from studies.running.trial import unfinished

# No usage reports; no output of Tune's own; no per-trial log files, since the ledger is the record; Ctrl-C stops at
# once, since it loses nothing that is finished; no new meaning of CUDA_VISIBLE_DEVICES for workers without a GPU; no
# state of the experiment on disk, since the ledger is that too.
_RAY_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # No account of every call, which nobody reads here.
    "RAY_task_events_report_interval_ms": "0",
    # On a machine with other work Ray's own patience of a minute is not enough.
    "RAY_raylet_start_wait_time_s": "300",
}

# A run whose worker or node is lost starts again; one that loses its worker so often more is given up and reported.
RETRIES_OF_LOST_RUNS = 3
# So many lost workers in a row, with no record in between, and everything is given up; on large clusters as many as
# runs at once, since a part of one may end at a time.
MOST_LOST_IN_A_ROW = 20
# A trial is so long, or one run; what Tune does for each trial takes as long as a tiny run.
SECONDS_OF_A_TRIAL = 5.0
# A record is handed over so soon after its run has ended; runs that end in the meantime come with it.
SECONDS_OF_A_STEP = 0.5
# How many of the latest runs say how long the next ones take.
_LATEST = 50


@dataclass(frozen=True)
class Outcome:
    """What became of the runs that were asked for.

    Attributes:
        lost: ids of runs whose worker was lost too often, and why; they have no record.
        interrupted: whether the user stopped it.
        processor_seconds: what the runs took, without what it took to schedule them.
    """

    lost: Mapping[str, str]
    interrupted: bool
    processor_seconds: float = 0.0


class _Finished(NamedTuple):
    """A run that has ended.

    Attributes:
        record: of it.
        network: that it trained, if it is to be kept.
        seconds: that it took, the start of its process included.
        processor_seconds: inside the run.
    """

    record: dict[str, Any]
    network: bytes | None
    seconds: float
    processor_seconds: float


class _Trial(tune.Trainable):  # type: ignore[misc]
    """Executes a few runs one after another; a step hands over what has ended since the last one, at least one record.

    The runs are executed in a thread of their own, so that neither they wait for Tune to fetch a record, nor a record
    for the next run to end. Actors, and their child processes, are reused for the next trial.
    """

    def setup(
        self,
        config: dict[str, Any],
        runs: Sequence[str] = (),
        datasets: Mapping[str, Dataset] | None = None,
        plugins: tuple[strategies.Plugin, ...] = (),
        device: str = "cpu",
        limits: Limits | None = None,
        keep_networks: bool = False,
    ) -> None:
        self._runs = runs
        self._keep_networks = keep_networks
        self._datasets = datasets or {}
        self._plugins = plugins
        self._device = device
        self._child = Child(self._datasets, plugins, device, limits or Limits())
        self._orders: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[_Finished | Exception] = queue.SimpleQueue()
        self._fault: Exception | None = None
        self.reset_config(config)
        threading.Thread(target=self._execute_all, daemon=True).start()

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        numbers = _numbers(new_config)
        self._missing = len(numbers)
        for number in numbers:
            self._orders.put(number)
        return True

    def step(self) -> dict[str, Any]:
        until = time.monotonic() + SECONDS_OF_A_STEP
        finished: list[_Finished] = []
        while len(finished) < self._missing and self._fault is None:
            try:
                ended = self._ended.get(timeout=max(0.0, until - time.monotonic()) if finished else None)
            except queue.Empty:
                break
            if isinstance(ended, Exception):
                # What has ended before is handed over first.
                self._fault = ended
            else:
                finished.append(ended)
        if self._fault is not None and not finished:
            raise self._fault
        self._missing -= len(finished)
        return {"finished": finished, "done": not self._missing}

    def _execute_all(self) -> None:
        while True:
            number = self._orders.get()
            try:
                self._ended.put(self._execute(Configuration.from_dict(json.loads(self._runs[number]))))
            except Exception as error:
                self._ended.put(error)

    def _execute(self, configuration: Configuration) -> _Finished:
        began, before = time.monotonic(), self._child.processor_seconds
        networks: list[bytes] = []
        wanted = self._keep_networks and configuration.stage == "evaluate"
        try:
            record = self._child.execute(configuration, networks.append if wanted else None)
        except EndedError as error:
            strategy = strategies.find(configuration.strategy, self._plugins)
            dataset = self._datasets[configuration.dataset]
            record = unfinished(configuration, strategy, dataset, error.status, str(error))
            record |= provenance.of(configuration, self._plugins, self._device)
        network = networks[0] if networks else None
        return _Finished(record, network, time.monotonic() - began, self._child.processor_seconds - before)

    def cleanup(self) -> None:
        self._child.close()

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing to save: the ledger holds what is finished, and what is not is handed out again."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Nothing to load."""


class _Queue(Searcher):  # type: ignore[misc]
    """Hands out the runs, a few in each trial, and again those that were lost with their worker.

    That starting a study takes no longer the more runs it has, Tune is told of a trial only when it can begin.

    Attributes:
        lost: of runs whose worker was lost too often, by their numbers, how.
    """

    def __init__(self, runs: int, at_once: int) -> None:
        super().__init__()
        self._at_once = at_once
        self._waiting = deque(range(runs))
        self._begun: dict[str, deque[int]] = {}
        self._losses: Counter[int] = Counter()
        self._lost_in_a_row = 0
        self._seconds: deque[float] = deque(maxlen=_LATEST)
        self.lost: dict[int, str] = {}

    def suggest(self, trial_id: str) -> Any:
        if not self._waiting:
            # Those that have begun may be lost yet.
            return None if self._begun else Searcher.FINISHED
        numbers = deque(self._waiting.popleft() for _ in range(self._fair()))
        self._begun[trial_id] = numbers
        return {"runs": ",".join(map(str, numbers))}

    def _fair(self) -> int:
        """How many runs the next trial gets: few where they take long, and one by one when few are left."""
        share = len(self._waiting) // (2 * self._at_once)
        longest = max(self._seconds, default=SECONDS_OF_A_TRIAL)
        return max(1, min(share, int(SECONDS_OF_A_TRIAL / max(longest, 1e-3))))

    def ended(self, trial_id: str, seconds: float) -> None:
        """Note that the first of the runs of a trial has its record, and how long it took."""
        self._begun[trial_id].popleft()
        self._lost_in_a_row = 0
        self._seconds.append(seconds)

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        if not error:
            self._begun.pop(trial_id, None)

    def worker_lost(self, trial_id: str, reason: str) -> None:
        """Hand out again what a trial had not finished; its first run is the one that may have ended the worker."""
        unfinished = self._begun.pop(trial_id)
        self._lost_in_a_row += 1
        if unfinished:
            self._losses[unfinished[0]] += 1
            if self._losses[unfinished[0]] > RETRIES_OF_LOST_RUNS:
                self.lost[unfinished.popleft()] = reason
        self._waiting.extendleft(reversed(unfinished))
        if self._lost_in_a_row > max(MOST_LOST_IN_A_ROW, 2 * self._at_once):
            self.lost |= dict.fromkeys(self._waiting, reason)
            self._waiting.clear()

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: what is finished is in the ledger, and the rest is listed again."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Nothing to save."""


class _Report(tune.Callback):  # type: ignore[misc]
    """Hands each record to the driver as soon as it comes back."""

    def __init__(self, waiting: _Queue, on_record: Callable[[dict[str, Any], bytes | None], None]) -> None:
        self._waiting = waiting
        self._on_record = on_record
        self.finished = 0
        self.fault: BaseException | None = None
        self.processor_seconds = 0.0

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its callbacks for a restore that is not used here, and a live progress line cannot be pickled.
        return {}

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        # The records are the driver's now; Tune would keep them with the trial.
        for run in result.pop("finished"):
            try:
                self._on_record(run.record, run.network)
            except BaseException as error:
                # Tune would wrap it, and go on with other trials first.
                self.fault = error
                raise
            self._waiting.ended(trial.trial_id, run.seconds)
            self.finished += 1
            self.processor_seconds += run.processor_seconds

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        reason = str(trial.get_pickled_error() or "its worker died").strip().splitlines()[-1]
        self._waiting.worker_lost(trial.trial_id, reason)


def _numbers(config: Mapping[str, Any]) -> deque[int]:
    """The runs of a trial by their numbers, as :meth:`_Queue.suggest` gives them."""
    return deque(map(int, config["runs"].split(",")))


def execute_all(
    configurations: Sequence[Configuration],
    datasets: Mapping[str, Dataset],
    plugins: tuple[strategies.Plugin, ...],
    resources: Resources,
    on_record: Callable[[dict[str, Any], bytes | None], None],
    *,
    keep_networks: bool = False,
) -> Outcome:
    """Execute every configuration, one thread per run, and hand over each record as it comes back.

    Args:
        configurations: what to run.
        datasets: by name; sent to the workers, which need no shared file system.
        plugins: strategy files; sent along.
        resources: where to run, and what a run may take.
        on_record: called in the driver, once per finished run, with its record and the network that is to be kept.
        keep_networks: hand over the network of every run that ends well on an evaluation seed.

    Raises:
        InputError: the cluster cannot be joined, or this process is in one already.
        MachineError: Ray cannot be started.
    """
    waiting: _Queue | None = None
    report: _Report | None = None

    def outcome(*, interrupted: bool) -> Outcome:
        lost = {configurations[number].run_id: reason for number, reason in waiting.lost.items()} if waiting else {}
        return Outcome(lost, interrupted, report.processor_seconds if report else 0.0)

    if ray.is_initialized():
        # Whose it is may still be using it, and this would shut it down.
        raise InputError("Ray runs in this process already, and a study starts its own: end it with ray.shutdown()")
    try:
        _start(resources)
        waiting = _Queue(len(configurations), max(1, int(ray.cluster_resources().get("CPU", 1))))
        report = _Report(waiting, on_record)
        _fit(configurations, datasets, plugins, resources, waiting, report, keep_networks=keep_networks)
    except KeyboardInterrupt:
        return outcome(interrupted=True)
    except Exception:
        fault = report.fault if report else None
        if isinstance(fault, KeyboardInterrupt):
            return outcome(interrupted=True)
        if fault is not None:
            raise fault from None
        raise
    finally:
        ray.shutdown()
    return outcome(interrupted=report.finished + len(waiting.lost) < len(configurations))


def _fit(
    configurations: Sequence[Configuration],
    datasets: Mapping[str, Dataset],
    plugins: tuple[strategies.Plugin, ...],
    resources: Resources,
    waiting: _Queue,
    report: _Report,
    *,
    keep_networks: bool,
) -> None:
    with tempfile.TemporaryDirectory(prefix="gating-studies-") as storage:
        trainable = tune.with_parameters(
            _Trial,
            # Sent once, so that a trial is no more than numbers to Tune, which keeps many copies of each.
            runs=[json.dumps(configuration.as_dict()) for configuration in configurations],
            datasets=dict(datasets),
            plugins=plugins,
            device="cuda" if resources.gpus_per_trial else "cpu",
            limits=resources.limits(),
            keep_networks=keep_networks,
        )
        tuner = tune.Tuner(
            tune.with_resources(trainable, {"cpu": 1, "gpu": resources.gpus_per_trial}),
            tune_config=tune.TuneConfig(search_alg=waiting, num_samples=-1, reuse_actors=True),
            run_config=tune.RunConfig(
                storage_path=storage,
                verbose=0,
                callbacks=[report],
                # What was lost is handed out again, without what was finished.
                failure_config=tune.FailureConfig(max_failures=0),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        tuner.fit()


def _start(resources: Resources) -> None:
    for name, value in _RAY_SETTINGS.items():
        os.environ.setdefault(name, value)
    # Outside the main thread there is no handler to keep, and Ray sets none.
    main = threading.current_thread() is threading.main_thread()
    on_termination = signal.getsignal(signal.SIGTERM)
    try:
        if resources.address is None:
            _start_here(resources)
        else:
            _join(resources.address)
    finally:
        # Ray has put its own handler in place of the driver's.
        if main:
            signal.signal(signal.SIGTERM, on_termination)


def _start_here(resources: Resources) -> None:
    try:
        ray.init(
            # Not whatever cluster this machine may be part of: only --address joins one.
            address="local",
            num_cpus=resources.cpus or os.cpu_count(),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
        )
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise MachineError(
            f"Ray cannot be started on this machine ({reason}); the same command tries again, and loses nothing"
        ) from None


def _join(address: str) -> None:
    root = Path(__file__).resolve().parent.parent.parent
    packages = [str(root / name) for name in ("kernels", "core", "strategies", "studies")]
    try:
        ray.init(
            address=address,
            runtime_env={"py_modules": packages},
            log_to_driver=False,
            logging_level=logging.CRITICAL,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"--address {address}: cannot join the Ray cluster: {reason}; is it running there, and has this "
            "shell its token (RAY_AUTH_MODE=token and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH)?"
        ) from None
