"""How good a strategy's gradient is: its bias and variance against exact enumeration of all gates of a small layer."""

import itertools
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from core.network.blocks import Gater
from core.network.fully_connected import GatedNetwork
from core.strategy import Decision, Site, Strategy
from core.training.batch import CountedBatch


@dataclass(frozen=True)
class Probe:
    """Draws of a gradient estimator beside the exact gradient, with respect to the gate logits.

    Attributes:
        draws: ``[draws, B, blocks]``.
        exact: ``[B, blocks]``, of ``mean_i E[loss_i]`` over independent Bernoulli gates.
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
        """``[B, blocks]``: the mean draw's deviation from the exact gradient in standard errors.

        0 where the deviation is only rounding, as for a block whose units are all dead.
        """
        deviation = self.draws.mean(dim=0) - self.exact
        error = self.draws.std(dim=0) / self.draws.shape[0] ** 0.5
        rounding = torch.finfo(self.exact.dtype).eps * self.exact.norm()
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

    The strategy's penalties are part of its objective: switch them off to measure its estimator.

    Args:
        strategy: a strategy with Bernoulli gates whose open-probability is the sigmoid of the logits.
        network: one gated layer, of few enough blocks for ``2 ** blocks`` passes.
        x: ``[B, features]``.
        y: ``[B]`` classes.
        generator: gate noise.
        draws: how many.
        density: the target that the strategy is told.
        progress: how far training is, for annealed estimators.

    Raises:
        ValueError: the network has more than one gated layer.
    """
    if len(network.architecture.layers) != 1:
        raise ValueError(f"the network has {len(network.architecture.layers)} gated layers, expected 1")
    drawn = [
        _draw(strategy, CountedBatch(network, x, y, generator, density=density, progress=progress), network)
        for _ in range(draws)
    ]
    return Probe(torch.stack(drawn), exact_gradient(network, x, y))


def exact_gradient(network: GatedNetwork, x: Tensor, y: Tensor) -> Tensor:
    """Return the gradient ``[B, blocks]`` of ``mean_i E[loss_i]`` with respect to the logits of the only gated layer.

    The expectation is over every combination of independent Bernoulli gates, without sampling.
    """
    logits = network.gaters[0](x).detach().requires_grad_()
    probability = logits.sigmoid()
    expected = torch.zeros(x.shape[0], dtype=x.dtype, device=x.device)
    batch = CountedBatch(network, x, y, torch.Generator(x.device), density=1.0)
    for combination in itertools.product((0.0, 1.0), repeat=logits.shape[1]):
        gates = torch.tensor(combination, dtype=x.dtype, device=x.device).expand_as(logits)

        def decide(site: Site, gates: Tensor = gates) -> Decision:
            return Decision(gates)

        with torch.no_grad():
            loss = batch(decide).loss
        assert loss is not None
        expected = expected + torch.where(gates > 0, probability, 1 - probability).prod(dim=1) * loss
    gradient: Tensor = torch.autograd.grad(expected.mean(), logits)[0]
    return gradient


def _draw(strategy: Strategy, batch: CountedBatch, network: GatedNetwork) -> Tensor:
    gater = cast(Gater, network.gaters[0])
    logits: list[Tensor] = []
    hook = gater.register_forward_hook(lambda module, inputs, output: logits.append(output))
    try:
        objective, _ = strategy.objective(batch)
    finally:
        hook.remove()
    gradients = torch.autograd.grad(objective, logits)
    examples = batch.examples
    return torch.stack([gradient.unflatten(0, (-1, examples)).sum(dim=0) for gradient in gradients]).sum(dim=0)
