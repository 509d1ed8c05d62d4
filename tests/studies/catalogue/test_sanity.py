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
from studies.design.configuration import Configuration
from studies.design.freezing import FrozenStudy
from studies.running.trial import execute
from tests.support.records import configurations_of

# Bounds of the means over five seeds: test error with own gates, with the fallback, and realised density.
DENSE = (1.0, 1.0)
PENALISED = (0.11, 0.145)
CALIBRATED = (0.118, 0.132)
ON_BUDGET = (0.0, 0.125)
BOUNDS = {
    "dense": ((0.0, 0.070), None, DENSE),
    "small_dense": ((0.0, 0.090), None, DENSE),
    "random_blocks": ((0.17, 0.23), None, PENALISED),
    "reinforce": ((0.0, 0.066), None, (0.125, 0.125)),
    "straight_through": ((0.0, 0.080), (0.0, 0.078), CALIBRATED),
    "gumbel_softmax": ((0.0, 0.082), None, CALIBRATED),
    "gaussian_gates": ((0.0, 0.077), None, CALIBRATED),
    "hard_concrete": ((0.0, 0.080), None, CALIBRATED),
    "top_k": ((0.0, 0.065), None, (0.125, 0.125)),
    "local_search": ((0.0, 0.078), None, ON_BUDGET),
    "greedy_structured": ((0.0, 0.078), None, ON_BUDGET),
    "act_halting": ((0.0, 0.080), None, (0.09, 0.14)),
}


MEASURES = ("test_error", "test_error_fallback", "test_density")


def mean(runs: list[dict[str, Any]], measure: str) -> float | None:
    values = [run[measure] for run in runs]
    return None if None in values else fmean(values)


def run(configuration: Configuration) -> dict[str, Any]:
    return execute(configuration, strategies.find(configuration.strategy), data.load(configuration.dataset))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_strategies_reach_their_error_and_density_at_their_defaults():
    sweep = catalogue.find("sanity").scales["default"]
    assert (sweep.networks, sweep.densities, sweep.datasets) == (("16x16",), (1 / 8,), ("mnist_5k",))
    assert not sweep.training
    assert not sweep.strategy_settings
    alone = replace(sweep, strategies=tuple(BOUNDS), seeds=5, references=(), primary=(), looks=())
    design = FrozenStudy.freeze("sanity", "default", alone)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        records = list(pool.map(run, configurations_of(design)))

    assert {record["reason"] for record in records} == {""}
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        found[record["config"]["strategy"]].append(record)
    means = {name: tuple(mean(runs, measure) for measure in MEASURES) for name, runs in found.items()}
    missed = [
        (name, measure, means[name])
        for name, bounds in BOUNDS.items()
        for measure, value, bound in zip(MEASURES, means[name], bounds, strict=True)
        if bound is not None and not (value is not None and bound[0] <= value <= bound[1])
    ]
    assert not missed
