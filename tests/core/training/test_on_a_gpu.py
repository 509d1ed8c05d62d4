"""Whole runs of every strategy on the device: training, test measures, and the check of independence."""

from typing import Any

import pytest
import torch

import strategies
from core.architecture import Architecture
from core.data import load, split
from core.seeding import SeedStreams
from core.training.evaluate import evaluate
from core.training.independence import check_independence
from core.training.settings import TrainingSettings
from core.training.train import train

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")]

ARCHITECTURE = Architecture.parse("4x16,4x16", 64, 10)
DENSITY = 1 / 4


def run(name: str, device: str) -> dict[str, Any]:
    streams = SeedStreams(0, "evaluate", "digits", 0)
    splits = split(load("digits"), streams, "resampled").to(device)
    settings = TrainingSettings.of({"epochs": 6})
    trained = train(strategies.find(name), {}, ARCHITECTURE, splits, streams, settings, density=DENSITY)
    # After so few epochs some are over the budget, which is no fault here.
    assert trained.chosen is not None or "density" in trained.reason, trained.reason
    assert splits.test is not None
    check_independence(
        trained.network,
        trained.strategy,
        splits.test.x,
        streams.torch("gates", "independence", device=device),
        density=DENSITY,
    )
    generator = streams.torch("gates", "test", device=device)
    own = evaluate(trained.network, trained.strategy, splits.test, generator, density=DENSITY)
    assert own is not None
    return {
        "losses": [epoch.train_loss for epoch in trained.history],
        "error": own.error,
        "macs": own.macs,
        "density": own.density,
        "errors": own.errors,
    }


@pytest.mark.parametrize("name", strategies.names())
def test_a_run_on_the_device_is_repeated_to_the_last_digit(name):
    assert run(name, "cuda") == run(name, "cuda")


@pytest.mark.parametrize("name", strategies.names())
def test_a_run_on_the_device_learns_what_one_on_the_cpu_does(name):
    device, cpu = run(name, "cuda"), run(name, "cpu")
    # Noise is drawn by other generators, so that runs differ as those of two seeds do.
    assert abs(device["error"] - cpu["error"]) < 0.2
    assert device["macs"] == pytest.approx(cpu["macs"], rel=0.25)
