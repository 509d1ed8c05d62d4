"""What strategies that open a fixed number of blocks share: noisy choice in training, the best blocks at test time."""

from collections.abc import Mapping
from types import MappingProxyType

from torch import Tensor

from core.parts.gates import budget, normal_like, straight_through, top_blocks
from core.parts.penalties import load_imbalance
from core.space import Domain, Real
from core.strategy import Batch, Decide, Decision, Site

# Standard deviation of the noise on the scores, which is annealed to 0, and the weight of the load imbalance.
SPACE: Mapping[str, Domain] = MappingProxyType(
    {
        "noise": Real(2.0, low=1e-2, high=10.0, log=True, or_zero=True, search=(0.5, 5.0)),
        "balance": Real(3.0, low=1e-3, high=10.0, log=True, or_zero=True, search=(0.3, 10.0)),
    }
)


def best_blocks(batch: Batch, *, weighted: bool = False) -> Decide:
    """Return a callback that opens the ``density * blocks`` highest scores; ``weighted`` as in :func:`open_gates`."""

    def decide(site: Site) -> Decision:
        chosen = top_blocks(site.scores, budget(site.blocks, batch.density))
        return Decision(open_gates(site.scores, chosen, weighted=weighted))

    return decide


def noisy_best_blocks(
    batch: Batch, density: float, noise: float, imbalance: list[Tensor], *, weighted: bool = False
) -> Decide:
    """Return a callback that opens the ``density * blocks`` highest of the noisy scores.

    Args:
        batch: whose generator draws the noise.
        density: the share of blocks to open.
        noise: standard deviation of the Gaussian noise on the scores.
        imbalance: each site's load imbalance is appended here.
        weighted: as in :func:`open_gates`.
    """

    def decide(site: Site) -> Decision:
        noisy = site.scores + noise * normal_like(site.scores, batch.generator)
        chosen = top_blocks(noisy, budget(site.blocks, density))
        imbalance.append(load_imbalance(site.scores, chosen))
        return Decision(open_gates(noisy, chosen, weighted=weighted))

    return decide


def open_gates(scores: Tensor, chosen: Tensor, *, weighted: bool = False) -> Tensor:
    """Return the gates ``[B, blocks]`` of chosen blocks: their softmax probabilities, or 1 with the gradient of these.

    Args:
        scores: ``[B, blocks]``, over all of which the softmax is.
        chosen: ``[B, blocks]``, 1 where a block is open and 0 elsewhere.
        weighted: whether an open gate has the value of its probability.
    """
    weights = chosen * scores.softmax(dim=1)
    return weights if weighted else straight_through(chosen, weights)
