"""The paper's penalties on open-probabilities (section 3.3, equations 5-7), on a batch ``[B, blocks]``.

They are sums of 2-norms of scalars, that is of absolute values: their pull does not fade near the target.
"""

from collections.abc import Iterable, Iterator
from types import MappingProxyType

import torch
from torch import Tensor

from core.space import Domain, Layerwise, PerLayer, at_layer
from core.strategy import Decision

SPACE: MappingProxyType[str, Domain] = MappingProxyType(
    {
        "lambda_s": PerLayer(0.1, low=1e-3, high=1e3, log=True, or_zero=True, search=(0.03, 3.0)),
        "lambda_v": PerLayer(0.1, low=1e-4, high=1e3, log=True, or_zero=True, search=(0.01, 1.0)),
    }
)


def block_usage(probability: Tensor, density: float) -> Tensor:
    """L_b: each block is open for a share ``density`` of the examples.

    ``sum_j |mean_i p_ij - tau|``. For p = [[1, 0], [0.5, 0]] and tau = 0.25 the means are 0.75 and 0:

    >>> block_usage(torch.tensor([[1.0, 0.0], [0.5, 0.0]]), 0.25)
    tensor(0.7500)
    """
    return (probability.mean(dim=0) - density).abs().sum()


def example_usage(probability: Tensor, density: float) -> Tensor:
    """L_e: each example opens a share ``density`` of the blocks.

    ``mean_i |mean_j p_ij - tau|``. For p = [[1, 0], [0.5, 0]] and tau = 0.25 the means are 0.5 and 0.25:

    >>> example_usage(torch.tensor([[1.0, 0.0], [0.5, 0.0]]), 0.25)
    tensor(0.1250)
    """
    return (probability.mean(dim=1) - density).abs().mean()


def variance(probability: Tensor) -> Tensor:
    """L_v: minus the variance of each block's probability over the examples, summed over the blocks.

    ``- sum_j var_i(p_ij)``, the batch's own variance (not the unbiased estimate). For p = [[1, 0], [0.5, 0]]:

    >>> variance(torch.tensor([[1.0, 0.0], [0.5, 0.0]]))
    tensor(-0.0625)
    """
    return -probability.var(dim=0, correction=0).sum()


def penalty(decisions: Iterable[Decision], density: Layerwise, lambda_s: Layerwise, lambda_v: Layerwise) -> Tensor:
    """Return ``lambda_s (L_b + L_e) + lambda_v L_v``, summed over the layers' decisions.

    Decisions go from layer to layer, and from pass to pass; targets and weights may differ between layers.

    Raises:
        ValueError: a decision has no probability to penalise.
    """
    total = torch.zeros(())
    for p, tau, of_usage, of_variance in _by_decision(decisions, density, lambda_s, lambda_v):
        total = total + of_usage * (block_usage(p, tau) + example_usage(p, tau)) + of_variance * variance(p)
    return total


def code_penalty(decisions: Iterable[Decision], density: Layerwise, lambda_s: Layerwise, lambda_v: Layerwise) -> Tensor:
    """Return the penalties as the paper's authors coded them, summed over the layers' decisions.

    ``lambda_s (sum_j (mean_i p_ij - tau)^2 + 0.001 sum_i (mean_j p_ij - tau)^2) - lambda_v (sum_j var_i(p_ij) + 0.1
    sum_i var_j(p_ij))`` (github.com/bengioe/condnet, policyDropout.py). There it stands beside the sum of a batch's
    losses: beside their mean, the weights are those of the code over the number of examples.

    For p = [[1, 0], [0.5, 0]] and tau = 0.25 the two squares are 0.25 + 0.0625 and 0.0625 + 0, and the variances 0.0625
    and 0.25 + 0.0625:

    >>> p = torch.tensor([[1.0, 0.0], [0.5, 0.0]])
    >>> code_penalty([Decision(torch.ones(2, 2), p)], 0.25, lambda_s=1, lambda_v=0)
    tensor(0.3126)
    >>> code_penalty([Decision(torch.ones(2, 2), p)], 0.25, lambda_s=0, lambda_v=1)
    tensor(-0.0938)

    Raises:
        ValueError: a decision has no probability to penalise.
    """
    total = torch.zeros(())
    for p, tau, of_usage, of_variance in _by_decision(decisions, density, lambda_s, lambda_v):
        usage = (p.mean(dim=0) - tau).square().sum() + 1e-3 * (p.mean(dim=1) - tau).square().sum()
        spread = p.var(dim=0, correction=0).sum() + 0.1 * p.var(dim=1, correction=0).sum()
        total = total + of_usage * usage - of_variance * spread
    return total


def _by_decision(
    decisions: Iterable[Decision], density: Layerwise, lambda_s: Layerwise, lambda_v: Layerwise
) -> Iterator[tuple[Tensor, float, float, float]]:
    """Yield each decision's probability with its target and weights."""
    for number, decision in enumerate(decisions):
        if decision.probability is None:
            raise ValueError("a decision without a probability cannot be penalised")
        yield decision.probability, at_layer(density, number), at_layer(lambda_s, number), at_layer(lambda_v, number)


def entropy(decisions: Iterable[Decision]) -> Tensor:
    """Return the mean entropy of the open-probabilities in nats per block, over all decisions that have one.

    ln 2 for an even chance, 0 for a sure one:

    >>> entropy([Decision(torch.ones(1, 2), probability=torch.tensor([[0.5, 1.0]]))])
    tensor(0.3466)
    """
    probabilities = [decision.probability.flatten() for decision in decisions if decision.probability is not None]
    return bernoulli_entropy(torch.cat(probabilities)).mean()


def bernoulli_entropy(probability: Tensor) -> Tensor:
    """Return the elementwise entropy of Bernoulli variables, in nats.

    Where rounding has made a probability 0 or 1, it is 0 with the gradient 0: the true gradient is infinite there, and
    times that of the sigmoid, which is 0, NaN.
    """
    sure = (probability == 0) | (probability == 1)
    unsure = torch.where(sure, 0.5, probability)
    return torch.where(sure, 0.0, torch.special.entr(unsure) + torch.special.entr(1 - unsure))


def load_imbalance(scores: Tensor, chosen: Tensor) -> Tensor:
    """How unevenly examples choose blocks: ``n sum_j f_j P_j`` (Fedus et al. 2021, equation 4), 1 when even.

    Args:
        scores: ``[B, blocks]`` logits; ``P_j`` is the mean softmax probability of block j.
        chosen: ``[B, blocks]`` binary; ``f_j`` is block j's share of all choices.

    Both examples choose the first of two blocks, whose probability is 3/4: 2 (1 x 3/4 + 0 x 1/4):

    >>> scores = torch.tensor([[3.0, 1.0], [3.0, 1.0]]).log()
    >>> load_imbalance(scores, torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    tensor(1.5000)
    """
    share = chosen.sum(dim=0) / chosen.sum()
    return chosen.shape[1] * (share * scores.softmax(dim=1).mean(dim=0)).sum()
