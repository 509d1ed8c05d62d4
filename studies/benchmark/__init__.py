"""What gating saves in time, measured side by side."""

from studies.benchmark.cases import Case, cases
from studies.benchmark.rows import Row, measure

__all__ = ["Case", "Row", "cases", "measure"]
