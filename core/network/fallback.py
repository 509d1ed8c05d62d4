"""The all-closed fallback: no example is left without an open block in a layer."""

from dataclasses import replace

import torch

from core.strategy import Decide, Decision, Site


def with_fallback(decide: Decide) -> Decide:
    """Wrap ``decide`` so that a fully closed layer opens its most likely block, for test time.

    Decisions without a probability are left alone: they can never be fully closed. In training a forced gate would
    have to stay out of the log-probability of the decision, so core never forces one there.
    """

    def decide_with_fallback(site: Site) -> Decision:
        decision = decide(site)
        if decision.probability is None:
            return decision
        all_closed = (decision.gates == 0).all(dim=1, keepdim=True)
        most_likely = torch.zeros_like(decision.gates).scatter_(
            1, decision.probability.argmax(dim=1, keepdim=True), 1.0
        )
        return replace(decision, gates=torch.where(all_closed, most_likely, decision.gates))

    return decide_with_fallback
