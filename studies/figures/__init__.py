"""Figures, each drawn from one exported table and nothing else. Only this package imports matplotlib and seaborn."""

from studies.figures.detectable import DETECTABLE
from studies.figures.error_against_macs import ERROR_AGAINST_MACS
from studies.figures.every_run import EVERY_RUN
from studies.figures.expected_validation import EXPECTED_VALIDATION
from studies.figures.failures import FAILURES
from studies.figures.figure import Figure
from studies.figures.forest import FOREST
from studies.figures.front import FRONT_OF_DENSITIES
from studies.figures.gates_by_class import GATES_BY_CLASS
from studies.figures.improvement import IMPROVEMENT
from studies.figures.learning_curves import LEARNING_CURVES
from studies.figures.optimism import OPTIMISM
from studies.figures.profile import PROFILE
from studies.figures.seeds import SEEDS

# Without a search.
STANDARD: tuple[Figure, ...] = (
    ERROR_AGAINST_MACS,
    SEEDS,
    FOREST,
    FRONT_OF_DENSITIES,
    DETECTABLE,
    FAILURES,
    LEARNING_CURVES,
    GATES_BY_CLASS,
)

# What was found, how sure that is, and what the search did.
PROTOCOL: tuple[Figure, ...] = (
    FOREST,
    SEEDS,
    FRONT_OF_DENSITIES,
    ERROR_AGAINST_MACS,
    IMPROVEMENT,
    PROFILE,
    OPTIMISM,
    EXPECTED_VALIDATION,
    EVERY_RUN,
    FAILURES,
    DETECTABLE,
)

__all__ = ["PROTOCOL", "STANDARD", "Figure"]
