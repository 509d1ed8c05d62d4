"""Sets the thresholds of test gates on validation examples, layer by layer."""

from collections.abc import Callable

import torch

from core.data import Split
from core.network.network import GatedNetwork
from core.parts.thresholds import Thresholds, threshold_of
from core.strategy import Strategy
from core.training.batch import CountedBatch
from core.training.evaluate import examples_at_once


@torch.no_grad()
def calibrate(
    network: GatedNetwork, strategy: Strategy, split: Split, generator: torch.Generator, *, density: float
) -> None:
    """Set every threshold of a strategy so that the target share of each layer's gates is open on the split.

    A layer's values depend on the gates of the layers before it, so that there is one pass over the split for each
    layer. Labels are not looked at. A strategy without thresholds is left as it is.

    Args:
        network: the network that the strategy decides for.
        strategy: which holds its thresholds as :class:`core.parts.thresholds.Thresholds`.
        split: validation examples, never test examples.
        generator: of gate noise.
        density: the target share, of layers that have none of their own.
    """

    def infer() -> None:
        for x in split.x.split(examples_at_once(network.architecture)):
            strategy.infer(CountedBatch(network, x, None, generator, density=density))

    training = strategy.training
    strategy.eval()
    set_thresholds(strategy, len(network.architecture.layers), infer, density=density)
    strategy.train(training)


@torch.no_grad()
def set_thresholds(strategy: Strategy, layers: int, infer: Callable[[], object], *, density: float) -> None:
    """Set every threshold of a strategy by what it compares with them, layer by layer.

    Args:
        strategy: in evaluation; see :func:`calibrate`.
        layers: how many gated layers there are.
        infer: lets the strategy infer the examples.
        density: the target share, of layers that have none of their own.
    """
    held = [part for part in strategy.modules() if isinstance(part, Thresholds)]
    for layer in range(layers):
        for thresholds in held:
            with thresholds.watched() as seen:
                infer()
            if len(seen[layer]) and bool(torch.isfinite(seen[layer]).all()):
                thresholds.values[layer] = threshold_of(seen[layer], thresholds.density_of(layer, density))
