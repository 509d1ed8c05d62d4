"""The plain torch network that a gated one is timed against."""

import itertools

from torch import nn

from core.architecture import Architecture


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
