"""What strategies that open a fixed number of blocks share: noisy choice in training, the best blocks at test time."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor

from core.parts.gates import normal_like, open_counts, straight_through, top_blocks
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


def best_blocks(batch: Batch, *, weighted: bool = False, bias: Sequence[Tensor] = ()) -> Decide:
    """Return a callback that opens the ``density * blocks`` highest scores.

    Args:
        batch: whose density it is.
        weighted: as in :func:`open_gates`.
        bias: per layer ``[blocks]``, added to the scores for the choice alone; none if empty.
    """

    def decide(site: Site) -> Decision:
        counts = open_counts(site.scores.shape[0], site.blocks, batch.density, batch.generator)
        chosen = top_blocks(_biased(site.scores, bias, site), counts)
        return Decision(open_gates(site.scores, chosen, weighted=weighted))

    return decide


def noisy_best_blocks(
    batch: Batch,
    density: float,
    noise: float,
    imbalance: list[Tensor],
    *,
    weighted: bool = False,
    bias: Sequence[Tensor] = (),
) -> Decide:
    """Return a callback that opens the ``density * blocks`` highest of the noisy scores.

    Args:
        batch: whose generator draws the noise.
        density: the share of blocks to open.
        noise: standard deviation of the Gaussian noise on the scores.
        imbalance: each site's load imbalance is appended here.
        weighted: as in :func:`open_gates`.
        bias: as in :func:`best_blocks`.
    """

    def decide(site: Site) -> Decision:
        noisy = site.scores + noise * normal_like(site.scores, batch.generator)
        counts = open_counts(noisy.shape[0], site.blocks, density, batch.generator)
        chosen = top_blocks(_biased(noisy, bias, site), counts)
        imbalance.append(load_imbalance(site.scores, chosen))
        return Decision(open_gates(noisy, chosen, weighted=weighted))

    return decide


def open_gates(scores: Tensor, chosen: Tensor, *, weighted: bool = False) -> Tensor:
    """Return the gates ``[B, blocks]`` of chosen blocks: 1 with the gradient of their softmax probability, or weights.

    Weights of two blocks or more are the softmax over the chosen (Shazeer et al. 2017, equation 3; Jiang et al. 2024,
    arXiv 2401.04088); of a single one it is its probability among all, since a softmax over one teaches nothing (Fedus
    et al. 2021). Scores whose exponentials are 1, 3 and 4, of which the last two are chosen:

    >>> open_gates(torch.tensor([[1.0, 3.0, 4.0]]).log(), torch.tensor([[0.0, 1.0, 1.0]]), weighted=True)
    tensor([[0.0000, 0.4286, 0.5714]])

    Args:
        scores: ``[B, blocks]``.
        chosen: ``[B, blocks]``, 1 where a block is open and 0 elsewhere.
        weighted: whether an open gate has the value of its weight.
    """
    weights = chosen * scores.softmax(dim=1)
    if not weighted:
        return straight_through(chosen, weights)
    among_chosen = scores.masked_fill(chosen == 0, -torch.inf).softmax(dim=1)
    return torch.where(chosen.sum(dim=1, keepdim=True) > 1, among_chosen, weights)


def _biased(scores: Tensor, bias: Sequence[Tensor], site: Site) -> Tensor:
    return scores + bias[site.index] if bias else scores
