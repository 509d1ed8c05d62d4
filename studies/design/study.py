"""A study: a question, and the sweep of runs that answers it at each scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from core.errors import InputError
from studies.design.sweep import Sweep

Scale = Literal["quick", "default", "paper"]

SCALES: tuple[Scale, ...] = get_args(Scale)


@dataclass(frozen=True)
class Study:
    """A named study: one file ``NAME.py`` or one folder ``NAME/`` in ``studies/catalogue``.

    What is drawn and tabulated of its results stands beside it, see :mod:`studies.catalogue`.

    Attributes:
        question: what it asks, in one sentence that ends with a question mark.
        source: whose question it is: a section of a paper, a point of the retrospective, or any other words.
        scales: what is run at each scale.
    """

    question: str
    source: str
    scales: Mapping[Scale, Sweep]

    def at(self, scale: Scale) -> Sweep:
        """Return what is run at a scale.

        Raises:
            InputError: the study has no such scale.
        """
        if scale not in self.scales:
            raise InputError(f"--scale {scale}: this study has {' and '.join(self.scales)}")
        return self.scales[scale]
