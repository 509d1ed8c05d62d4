"""The plain torch network that a gated one is timed against."""

import itertools
from collections.abc import Callable, Mapping

from torch import Tensor, nn

from core.architecture import Architecture
from studies.timing.one_dnn import EAGER, ONE_DNN, available, packed_network


def dense_twin(architecture: Architecture) -> nn.Sequential:
    """Return an ordinary dense network of the same widths, newly initialised: times do not depend on its weights.

    >>> [type(part).__name__ for part in dense_twin(Architecture.parse("2x2", features=3, classes=4))]
    ['Linear', 'ReLU', 'Linear']
    """
    widths = [architecture.features, *(layer.units for layer in architecture.layers), architecture.classes]
    activation = nn.Tanh if architecture.activation == "tanh" else nn.ReLU
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), activation()]
    return nn.Sequential(*layers[:-1])


def ways_of(twin: nn.Sequential, rows: int, device: str) -> Mapping[str, Callable[[Tensor], Tensor]]:
    """Return the ways in which torch infers with a dense network, by their names, to be called in inference mode.

    Args:
        twin: the network, on its device.
        rows: of most calls.
        device: the network's.
    """
    ways: dict[str, Callable[[Tensor], Tensor]] = {EAGER: twin}
    if device == "cpu" and available():
        ways[ONE_DNN] = packed_network(twin, rows)
    return ways
