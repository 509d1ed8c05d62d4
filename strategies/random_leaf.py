"""Control: a leaf of the tree that knows nothing."""

from collections.abc import Mapping
from typing import Any, ClassVar

from core.architecture import Architecture
from core.parts.distributions.tree_leaf import TreeLeaf
from core.parts.unlearned import UnlearnedStrategy
from core.strategy import Batch, Decide, Decision, Family, Site


class RandomLeaf(UnlearnedStrategy):
    """Open a leaf of the tree at random, whatever the input, at test time too: groups of blocks that know nothing."""

    source: ClassVar[str] = "control for strategies that open a leaf of a tree"
    family: ClassVar[Family] = "control"

    @classmethod
    def impossible(
        cls, architecture: Architecture, settings: Mapping[str, Any], density: float, tolerance: float
    ) -> str | None:
        return TreeLeaf.impossible(architecture, density, tolerance)

    def decide(self, batch: Batch) -> Decide:
        def decide(site: Site) -> Decision:
            equal = site.hidden.new_zeros(site.hidden.shape[0], site.blocks)
            return Decision(TreeLeaf(batch.density).draw(equal, batch.generator).gates)

        return decide
