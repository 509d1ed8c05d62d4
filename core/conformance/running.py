"""Whether a short training is finite, seeded, and can be restored."""

import random
from collections.abc import Iterator

import numpy as np
import torch

from core.architecture import Architecture
from core.conformance.subject import DENSITY, briefly_trained, measured, untrained
from core.network.kinds import build_network
from core.seeding import SeedStreams
from core.strategy import Strategy


def finite(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """A short training stays finite and moves some parameter."""
    trained = briefly_trained(strategy_type, architecture)
    # A training this short need not have found its budget.
    if trained.status not in ("ok", "over_budget"):
        yield f"training ends with status {trained.status}: {trained.reason}"
    fresh, _ = untrained(strategy_type, trained.network.architecture)
    if all(torch.equal(a, b) for a, b in zip(fresh.parameters(), trained.network.parameters(), strict=True)):
        yield "no parameter of the network changed in training"


def seeded(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """All randomness comes from the batch's generator: equal seeds give equal runs, global ones are not touched."""
    state, before = torch.get_rng_state(), _global_states()
    first = briefly_trained(strategy_type, architecture)
    torch.manual_seed(1)
    second = briefly_trained(strategy_type, architecture)
    torch.set_rng_state(state)
    third = briefly_trained(strategy_type, architecture)
    if _global_states() != before:
        yield "it draws from a global random generator; use batch.generator"
    losses = [[(epoch.train_loss, epoch.validation_loss) for epoch in each.history] for each in (first, second, third)]
    if losses[0] != losses[1] or losses[0] != losses[2]:
        yield "two runs with the same seed differ"
    if measured(first.network, first.strategy) != measured(second.network, second.strategy):
        yield "two evaluations with the same seed differ"


def state_restored(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """Parameters and buffers hold everything that inference depends on."""
    trained = briefly_trained(strategy_type, architecture)
    network = build_network(trained.network.architecture, recurrent="passes" in strategy_type.needs)
    other = SeedStreams(1, "evaluate", "conformance", 0)
    network.reset(lambda part: other.torch("initialisation", part), DENSITY)
    strategy = strategy_type(trained.network.architecture, {}, other.torch("initialisation", "strategy"))
    network.centre_scores(strategy.centres_scores())
    network.load_state_dict(trained.network.state_dict())
    strategy.load_state_dict(trained.strategy.state_dict())
    if measured(network, strategy) != measured(trained.network, trained.strategy):
        yield "a restored strategy predicts differently; keep what it learns in parameters or buffers"


def _global_states() -> tuple[bytes, str, object]:
    """The states of the global generators of torch, numpy and Python."""
    numpy_state = np.random.get_state()  # noqa: NPY002 - to see whether a strategy uses the legacy generator
    return bytes(torch.get_rng_state().numpy()), repr(numpy_state), random.getstate()
