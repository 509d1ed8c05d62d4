"""The numbers that every strategy must reach on the study ``sanity``, or else something is broken."""

import multiprocessing
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest

import strategies
from core import data
from studies import catalogue
from studies.configuration import Configuration
from studies.study import Design
from studies.trial import execute

# Bounds of the mean test error over five seeds, and of the mean realised density.
DENSE = (1.0, 1.0)
GATED = (0.11, 0.145)
BOUNDS = {
    "dense": ((0.0, 0.070), DENSE),
    "small_dense": ((0.0, 0.090), DENSE),
    "random_blocks": ((0.17, 0.23), GATED),
    "reinforce": ((0.0, 0.095), GATED),
    "straight_through": ((0.0, 0.098), GATED),
}


def run(configuration: Configuration) -> dict[str, Any]:
    return execute(configuration, strategies.find(configuration.strategy), data.load(configuration.dataset))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_strategies_reach_their_error_and_density_at_their_defaults():
    sweep = catalogue.find("sanity").scales["default"]
    assert (sweep.seeds, sweep.networks, sweep.densities, sweep.datasets) == (5, ("16x16",), (1 / 8,), ("mnist_5k",))
    assert not sweep.training
    assert not sweep.strategy_settings
    design = Design.freeze("sanity", "default", replace(sweep, strategies=tuple(BOUNDS)))
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        records = list(pool.map(run, design.configurations()))

    assert {record["reason"] for record in records} == {""}
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        for measure in ("test_error", "test_density"):
            found[record["config"]["strategy"]][measure].append(record[measure])
    means = {name: (fmean(measures["test_error"]), fmean(measures["test_density"])) for name, measures in found.items()}
    missed = [
        name
        for name, bounds in BOUNDS.items()
        if not all(low <= mean <= high for mean, (low, high) in zip(means[name], bounds, strict=True))
    ]
    assert not missed, means
