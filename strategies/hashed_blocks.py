"""Control: hashing by cluster."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from core.architecture import Architecture
from core.parts.gates import open_counts
from core.parts.least_one import LeastOneStrategy
from core.parts.unlearned import UnlearnedStrategy
from core.space import Domain, Integer
from core.strategy import Batch, Decide, Decision, Family, Site


class HashedBlocks(UnlearnedStrategy, LeastOneStrategy):
    """Open the blocks that were dealt to the input's cluster at random, once for all: routing by similarity alone.

    Inputs are clustered online, without labels, as training sees them. Each cluster opens its own tau * n blocks of
    every layer. Deeper layers go by the cluster of the network's input too, so that routing depends on nothing that the
    network learns. What a learned gater adds to this is what learning where to route is worth.
    """

    source: ClassVar[str] = "Roller et al. 2021, arXiv 2106.04426, section 3.2 (clustered hashes); MacQueen 1967"
    family: ClassVar[Family] = "control"
    scores_blocks: ClassVar[bool] = False
    space: ClassVar[Mapping[str, Domain]] = {"clusters": Integer(16, low=1, high=4096, search=(4, 32))}

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        clusters = self.settings["clusters"]
        self.nearest = OnlineClusters(clusters, architecture.features)
        for number, layer in enumerate(architecture.layers):
            self.register_buffer(f"rank_{number}", dealt_ranks(clusters, layer.blocks, generator))

    def decide(self, batch: Batch) -> Decide:
        found: list[Tensor] = []

        def decide(site: Site) -> Decision:
            if site.index == 0:
                found.append(site.map(self.nearest).argmax(dim=1))
            cluster = found[-1]
            counts = open_counts(cluster.shape[0], site.blocks, batch.density, batch.generator)
            rank = self.get_buffer(f"rank_{site.index}")[cluster]
            return Decision((rank < counts[:, None]).to(site.hidden.dtype))

        return decide


class OnlineClusters(nn.Module):
    """Online k-means: ``c x - |c|^2 / 2`` of every centroid c, which is highest for the nearest one.

    The first inputs that are seen in training are the first centroids. From then on each centroid is the mean of all
    inputs that were nearest to it when they were seen (MacQueen 1967, section 3; by batches: Sculley 2010). In
    evaluation nothing moves. A centroid that has no place yet is nearest to nothing.

    Args:
        clusters: how many.
        features: of an input.

    Inputs 0 and 4 are the first centroids; 1 is nearer to 0, whose centroid moves to their mean, and 5 to 4:

    >>> clusters = OnlineClusters(2, features=1)
    >>> _ = clusters(torch.tensor([[0.0], [4.0]]))
    >>> clusters(torch.tensor([[1.0], [5.0]]))
    tensor([[ 0., -4.],
            [ 0., 12.]])
    >>> clusters.centroids.flatten()
    tensor([0.5000, 4.5000])
    """

    centroids: Tensor
    offset: Tensor
    counts: Tensor

    def __init__(self, clusters: int, features: int) -> None:
        super().__init__()
        self.register_buffer("centroids", torch.zeros(clusters, features))
        self.register_buffer("offset", torch.full((clusters,), -torch.inf))
        self.register_buffer("counts", torch.zeros(clusters))

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Return ``[B, clusters]`` from inputs ``[B, features]``; in training learn from them after that."""
        if self.training:
            self._settle(x)
        scores = nn.functional.linear(x, self.centroids, self.offset)
        if self.training:
            self._learn(x, scores.argmax(dim=1))
        return scores

    def _settle(self, x: Tensor) -> None:
        """Give centroids that have no place yet those of the first inputs."""
        settled = int(self.offset.isfinite().sum())
        places = x[: len(self.centroids) - settled]
        self.centroids[settled : settled + len(places)] = places
        self._set_offset(settled + len(places))

    def _learn(self, x: Tensor, nearest: Tensor) -> None:
        """Move each centroid to the mean of all inputs that were nearest to it."""
        added = torch.zeros_like(self.counts).index_add_(0, nearest, torch.ones_like(x[:, 0]))
        sums = torch.zeros_like(self.centroids).index_add_(0, nearest, x)
        self.counts += added
        self.centroids += (sums - added[:, None] * self.centroids) / self.counts.clamp(min=1)[:, None]
        self._set_offset(int(self.offset.isfinite().sum()))

    def _set_offset(self, settled: int) -> None:
        self.offset[:settled] = -0.5 * self.centroids[:settled].square().sum(dim=1)


def dealt_ranks(clusters: int, blocks: int, generator: torch.Generator) -> Tensor:
    """Return ``[clusters, blocks]``: the place of each block in the order in which a cluster opens them.

    Blocks are dealt in rounds: each cluster in its turn, by lot, gets one that it has not, of those that were dealt
    least often. So whatever share of the order is opened, all blocks are open for about equally many clusters.

    >>> ranks = dealt_ranks(8, 4, torch.Generator().manual_seed(0))
    >>> (ranks < 1).sum(dim=0), ranks.sort(dim=1).values[5]
    (tensor([2, 2, 2, 2]), tensor([0, 1, 2, 3]))
    """
    ranks = torch.full((clusters, blocks), blocks)
    dealt = torch.zeros(blocks)
    for place in range(blocks):
        for cluster in torch.randperm(clusters, generator=generator).tolist():
            lots = (dealt + torch.rand(blocks, generator=generator)).masked_fill(ranks[cluster] < blocks, torch.inf)
            block = int(lots.argmin())
            ranks[cluster, block] = place
            dealt[block] += 1
    return ranks
