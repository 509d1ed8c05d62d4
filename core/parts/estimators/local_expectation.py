"""Local expectation gradients: every choice's exact expectation, given all others."""

from typing import ClassVar

import torch
from torch import Tensor

from core.parts.baselines import baseline
from core.parts.distributions.distribution import Alternatives, Draw
from core.parts.estimators.estimator import Estimate, Estimator, Policy, Sampler
from core.strategy import Batch, Decision, SinglePass, Site


class LocalExpectation(Estimator):
    """``E[ sum_m q(v = m | Markov blanket of v) C(v = m) grad log q(v = m | its layer's input) ]`` for each choice v.

    Titsias and Lazaro-Gredilla 2015, equation 8. The blanket of a gate holds the gates of all later layers, whose
    probabilities depend on it; in the last layer the weights are the choice's own probabilities. Unbiased in any number
    of layers. Below the last layer costs are taken above the mean cost of the batch's other examples, which changes no
    expectation.

    In the last layer flips of one gate come from cached contributions; elsewhere every alternative is a pass, without
    gradients, in which the later layers' scores are computed again.
    """

    unbiased: ClassVar[bool] = True

    def estimate(self, batch: Batch, policy: Policy) -> Estimate:
        sampler = Sampler(policy, batch.generator)
        done = batch(sampler)
        assert done.loss is not None
        cost = done.loss.detach()
        of_others = baseline(cost[None, :, None], "batch_mean").flatten()
        objective = done.mean_loss()
        for layer, draw in enumerate(sampler.draws):
            found = policy.distribution.alternatives(sampler.detached[layer], draw)
            costs, later = _outcomes(batch, policy, done, sampler.draws, layer, found)
            weights = (found.log_probability.detach() + later[found.index]).softmax(dim=1)
            # The last layer's weights are exact, so that its own cost changes no expectation either.
            compared_with = cost if layer == len(sampler.draws) - 1 else of_others
            credit = weights * (costs[found.index] - compared_with)
            objective = objective + (credit * found.log_probability).sum(dim=(0, 1)).mean()
        return sampler.estimate(objective, done)


def _outcomes(
    batch: Batch, policy: Policy, done: SinglePass, draws: list[Draw], layer: int, found: Alternatives
) -> tuple[Tensor, Tensor]:
    """Return for each alternative ``[A, B]`` its cost, and the log probability of the later layers' gates under it."""
    assert done.loss is not None
    cost = done.loss.detach()
    own = torch.stack([torch.zeros_like(cost), *(draw.log_probability.detach() for draw in draws[layer + 1 :])]).sum(0)
    if found.flipped is None:
        return _run(batch, policy, draws, layer, found.chosen)
    if layer == len(draws) - 1:
        flipped = batch.flips(done, layer).T
        return torch.cat([cost[None], flipped]), torch.zeros_like(cost).expand(len(flipped) + 1, -1)
    costs, later = _run(batch, policy, draws, layer, found.chosen[1:])
    return torch.cat([cost[None], costs]), torch.cat([own[None], later])


@torch.no_grad()
def _run(batch: Batch, policy: Policy, draws: list[Draw], layer: int, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Run alternatives ``[A, B, choices, options]`` of a layer's choices, all other layers' choices as drawn."""
    copies = len(chosen)
    later = torch.zeros(copies, chosen.shape[1], dtype=chosen.dtype, device=chosen.device)

    def decide(site: Site) -> Decision:
        nonlocal later
        if site.index < layer:
            return Decision(draws[site.index].gates.repeat(copies, 1))
        if site.index == layer:
            return Decision(policy.distribution.combined(chosen.flatten(0, 1), site.blocks))
        held = policy.distribution.drawn(policy.detached(site), draws[site.index].chosen.repeat(copies, 1, 1))
        later = later + held.log_probability.view_as(later)
        return Decision(held.gates)

    done = batch(decide, samples=copies)
    assert done.loss is not None
    return done.loss.view_as(later), later
