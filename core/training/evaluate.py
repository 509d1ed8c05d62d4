"""What a trained network does on a split: measured from the gates that were executed, never from the strategy."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from core.data import Split
from core.network.fully_connected import GatedNetwork
from core.parts.penalties import bernoulli_entropy
from core.strategy import Pass, ProtocolError, Strategy
from core.training.batch import CountedBatch

# Large enough that a split of the embedded datasets takes a few calls, small enough for wide networks on 24 GiB.
BATCH = 500


@dataclass(frozen=True)
class Evaluation:
    """Measures on one split; errors, densities and shares are fractions, multiply-adds are per example.

    Attributes:
        error: share of wrong predictions.
        loss: mean negative log likelihood in nats.
        density: blocks computed over blocks that exist, all layers and all passes together.
        all_closed: share of examples with a layer fully closed.
        dead_blocks: blocks computed for no example.
        gate_entropy: mean entropy of the strategy's own open-probabilities, in nats per block; None if it has none.
        macs: multiply-adds, gater and every pass included.
        gates_by_class: per layer, per class, how often each block is computed; None for a class without examples.
    """

    error: float
    loss: float
    density: float
    all_closed: float
    dead_blocks: int
    gate_entropy: float | None
    macs: float
    gates_by_class: list[list[list[float | None]]]


@torch.no_grad()
def evaluate(
    network: GatedNetwork,
    strategy: Strategy,
    split: Split,
    generator: torch.Generator,
    *,
    density: float,
    fallback: bool = False,
) -> Evaluation | None:
    """Infer the classes of a split, labels withheld.

    Args:
        network: the trained network.
        strategy: the strategy that was trained with it.
        split: the examples.
        generator: gate noise.
        density: the target that the strategy is told.
        fallback: open the most likely block of a fully closed layer.

    Returns:
        The measures; None if ``fallback`` is asked of a strategy whose layers can never be fully closed.

    Raises:
        ProtocolError: the strategy returned a pass that the batch did not make, or not one prediction per example.
    """
    strategy.eval()
    outputs: list[Tensor] = []
    macs: list[Tensor] = []
    executed: list[tuple[Tensor, ...]] = []
    entropies: list[Tensor] = []
    for x in split.x.split(BATCH):
        batch = CountedBatch(network, x, None, generator, density=density, fallback=fallback)
        done = strategy.infer(batch)
        if done.output.shape != (x.shape[0], network.architecture.classes):
            raise ProtocolError(
                f"infer returned output {list(done.output.shape)}, "
                f"expected {[x.shape[0], network.architecture.classes]}: one prediction per example"
            )
        outputs.append(done.output)
        macs.append(batch.macs(done))
        executed.append(batch.executed(done))
        entropies += _entropies(done)
    if fallback and not entropies:
        return None
    output = torch.cat(outputs)
    layers = [torch.cat(parts) for parts in zip(*executed, strict=True)]
    blocks = sum(layer.shape[1] for layer in layers)
    classes = range(network.architecture.classes)
    return Evaluation(
        error=float((output.argmax(dim=1) != split.y).double().mean()),
        loss=float(cross_entropy(output, split.y)),
        density=float(sum(layer.double().sum(dim=1).mean() for layer in layers) / blocks),
        all_closed=float(torch.stack([(layer == 0).all(dim=1) for layer in layers]).any(dim=0).double().mean()),
        dead_blocks=sum(int((layer == 0).all(dim=0).sum()) for layer in layers),
        gate_entropy=float(torch.cat(entropies).double().mean()) if entropies else None,
        macs=float(torch.cat(macs).mean()),
        gates_by_class=[[_shares(layer[split.y == label]) for label in classes] for layer in layers],
    )


def _shares(executed: Tensor) -> list[float | None]:
    return executed.double().mean(dim=0).tolist() if len(executed) else [None] * executed.shape[1]


def _entropies(done: Pass) -> list[Tensor]:
    """Per decision with a probability, the Bernoulli entropies of its blocks, flattened."""
    probabilities = [decision.probability for decision in done.decisions if decision.probability is not None]
    return [bernoulli_entropy(probability).flatten() for probability in probabilities]
