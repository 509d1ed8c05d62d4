"""REINFORCE: the paper's own policy gradient on block gates."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from core import penalties
from core.gates import bernoulli, hard_gates
from core.space import Choice, Domain, Integer
from core.strategy import Decision, Family, Pass, Run, Site, Strategy


class Reinforce(Strategy):
    """Sample gates from a Bernoulli policy; reinforce those that came with a low loss.

    The network learns by backpropagation through the sampled gates; the gaters by
    ``(C - baseline) grad log pi(g | h)`` with the cost ``C = -log P(y | x)`` of each example (paper, section 3.1), and
    by the penalties. Baselines of the cost:

    * ``none``: the paper's text.
    * ``batch_minimum``: the smallest cost of the batch, as in the authors' code. Slightly biased, since an example's
      own cost can be the smallest.
    * ``batch_mean``: the mean cost of the other examples of the batch.
    * ``samples``: the mean cost of the same example's other samples (RLOO: Kool et al. 2019); ``samples`` per example.
    """

    source: ClassVar[str] = "Bengio et al. 2015, section 3; Williams 1992"
    family: ClassVar[Family] = "policy gradient"
    needs = frozenset({"samples"})
    space: ClassVar[Mapping[str, Domain]] = {
        **penalties.SPACE,
        "baseline": Choice("batch_minimum", ("none", "batch_minimum", "batch_mean", "samples")),
        "samples": Integer(4, low=2, high=64),
        "test_gates": Choice("sampled", ("sampled", "threshold")),
    }

    def objective(self, run: Run) -> tuple[Tensor, Pass]:
        log_probabilities: list[Tensor] = []

        def decide(site: Site) -> Decision:
            probability = site.scores.sigmoid()
            gates = bernoulli(probability, run.generator)
            # The policy gradient is the gaters' alone: it does not reach the layers below.
            log_probabilities.append(
                -binary_cross_entropy_with_logits(site.scores_detached, gates, reduction="none").sum(dim=1)
            )
            return Decision(gates, probability)

        baseline = self.settings["baseline"]
        done = run(decide, samples=self.settings["samples"] if baseline == "samples" else 1)
        assert done.loss is not None
        cost = done.loss.detach().unflatten(0, (done.samples, -1))
        log_probability = torch.stack(log_probabilities).sum(dim=0).view_as(cost)
        policy = ((cost - _baseline(cost, baseline)) * log_probability).mean()
        price = penalties.penalty(done.decisions, run.density, self.settings["lambda_s"], self.settings["lambda_v"])
        return done.mean_loss() + policy + price, done

    def infer(self, run: Run) -> Pass:
        def decide(site: Site) -> Decision:
            probability = site.scores.sigmoid()
            return Decision(hard_gates(probability, run.generator, self.settings["test_gates"]), probability)

        return run(decide)


def _baseline(cost: Tensor, kind: str) -> Tensor:
    """Return the baseline of each cost in ``[samples, B]``, broadcastable to it."""
    samples, examples = cost.shape
    match kind:
        case "batch_minimum":
            return cost.min()
        case "batch_mean" if examples > 1:
            return (cost.sum() - cost) / (cost.numel() - 1)
        case "samples":
            return (cost.sum(dim=0) - cost) / (samples - 1)
        case _:
            return torch.zeros_like(cost)
