"""Thresholds of test gates, which are set on validation examples so that the share of open blocks is the target."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from core.space import Choice, Layerwise, at_layer
from core.strategy import Site

# How test gates are set: above a calibrated threshold, or as their publication has it.
TEST_GATES = Choice("calibrated", ("calibrated", "published"), searched=False)
# The least value of a gate that is open: it may be 0 or less where the threshold is below.
SMALLEST = 1e-3


class Thresholds(nn.Module):
    """One threshold per gated layer, above which a test gate is open.

    Training sets what is open by an open-probability, and a hard test gate by a threshold: the two shares of open
    blocks differ, and the budget is of the second. A strategy that holds one of these as an attribute, and opens its
    test gates by :meth:`exceeded` or :meth:`opened`, has it calibrated by :func:`core.training.calibration.calibrate`.

    Args:
        layers: how many gated layers there are.
        start: the threshold before any calibration.
        densities: of the layers' gates, a share of which is to be open; 0 is the share that the run is about.

    Attributes:
        values: ``[layers]``, a buffer, so that they are kept with the trained parameters.
    """

    values: Tensor

    def __init__(self, layers: int, start: float, densities: Layerwise = 0.0) -> None:
        super().__init__()
        self._densities = densities
        self.register_buffer("values", torch.full((layers,), start))
        self._seen: list[Tensor] | None = None

    def exceeded(self, site: Site, value: Tensor) -> Tensor:
        """Return where ``value`` ``[B, blocks]`` is above the threshold of the site's layer, as booleans."""
        if self._seen is not None:
            self._seen[site.index] = torch.cat([self._seen[site.index], value.detach().flatten().cpu()])
        return value > self.values[site.index]

    def opened(self, site: Site, value: Tensor, gates: Tensor) -> Tensor:
        """Return ``gates`` ``[B, blocks]`` where ``value`` is above the threshold, and 0 elsewhere."""
        return torch.where(self.exceeded(site, value), gates.clamp(min=SMALLEST), 0.0)

    def density_of(self, layer: int, density: float) -> float:
        """Return the target of a layer in a run whose own target is ``density``."""
        return at_layer(self._densities, layer) or density

    @contextmanager
    def watched(self) -> Iterator[list[Tensor]]:
        """Give a list that collects, per layer, every value that is compared inside the ``with`` statement."""
        self._seen = [self.values.new_empty(0, device="cpu") for _ in range(len(self.values))]
        try:
            yield self._seen
        finally:
            self._seen = None


def threshold_of(values: Tensor, share: float) -> float:
    """Return a threshold that so large a share of the values, rounded to whole values, is above.

    Half way between its two neighbours, so that rounding of a value does not carry it across. Ties are all on one side.

    Half of four values:

    >>> threshold_of(torch.tensor([1.0, 4.0, 2.0, 9.0]), 0.5)
    3.0
    """
    ordered = values.double().sort().values
    closed = len(ordered) - round(share * len(ordered))
    if closed == 0:
        return float(ordered[0]) - 1.0
    if closed == len(ordered):
        return float(ordered[-1])
    return float(ordered[closed - 1] + ordered[closed]) / 2
