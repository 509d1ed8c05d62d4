"""Whether everything that a strategy computes is charged."""

from collections.abc import Iterator
from dataclasses import replace

from core.architecture import Architecture
from core.conformance.subject import briefly_trained, inferred
from core.strategy import Strategy

# So wide that a product of a strategy's own with the input cannot pass for a few multiplications of gates.
_WIDE = 784


def cost_counted(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """The prediction is one that the batch made, and its multiply-adds are within those of all passes that were run."""
    trained = briefly_trained(strategy_type, architecture)
    done, batch = inferred(trained)
    # Raises where the answer is not one that the batch made and charged, or where it was written to.
    batch.owned(done)
    if bool((done.macs > batch.macs(done) + 1e-6).any()):
        yield "the returned pass costs more than all passes that were run"
    if not trained.history[-1].train_macs > 0:
        yield "training is free of cost"


def nothing_free(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """Objective and inference do no work around the calls that are charged."""
    wide = replace(architecture, features=_WIDE)
    # Training and evaluation raise what they find in their first batches.
    briefly_trained(strategy_type, wide)
    yield from ()
