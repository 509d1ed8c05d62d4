from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import strategies
from core import data
from studies.finished import FinishedStudy, load
from studies.records.kept_network import KeptNetwork
from studies.running.trial import execute
from tests.support.records import record_of

ARMS = ("dense", "reinforce")


@pytest.fixture
def run_really(
    command: Any, scheduler: Any, without_figures: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., FinishedStudy]:
    """Runs a study whose records and networks are of runs that were made, in this process."""
    networks: dict[str, bytes] = {}

    def real(configuration: Any, status: str, reason: str, plugins: Any) -> dict[str, Any]:
        kept: list[KeptNetwork] = []
        made = execute(
            configuration,
            strategies.find(configuration.strategy),
            data.load(configuration.dataset),
            on_trained=lambda trained: kept.append(KeptNetwork.of(configuration, trained)),
        )
        record = record_of(configuration, status, reason, plugins) | made
        networks[configuration.run_id] = kept[0].recorded(record).content()
        return record

    monkeypatch.setattr("tests.studies.conftest.record_of", real)
    monkeypatch.setattr("tests.studies.conftest.network_of", lambda record: networks[record["run_id"]])

    def run(*options: str) -> FinishedStudy:
        threads = torch.get_num_threads()
        assert command.study("--seeds", "2", *options, chosen=",".join(ARMS)).code == 0
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)
        return load(tmp_path / "results" / "quickstart")

    return run
