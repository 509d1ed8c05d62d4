"""What strategies share that open at least one block of every layer, which a budget must allow."""

from collections.abc import Mapping
from typing import Any

from core.architecture import Architecture
from core.parts.gates import too_few_blocks
from core.strategy import Strategy


class LeastOneStrategy(Strategy):
    """Every pass opens at least one block of each layer: a target and its tolerance below that are refused."""

    @classmethod
    def impossible(
        cls, architecture: Architecture, settings: Mapping[str, Any], density: float, tolerance: float
    ) -> str | None:
        return too_few_blocks(architecture, density, tolerance)
