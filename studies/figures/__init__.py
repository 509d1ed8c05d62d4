"""Figures, each drawn from one exported table and nothing else. Only this package imports matplotlib and seaborn."""

from studies.figures.error_against_macs import ERROR_AGAINST_MACS
from studies.figures.figure import Figure
from studies.figures.gates_by_class import GATES_BY_CLASS
from studies.figures.learning_curves import LEARNING_CURVES
from studies.figures.seeds import SEEDS

STANDARD: tuple[Figure, ...] = (ERROR_AGAINST_MACS, SEEDS, LEARNING_CURVES, GATES_BY_CLASS)

__all__ = ["STANDARD", "Figure"]
