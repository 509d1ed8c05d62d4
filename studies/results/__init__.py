"""From finished runs to numbers: tables of errors, contrasts and searches, each declared once for every output."""

from studies.results.results import FRONT, GROUP, SETTING, Results

__all__ = ["FRONT", "GROUP", "SETTING", "Results"]
