"""What gating saves in time, measured side by side."""

from studies.timing.cases import Case, cases
from studies.timing.rows import Row, measure

__all__ = ["Case", "Row", "cases", "measure"]
