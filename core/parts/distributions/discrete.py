"""The distributions of hard gates, by the names that settings have for them."""

from collections.abc import Mapping
from types import MappingProxyType

from core.parts.distributions.bernoulli import Bernoulli
from core.parts.distributions.distribution import GateDistribution
from core.parts.distributions.exactly_k import ExactlyK
from core.parts.distributions.tree_leaf import TreeLeaf

DISCRETE: Mapping[str, type[GateDistribution]] = MappingProxyType(
    {"bernoulli": Bernoulli, "exactly_k": ExactlyK, "tree": TreeLeaf}
)
