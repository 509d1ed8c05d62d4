"""What is shown of a study's results: its figures and the tables of its own."""

from dataclasses import dataclass

from studies.report.drawing.figure import Figure
from studies.report.figures.critical_difference import CRITICAL_DIFFERENCE
from studies.report.figures.detectable import DETECTABLE
from studies.report.figures.error_against_macs import ERROR_AGAINST_MACS
from studies.report.figures.every_run import EVERY_RUN
from studies.report.figures.expected_validation import EXPECTED_VALIDATION
from studies.report.figures.failures import FAILURES
from studies.report.figures.forest import FOREST
from studies.report.figures.front import FRONT_OF_DENSITIES
from studies.report.figures.gates_by_class import GATES_BY_CLASS
from studies.report.figures.improvement import IMPROVEMENT
from studies.report.figures.learning_curves import LEARNING_CURVES
from studies.report.figures.optimism import OPTIMISM
from studies.report.figures.profile import PROFILE
from studies.report.figures.seeds import SEEDS
from studies.results.table import Table

# Without a search.
UNSEARCHED: tuple[Figure, ...] = (
    ERROR_AGAINST_MACS,
    SEEDS,
    FOREST,
    FRONT_OF_DENSITIES,
    CRITICAL_DIFFERENCE,
    DETECTABLE,
    FAILURES,
    LEARNING_CURVES,
    GATES_BY_CLASS,
)

# What was found, how sure that is, and what the search did.
SEARCHED: tuple[Figure, ...] = (
    FOREST,
    SEEDS,
    FRONT_OF_DENSITIES,
    ERROR_AGAINST_MACS,
    IMPROVEMENT,
    CRITICAL_DIFFERENCE,
    PROFILE,
    OPTIMISM,
    EXPECTED_VALIDATION,
    EVERY_RUN,
    FAILURES,
    DETECTABLE,
)


@dataclass(frozen=True)
class Presentation:
    """What is shown of a study besides the tables that every study has.

    Attributes:
        figures: what is drawn.
        tables: of its own.
    """

    figures: tuple[Figure, ...]
    tables: tuple[Table, ...] = ()

    @classmethod
    def usual(cls, *, searched: bool) -> "Presentation":
        """Return that of a study that says nothing of its own, with or without a search."""
        return cls(SEARCHED if searched else UNSEARCHED)
