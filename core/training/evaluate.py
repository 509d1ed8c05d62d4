"""What a trained network does on a split: measured from the gates that were executed, never from the strategy."""

from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from core.architecture import Architecture
from core.data import Split
from core.data.metric import example_errors
from core.network.cost import least_macs
from core.network.network import GatedNetwork
from core.network.uncharged import found_out
from core.parts.penalties import bernoulli_entropy
from core.strategy import Pass, ProtocolError, SinglePass, Strategy
from core.training.batch import CountedBatch
from core.training.ownership import Owned

# Rows: so many that a split of the embedded datasets takes a few calls, so few that wide networks fit into 24 GiB.
BATCH = 500


def examples_at_once(architecture: Architecture) -> int:
    """Return how many examples are inferred together: ``BATCH`` rows of them, and at least one."""
    return max(1, BATCH // architecture.positions)


@dataclass(frozen=True)
class Evaluation:
    """Measures on one split; densities and shares are fractions, multiply-adds are per row: example, or position.

    Attributes:
        error: mean of ``errors``: the share of wrong predictions, or bits.
        errors: of each example of the split, in its order, in the split's metric; of a sequence the mean.
        loss: mean negative log likelihood in nats.
        density: blocks computed over blocks that exist, all layers and all passes together.
        all_closed: share of examples with a layer fully closed.
        dead_blocks: blocks computed for no example.
        gate_entropy: mean entropy of the strategy's own open-probabilities, in nats per block; None if it has none.
        macs: multiply-adds, gater and every pass included.
        gates_by_class: per layer, per class, how often each block is computed; None for a class without examples.
    """

    error: float
    errors: list[float]
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
    watched: bool = True,
) -> Evaluation | None:
    """Infer the classes of a split, labels withheld.

    Output, multiply-adds and executed blocks are core's own copies, whatever has become of the pass that the strategy
    was handed.

    Args:
        network: the trained network.
        strategy: the strategy that was trained with it.
        split: the examples.
        generator: gate noise.
        density: the target that the strategy is told.
        fallback: open the most likely block of a fully closed layer.
        watched: find out work that is not charged, in the first batch.

    Returns:
        The measures; None if ``fallback`` is asked of a strategy whose layers can never be fully closed.

    Raises:
        ProtocolError: the strategy returned a pass that the batch did not make, or not one prediction per example; it
            wrote to a pass, or did work that is not charged.
    """
    strategy.eval()
    outputs: list[Tensor] = []
    macs: list[Tensor] = []
    executed: list[tuple[Tensor, ...]] = []
    entropies: list[Tensor] = []
    for number, x in enumerate(split.x.split(examples_at_once(network.architecture))):
        batch = CountedBatch(network, x, None, generator, density=density, fallback=fallback)
        done = inferred(strategy, network.architecture, batch, watched=watched and number == 0)
        own = batch.owned(done)
        spent = batch.macs(done)
        if bool((spent < _least(network.architecture, own)).any()):
            raise ProtocolError("the multiply-adds of a prediction are below those of its open blocks")
        outputs.append(own.output)
        macs.append(spent)
        executed.append(batch.executed(done))
        entropies += _entropies(done)
    if fallback and not entropies:
        return None
    output = torch.cat(outputs)
    layers = [torch.cat(parts) for parts in zip(*executed, strict=True)]
    blocks = sum(layer.shape[1] for layer in layers)
    classes = range(network.architecture.classes)
    errors = example_errors(split.metric, output, split.y)
    labels = split.y.flatten()
    return Evaluation(
        error=float(errors.mean()),
        errors=errors.tolist(),
        loss=float(cross_entropy(output, labels)),
        density=float(sum(layer.double().sum(dim=1).mean() for layer in layers) / blocks),
        all_closed=float(torch.stack([(layer == 0).all(dim=1) for layer in layers]).any(dim=0).double().mean()),
        dead_blocks=sum(int((layer == 0).all(dim=0).sum()) for layer in layers),
        gate_entropy=float(torch.cat(entropies).double().mean()) if entropies else None,
        macs=float(torch.cat(macs).mean()),
        gates_by_class=[[_shares(layer[labels == label]) for label in classes] for layer in layers],
    )


def inferred(strategy: Strategy, architecture: Architecture, batch: CountedBatch, *, watched: bool) -> Pass:
    """Return what a strategy infers from a batch, if it is one prediction for each example.

    Args:
        strategy: that infers.
        architecture: of the network.
        batch: to infer.
        watched: find out work that is not charged.

    Raises:
        ProtocolError: it is something else, or there was such work.
    """
    blocks = [layer.blocks for layer in architecture.layers]
    with found_out("infer", batch.rows, blocks) if watched else nullcontext():
        done = strategy.infer(batch)
    if not isinstance(done, Pass):
        raise ProtocolError(f"infer returned {type(done).__name__}, expected a pass")
    if done.output.shape != (batch.rows, architecture.classes):
        raise ProtocolError(
            f"infer returned output {list(done.output.shape)}, "
            f"expected {[batch.rows, architecture.classes]}: one prediction per example"
        )
    return done


def _least(architecture: Architecture, own: Owned) -> Tensor | float:
    """Return what an answer costs at the least; several passes may have opened different blocks."""
    return least_macs(architecture, own.executed) if isinstance(own.handed, SinglePass) else 0.0


def _shares(executed: Tensor) -> list[float | None]:
    return executed.double().mean(dim=0).tolist() if len(executed) else [None] * executed.shape[1]


def _entropies(done: Pass) -> list[Tensor]:
    """Per decision with a probability, the Bernoulli entropies of its blocks, flattened."""
    probabilities = [decision.probability for decision in done.decisions if decision.probability is not None]
    return [bernoulli_entropy(probability).flatten() for probability in probabilities]
