"""How good a strategy's gradient is: its bias and variance against exact enumeration of all gates of small layers."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from core.architecture import Architecture
from core.network.blocks import Gater
from core.network.network import GatedNetwork
from core.parts.distributions.bernoulli import Bernoulli
from core.parts.distributions.distribution import GateDistribution
from core.parts.drawn import DrawnStrategy
from core.strategy import Decision, Site, Strategy
from core.training.batch import CountedBatch


@dataclass(frozen=True)
class Probe:
    """Draws of a gradient estimator beside the exact gradient, with respect to the gate logits of all layers.

    A logit of a later layer differs with the gates below it; what is meant is one number added to it whatever they are.

    Attributes:
        draws: ``[draws, B, scores]``, the layers' scores one after another.
        exact: ``[B, scores]``, of ``mean_i E[loss_i]`` over the gates' distribution.
    """

    draws: Tensor
    exact: Tensor

    @property
    def relative_variance(self) -> float:
        """``E |g - E g|^2 / |exact|^2``: 1 means that a draw's noise is as large as the gradient itself."""
        return float(self.draws.var(dim=0).sum() / self.exact.square().sum())

    @property
    def relative_bias(self) -> float:
        """``|E g - exact| / |exact|``, with the mean of the draws for the expectation."""
        return float((self.draws.mean(dim=0) - self.exact).norm() / self.exact.norm())

    @property
    def z_scores(self) -> Tensor:
        """``[B, scores]``: the mean draw's deviation from the exact gradient in standard errors.

        0 where the deviation is only rounding, as for a block whose units are all dead.
        """
        deviation = self.draws.mean(dim=0) - self.exact
        error = self.draws.std(dim=0) / self.draws.shape[0] ** 0.5
        rounding = 10 * torch.finfo(self.exact.dtype).eps * self.exact.norm()
        return torch.where(deviation.abs() <= rounding, 0.0, deviation / error)


def probe(
    strategy: Strategy,
    network: GatedNetwork,
    x: Tensor,
    y: Tensor,
    generator: torch.Generator,
    *,
    draws: int,
    density: float,
    progress: float = 0.0,
) -> Probe:
    """Draw the gradient of the strategy's objective with respect to the gate logits, and enumerate the exact one.

    What keeps the budget is part of a strategy's objective: switch it off to measure its estimator.

    Args:
        strategy: one whose gates have the distribution of :func:`distribution_of` at the logits.
        network: of few enough blocks to enumerate all gates of all layers: see :func:`combinations`.
        x: ``[B, features]``.
        y: ``[B]`` classes.
        generator: gate noise.
        draws: how many.
        density: the target that the strategy is told.
        progress: how far training is, for annealed estimators.

    Raises:
        ValueError: rows of the network change each other's losses, so that they cannot be enumerated side by side.
    """
    drawn = [
        _draw(strategy, CountedBatch(network, x, y, generator, density=density, progress=progress), network)
        for _ in range(draws)
    ]
    return Probe(torch.stack(drawn), exact_gradient(network, x, y, distribution_of(strategy, density)))


def distribution_of(strategy: Strategy, density: float) -> GateDistribution:
    """Return the distribution of a strategy's gates: the one it draws from, or else independent Bernoulli gates."""
    return strategy.distribution(density) if isinstance(strategy, DrawnStrategy) else Bernoulli(density)


def combinations(distribution: GateDistribution, architecture: Architecture) -> int:
    """Return how many passes the exact gradient takes: one for everything that can be drawn in all layers together.

    >>> combinations(Bernoulli(0.5), Architecture.parse("3x2,2x2", features=4, classes=2))
    32
    """
    return math.prod(len(distribution.support(layer.blocks)) for layer in architecture.layers)


def exact_gradient(network: GatedNetwork, x: Tensor, y: Tensor, distribution: GateDistribution | None = None) -> Tensor:
    """Return the gradient ``[B, scores]`` of ``mean_i E[loss_i]`` with respect to the logits of all layers.

    The expectation is over everything that can be drawn, layer by layer, without sampling.

    Args:
        network: whose gaters give the logits.
        x: ``[B, features]``.
        y: ``[B]`` classes.
        distribution: of the gates; independent Bernoulli ones if None.

    Raises:
        ValueError: as :func:`probe`.
    """
    if network.architecture.positions > 1:
        raise ValueError(f"network {network.architecture.network}: gates of one row change the losses of others")
    gates = distribution or Bernoulli(1.0)
    layers = network.architecture.layers
    added = [torch.zeros(len(x), layer.blocks, dtype=x.dtype, device=x.device, requires_grad=True) for layer in layers]
    batch = CountedBatch(network, x, y, torch.Generator(x.device), density=gates.density)
    gradients = [torch.zeros_like(each) for each in added]
    for chosen in itertools.product(*(gates.support(layer.blocks) for layer in layers)):
        probability, loss = _outcome(batch, gates, [each.to(x) for each in chosen], added)
        found = torch.autograd.grad((probability * loss).mean(), added, materialize_grads=True)
        gradients = [total + each for total, each in zip(gradients, found, strict=True)]
    return torch.cat(gradients, dim=1)


def _outcome(
    batch: CountedBatch, gates: GateDistribution, chosen: Sequence[Tensor], added: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    """Return ``[B]``: the probability of these choices, ``[choices, options]`` per layer, and the loss after them."""
    log_probabilities: list[Tensor] = []

    def decide(site: Site) -> Decision:
        scores = site.scores.detach() + added[site.index]
        draw = gates.drawn(scores, chosen[site.index].expand(len(scores), -1, -1))
        log_probabilities.append(draw.log_probability)
        return Decision(draw.gates)

    loss = batch(decide).loss
    assert loss is not None
    return torch.stack(log_probabilities).sum(dim=0).exp(), loss.detach()


def _draw(strategy: Strategy, batch: CountedBatch, network: GatedNetwork) -> Tensor:
    """Return ``[B, scores]``: the gradient of one objective, summed over all copies of an example."""
    gaters = [cast(Gater, gater) for gater in network.gaters]
    logits: list[list[Tensor]] = [[] for _ in gaters]
    hooks = [
        gater.register_forward_hook(lambda module, inputs, output, own=own: own.append(output))
        for gater, own in zip(gaters, logits, strict=True)
    ]
    try:
        objective, _ = strategy.objective(batch)
    finally:
        for hook in hooks:
            hook.remove()
    rows = batch.rows
    found = []
    for own in logits:
        # Passes without gradients, such as those of local expectations, only look.
        differentiable = [each for each in own if each.requires_grad]
        gradients = torch.autograd.grad(
            objective, differentiable, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        found.append(torch.stack([each.unflatten(0, (-1, rows)).sum(dim=0) for each in gradients]).sum(dim=0))
    return torch.cat(found, dim=1)
