import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from core.data import Dataset
from strategies import Plugin
from studies import catalogue, cli
from studies.cli.output import PlainConsole
from studies.design.configuration import Configuration
from studies.design.study import Study
from studies.own import study
from studies.report.presentation import Presentation
from studies.running.resources import Resources
from tests.support.records import Failures, network_of, record_of


@dataclass
class Invented:
    """Stands in for Ray: hands over invented records in order.

    Attributes:
        failures: the status of runs that fail, by strategy and seed.
        reason: of their failure; ``{}`` is the status.
        lost: strategies whose runs never come back.
        stop_after: interrupts after so many records.
        asked: per call, the strategy and seed of each run that was wanted.
    """

    failures: Failures = field(default_factory=dict)
    reason: str = "invented {}"
    lost: Sequence[str] = ()
    stop_after: int | None = None
    asked: list[list[tuple[str, int]]] = field(default_factory=list)
    datasets: set[str] = field(default_factory=set)
    resources: Resources | None = None

    def __call__(
        self,
        configurations: Sequence[Configuration],
        datasets: Mapping[str, Dataset],
        plugins: tuple[Plugin, ...],
        resources: Resources,
        on_record: Callable[[dict[str, Any], bytes | None], None],
        *,
        keep_networks: bool = False,
    ) -> SimpleNamespace:
        self.asked.append([(entry.strategy, entry.seed) for entry in configurations])
        self.datasets, self.resources = set(datasets), resources
        lost = {entry.run_id: "its worker died" for entry in configurations if entry.strategy in self.lost}
        for number, entry in enumerate(entry for entry in configurations if entry.run_id not in lost):
            if number == self.stop_after:
                return SimpleNamespace(lost={}, interrupted=True, processor_seconds=0.0)
            status = self.failures.get((entry.strategy, entry.seed), "ok")
            record = record_of(entry, status, self.reason.format(status) if status != "ok" else "", plugins)
            on_record(record, network_of(record) if keep_networks else None)
        return SimpleNamespace(lost=lost, interrupted=False, processor_seconds=0.0)


@pytest.fixture(autouse=True)
def denormals() -> Iterator[None]:
    """Executing a trial flushes denormals to zero in its whole process, which is not for other tests to see."""
    yield
    torch.set_flush_denormal(False)


@pytest.fixture(autouse=True)
def studies_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test takes for a study of its own is not for other tests to find."""
    for registry in ("_files", "_modules"):
        monkeypatch.setattr(study, registry, dict(getattr(study, registry)))


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> Invented:
    invented = Invented()
    module = ModuleType("studies.running.schedule")
    vars(module)["execute_all"] = invented
    monkeypatch.setitem(sys.modules, "studies.running.schedule", module)
    return invented


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    presentation = catalogue.presentation

    def bare(name: str, *, searched: bool) -> Presentation:
        return replace(presentation(name, searched=searched), figures=())

    monkeypatch.setattr(catalogue, "presentation", bare)


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@dataclass
class Command:
    """Runs a command in this process."""

    results: Path
    _capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Done:
        self._capture.readouterr()
        code = cli.main(arguments)
        out, err = self._capture.readouterr()
        return Done(code, out, err)

    def study(self, *arguments: str, name: str = "quickstart", chosen: str = "dense,reinforce") -> Done:
        """Run a study on a small network."""
        small = ["--dataset", "digits", "--set", "network=8x2", "--set", "epochs=2", "--results", str(self.results)]
        strategies = ["--strategies", chosen] if chosen else []
        return self("run", name, *small, *strategies, *arguments)


@pytest.fixture
def plain_studies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Studies without the dense front and primary contrasts, so that their runs are their arms', and few of them."""
    find = catalogue.find

    def plain(name: str) -> Study:
        study = find(name)
        changes: dict[str, Any] = {"looks": (), "primary": (), "references": ("small_dense",)}
        if name == "quickstart":
            arms = ("dense", "small_dense", "random_blocks", "straight_through", "reinforce")
            changes |= {"strategies": arms, "seeds": 3}
        return replace(study, scales={scale: replace(sweep, **changes) for scale, sweep in study.scales.items()})

    monkeypatch.setattr(catalogue, "find", plain)


@pytest.fixture
def command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, plain_studies: None
) -> Command:
    monkeypatch.setattr("studies.cli.output.console", PlainConsole(width=200))
    monkeypatch.chdir(tmp_path)
    return Command(tmp_path / "results", capsys)
