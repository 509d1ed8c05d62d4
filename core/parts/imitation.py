"""What strategies share whose gater imitates a teacher that looks at the labels."""

from abc import abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor

from core.parts import routing
from core.parts.anneal import linear
from core.parts.gates import explicit, normal_like, open_counts, top_blocks
from core.parts.least_one import LeastOneStrategy
from core.parts.penalties import load_imbalance
from core.parts.routing import best_blocks
from core.space import Choice, Domain, Real
from core.strategy import Batch, Decision, GateRule, Pass, Site, Table

# Besides those of routing: the weight of the imitation and what it is of, and whose gates the network is trained on.
SPACE: Mapping[str, Domain] = MappingProxyType(
    {
        **routing.SPACE,
        "imitation": Real(1.0, low=1e-2, high=10.0, log=True, search=(0.1, 10.0)),
        "temperature": Real(0.1, low=1e-4, high=100.0, log=True, searched=False, when={"targets": ("soft",)}),
        "targets": Choice("regret", ("regret", "expected", "hard", "soft")),
        "network_gates": Choice("student", ("student", "teacher"), searched=False),
    }
)


class ImitationStrategy(LeastOneStrategy):
    """A student opens the blocks of its highest scores; how its teacher finds better ones is left open.

    A ``space`` of its own must include :data:`SPACE`. All that a teacher says of a layer comes from one table of its
    contributions, with the other layers' gates as the student set them. With ``network_gates`` ``teacher`` the network
    is trained on, and the objective's pass is of, the teacher's gates; a table then has those in the layers before it.
    """

    space: ClassVar[Mapping[str, Domain]] = SPACE

    def gate_rule(self) -> GateRule | None:
        return GateRule("top")

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        noise = linear(self.settings["noise"], 0.0, batch.progress)
        scores: list[Tensor] = []
        noisy: list[Tensor] = []

        def decide(site: Site) -> Decision:
            scores.append(site.scores)
            noisy.append(site.scores.detach() + noise * normal_like(site.scores, batch.generator))
            counts = open_counts(noisy[-1].shape[0], site.blocks, batch.density, batch.generator)
            return Decision(top_blocks(noisy[-1], counts))

        done = batch(decide)
        taught = self.settings["network_gates"] == "teacher"
        gates = [decision.gates for decision in done.decisions]
        total = torch.zeros_like(done.mean_loss())
        base = done
        for layer, score in enumerate(scores):
            if taught and layer > 0:
                with torch.no_grad():
                    base = batch(explicit(gates))
            table = batch.table(base, layer)
            named, costs = self.teach(batch, table, noisy[layer])
            total = total + self.imitation(score, costs)
            total = total + self.settings["balance"] * load_imbalance(score, named)
            if taught:
                gates[layer] = self.teachers_gates(table, named)
        if taught:
            done = batch(explicit(gates))
        return total + done.mean_loss(), done

    @abstractmethod
    def teach(self, batch: Batch, table: Table, noisy: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gates ``[B, blocks]`` that the teacher names in a layer, and what each block costs.

        Args:
            batch: for its generator and progress.
            table: the losses under other gates of the layer; its own are the student's.
            noisy: ``[B, blocks]`` scores that the student's gates were the highest of.

        Returns:
            The gates, and ``[B, blocks]`` the costs in nats as in :func:`imitation_loss`.
        """

    def teachers_gates(self, table: Table, named: Tensor) -> Tensor:
        """Return the gates ``[B, blocks]`` that the network is trained on with ``network_gates`` ``teacher``."""
        return named

    def imitation(self, scores: Tensor, costs: Tensor) -> Tensor:
        """Return :func:`imitation_loss` as the settings have it, weight included."""
        weight, targets, temperature = (self.settings[name] for name in ("imitation", "targets", "temperature"))
        loss: Tensor = weight * imitation_loss(scores, costs, targets, temperature)
        return loss

    def infer(self, batch: Batch) -> Pass:
        return batch(best_blocks(batch))

    def teacher_settings(self) -> Mapping[str, Any] | None:
        return {**self.settings, "network_gates": "teacher"}


def imitation_loss(scores: Tensor, costs: Tensor, targets: str, temperature: float) -> Tensor:
    """Return the mean cross-entropy of the student's softmax with what a teacher names, by the costs of the blocks.

    * ``hard``: the cheapest blocks, in equal shares.
    * ``regret``: these too, but each example counts in proportion to its regret, what the student's softmax would lose
      by drawing a block, over the mean of all examples: a gain that hardly matters hardly teaches (cost-sensitive
      imitation: Ross and Bagnell 2014, arXiv 1406.5979).
    * ``expected`` is no cross-entropy: the regret itself, of a block drawn by the student's softmax.
    * ``soft``: the softmax of ``-costs / temperature``: where all cost the same, all are named alike.

    Args:
        scores: ``[B, blocks]`` logits of the student.
        costs: ``[B, blocks]`` in nats, without a gradient; infinite for what is no choice. At least one is finite.
        targets: one of these.
        temperature: of ``soft``, in nats.

    Costs of 0 and ln 3 at temperature 1 name the first block by 3/4, and the student gives each 1/2. Of two examples
    that would lose 1 and 3 the second counts three times as much:

    >>> imitation_loss(torch.zeros(1, 2), torch.tensor([[0.0, 1.0986]]), "soft", 1.0)
    tensor(0.6931)
    >>> scores = torch.tensor([[0.0, 0.0], [0.0, 1.0986]])
    >>> imitation_loss(scores, torch.tensor([[0.0, 2.0], [0.0, 4.0]]), "regret", 1.0)
    tensor(1.2130)
    """
    choosable = costs.isfinite()
    regret = torch.where(choosable, costs - costs.amin(dim=1, keepdim=True), 0.0)
    logits = scores.masked_fill(~choosable, -torch.inf)
    if targets == "expected":
        return (logits.softmax(dim=1) * regret).sum(dim=1).mean()
    if targets == "soft":
        named = (-regret / temperature).masked_fill(~choosable, -torch.inf).softmax(dim=1)
    else:
        cheapest = ((regret == 0) & choosable).to(scores.dtype)
        named = cheapest / cheapest.sum(dim=1, keepdim=True)
    # What is no choice has no share in the target, which must not meet its infinite logarithm.
    each = -(named * logits.log_softmax(dim=1).masked_fill(~choosable, 0.0)).sum(dim=1)
    if targets == "regret":
        with torch.no_grad():
            lost = (logits.softmax(dim=1) * regret).sum(dim=1)
            weight = lost / lost.mean().clamp_min(torch.finfo(lost.dtype).tiny)
        each = weight * each
    return each.mean()
