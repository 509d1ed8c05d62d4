"""What a study of very many small runs costs besides the runs: to start it, to schedule it, and in memory.

Everything is measured in processor time, which other work on the machine changes little: of the driver and of every
process that came from it, Ray's own included.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import psutil
from rich.console import Console

import strategies
from core import data
from core.errors import MachineError
from studies.design import Search, Sweep
from studies.design.configuration import Configuration, Stage
from studies.design.freezing import FrozenStudy
from studies.design.runs import RunList, most_runs
from studies.records import provenance
from studies.records.folder import ResultsFolder
from studies.records.hits import packed, unpacked
from studies.records.ledger import Ledger
from studies.running.resources import Resources
from studies.running.runner import freeze, run_missing
from studies.running.trial import execute

STUDY: Final = "load"
# A run of these takes from 0.05 to 0.1 s.
TINY: Final = Sweep(
    seeds=1,
    strategies=("small_dense", "random_blocks"),
    datasets=("digits",),
    networks=("8x2",),
    training={"epochs": 6},
    references=("small_dense",),
)
# What is reported is like the suite's largest study: every strategy, searched and run again, in three settings.
REPORTED: Final = Sweep(
    seeds=13,
    datasets=("digits",),
    networks=("16x1",),
    densities=(1 / 16, 1 / 8, 1 / 4),
    training={"epochs": 5},
    test_split="fixed",
    references=("small_dense",),
    search=Search(points=2, searches=3),
)
# Growth of memory is measured after so many runs: what is made once is there by then.
SETTLED: Final = 0.3
_BETWEEN_LOOKS: Final = 5.0  # seconds


@dataclass(frozen=True)
class Scheduling:
    """What running a study cost.

    Attributes:
        runs: how many there were.
        wall: seconds from the command to the last record.
        start: seconds of processor time until the first record.
        total: seconds of processor time until the last record, and after it in the driver.
        inside: seconds of processor time inside the runs.
        bytes_per_run: by how much the driver's memory grew with each run.
    """

    runs: int
    wall: float
    start: float
    total: float
    inside: float
    bytes_per_run: float

    @property
    def share(self) -> float:
        """The processor time outside the runs over that inside, all of it."""
        return (self.total - self.inside) / self.inside

    @property
    def share_after_start(self) -> float:
        """The same without what was spent before the first record."""
        return (self.total - self.start - self.inside) / self.inside


class ProcessorTime:
    """Adds up the processor time of this process and of all that came from it, those that have ended included."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._of: dict[tuple[int, float], float] = {}
        self._before = time.process_time()
        self._thread = threading.Thread(target=self._look_often, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def seconds(self) -> float:
        """Return the seconds so far; what ended since the latest look counts as it was then."""
        self._look()
        with self._lock:
            return time.process_time() - self._before + sum(self._of.values())

    def _look_often(self) -> None:
        while not self._ended.wait(_BETWEEN_LOOKS):
            self._look()

    def _look(self) -> None:
        for process in psutil.Process().children(recursive=True):
            try:
                times = process.cpu_times()
                with self._lock:
                    self._of[process.pid, process.create_time()] = times.user + times.system
            except psutil.Error:
                continue


class _Watched(Ledger):
    """Calls somebody after every record."""

    def __init__(self, folder: Path, on_record: Callable[[], None]) -> None:
        super().__init__(folder)
        self._on_record = on_record

    def add(self, record: Mapping[str, Any]) -> None:
        super().add(record)
        self._on_record()


@dataclass
class _Marks:
    """What was measured when which record came."""

    spent: ProcessorTime
    runs: int
    came: int = 0
    start: float = 0.0
    total: float = 0.0
    held: list[tuple[int, int]] = field(default_factory=list)

    def on_record(self) -> None:
        self.came += 1
        if self.came == 1:
            self.start = self.spent.seconds()
        if self.came in (math.ceil(SETTLED * self.runs), self.runs):
            self.held.append((self.came, psutil.Process().memory_info().rss))
        if self.came == self.runs:
            self.total = self.spent.seconds()


def scheduling(runs: int, cpus: int | None, results: Path, console: Console) -> Scheduling:
    """Run a study of so many tiny runs in a folder that has none yet, and say what it cost besides the runs.

    Args:
        runs: at least 2; an odd number is one more.
        cpus: how many at once; None for one per processor.
        results: where the study's folder is made.
        console: for progress.

    Raises:
        MachineError: not all runs came back.
    """
    frozen = tiny(runs)
    folder = ResultsFolder(results, STUDY)
    began = time.monotonic()
    with ProcessorTime() as spent, folder.locked():
        marks = _Marks(spent, len(RunList.of(frozen, folder.ledger).runs))
        folder.ledger = _Watched(folder.path / "runs", marks.on_record)
        ending = run_missing(frozen, folder, (), Resources(cpus), console)
        wall = time.monotonic() - began
    if not ending.complete:
        raise MachineError(f"only {marks.came} of {marks.runs} runs came back")
    (early, before), (late, after) = marks.held[0], marks.held[-1]
    growth = (after - before) / max(1, late - early)
    return Scheduling(marks.runs, wall, marks.start, marks.total, ending.processor_seconds, growth)


def start(frozen: FrozenStudy, results: Path, console: Console) -> float:
    """Return the seconds of processor time until the first record of what is missing of a study, and stop there.

    Raises:
        MachineError: there was none.
    """
    folder = ResultsFolder(results, frozen.study)
    with ProcessorTime() as spent, folder.locked():
        times: list[float] = []

        def stop() -> None:
            times.append(spent.seconds())
            raise KeyboardInterrupt

        folder.ledger = _Watched(folder.path / "runs", stop)
        run_missing(frozen, folder, (), Resources(1), console)
    if not times:
        raise MachineError("no run came back")
    return times[0]


def tiny(runs: int) -> FrozenStudy:
    """Return a study of so many runs, of less than a tenth of a second each."""
    return FrozenStudy.freeze(STUDY, "default", replace(TINY, seeds=math.ceil(runs / len(TINY.strategies))))


def reported(runs: int) -> FrozenStudy:
    """Return a study of at least so many runs, and of not many more: its searches try as many points as that takes."""
    least = FrozenStudy.freeze(STUDY, "default", REPORTED)
    search = least.sweep.search
    assert search is not None
    of_a_point = len(least.combinations()) * search.searches * search.seeds
    points = search.points + max(0, math.ceil((runs - most_runs(least)) / of_a_point))
    return FrozenStudy.freeze(STUDY, "default", replace(REPORTED, search=replace(search, points=points)))


def finish(frozen: FrozenStudy, folder: ResultsFolder) -> int:
    """Give every run of a study an invented record, and return how many there are.

    It is the record of a real run of the strategy but for its errors, so that whatever reads a study takes as long over
    these as over real ones.
    """
    freeze(frozen, folder)
    real: dict[tuple[str, Stage], dict[str, Any]] = {}
    stages: tuple[Stage, ...] = ("search", "evaluate")
    planned = RunList.of(frozen, folder.ledger)
    for stage in stages:
        for run in planned.runs:
            configuration = run.configuration
            if configuration.stage == stage:
                kind = configuration.strategy, stage
                if kind not in real:
                    real[kind] = _executed(configuration)
                folder.ledger.add(_invented(real[kind], configuration, frozen.design_hash))
        # The search's winners decide what is evaluated.
        planned = RunList.of(frozen, folder.ledger)
    return len(planned.runs)


def forget_one(frozen: FrozenStudy, folder: ResultsFolder) -> None:
    """Delete the record of a study's last run."""
    last = RunList.of(frozen, folder.ledger).runs[-1]
    (folder.path / "runs" / f"{last.configuration.run_id}.json").unlink()


def _executed(configuration: Configuration) -> dict[str, Any]:
    record = execute(configuration, strategies.find(configuration.strategy), data.load(configuration.dataset))
    return {**record, "status": "ok", "reason": "", **provenance.of(configuration, (), "cpu")}


def _invented(record: Mapping[str, Any], configuration: Configuration, design_hash: str) -> dict[str, Any]:
    # From 0.8 to 1.2, by the run's id.
    factor = 0.8 + 0.4 * int(configuration.run_id, 16) / 16**16
    errors: dict[str, Any] = {"validation_error": min(1.0, record["validation_error"] * factor)}
    if "test_hits" in record:
        indices, right = unpacked(record["test_hits"])
        chances = np.random.default_rng(int(configuration.run_id, 16)).random(len(right))
        hits = chances > min(1.0, record["test_error"] * factor)
        errors |= {"test_error": float(np.mean(~hits)), "test_hits": packed(indices.tolist(), hits.tolist())}
    return {
        **record,
        **errors,
        "run_id": configuration.run_id,
        "config": configuration.as_dict(),
        "design_hash": design_hash,
    }
