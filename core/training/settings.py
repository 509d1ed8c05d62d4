"""How a run is trained: the settings that core owns, whatever the strategy."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Self

from core.space import Choice, Domain, Integer, PerLayer, Real, complete

SPACE: Mapping[str, Domain] = MappingProxyType(
    {
        "epochs": Integer(25, low=1, high=10_000),
        "batch_size": Integer(100, low=1, high=100_000),
        "optimizer": Choice("adam", ("sgd", "momentum", "rmsprop", "adam")),
        "learning_rate": Real(2e-3, low=1e-6, high=1.0, log=True, search=(0.0005, 0.01)),
        "gater_learning_rate": PerLayer(4e-3, low=1e-6, high=1.0, log=True, search=(0.0005, 0.02)),
        "schedule": Choice("cosine", ("constant", "cosine")),
        "lambda_l2": Real(0.0, low=1e-6, high=1.0, log=True, or_zero=True),
        "clip_norm": Real(0.0, low=1e-3, high=1e3, log=True, or_zero=True),
        "selection": Choice("best", ("best", "last")),
        "patience": Integer(0, low=0, high=10_000),
        "revive_after": Integer(0, low=0, high=10_000),
        "density_tolerance": Real(0.2, low=0.0, high=1e3),
    }
)


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of one run's training; each is checked against ``SPACE``, which also holds the defaults.

    Attributes:
        epochs: passes over the training split, at most.
        batch_size: examples per step.
        optimizer: ``momentum`` is SGD with momentum 0.9.
        learning_rate: of the network.
        gater_learning_rate: of the gaters and of the strategy's own parameters; given layer by layer, these have that
            of the last layer.
        schedule: ``cosine`` anneals both rates to 0 over the epochs.
        lambda_l2: adds ``lambda_l2 |theta|^2`` over all parameters to the objective.
        clip_norm: largest norm of the whole gradient; 0 does not clip.
        selection: which epoch's parameters are kept: ``best`` on validation among those within the density budget
            (the last epoch, and the run counts as failed, if none is), or the ``last``.
        patience: stop after so many epochs without a better one; 0 trains for all epochs.
        revive_after: replace the gater's row of a block that was closed for all training examples of so many epochs,
            see :class:`core.training.revival.Revival`; 0 never does.
        density_tolerance: how far, relative to the target, realised validation density may exceed it.
    """

    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    gater_learning_rate: float | list[float]
    schedule: str
    lambda_l2: float
    clip_norm: float
    selection: str
    patience: int
    revive_after: int
    density_tolerance: float

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Fill in the defaults.

        Raises:
            InputError: a setting is unknown or out of range.
        """
        return cls(**complete(SPACE, values, "training"))

    def as_dict(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def density_limit(target: float, tolerance: float) -> float:
    """Return the largest realised density that counts as within the budget.

    >>> density_limit(0.125, tolerance=0.2)
    0.15
    """
    return target * (1 + tolerance)
