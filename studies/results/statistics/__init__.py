"""What the protocol computes from errors, one seed each: intervals, tests, power, verdicts, curves and fronts.

Scores are errors: lower is better. Functions are those of scipy, statsmodels and moocore, under one set of names; what
is random draws from the generator that it is given, and from nothing else.
"""

from studies.results.statistics.curves import expected_best, expected_maximum_of_normals, survival
from studies.results.statistics.fronts import attainment, hypervolume, pareto_front
from studies.results.statistics.intervals import (
    bootstrap_interval,
    cluster_interval,
    interquartile_mean,
    rate_interval,
    sample_std,
    t_interval,
)
from studies.results.statistics.medians import median_interval
from studies.results.statistics.paired import holm, probability_below, probability_of_improvement, sign_flip_p
from studies.results.statistics.power import detectable_at, minimum_detectable, seeds_needed
from studies.results.statistics.verdict import Verdict, verdict
from studies.results.statistics.winners import expected_of_best

__all__ = [
    "Verdict",
    "attainment",
    "bootstrap_interval",
    "cluster_interval",
    "detectable_at",
    "expected_best",
    "expected_maximum_of_normals",
    "expected_of_best",
    "holm",
    "hypervolume",
    "interquartile_mean",
    "median_interval",
    "minimum_detectable",
    "pareto_front",
    "probability_below",
    "probability_of_improvement",
    "rate_interval",
    "sample_std",
    "seeds_needed",
    "sign_flip_p",
    "survival",
    "t_interval",
    "verdict",
]
